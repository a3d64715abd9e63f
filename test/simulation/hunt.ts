/** Looks for the first seed that finds each planted bug, by the invariant that it breaks; the unbroken product passes it. */
import type { Invariant } from './checker.ts';
import { runPool } from './pool.ts';
import type { Variant } from './variant.ts';
import type { Done, Order } from './worker.ts';

export interface Found {
  name: string;
  /** Null where no seed of the range found it. */
  seed: number | null;
  invariant: Invariant | null;
  /** Seeds that were run with it until then. */
  after: number;
}

export interface HuntRange {
  from: number;
  to: number;
  workers: number;
}

export async function hunt(variant: Variant, range: HuntRange): Promise<Found> {
  const found: Found = { name: variant.name, seed: null, invariant: null, after: 0 };
  for (let from = range.from; from <= range.to && found.seed === null; ) {
    const hit = await firstHit(variant, { ...range, from });
    found.after += hit.runs;
    if (hit.done === null) break;
    if (await passesUnbroken(hit.done.seed)) {
      found.seed = hit.done.seed;
      found.invariant = hit.done.violation?.invariant ?? null;
    }
    from = hit.done.seed + 1;
  }
  return found;
}

async function firstHit(
  variant: Variant,
  { from, to, workers }: HuntRange,
): Promise<{ done: Done | null; runs: number }> {
  let seed = from;
  let runs = 0;
  let hit: Done | null = null;
  await runPool({
    workers,
    next: (): Order | undefined => (seed <= to ? { seed: seed++, variant: variant.name } : undefined),
    done: (done) => {
      runs += 1;
      const isNamed = done.violation !== null && variant.breaks.includes(done.violation.invariant);
      if (isNamed && (hit === null || done.seed < hit.seed)) hit = done;
      return hit === null;
    },
  });
  return { done: hit, runs };
}

async function passesUnbroken(seed: number): Promise<boolean> {
  let passes = false;
  const orders: Order[] = [{ seed }];
  await runPool({
    workers: 1,
    next: () => orders.shift(),
    done: ({ violation }) => {
      passes = violation === null;
      return true;
    },
  });
  return passes;
}
