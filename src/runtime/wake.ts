/**
 * How conversations are announced: inside the process, or over a queue that several processes share. To add a driver, add
 * its configuration to `config.ts` and its line here.
 */
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import type { CloudTasksWake } from '#wake/cloud-tasks/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { BadConfig, type Config } from './config.ts';
import type { QueueBoard } from './queue-board.ts';

/** Nothing where conversations are announced without a queue. */
export interface OpenedWake {
  wake?: Wake;
  /** Wakes that come back as requests. */
  openTasks?: (telemetry: Telemetry) => CloudTasksWake;
  /** The queue's page for an operator; absent where there is no queue. */
  board?: QueueBoard;
}

/** Drivers are loaded only where they are used. @throws BadConfig where a driver's library is not installed. */
export async function openWake(config: Config, world: World): Promise<OpenedWake> {
  if (config.wake.driver === 'local') return {};
  const local = createLocalWake(world);
  if (config.wake.driver === 'cloud-tasks') {
    const { options } = config.wake;
    const { createCloudTasksWake } = await import('#wake/cloud-tasks/index.ts').catch(noJose);
    return { openTasks: (telemetry) => createCloudTasksWake(options, { world, telemetry, here: local }) };
  }
  const { openBullmqWake, MissingLibrary } = await import('#wake/bullmq/index.ts');
  const options = { world, local, redis: config.wake.redis, takes: config.roles.includes('turn') };
  const wake = await openBullmqWake(options).catch((error) => {
    throw error instanceof MissingLibrary ? new BadConfig(error.message) : error;
  });
  if (config.adminToken === undefined || !config.roles.includes('console')) return { wake };
  try {
    const { loadBullBoard } = await import('./bull-board.ts');
    const createBoard = await loadBullBoard();
    return { wake, board: createBoard(wake.openQueue()) };
  } catch (error) {
    await wake.stop();
    throw error;
  }
}

function noJose(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
    throw new BadConfig('WAKE is cloud-tasks, and the library jose is not installed. Run npm install jose.');
  throw error;
}
