/**
 * Counts what happened inside, so that a run can say that it met what it claims to survive: a row that became uncertain,
 * conversations that were merged, work that a crash interrupted.
 */
import type { RowChange, Table, Values } from './rows.ts';
import { contactLimit, tenantLimit } from './shop.ts';

type Seen = (old: Values | null, fresh: Values | null, together: readonly RowChange[]) => boolean;

const limitRefuses =
  (...names: readonly string[]): Seen =>
  (old, fresh) =>
    names.includes(String(fresh?.limit_name)) && Number(fresh?.refused) > Number(old?.refused ?? 0);

const becomes =
  (column: string, value: string): Seen =>
  (old, fresh) =>
    fresh?.[column] === value && old?.[column] !== value;

const isKnown = (entry: Values | null) => entry?.state === 'settled' && entry.presumed === 0;

/** What is worth counting, and how it is seen in a row's change. */
const events: readonly (readonly [string, Table, Seen])[] = [
  ['sends that became uncertain', 'send', becomes('state', 'uncertain')],
  [
    'uncertain sends proven accepted',
    'send',
    (old, fresh) => old?.state === 'uncertain' && fresh?.state === 'accepted',
  ],
  [
    'uncertain sends sent again',
    'send',
    (old, fresh) => old?.state === 'uncertain' && fresh?.state === 'queued',
  ],
  ['sends held for a person', 'send', becomes('state', 'held')],
  ['sends withdrawn', 'send', becomes('state', 'withdrawn')],
  [
    'conversations merged',
    'conversation',
    (old, fresh) => old?.merged_into === null && fresh?.merged_into !== null,
  ],
  ['holds by a person', 'conversation', becomes('holder', 'operator')],
  [
    'leases taken over from another process',
    'conversation',
    (old, fresh) => Boolean(old?.lease_owner && fresh?.lease_owner && old.lease_owner !== fresh.lease_owner),
  ],
  [
    'activities started again after a crash',
    'activity',
    (old, fresh) => Number(fresh?.restarts) > Number(old?.restarts),
  ],
  ['activities cancelled', 'activity', becomes('state', 'cancelled')],
  ['dead letters', 'dead_letter', (old) => old === null],
  ['flags for a person', 'flag', (old) => old === null],
  ['replies refused by a limit', 'limit_counter', limitRefuses('repliesPerContactPerHour')],
  ['paid starts refused by the limit of a contact', 'limit_counter', limitRefuses(contactLimit)],
  ['paid work refused by the limit of money', 'limit_counter', limitRefuses(tenantLimit)],
  ['costs settled', 'ledger_entry', becomes('state', 'settled')],
  ['costs handed back', 'ledger_entry', becomes('state', 'refunded')],
  ['costs that became uncertain', 'ledger_entry', becomes('state', 'uncertain')],
  [
    'uncertain costs found out',
    'ledger_entry',
    (old, fresh) => (old?.state === 'uncertain' || old?.state === 'asking') && isKnown(fresh),
  ],
  [
    'costs counted without proof',
    'ledger_entry',
    (old, fresh) => old?.presumed === 0 && fresh?.presumed === 1,
  ],
  ['requests paid for anew', 'ledger_entry', (old, fresh) => old === null && Number(fresh?.request) > 1],
  [
    'paid results that came too late',
    'ledger_entry',
    (old, fresh, together) =>
      old?.state === 'calling' &&
      isKnown(fresh) &&
      !together.some(
        ({ table, new: row }) => table === 'activity' && row?.activity_id === fresh?.activity_id,
      ),
  ],
  ['paid results used again', 'activity', (old, fresh) => old === null && fresh?.state === 'done'],
];

export const witnessed = events.map(([name]) => name);

export class Witness {
  readonly counts: Record<string, number> = {};

  look(changes: readonly RowChange[]): void {
    for (const change of changes)
      for (const [name, table, seen] of events)
        if (change.table === table && seen(change.old, change.new, changes))
          this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}
