/**
 * A whole store is written into an empty schema in one transaction: whoever looks sees an empty store or all of it, and a copy that dies leaves
 * nothing to clear away. The transaction holds the lock that a start takes, so a server that starts meanwhile waits until it is over, and
 * the locks of the tables, so that one that runs already writes nothing in between. The schema keeps the copy's id, by which a copy
 * whose end nobody heard of finds out whether it came to be.
 */
import pg from 'pg';
import { Fault } from '#core/model/faults.ts';
import type { Cell, CopiedTable, Tally } from '#core/ports/copying.ts';
import { addressOf, defaultSchema } from '../database/database.ts';
import { codeOf, faultOf, PostgresRefused } from '../database/faults.ts';
import { install, lockInstall, readMigrations } from '../database/install.ts';
import { isKnownType, Tallied, type TypedColumn, tallyStatement } from './tally.ts';

export interface TargetGiven {
  url: string;
  schema?: string;
}

/** Names that are words of Postgres' own. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = { event: { end: 'ending' } };

const batch = { rows: 1_000, chars: 2_000_000 } as const;

/** Where it is, without who may go there. */
export function nameOfTarget({ url, schema = defaultSchema }: TargetGiven): string {
  const { hostname, port, pathname } = new URL(url);
  return `postgres://${hostname}${port === '' ? '' : `:${port}`}${pathname}, schema ${schema}`;
}

export class CopyTarget {
  readonly name: string;
  readonly #client: pg.Client;
  readonly #schema: string;
  readonly #columns = new Map<string, readonly Column[]>();

  constructor(client: pg.Client, given: TargetGiven) {
    this.#client = client;
    this.#schema = given.schema ?? defaultSchema;
    this.name = nameOfTarget(given);
  }

  /**
   * Locks the tables, once nobody else changes them; says which copy they hold, null where they are empty. @throws Fault conflict where they
   * hold anything else.
   */
  async begin(tables: readonly CopiedTable[]): Promise<string | null> {
    try {
      return await this.#begin(tables);
    } catch (error) {
      throw faultOf(error);
    }
  }

  async #begin(tables: readonly CopiedTable[]): Promise<string | null> {
    await this.#query('BEGIN');
    await this.#query(
      "SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL synchronous_commit = on",
    );
    // Servers since version 17 may have one.
    await this.#query(
      "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'",
    );
    await this.#demandUtf8();
    await lockInstall(this.#client, this.#schema);
    await this.#query(`SET LOCAL search_path = ${this.#schema}`);
    if (await this.#hasTable('copied_from')) {
      const [row] = await this.#query<{ copy_id: string }>('SELECT copy_id FROM copied_from');
      if (row !== undefined) return row.copy_id;
    }
    await this.#query(
      `LOCK TABLE ${tables.map(({ name }) => `"${name}"`).join(', ')} IN ACCESS EXCLUSIVE MODE`,
    );
    await demandEmpty(this.#client, this.name, this.#schema, tables);
    for (const table of tables) this.#columns.set(table.name, await this.#columnsOf(table));
    return null;
  }

  /** Streams a table into its twin and looks what arrived. @throws Fault badData where a row cannot be stored, or was stored otherwise. */
  async fill(table: CopiedTable): Promise<Tally> {
    const columns = this.#columns.get(table.name) ?? [];
    const tallied = new Tallied();
    let rows: (readonly Cell[])[] = [];
    let chars = 0;
    for (const row of table.rows()) {
      for (const [at, cell] of row.entries()) {
        if (typeof cell !== 'string') continue;
        if (cell.includes('\0')) throw holdsNul(table, row, at);
        chars += cell.length;
      }
      tallied.add(row);
      rows.push(row);
      if (rows.length < batch.rows && chars < batch.chars) continue;
      await this.#insert(table, columns, rows);
      rows = [];
      chars = 0;
    }
    if (rows.length > 0) await this.#insert(table, columns, rows);
    await this.#query(`ANALYZE "${table.name}"`);
    return this.#verified(table, columns, tallied.tally());
  }

  /** The copy is known by its id from its commit on. */
  async sign(copyId: string, atMs: number): Promise<void> {
    await this.#query('CREATE TABLE copied_from (copy_id text NOT NULL, at_ms bigint NOT NULL)');
    await this.#query('INSERT INTO copied_from (copy_id, at_ms) VALUES ($1, $2)', [copyId, atMs]);
  }

  /** @throws Fault storeUnavailable where nobody knows whether it was. */
  async commit(): Promise<void> {
    await this.#query('COMMIT');
  }

  /** Without a commit nothing was written. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #insert(
    table: CopiedTable,
    columns: readonly Column[],
    rows: readonly (readonly Cell[])[],
  ): Promise<void> {
    const names = columns.map(({ name }) => `"${name}"`).join(', ');
    const arrays = columns.map(({ type }, at) => `$${at + 1}::${type}[]`).join(', ');
    const values = columns.map(({ type }, at) => rows.map((row) => written(row[at] ?? null, type)));
    try {
      await this.#client.query(
        `INSERT INTO "${table.name}" (${names}) SELECT * FROM unnest(${arrays})`,
        values,
      );
    } catch (error) {
      const fault = faultOf(error);
      if (!(fault instanceof Fault) || fault.code !== 'badData') throw fault;
      const first = rows[0] ?? [];
      throw new Fault(
        'badData',
        `Postgres refuses (SQLSTATE ${codeOf(error)}) one of the ${rows.length} rows of ${table.name} that begin with ${keyOf(table, first)}. Nothing was copied, and the file is as it was. Look at those rows.`,
        { cause: error },
      );
    }
  }

  async #verified(table: CopiedTable, columns: readonly Column[], read: Tally): Promise<Tally> {
    const [row] = await this.#query<{ count: string; sum: string }>(
      tallyStatement(`"${table.name}"`, columns),
    );
    if (row?.count === String(read.rows) && row.sum === read.checksum) return read;
    throw new Fault(
      'badData',
      `Of ${table.name}, ${read.rows} rows with the checksum ${read.checksum} were read and ${row?.count} with ${row?.sum} arrived. Nothing was copied, and the file is as it was. This is a bug of Nightdesk, or of the server: report it.`,
    );
  }

  /** In the order of the table that is copied. What only Postgres has must be able to stay empty. */
  async #columnsOf(table: CopiedTable): Promise<Column[]> {
    const found = await this.#query<TypedColumn & { mayStayEmpty: boolean }>(
      `SELECT a.attname AS name, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL) AS type,
          NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '' AS "mayStayEmpty"
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
      [`${this.#schema}."${table.name}"`],
    );
    const columns = table.columns.map((name) => {
      const twin = renamed[table.name]?.[name] ?? name;
      const column = found.find((each) => each.name === twin);
      if (column === undefined || !isKnownType(column.type))
        throw new Error(
          `The table ${table.name} of Postgres has no column for ${name} that it can be copied into.`,
        );
      return { name: column.name, type: column.type };
    });
    const left = found.filter(
      ({ name, mayStayEmpty }) => !mayStayEmpty && columns.every((each) => each.name !== name),
    );
    if (left.length > 0)
      throw new Error(
        `Nothing is copied into ${left.map(({ name }) => name).join(', ')} of ${table.name}, which must not be empty.`,
      );
    return columns;
  }

  async #demandUtf8(): Promise<void> {
    const [row] = await this.#query<{ server_encoding: string }>('SHOW server_encoding');
    if (row?.server_encoding === 'UTF8') return;
    throw new Fault(
      'conflict',
      `The database at ${this.name} has the encoding ${row?.server_encoding}, which cannot hold every text. Make one with ENCODING 'UTF8' and copy into that. Nothing was changed.`,
    );
  }

  async #hasTable(name: string): Promise<boolean> {
    const rows = await this.#query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [`${this.#schema}.${name}`]);
    return rows.length > 0;
  }

  async #query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]> {
    try {
      return (await this.#client.query<T>(sql, values)).rows;
    } catch (error) {
      throw faultOf(error);
    }
  }
}

type Column = TypedColumn;

/** @throws PostgresRefused, Fault storeUnavailable, conflict where it is not empty: nothing was changed. */
export async function openCopyTarget(
  given: TargetGiven,
  tables: readonly CopiedTable[],
): Promise<CopyTarget> {
  const { connectionString } = addressOf(given.url);
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: 'nightdesk copy',
  });
  client.on('error', () => {});
  const target = new CopyTarget(client, given);
  try {
    await client.connect();
    // Before anything is brought to a newer version: what holds something else is not ours to change.
    if (!(await isCopy(client, given.schema ?? defaultSchema)))
      await demandEmpty(client, target.name, given.schema ?? defaultSchema, tables);
    const { to } = await install(given);
    demandKnown(target.name, to);
    return target;
  } catch (error) {
    await target.close();
    throw faultOf(error);
  }
}

/** A server may work on newer tables that serve it; a copy would leave empty what it does not know. */
function demandKnown(name: string, version: number): void {
  const newest = readMigrations().at(-1)?.version ?? 0;
  if (version === newest) return;
  throw new PostgresRefused(
    'newer',
    `The tables at ${name} have version ${version}, and this Nightdesk knows ${newest}. Copy with the newer version that made them, or name another database in --to. Nothing was copied.`,
  );
}

async function isCopy(client: pg.Client, schema: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [
    `${schema}.copied_from`,
  ]);
  return rows.length > 0;
}

/** @throws Fault conflict */
async function demandEmpty(
  client: pg.Client,
  name: string,
  schema: string,
  tables: readonly CopiedTable[],
): Promise<void> {
  const filled: string[] = [];
  for (const table of tables) {
    const { rows } = await client.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [
      `${schema}."${table.name}"`,
    ]);
    if (rows.length === 0) continue;
    const found = await client.query(`SELECT 1 FROM ${schema}."${table.name}" LIMIT 1`);
    if (found.rows.length > 0) filled.push(table.name);
  }
  if (filled.length === 0) return;
  throw new Fault(
    'conflict',
    `The store at ${name} is not empty: there are rows in ${filled.join(', ')}. A copy is made into an empty one only, since two stores cannot be mixed. Name another database in --to, or drop its schemas if nobody needs them. Nothing was changed.`,
  );
}

function written(cell: Cell, type: string): string | null {
  if (cell === null) return null;
  if (type === 'boolean') return cell === 0n ? 'false' : 'true';
  return cell instanceof Uint8Array ? `\\x${Buffer.from(cell).toString('hex')}` : String(cell);
}

/** What tells a person which row it is, and nothing of what was said in it. */
function keyOf(table: CopiedTable, row: readonly Cell[]): string {
  return table.columns
    .flatMap((name, at) =>
      /_id$|^(position|ordinal|request|day)$/.test(name) && row[at] != null
        ? [`${name} ${JSON.stringify(String(row[at]))}`]
        : [],
    )
    .join(', ');
}

const holdsNul = (table: CopiedTable, row: readonly Cell[], at: number): Fault =>
  new Fault(
    'badData',
    `The column ${table.columns[at]} of a row of ${table.name} holds the character NUL, which no text of Postgres may: ${keyOf(table, row)}. Nothing was copied, and the file is as it was. Take it out of that row, then copy again.`,
  );
