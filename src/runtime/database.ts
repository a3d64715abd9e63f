/**
 * The database file as it is seen from outside the store: who owns it, which schema it has, whether it is whole. A look
 * opens it for reading only, so it may happen beside a running server and never waits for it nor makes it wait.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '#store/sqlite/database/database.ts';
import { migrations } from '#store/sqlite/database/schema.ts';
import { type Move, moveOf } from '#store/sqlite/upkeep/moved.ts';
import { backupTakenAtMs } from '#store/sqlite/upkeep/restored.ts';

export { PostgresRefused } from '#store/postgres/database/faults.ts';
export { isOwned, StoreRefused } from '#store/sqlite/database/database.ts';
export { type BackupMade, backUp } from '#store/sqlite/upkeep/backup.ts';

export const schemaNewest = migrations.at(-1)?.version ?? 0;

/** The schema of a file; null where there is no file yet. @throws the system's error where it is no database. */
export function schemaVersionOf(path: string): number | null {
  if (!existsSync(path)) return null;
  return look(path, (db) => {
    const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
    return row.user_version;
  });
}

/** When a file was made that is a backup; null where it is none. */
export const backupTakenAt = (path: string): number | null => look(path, backupTakenAtMs);

/** Where a file was moved to, or is being moved; null where it never was. */
export const moveOfFile = (path: string): Move | null => look(path, moveOf);

/** What SQLite finds wrong in the file, page by page; empty where it is whole. */
export function damageOf(path: string): string[] {
  return look(path, (db) => {
    const rows = db.prepare('PRAGMA quick_check(5)').all() as { quick_check: string }[];
    return rows.map((row) => row.quick_check).filter((said) => said !== 'ok');
  });
}

function look<T>(path: string, at: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 });
  try {
    return at(db);
  } finally {
    db.close();
  }
}

/** Brings a file without an owner to the newest schema, or makes it. @throws StoreRefused */
export function migrateDatabase(path: string): { from: number | null; to: number } {
  const from = schemaVersionOf(path);
  openDatabase(path).close();
  return { from, to: schemaNewest };
}
