/**
 * A file whose content was moved into another store. It carries a mark: from before the other store commits until it is known that it has,
 * the move is under way, and may have happened or not; then it is done. In both cases a start on the file would answer what the other
 * store answers, too, so a database with the mark is refused, but for the copy that goes on with it, and for a start that holds what is
 * open in it like that of a backup, which takes the mark off.
 */
import type { DatabaseSync } from 'node:sqlite';

const make = `CREATE TABLE IF NOT EXISTS moved (copy_id TEXT NOT NULL, target TEXT NOT NULL, at_ms INTEGER NOT NULL, is_done INTEGER NOT NULL) STRICT`;
const forget = 'DELETE FROM moved';
const insert = 'INSERT INTO moved (copy_id, target, at_ms, is_done) VALUES (?, ?, ?, 0)';
const finish = 'UPDATE moved SET is_done = 1';
const isThere = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved'";
const select = 'SELECT copy_id, target, at_ms, is_done FROM moved';
const drop = 'DROP TABLE IF EXISTS moved';

export interface Move {
  copyId: string;
  /** Where to, as words that a person knows; without a password. */
  target: string;
  atMs: number;
  isDone: boolean;
}

/** One commit. */
export function beginMove(db: DatabaseSync, { copyId, target, atMs }: Omit<Move, 'isDone'>): void {
  db.exec(`BEGIN IMMEDIATE; ${make}; ${forget}`);
  db.prepare(insert).run(copyId, target, atMs);
  db.exec('COMMIT');
}

export function endMove(db: DatabaseSync): void {
  db.exec(finish);
}

/** Null where the file was never moved. */
export function moveOf(db: DatabaseSync): Move | null {
  if (db.prepare(isThere).get() === undefined) return null;
  const row = db.prepare(select).get() as
    | { copy_id: string; target: string; at_ms: number; is_done: number }
    | undefined;
  if (row === undefined) return null;
  return { copyId: row.copy_id, target: row.target, atMs: row.at_ms, isDone: row.is_done === 1 };
}

export function forgetMove(db: DatabaseSync): void {
  db.exec(drop);
}
