import type { Database } from '#store/sqlite/database/database.ts';

/** Every row of every table as text, bytes among them. */
export function everyRow(db: Database): string[] {
  const tables = db.raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const inText = (_key: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  return tables.flatMap(({ name }) => {
    const rows = db.raw.prepare(`SELECT * FROM "${name}"`).all();
    return rows.map((row) => `${name} ${JSON.stringify(row, inText)}`);
  });
}
