/**
 * What changed in the store, row by row and commit by commit, seen by triggers of our own on its connection: they share
 * no code with the statements that they watch, and a change that is rolled back takes its trace with it. Checkers read
 * more by SQL of their own.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export type Values = Readonly<Record<string, string | number | null>>;

/** The columns that checkers look at. */
const watched = {
  event: ['tenant_id', 'conversation_id', 'position', 'kind', 'class', 'wamid', 'end', 'end_ref', 'fence'],
  send: [
    ...[
      'tenant_id',
      'send_id',
      'conversation_id',
      'phone_number_id',
      'ordinal',
      'state',
      'delivery',
      'origin',
    ],
    ...[
      'attempts',
      'owner_id',
      'wamid',
      'second_wamid',
      'why',
      'fence',
      'uncertain_since_ms',
      'uncertain_policy',
      'sending_at_ms',
    ],
  ],
  conversation: [
    ...[
      'tenant_id',
      'conversation_id',
      'phone_number_id',
      'contact_id',
      'fence',
      'lease_owner',
      'lease_until_ms',
    ],
    ...['due_at_ms', 'dialog_state', 'holder', 'merged_into', 'position_next', 'seen_through'],
  ],
  activity: [
    ...[
      'tenant_id',
      'activity_id',
      'conversation_id',
      'name',
      'input',
      'state',
      'owner_id',
      'restarts',
      'created_at_ms',
      'fence',
    ],
  ],
  contact: ['tenant_id', 'contact_id', 'phone', 'bsuid', 'merged_into'],
  timer: ['tenant_id', 'conversation_id', 'timer_id', 'token', 'due_at_ms'],
  flag: ['tenant_id', 'flag_id', 'conversation_id', 'reason', 'count', 'resolved_at_ms'],
  dead_letter: ['tenant_id', 'dead_letter_id', 'conversation_id', 'position', 'redriven_at_ms'],
  ledger_entry: [
    ...[
      'tenant_id',
      'activity_id',
      'request',
      'conversation_id',
      'contact_id',
      'activity',
      'day',
      'currency',
    ],
    ...['reserved_micros', 'spent_micros', 'state', 'presumed', 'on_uncertain', 'tries', 'created_at_ms'],
  ],
  ledger_posting: ['tenant_id', 'activity_id', 'request', 'nth', 'from_place', 'to_place', 'amount_micros'],
  ledger_day: ['tenant_id', 'day', 'currency', 'spent_micros'],
  limit_counter: ['tenant_id', 'limit_name', 'scope', 'window_start_ms', 'window_end_ms', 'used', 'refused'],
} as const;

export type Table = keyof typeof watched;

export interface RowChange {
  table: Table;
  /** Null where the row is new. */
  old: Values | null;
  /** Null where the row is gone. */
  new: Values | null;
}

export class Rows {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #drained = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec('CREATE TEMP TABLE change (n INTEGER PRIMARY KEY, tbl TEXT, old TEXT, new TEXT)');
    for (const [table, columns] of Object.entries(watched)) db.exec(triggersOf(table, columns));
  }

  /** The changes that were committed since the last call, in their order; none while a transaction is open. */
  drain(): RowChange[] {
    if (this.#db.isTransaction) return [];
    const rows = this.all<{ n: number; tbl: Table; old: string | null; new: string | null }>(
      'SELECT n, tbl, old, new FROM temp.change ORDER BY n',
    );
    if (rows.length === 0) return [];
    this.#drained += rows.length;
    this.#statement('DELETE FROM temp.change').run();
    return rows.map((row) => ({ table: row.tbl, old: parsed(row.old), new: parsed(row.new) }));
  }

  get drained(): number {
    return this.#drained;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#statement(sql).get(...values) as T | undefined;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

const parsed = (json: string | null): Values | null => (json === null ? null : (JSON.parse(json) as Values));

function triggersOf(table: string, columns: readonly string[]): string {
  const values = (row: 'OLD' | 'NEW') =>
    `json_object(${columns.map((name) => `'${name}', ${row}."${name}"`).join(', ')})`;
  const differs = columns.map((name) => `OLD."${name}" IS NOT NEW."${name}"`).join(' OR ');
  const keep = (old: string, fresh: string) =>
    `BEGIN INSERT INTO change (tbl, old, new) VALUES ('${table}', ${old}, ${fresh}); END;`;
  return `
    CREATE TEMP TRIGGER ${table}_inserted AFTER INSERT ON main.${table} ${keep('NULL', values('NEW'))}
    CREATE TEMP TRIGGER ${table}_updated AFTER UPDATE ON main.${table} WHEN ${differs} ${keep(values('OLD'), values('NEW'))}
    CREATE TEMP TRIGGER ${table}_deleted AFTER DELETE ON main.${table} ${keep(values('OLD'), 'NULL')}`;
}
