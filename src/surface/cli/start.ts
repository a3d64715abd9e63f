/**
 * `nightdesk start`: opens, listens, waits for a signal, stops in order. Configuration that cannot work ends with exit
 * code 2 before any port opens.
 */
import { outlineOf } from '#core/model/faults.ts';
import type { CrashPoints } from '#core/ports/crash-points.ts';
import { BadConfig, type Config, readConfig } from '#runtime/config.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';
import { openNightdesk } from '#runtime/open.ts';
import { type StoreWorker, startStoreWorker } from '#runtime/store-worker.ts';
import { type ClosableLog, createLog } from '#runtime/world/log.ts';
import { createRealWorld, type RealWorld } from '#runtime/world/real-world.ts';
import { startHttpSurface } from '../http/server.ts';
import { type CommandSocket, startCommandSocket } from './command-socket.ts';
import { exitCodes, explain } from './exit-codes.ts';
import { timeOf } from './show.ts';
import { enterStandby } from './standby.ts';

export interface StartOptions {
  roles?: string[];
  /** The end of standard input stops the server as a signal does; so it ends with the supervisor that holds it. */
  untilStdinEnds?: boolean;
  /** The database was restored from a backup: what was open in it is held before anything is done. */
  afterRestore?: boolean;
  /** With everything loaded it waits until its supervisor tells it to go. */
  standby?: boolean;
  /** Begun already; one is begun if absent. */
  storeWorker?: StoreWorker;
  /** For a program that embeds the server; the command line gives none. */
  crashPoints?: CrashPoints;
}

/** Runs until a signal; returns the exit code. */
export async function start(options: StartOptions): Promise<number> {
  const { storeWorker = startStoreWorker() } = options;
  try {
    const config = await configOf(options);
    return config === null ? exitCodes.ok : await serve(config, storeWorker, options);
  } finally {
    await storeWorker.end();
  }
}

async function serve(config: Config, storeWorker: StoreWorker, options: StartOptions): Promise<number> {
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY === true });
  endOnBug(log);
  const world = openWorld(config, log, options.crashPoints);
  const { database } = config;
  if (database.driver !== 'sqlite') await storeWorker.end();
  const nightdesk = await openNightdesk(config, world, {
    ...(database.driver === 'sqlite' && {
      openStore: () =>
        storeWorker.open(database.path, world, { afterRestore: options.afterRestore === true }),
    }),
  });
  let commands: CommandSocket | null = null;
  let http: Awaited<ReturnType<typeof startHttpSurface>>;
  try {
    if (options.afterRestore === true) await holdAfterRestore(nightdesk);
    await nightdesk.start();
    // Before the port, so that whoever sees the server ready can command it.
    commands = await startCommandSocket(nightdesk);
    http = await startHttpSurface({ nightdesk, host: config.host, port: config.port });
  } catch (error) {
    await commands?.close();
    await nightdesk.stop({ deadlineMs: 0 });
    await nightdesk.store.close();
    world.close();
    const { code, port = config.port } = error as NodeJS.ErrnoException & { port?: number };
    if (code !== 'EADDRINUSE') throw error;
    const key = port === config.metrics.port && port !== config.port ? 'METRICS_PORT' : 'PORT';
    process.stderr.write(
      `nightdesk: port ${port} on ${config.host} is taken by another program. Stop it, or set ${key} to a free one.\n`,
    );
    return exitCodes.badUse;
  }
  log.info(
    {
      host: http.host,
      port: http.port,
      roles: config.roles,
      store: nightdesk.store.driver,
      tenants: nightdesk.directory.all().length,
    },
    `Nightdesk listens on http://${http.host}:${http.port}`,
  );

  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
    if (options.untilStdinEnds === true) onStdinEnd(() => resolve('end of standard input'));
  });
  log.info({ signal }, 'Stopping: no new work is taken, what runs may finish.');
  http.leave();
  if (config.drainDelayMs > 0)
    await new Promise<void>((resolve) => world.timers.after(config.drainDelayMs, resolve));
  http.drain();
  let code: number = exitCodes.ok;
  try {
    await commands.close();
    await nightdesk.stop({ deadlineMs: config.stopDeadlineMs });
    await http.close();
    await nightdesk.store.close();
  } catch (error) {
    log.error({ err: error }, 'The server could not stop in order. Nothing that was acknowledged is lost.');
    code = exitCodes.failed;
  }
  log.info({}, 'Stopped.');
  world.close();
  log.close();
  return code;
}

async function holdAfterRestore({ store, world }: Nightdesk): Promise<void> {
  const held = await store.holdAfterRestore({ nowMs: world.clock.nowMs() });
  const { takenAtMs, messages, sends, activities, charges, timers } = held;
  const what = takenAtMs === null ? 'The database is no backup' : `The backup is of ${timeOf(takenAtMs)}`;
  const { log } = world;
  log.warn(
    { ...held },
    `${what}. Held for a person, and not done by itself: ${messages} messages, ${sends} sends, ${activities} activities, ${timers} due timers; ${charges} costs are not known for sure. See \`nightdesk flags list\` and \`nightdesk sends list --state held\`.`,
  );
}

/** @throws BadConfig where what development asks for cannot be had */
function openWorld({ dev }: Config, log: ClosableLog, crashPoints?: CrashPoints): RealWorld {
  try {
    return createRealWorld({
      log,
      ...(crashPoints === undefined ? {} : { crashPoints }),
      ...(dev.clockAheadMs === undefined ? {} : { aheadMs: dev.clockAheadMs }),
      ...(dev.momentsFd === undefined ? {} : { momentsFd: dev.momentsFd }),
    });
  } catch (error) {
    throw new BadConfig(
      `DEV_MOMENTS_FD is ${dev.momentsFd}, which cannot be written to (${outlineOf(error)}). It names a pipe that \`nightdesk dev\` hands to its server; unset it to start a server by hand.`,
    );
  }
}

/** Null where a supervisor that has the server stand by wants it no more. */
async function configOf({ roles, standby }: StartOptions): Promise<Config | null> {
  const folder = process.cwd();
  const waiting = standby === true ? await enterStandby(folder) : null;
  if (standby === true && waiting === null) return null;
  try {
    const config = await readConfig({ env: process.env, folder, ...(roles === undefined ? {} : { roles }) });
    return waiting === null || (await waiting.mayGo()) ? config : null;
  } catch (error) {
    await waiting?.refuse(error);
    throw error;
  }
}

/** Ends the process as an error that nobody caught does by itself, but without its words, which may be a customer's. */
function endOnBug(log: ClosableLog): void {
  process.once('uncaughtException', (error) => {
    process.stderr.write(
      `nightdesk: a bug ended the server; nothing that was acknowledged is lost. ${explain(error)}\n`,
    );
    log.close();
    process.exit(exitCodes.failed);
  });
}

/** Also where it breaks. It keeps nothing running: a server that stops does not wait for its input. */
function onStdinEnd(then: () => void): void {
  const { stdin } = process;
  for (const event of ['end', 'close', 'error']) stdin.once(event, then);
  stdin.resume();
  stdin.unref();
}
