/**
 * What the store holds, read by a checker's own SQL: it shares no code with what it judges. What checks ask reads the same in the dialects of
 * all stores, but for the one word that they disagree about. The books of a Postgres are in `test/proof/machines/rows.ts`.
 */
import type { DatabaseSync } from 'node:sqlite';

export type Row = Readonly<Record<string, string | number | boolean | null>>;

export interface Books {
  /** Whole numbers are numbers, whatever the store makes of them. */
  ask(sql: string): Promise<Row[]>;
  /** The column that says how an event ended: `end` is a word of Postgres' own. */
  readonly end: 'end' | 'ending';
}

/** `open` gives the database to whoever reads, and closes it where it is not its own. */
export const sqliteBooks = (open: (read: (db: DatabaseSync) => Row[]) => Row[]): Books => ({
  ask: async (sql) => open((db) => db.prepare(sql).all() as Row[]),
  end: 'end',
});
