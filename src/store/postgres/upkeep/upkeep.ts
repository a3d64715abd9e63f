/**
 * Repair, retention, and the hold after a restore; see repair.sql, prune.sql and restored.sql. To look for another kind of work, add it
 * to the port and to `find_work`.
 */
import { limits } from '#core/limits.ts';
import type { RunnableActivity, Store, Work } from '#core/ports/store.ts';
import type { OpenCharge } from '#core/ports/store-money.ts';
import type { Database } from '../database/database.ts';

type UpkeepMethods = Pick<Store, 'rescue' | 'renewLeases' | 'findWork' | 'prune' | 'holdAfterRestore'>;

/** `input` is JSON, as it is stored. */
type StoredRunnable = Omit<RunnableActivity, 'input' | 'charge'> & {
  input: string;
  charge: OpenCharge | null;
};

interface StoredWork extends Omit<Work, 'activities' | 'charges'> {
  activities: StoredRunnable[];
  charges: StoredRunnable[];
}

export function upkeepMethods(db: Database): UpkeepMethods {
  return {
    rescue: (input) =>
      db.change('rescue', 'rescue', {
        ...input,
        uncertainWindowMs: limits.uncertainWindowMs,
        sendingMsMax: limits.leaseTtlMs + limits.graphTimeoutMs,
      }),
    renewLeases: (input) =>
      db.change('renewLeases', 'renew_leases', { ...input, leaseTtlMs: limits.leaseTtlMs }),
    async findWork(input) {
      const found = await db.change<StoredWork>('findWork', 'find_work', {
        ...input,
        leaseTtlMs: limits.leaseTtlMs,
        chargeTryTimeoutMs: limits.chargeTryTimeoutMs,
        chargesMax: limits.chargesInFlightMax,
      });
      return { ...found, activities: found.activities.map(runnable), charges: found.charges.map(runnable) };
    },
    prune: createPruner(db),
    holdAfterRestore: (input) => db.changeWhole('holdAfterRestore', 'hold_after_restore', input),
  };
}

function runnable({ input, charge, ...rest }: StoredRunnable): RunnableActivity {
  return { ...rest, input: JSON.parse(input) as unknown, ...(charge === null ? {} : { charge }) };
}

/** Each call goes on behind the table at which the last one ended. */
function createPruner(db: Database): Store['prune'] {
  let after = 0;
  return async ({ nowMs, retentionMs, dedupeKeepMs, maxRows }) => {
    const step = await db.change<{ removed: number; after: number }>('prune', 'prune', {
      ...{ nowMs, retentionMs, maxRows, after },
      dedupeMs: Math.max(retentionMs, dedupeKeepMs, limits.dedupeKeepMinMs),
    });
    after = step.after;
    return step.removed;
  };
}
