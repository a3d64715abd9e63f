/** Attempts of paid work, and what the ledger and the limits tell people. To group the ledger by something else, add it to `groupOf`. */
import { limits } from '#core/limits.ts';
import type { Store } from '#core/ports/store.ts';
import type {
  AttemptBegun,
  AttemptRef,
  LedgerQuery,
  LedgerReport,
  LedgerRow,
  MoneyStore,
} from '#core/ports/store-money.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';

export function moneyMethods(db: Database): Pick<Store, keyof MoneyStore> {
  const begins = new Group<object, AttemptBegun>(db, {
    transaction: 'beginAttempt',
    function: 'begin_attempts',
    shared: () => ({ leaseTtlMs: limits.leaseTtlMs }),
  });
  const ends = new Group<object, null>(db, { transaction: 'endAttempt', function: 'end_attempts' });
  return {
    beginAttempt: (attempt) => begins.submit(encodeAttempt(attempt)),
    endAttempt: async ({ charged, ...attempt }) =>
      void (await ends.submit({ ...encodeAttempt(attempt), charged })),
    readLedger: async (query) => reportOf(query, await db.call('read_ledger', query)),
    readLimits: (query) => db.call('read_limits', query),
  };
}

function encodeAttempt({ ref, activityId, ownerId, nowMs }: AttemptRef): object {
  return { tenantId: ref.tenantId, activityId, ownerId, nowMs };
}

/** Sums of one contact's entries of one activity in one day. */
interface LedgerSum extends LedgerRow {
  tenantId: string;
  contactId: string;
  activity: string;
  day: string;
  unbalanced: number;
}

function reportOf(query: LedgerQuery, sums: LedgerSum[]): LedgerReport {
  const rows = new Map<string, LedgerRow>();
  let unbalanced = 0;
  for (const sum of sums) {
    unbalanced += sum.unbalanced;
    if (query.contactId !== undefined && sum.contactId !== query.contactId) continue;
    const group = groupOf(query, sum);
    const key = JSON.stringify(Object.values(group));
    const row = rows.get(key) ?? { ...group, ...nothing };
    rows.set(key, {
      ...row,
      starts: row.starts + sum.starts,
      reservedMicros: row.reservedMicros + sum.reservedMicros,
      uncertainMicros: row.uncertainMicros + sum.uncertainMicros,
      spentMicros: row.spentMicros + sum.spentMicros,
      presumedMicros: row.presumedMicros + sum.presumedMicros,
      returnedMicros: row.returnedMicros + sum.returnedMicros,
    });
  }
  return { rows: [...rows.values()], unbalanced };
}

function groupOf({ by }: LedgerQuery, { tenantId, contactId, activity, day, currency }: LedgerSum) {
  return {
    tenantId: by.includes('tenant') || by.includes('contact') ? tenantId : null,
    contactId: by.includes('contact') ? contactId : null,
    activity: by.includes('activity') ? activity : null,
    day: by.includes('day') ? day : null,
    currency,
  };
}

const nothing = {
  starts: 0,
  reservedMicros: 0,
  uncertainMicros: 0,
  spentMicros: 0,
  presumedMicros: 0,
  returnedMicros: 0,
};
