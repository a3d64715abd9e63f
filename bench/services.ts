/**
 * The services that servers under measurement lean on: a Postgres, a Redis. Each start of a server has its own, new and empty, on a free port, so
 * nothing of an earlier round weighs on the next one and whatever it costs was spent for that server. Postgres syncs every commit
 * (`fsync` is on); what Redis does with its disk is said where it is started. To lean on another one, add it to `starts`.
 */

import { OwnPostgres } from '../test/proof/machines/own-postgres.ts';
import { type AppendFsync, OwnRedis } from '../test/proof/machines/own-redis.ts';
import { cpuMsOfTree } from './machine.ts';

export type ServiceName = 'Postgres' | 'Redis';

export interface Service {
  name: ServiceName;
  url: string;
  /** CPU time so far of all its processes. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Whatever ends the bench, it leaves no service behind. */
const running = new Set<number>();
process.on('exit', () => {
  // To Postgres it means: at once, with all its children.
  for (const pid of running) process.kill(pid, 'SIGQUIT');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export async function startPostgres(): Promise<Service> {
  const own = await OwnPostgres.start();
  return served('Postgres', own.url, own.pid, () => own.remove());
}

export async function startRedis(appendFsync: AppendFsync): Promise<Service> {
  const own = await OwnRedis.start(appendFsync);
  return served('Redis', own.url, own.pid, () => own.stop());
}

function served(name: ServiceName, url: string, pid: number, end: () => Promise<void>): Service {
  running.add(pid);
  return {
    name,
    url,
    cpuMs: () => cpuMsOfTree(pid),
    async stop() {
      running.delete(pid);
      await end();
    },
  };
}

const starts: Record<ServiceName, () => Promise<Service>> = {
  Postgres: startPostgres,
  Redis: () => startRedis(null),
};
const packages: Record<ServiceName, string> = { Postgres: 'pg', Redis: 'ioredis' };

/** Why a service cannot be had here and how to mend it, or null where it can. */
export async function whyNot(name: ServiceName): Promise<string | null> {
  const library = packages[name];
  try {
    import.meta.resolve(library);
  } catch {
    return `the package ${library} is not installed. Run "npm install --save-dev ${library}".`;
  }
  try {
    await (await starts[name]()).stop();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
