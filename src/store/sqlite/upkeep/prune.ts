/**
 * Retention: settled rows past their age are deleted in small steps, each its own commit, so that the hot path waits
 * for one small step at most. What is unfinished is never deleted, however old, and what cannot be deleted must not
 * hide what can: a scan goes on behind it. An event carries its dedupe key, so events live at least as long as Meta may
 * repeat them, whatever the settings say. To prune another table, add it to one of the lists.
 */
import { limits } from '#core/limits.ts';
import type { Store } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';

type PruneInput = Parameters<Store['prune']>[0];
type Age = 'retention' | 'dedupe';

/** Big tables: rows are made in the order of time, so a scan by rowid meets the oldest first and needs no index. */
const scans: readonly { table: string; age: Age; madeAt: string; oldAt: string; finished: string }[] = [
  {
    table: 'event',
    age: 'dedupe',
    madeAt: 'received_at_ms',
    oldAt: 'received_at_ms',
    finished: "end IS NOT NULL AND end <> 'awaiting'",
  },
  {
    table: 'send',
    age: 'retention',
    madeAt: 'created_at_ms',
    oldAt: 'updated_at_ms',
    finished: "state IN ('accepted','refused','failed','withdrawn')",
  },
  {
    table: 'activity',
    age: 'retention',
    madeAt: 'created_at_ms',
    oldAt: 'settled_at_ms',
    // What an open entry of the ledger needs to be looked into.
    finished: `state <> 'running' AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.tenant_id = activity.tenant_id
      AND e.activity_id = activity.activity_id AND e.state IN ('reserved','calling','uncertain','asking'))`,
  },
  { table: 'operator_action', age: 'retention', madeAt: 'at_ms', oldAt: 'at_ms', finished: '1' },
];

/** Small tables: looked through as a whole. A counter is of no use once its window is over. */
const sweeps: readonly { table: string; key: string; age: Age; finished: string }[] = [
  { table: 'notice', key: 'tenant_id, dedupe_key', age: 'dedupe', finished: 'received_at_ms < ?1' },
  {
    table: 'status_unmatched',
    key: 'tenant_id, phone_number_id, wamid, status',
    age: 'dedupe',
    finished: 'received_at_ms < ?1',
  },
  {
    table: 'limit_counter',
    key: 'tenant_id, limit_name, scope, window_start_ms',
    age: 'retention',
    finished: 'window_end_ms < ?1',
  },
  { table: 'flag', key: 'tenant_id, flag_id', age: 'retention', finished: 'resolved_at_ms < ?1' },
  {
    table: 'dead_letter',
    key: 'tenant_id, dead_letter_id',
    age: 'retention',
    finished: 'redriven_at_ms < ?1',
  },
  { table: 'quarantine', key: 'tenant_id, quarantine_id', age: 'dedupe', finished: 'redriven_at_ms < ?1' },
  {
    table: 'upload',
    key: 'tenant_id, phone_number_id, file_id',
    age: 'retention',
    finished: 'until_ms < ?1',
  },
  { table: 'api_key', key: 'tenant_id, key_id', age: 'retention', finished: 'revoked_at_ms < ?1' },
];

/** A scan that finds nothing to delete looks at this many windows before it lets others go on. */
const windowsMax = 20;

type Step = (context: Context, beforeMs: number, maxRows: number) => number;

/** Prunes one step a call, of one table after another; 0 where no table has anything left. */
export function createPruner(): (context: Context, input: PruneInput) => number {
  const steps: { age: Age; step: Step }[] = [
    ...scans.map((scan) => ({ age: scan.age, step: scanStep(scan) })),
    ...sweeps.map((sweep) => ({ age: sweep.age, step: sweepStep(sweep) })),
  ];
  let next = 0;
  return (context, input) => {
    let removed = 0;
    for (let tried = 0; tried < steps.length && removed < input.maxRows; tried++) {
      const { age, step } = steps[next++ % steps.length]!;
      removed += step(context, input.nowMs - keepMsOf(age, input), input.maxRows - removed);
    }
    return removed;
  };
}

function keepMsOf(age: Age, { retentionMs, dedupeKeepMs }: PruneInput): number {
  return age === 'retention' ? retentionMs : Math.max(retentionMs, dedupeKeepMs, limits.dedupeKeepMinMs);
}

function scanStep({ table, madeAt, oldAt, finished }: (typeof scans)[number]): Step {
  const look = `SELECT rowid AS row_id, ${madeAt} < ?2 AS is_old, (${oldAt} < ?2 AND ${finished}) AS is_done
    FROM ${table} WHERE rowid > ?1 ORDER BY rowid LIMIT ?3`;
  const remove = `DELETE FROM ${table} WHERE rowid = ?`;
  let after = 0;
  return (context, beforeMs, maxRows) => {
    for (let window = 0; window < windowsMax; window++) {
      const rows = context.db.all<{ row_id: number; is_old: number; is_done: number | null }>(
        look,
        after,
        beforeMs,
        maxRows,
      );
      const done = rows.filter((row) => row.is_done === 1);
      for (const row of done) context.db.run(remove, row.row_id);
      const last = rows.at(-1);
      const goesOn = last !== undefined && rows.length === maxRows && last.is_old === 1;
      after = goesOn ? last.row_id : 0;
      if (done.length > 0 || !goesOn) return done.length;
    }
    return 0;
  };
}

function sweepStep({ table, key, finished }: (typeof sweeps)[number]): Step {
  const sql = `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${finished} LIMIT ?2)`;
  return (context, beforeMs, maxRows) => context.db.run(sql, beforeMs, maxRows);
}
