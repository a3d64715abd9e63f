/** What befalls a fleet and the services it stands on: kills, one after another, and crashes of Postgres and of what wakes. */
import { until } from '../server-process.ts';
import type { Fleet } from './fleet.ts';
import type { OwnPostgres } from './own-postgres.ts';
import type { OwnQueue } from './own-queue.ts';

interface FaultsGiven {
  fleet: Fleet;
  postgres: OwnPostgres;
  queue: Pick<OwnQueue, 'crash'>;
  random: () => number;
  /** How long customers write. */
  lastsMs: number;
  /** Called before each kill. */
  killing?: () => void;
  /** Called when what was killed is there again. */
  revived?: () => Promise<void>;
}

/** Kills one after another every 2 to 4 s; what wakes at a quarter and three quarters of the time, Postgres at a third and two thirds. */
export function startFaults(given: FaultsGiven): { stop(): Promise<void> } {
  const { fleet, postgres, queue, random, lastsMs, killing, revived } = given;
  const beginMs = Date.now();
  // Those that have begun something first: a short run is to meet that, too.
  const order = [...fleet.workers, ...fleet.webhooks];
  let stopping = false;
  const planned: { atMs: number; run: () => void | Promise<void> }[] = [1 / 3, 2 / 3].map((share) => ({
    atMs: beginMs + lastsMs * share,
    run: () => postgres.crash(),
  }));
  const { crash } = queue;
  if (crash !== null)
    for (const share of [1 / 4, 3 / 4]) planned.push({ atMs: beginMs + lastsMs * share, run: crash });
  const life = (async () => {
    for (let nth = 0; !stopping; nth += 1) {
      const untilMs = Date.now() + 2_000 + random() * 2_000;
      await until(() => stopping || Date.now() >= untilMs, 5_000);
      for (const each of planned.filter(({ atMs }) => atMs <= Date.now())) {
        planned.splice(planned.indexOf(each), 1);
        await each.run();
      }
      if (stopping) return;
      const server = order[nth % order.length];
      killing?.();
      await server?.kill();
      await server?.start();
      await revived?.();
    }
  })();
  return {
    async stop() {
      stopping = true;
      await life;
      for (const { run } of planned) await run();
    },
  };
}
