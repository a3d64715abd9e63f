/**
 * The clock of the database as this process' own: due times, deadlines and the age of a granted slot mean the same in every
 * process, whatever their machines' clocks say. What is asked takes a way there and back, so an answer is right within half of that;
 * a smaller difference than this changes nothing. Between answers the machine's clock goes on.
 */
import { limits } from '#core/limits.ts';
import type { Clock, Timers } from '#core/ports/world.ts';
import type { Database } from './database/database.ts';

export interface DatabaseClock {
  clock: Clock;
  stop(): void;
}

/** @throws Fault storeUnavailable where the database cannot be asked at first. */
export async function followClock(
  db: Database,
  { clock, timers }: { clock: Clock; timers: Timers },
): Promise<DatabaseClock> {
  let aheadMs = 0;
  let cancel = () => {};
  const ask = async () => {
    const askedMs = clock.monotonicMs();
    const beforeMs = clock.nowMs();
    const thereMs = await db.call<number>('clock_ms', {});
    const tookMs = clock.monotonicMs() - askedMs;
    const isAheadMs = thereMs - (beforeMs + tookMs / 2);
    if (Math.abs(isAheadMs - aheadMs) > tookMs / 2 + 1) aheadMs = Math.round(isAheadMs);
  };
  const keepAsking = () => {
    cancel = timers.after(
      limits.sweepEveryMs,
      () =>
        void ask()
          .catch(() => {})
          .then(keepAsking),
    );
  };
  await ask();
  keepAsking();
  return {
    clock: { nowMs: () => clock.nowMs() + aheadMs, monotonicMs: () => clock.monotonicMs() },
    stop: () => cancel(),
  };
}
