/**
 * The statements of the SQLite driver that write a table, found in its sources, against those that the walked cells ran.
 * A new statement that moves a row through its life is thus a finding until a page tells of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { met } from './stage.ts';

const driver = resolve(import.meta.dirname, '../../src/store/sqlite');

/** Texts of the statements in the sources that write `table`, and any of `columns` if given, and that no cell ran. */
export function unmetStatements(table: string, columns?: readonly string[]): string[] {
  return statementsIn(driver)
    .filter((sql) => new RegExp(`^(INSERT INTO|UPDATE|DELETE FROM) ${table}\\b`).test(sql))
    .filter((sql) => sql.startsWith('DELETE') || columns === undefined || writes(sql, columns))
    .filter((sql) => {
      const pattern = patternOf(sql);
      return ![...met].some((each) => pattern.test(each));
    });
}

function statementsIn(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [
      ...readFileSync(resolve(folder, file), 'utf8').matchAll(
        /(['"`])((?:INSERT INTO|UPDATE|DELETE FROM) [\s\S]*?)\1/g,
      ),
    ])
    .map((match) => match[2] ?? '');
  if (found.length < 100)
    throw new Error(`${folder} has ${found.length} statements only: is the driver elsewhere?`);
  return found;
}

function writes(sql: string, columns: readonly string[]): boolean {
  const [head = ''] = sql.split(/\bWHERE\b/);
  return columns.some((column) => new RegExp(`\\b${column}\\b`).test(head));
}

/** What a template fills in may be anything. */
function patternOf(sql: string): RegExp {
  const pieces = sql.split(/\$\{[^}]*\}/).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('[\\s\\S]*')}$`);
}
