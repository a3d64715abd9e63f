/** Other words in a statement of the store. */
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../src/store/sqlite/', import.meta.url);
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));

/**
 * Puts `to` in the place of `from` in every statement that has it.
 * @throws Error where none has it: a planted bug must not become none when a statement is written anew.
 */
export function replacing(from: string, to: string): (sql: string) => string {
  if (!sources.some((source) => source.includes(from)))
    throw new Error(
      `No statement of the store says "${from}" any more. Mend the planted bug that replaces it.`,
    );
  return (sql) => sql.replace(from, to);
}
