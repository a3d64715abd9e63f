/**
 * One SQLite file, opened by one process. WAL with synchronous FULL: a commit that returned survives a crash of
 * process and machine. The owner holds a lock that dies with it (a transaction on a small file beside the database), so
 * there is no PID file to clean up; backups and readers may open the database itself at any time.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Fault, KnownError, messageOf } from '#core/model/faults.ts';
import { type CrashPoints, noCrashPoints } from '#core/ports/crash-points.ts';
import { moveOf } from '../upkeep/moved.ts';
import { backupTakenAtMs } from '../upkeep/restored.ts';
import { OpenFiles } from './open-files.ts';
import { migrations } from './schema.ts';

export type Row = Record<string, SQLInputValue>;

/** A refusal to open: says what happened, what it means and what to do. */
export class StoreRefused extends KnownError {
  override readonly name = 'StoreRefused';
  readonly reason: 'owned' | 'corrupt' | 'missing' | 'newer' | 'restored' | 'moved' | 'unwritable';

  constructor(reason: StoreRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Prepared {
  statement: StatementSync;
  /** It names its parameters `?1`, `?2`, ...; Node 22 binds those by name only. */
  numbered: boolean;
}

function byNumber(values: SQLInputValue[]): Record<string, SQLInputValue> {
  return Object.fromEntries(values.map((value, index) => [`?${index + 1}`, value]));
}

/** The database with its prepared statements; texts are constants, so each is prepared once. */
export class Database {
  readonly path: string;
  readonly raw: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  readonly #lock: DatabaseSync | null;
  readonly #files: OpenFiles | null;

  constructor(path: string, raw: DatabaseSync, lock: DatabaseSync | null) {
    this.path = path;
    this.raw = raw;
    this.#lock = lock;
    this.#files = lock === null ? null : new OpenFiles(path, lockPathOf(path));
  }

  /** Begins a transaction that writes. @throws Fault storeUnavailable where its commit would be lost. */
  begin(): void {
    this.#files?.demandInPlace();
    this.run('BEGIN IMMEDIATE');
  }

  #prepared(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      prepared = { statement: this.raw.prepare(sql), numbered: /\?\d/.test(sql) };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }

  /** Runs a change and returns how many rows it touched. */
  run(sql: string, ...values: SQLInputValue[]): number {
    const { statement, numbered } = this.#prepared(sql);
    return Number((numbered ? statement.run(byNumber(values)) : statement.run(...values)).changes);
  }

  /** The first row, or undefined. The caller names the row's type; the statement stands beside it. */
  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    const { statement, numbered } = this.#prepared(sql);
    return (numbered ? statement.get(byNumber(values)) : statement.get(...values)) as T | undefined;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    const { statement, numbered } = this.#prepared(sql);
    return (numbered ? statement.all(byNumber(values)) : statement.all(...values)) as T[];
  }

  close(): void {
    this.#statements.clear();
    if (this.raw.isOpen) this.raw.close();
    if (this.#lock?.isOpen) this.#lock.close();
  }
}

export interface OpenGiven {
  crashPoints?: CrashPoints;
  /** Also what is a backup, or was moved into another store; otherwise it is refused. */
  afterRestore?: boolean;
  /** Also what is being moved, to go on with it. */
  forCopy?: boolean;
}

/** Opens, locks and migrates. `:memory:` has no lock and no durability; it is the reference in tests. */
export function openDatabase(path: string, given: OpenGiven = {}): Database {
  if (path === ':memory:') return prepare(new Database(path, new DatabaseSync(path), null), given);
  const file = resolve(path);
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw new StoreRefused(
      'unwritable',
      `The data folder ${dirname(file)} cannot be made: ${messageOf(error)}. Name another place in DATABASE_URL or mend its rights.`,
    );
  }
  const lock = takeLock(file);
  try {
    demandWritable(lockPathOf(file));
    demandWritable(file);
    demandWhole(lockedFile(file));
    return prepare(new Database(file, new DatabaseSync(file), lock), given);
  } catch (error) {
    lock.close();
    throw refusalOf(file, error);
  }
}

/** True where another process owns the file now; takes nothing. */
export function isOwned(path: string): boolean {
  if (path === ':memory:' || !existsSync(lockPathOf(resolve(path)))) return false;
  try {
    takeLock(resolve(path)).close();
    return false;
  } catch (error) {
    if (error instanceof StoreRefused && error.reason === 'owned') return true;
    throw error;
  }
}

/** The file that all names of it mean: a link must not lead a second owner past the lock. */
function lockedFile(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  return existsSync(dirname(file)) ? join(realpathSync(dirname(file)), basename(file)) : file;
}

function lockPathOf(file: string): string {
  return `${lockedFile(file)}.lock`;
}

/** SQLite opens what may only be read without a word, and a lock that may only be read locks nobody out. */
function demandWritable(path: string): void {
  try {
    if (existsSync(path)) accessSync(path, constants.W_OK);
  } catch (error) {
    throw new StoreRefused(
      'unwritable',
      `This user may not write ${path} (${messageOf(error)}). Start as the user whom it belongs to, mend its rights, or name another place in DATABASE_URL.`,
    );
  }
}

/** A log of commits without its database: SQLite would delete it and start empty, and what it holds would be lost. */
function demandWhole(file: string): void {
  const log = `${file}-wal`;
  if (!existsSync(log)) return;
  if (existsSync(file)) {
    if (isOneFile(file) && statSync(log).size > 0)
      throw new StoreRefused(
        'restored',
        `The database ${file} is a whole copy, and ${log} beside it belongs to another one: SQLite would mix them, which destroys both. Move ${log} and ${file}-shm away, then start again. Nothing was changed.`,
      );
    return;
  }
  throw new StoreRefused(
    'missing',
    `The database ${file} is gone, while ${file}-wal with its newest commits is there: the file was removed or moved while a server had it open. Put it back, or restore a backup and move ${file}-wal away. Nothing was changed.`,
  );
}

/** The header says whether commits go to a log beside it. Ours do, a backup's do not. */
function isOneFile(file: string): boolean {
  const header = Buffer.alloc(20);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header);
  } finally {
    closeSync(descriptor);
  }
  return header[18] === 1;
}

function takeLock(file: string): DatabaseSync {
  const path = lockPathOf(file);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (codeOf(error) === 5) {
      throw new StoreRefused(
        'owned',
        `Another process owns the database ${file}. One SQLite file has one server; commands reach it beside the running server. Stop the other server, or give this one a DATABASE_URL of its own.`,
      );
    }
    throw new StoreRefused(
      'unwritable',
      `The lock file ${path} cannot be used: ${messageOf(error)}. Check that its folder exists, has room and may be written.`,
    );
  }
}

function prepare(
  db: Database,
  { crashPoints = noCrashPoints, afterRestore = false, forCopy = false }: OpenGiven,
): Database {
  try {
    if (!afterRestore) {
      refuseBackup(db);
      refuseMoved(db, forCopy);
    }
    db.raw.exec(
      'PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000; PRAGMA secure_delete = ON',
    );
    migrate(db, crashPoints);
    return db;
  } catch (error) {
    db.raw.close();
    throw refusalOf(db.path, error);
  }
}

/** What was open in it may have been answered since: only a start that holds it may have it. */
function refuseBackup(db: Database): void {
  const takenAtMs = backupTakenAtMs(db.raw);
  if (takenAtMs === null) return;
  throw new StoreRefused(
    'restored',
    `The database ${db.path} is a backup of ${new Date(takenAtMs).toISOString()}. What was under way in it may have been answered since, so nothing goes on by itself: start the server once with \`nightdesk start --after-restore\`, which holds it for a person to look at. Nothing was changed.`,
  );
}

/** What was under way in it is under way in the other store. */
function refuseMoved(db: Database, forCopy: boolean): void {
  const move = moveOf(db.raw);
  if (move === null || (forCopy && !move.isDone)) return;
  const at = new Date(move.atMs).toISOString();
  throw new StoreRefused(
    'moved',
    move.isDone
      ? `The database ${db.path} was moved to ${move.target} at ${at}, and what was under way in it goes on there. Set DATABASE_URL to that one. To go back to this file all the same, without what came since, stop every server there and start once with \`nightdesk start --after-restore\`. Nothing was changed.`
      : `The database ${db.path} was being moved to ${move.target} at ${at}, and whether that came to its end is not known here. Run the same \`nightdesk copy\` again: it finds out, and goes on. Nothing was changed.`,
  );
}

function migrate(db: Database, crashPoints: CrashPoints): void {
  const { user_version: version } = db.raw.prepare('PRAGMA user_version').get() as { user_version: number };
  const newest = migrations.at(-1)?.version ?? 0;
  if (version > newest) {
    throw new StoreRefused(
      'newer',
      `The database ${db.path} has schema ${version}, this Nightdesk knows ${newest}. It was used by a newer version; start that one, or restore a backup from before. Nothing was changed.`,
    );
  }
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    db.raw.exec(`BEGIN IMMEDIATE; ${migration.sql}; PRAGMA user_version = ${migration.version}`);
    crashPoints.reach('migrate.beforeCommit');
    db.raw.exec('COMMIT');
    crashPoints.reach('migrate.afterCommit');
  }
}

function codeOf(error: unknown): number | undefined {
  const code = extendedCodeOf(error);
  return code === undefined ? undefined : code & 0xff;
}

export function refusalOf(path: string, error: unknown): Error {
  if (error instanceof StoreRefused) return error;
  const code = codeOf(error);
  if (code === 11 || code === 26) {
    return new StoreRefused(
      'corrupt',
      `The file ${path} is not a readable database (${messageOf(error)}). Nothing was changed. Restore it from a backup, or move it away to start empty.`,
    );
  }
  if (code === 8 || code === 10 || code === 13 || code === 14) {
    return new StoreRefused(
      'unwritable',
      `The database ${path} cannot be written (${messageOf(error)}). Check the rights and the free space of its disk.`,
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** Busy, locked, out of memory, read-only, I/O error, corrupt, full, cannot open, not a database: the message stays with Meta. */
const worldlyCodes = new Set([5, 6, 7, 8, 10, 11, 13, 14, 26]);
/** Too big, wrong type, out of range. */
const dataCodes = new Set([18, 20, 25]);
/** A CHECK, a NOT NULL and a column's type; a unique key that is taken is a bug of ours. */
const dataConstraints = new Set([275, 1299, 3091]);

function extendedCodeOf(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** Sorts what SQLite throws: faults of the world become faults, the rest are bugs and stay what they are. */
export function faultOf(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (worldlyCodes.has(code)) {
    return new Fault(
      'storeUnavailable',
      `The database cannot commit now (${messageOf(error)}). Nothing of this was stored; it can be tried again. Check the disk's space and health.`,
      { cause: error },
    );
  }
  if (dataCodes.has(code) || dataConstraints.has(extendedCodeOf(error) ?? 0)) {
    return new Fault('badData', `The database refuses this data (${messageOf(error)}).`, { cause: error });
  }
  return error;
}
