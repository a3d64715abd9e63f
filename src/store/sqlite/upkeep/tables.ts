/**
 * Every table of a file as it is copied into another store, a row at a time, so that memory holds none of it. A new table or column is found by
 * itself; whether the other store has it, that one says.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Cell, CopiedTable } from '#core/ports/copying.ts';

const selectTables = `SELECT name, wr AS hasNoRowid FROM pragma_table_list
  WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('backup_taken', 'moved') ORDER BY name`;
const selectColumns = 'SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid';

export function tablesOf(db: DatabaseSync): CopiedTable[] {
  const tables = db.prepare(selectTables).all() as { name: string; hasNoRowid: number }[];
  return tables.map(({ name, hasNoRowid }) => {
    const found = db.prepare(selectColumns).all(name) as { name: string; type: string; pk: number }[];
    const columns = found.map((column) => column.name);
    const key = found.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    // As they lie on the disk: nothing is sorted.
    const order = hasNoRowid === 1 ? key.map((column) => quoted(column.name)).join(', ') : 'rowid';
    const sql = `SELECT ${found.map(wholeOf).join(', ')} FROM ${quoted(name)} ORDER BY ${order}`;
    const isText = found.map(({ type }) => type === 'TEXT');
    return { name, columns, rows: () => readRows(db, sql, isText) };
  });
}

const quoted = (name: string): string => `"${name}"`;

/** Node 22 reads a text up to its first NUL, so one that holds it is read as bytes: nothing is cut off without a word. */
const wholeOf = ({ name, type }: { name: string; type: string }): string =>
  type === 'TEXT'
    ? `CASE WHEN instr(${quoted(name)}, char(0)) > 0 THEN CAST(${quoted(name)} AS BLOB) ELSE ${quoted(name)} END`
    : quoted(name);

function* readRows(db: DatabaseSync, sql: string, isText: readonly boolean[]): Iterable<readonly Cell[]> {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  // Whole numbers of 64 bits are more than a number holds.
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) {
    const cells = row as unknown as Cell[];
    yield cells.map((cell, at) =>
      isText[at] && cell instanceof Uint8Array ? Buffer.from(cell).toString('utf8') : cell,
    );
  }
}
