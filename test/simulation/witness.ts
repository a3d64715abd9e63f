/**
 * Counts what happened inside, so that a run can say that it met what it claims to survive: a row that became uncertain,
 * conversations that were merged, work that a crash interrupted.
 */
import type { RowChange, Table, Values } from './rows.ts';

type Seen = (old: Values | null, fresh: Values | null) => boolean;

const becomes =
  (column: string, value: string): Seen =>
  (old, fresh) =>
    fresh?.[column] === value && old?.[column] !== value;

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
  [
    'replies refused by a limit',
    'limit_counter',
    (old, fresh) => Number(fresh?.refused) > Number(old?.refused ?? 0),
  ],
];

export const witnessed = events.map(([name]) => name);

export class Witness {
  readonly counts: Record<string, number> = {};

  look(changes: readonly RowChange[]): void {
    for (const change of changes)
      for (const [name, table, seen] of events)
        if (change.table === table && seen(change.old, change.new))
          this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}
