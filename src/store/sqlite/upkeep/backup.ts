/**
 * A copy of a database that a server may have open and write to. It is read through a connection of its own and in one
 * step, which is one read transaction: the copy is the database as it was at one moment, and commits go on beside it, since
 * in WAL mode nobody waits for a reader. The copy is made in a folder of its own beside its place, marked, checked, synced
 * and only then given its name, which no other file may have: whoever finds a file of that name has a whole backup.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '#core/model/faults.ts';
import { refusalOf } from '../database/database.ts';
import { markAsBackup } from './restored.ts';

/** In one step, whatever the size: between two steps a commit of the server would make the copy begin anew. */
const everyPage = 0x7fff_ffff;
const onlyOwner = 0o600;

export interface BackupMade {
  file: string;
  bytes: number;
  schema: number;
  takenAtMs: number;
  /** By table. */
  rows: Record<string, number>;
}

export interface BackupOrder {
  from: string;
  /** The folder must be there, the file must not. */
  to: string;
  nowMs: number;
}

/**
 * @throws Fault conflict where there is a file of that name, badRequest where its folder cannot be used, storeUnavailable
 * where the disk does not take it, badData where the copy is damaged, as the database then is. @throws StoreRefused where the
 * database cannot be read. Whatever it throws, there is no file of that name.
 */
export async function backUp({ from, to, nowMs }: BackupOrder): Promise<BackupMade> {
  const file = resolve(to);
  if (existsSync(file)) throw taken(file);
  const folder = makeFolder(file);
  try {
    const copy = join(folder, 'copy.db');
    await copyTo(copy, from);
    const found = finish(copy, nowMs);
    sync(copy);
    place(copy, file);
    sync(dirname(file));
    return { file, bytes: statSync(file).size, takenAtMs: nowMs, ...found };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const taken = (file: string): Fault =>
  new Fault('conflict', `There is a file ${file} already, and a backup replaces none. Name another one.`);

/** Beside the backup's place, so that the copy is on the same disk; nobody else may look into it. */
function makeFolder(file: string): string {
  try {
    return mkdtempSync(join(dirname(file), `${basename(file)}.part-`));
  } catch (error) {
    if (isFull(error)) throw full(file, error);
    throw new Fault(
      'badRequest',
      `The backup cannot be written into ${dirname(file)} (${messageOf(error)}). Make the folder, or name one that this user may write.`,
    );
  }
}

async function copyTo(copy: string, from: string): Promise<void> {
  let source: DatabaseSync | undefined;
  try {
    source = new DatabaseSync(from, { readOnly: true, timeout: 2_000 });
    // Whatever is wrong with the database is said of it, and not of the copy.
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    source?.close();
    throw refusalOf(from, error);
  }
  try {
    await backup(source, copy, { rate: everyPage });
  } catch (error) {
    throw written(copy, error);
  } finally {
    source.close();
  }
}

/** Makes one file of it, marks it and looks at every page. */
function finish(copy: string, takenAtMs: number): Pick<BackupMade, 'schema' | 'rows'> {
  try {
    chmodSync(copy, onlyOwner);
    const db = new DatabaseSync(copy);
    try {
      db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL');
      markAsBackup(db, takenAtMs);
      demandSound(db);
      const { user_version: schema } = db.prepare('PRAGMA user_version').get() as { user_version: number };
      return { schema, rows: countRows(db) };
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof Fault ? error : written(copy, error);
  }
}

function demandSound(db: DatabaseSync): void {
  const said = db.prepare('PRAGMA integrity_check(5)').all() as { integrity_check: string }[];
  const damage = said.map((row) => row.integrity_check).filter((line) => line !== 'ok');
  if (damage.length === 0) return;
  throw damaged(damage.join('; '));
}

const damaged = (how: string): Fault =>
  new Fault(
    'badData',
    `The copy is damaged, and so is the database: ${how}. No backup was kept. Keep the ones you have, and see what \`nightdesk doctor\` says.`,
  );

function countRows(db: DatabaseSync): Record<string, number> {
  const tables = db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('backup_taken', 'moved') AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all() as { name: string }[];
  const count = (name: string) =>
    Number((db.prepare(`SELECT count(*) AS count FROM "${name}"`).get() as { count: number }).count);
  return Object.fromEntries(tables.map(({ name }) => [name, count(name)]));
}

type Give = (from: string, to: string) => void;

/** A link takes no name that is there; some disks, e.g. of USB sticks, have none, and there it is looked at before. */
export function place(copy: string, file: string, link: Give = linkSync): void {
  try {
    link(copy, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || existsSync(file)) throw taken(file);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS')
      throw written(file, error);
    renameSync(copy, file);
  }
}

/** What a sync of the file promises for its bytes, one of its folder promises for its name. */
function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    throw written(path, error);
  } finally {
    closeSync(descriptor);
  }
}

function isFull(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || errcode === 13;
}

const full = (path: string, cause: unknown): Fault =>
  new Fault(
    'storeUnavailable',
    `The disk of ${dirname(path)} is full, so there is no backup (${messageOf(cause)}). It takes as much room as the database. Nothing is left of it.`,
    { cause },
  );

function written(path: string, error: unknown): Fault {
  if (isFull(error)) return full(path, error);
  const { errcode } = error as { errcode?: unknown };
  if (typeof errcode === 'number' && (errcode & 0xff) === 11) return damaged(messageOf(error));
  return new Fault(
    'storeUnavailable',
    `The backup could not be written (${messageOf(error)}). Nothing is left of it. Check the disk that it goes to.`,
    { cause: error },
  );
}
