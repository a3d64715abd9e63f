/**
 * The part of the doctor that looks at this machine: the database file, and how long its disk takes to promise that
 * something is written, which bounds how fast webhooks are acknowledged. It reads beside a running server and changes
 * nothing but a small file of its own, which it removes.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#core/model/faults.ts';
import type { Clock } from '#core/ports/world.ts';
import type { Config } from '../config.ts';
import { backupTakenAt, damageOf, isOwned, moveOfFile, schemaNewest, schemaVersionOf } from '../database.ts';
import type { Finding } from './finding.ts';

const syncsMeasured = 20;
const syncBytes = 512;
/** A commit needs one sync; at 10 ms a burst is acknowledged at a hundred commits a second. */
const syncMsMax = 10;

export async function examineStore({ database }: Config, clock: Clock): Promise<Finding[]> {
  if (database.driver === 'postgres') {
    const { examinePostgres } = await import('./postgres.ts');
    return examinePostgres(database, clock);
  }
  const { path, dataFolder } = database;
  if (dataFolder === null)
    return [
      {
        check: 'store',
        status: 'warn',
        says: 'The database is in memory and is forgotten when the server stops.',
        todo: 'Name a file in DATABASE_URL, e.g. sqlite:./data/nightdesk.db.',
      },
    ];
  if (!existsSync(dataFolder))
    return [
      {
        check: 'store',
        status: 'warn',
        says: `There is no database at ${path} yet.`,
        todo: 'Run nightdesk start, which makes it; or run this command from the folder of your server.',
      },
    ];
  return [examineFile(path), examineDisk(dataFolder, clock)];
}

function examineFile(path: string): Finding {
  const check = 'store';
  try {
    const version = schemaVersionOf(path);
    if (version === null && isOwned(path))
      return {
        check,
        status: 'fail',
        says: `The database ${path} was removed underneath its running server, which takes no message any more.`,
        todo: 'Move the file back; or save what the server still has open, stop it, restore the database, start again.',
      };
    if (version === null)
      return {
        check,
        status: 'warn',
        says: `There is no database at ${path} yet.`,
        todo: 'Run nightdesk start, which makes it; or run this command from the folder of your server.',
      };
    if (version > schemaNewest)
      return {
        check,
        status: 'fail',
        says: `The database has schema ${version}, this Nightdesk knows ${schemaNewest}.`,
        todo: 'Use the newer Nightdesk that made it, or restore a backup from before.',
      };
    const damage = damageOf(path);
    if (damage.length > 0)
      return {
        check,
        status: 'fail',
        says: `The database ${path} is damaged: ${damage.join('; ')}.`,
        todo: 'Stop the server, keep a copy, and restore the last good backup.',
      };
    const elsewhere = examineMarks(path);
    if (elsewhere !== null) return elsewhere;
    if (version < schemaNewest)
      return {
        check,
        status: 'warn',
        says: `The database has schema ${version}, this Nightdesk wants ${schemaNewest}.`,
        todo: 'Run nightdesk start or nightdesk migrate, which brings it there.',
      };
    return {
      check,
      status: 'ok',
      says: `${path} is whole, schema ${version}, ${isOwned(path) ? 'owned by a running server' : 'owned by nobody: no server runs'}.`,
    };
  } catch (error) {
    return {
      check,
      status: 'fail',
      says: `The database ${path} cannot be read: ${messageOf(error)}.`,
      todo: 'Check that the file is a Nightdesk database and may be read; else restore a backup.',
    };
  }
}

/** What was under way in it may be done elsewhere since; null where it carries no mark that says so. */
function examineMarks(path: string): Finding | null {
  const found = { check: 'store', status: 'fail' } as const;
  const takenAtMs = backupTakenAt(path);
  if (takenAtMs !== null)
    return {
      ...found,
      says: `The database ${path} is a backup of ${new Date(takenAtMs).toISOString()}; no server opens it as it is.`,
      todo: 'Run nightdesk start --after-restore once, which holds for a person what was open in it.',
    };
  const move = moveOfFile(path);
  if (move === null) return null;
  return {
    ...found,
    says: `The database ${path} ${move.isDone ? 'was' : 'was being'} moved to ${move.target} at ${new Date(move.atMs).toISOString()}; no server opens it as it is.`,
    todo: move.isDone
      ? 'Set DATABASE_URL to that one. docs/moving-to-postgres.md says how to go back.'
      : 'Run the same nightdesk copy again: it finds out whether the copy is whole, and goes on.',
  };
}

function examineDisk(folder: string, clock: Clock): Finding {
  const check = 'disk';
  try {
    const syncMs = medianSyncMs(folder, clock);
    const says = `A write is safe on the disk of ${folder} after ${syncMs.toFixed(1)} ms (median of ${syncsMeasured}).`;
    if (syncMs <= syncMsMax) return { check, status: 'ok', says };
    return {
      check,
      status: 'warn',
      says: `${says} Over ${syncMsMax} ms a burst of webhooks is acknowledged slowly.`,
      todo: 'Put the data folder on a local SSD rather than on a network disk.',
    };
  } catch (error) {
    return {
      check,
      status: 'fail',
      says: `The data folder ${folder} cannot be written: ${messageOf(error)}.`,
      todo: 'Check its rights and the free space of its disk.',
    };
  }
}

function medianSyncMs(folder: string, clock: Clock): number {
  const path = join(folder, `doctor-${process.pid}.tmp`);
  const file = openSync(path, 'w', 0o600);
  try {
    const bytes = Buffer.alloc(syncBytes);
    const tookMs = Array.from({ length: syncsMeasured }, () => {
      const startedMs = clock.monotonicMs();
      writeSync(file, bytes);
      fsyncSync(file);
      return clock.monotonicMs() - startedMs;
    });
    return tookMs.sort((a, b) => a - b)[Math.floor(syncsMeasured / 2)] ?? 0;
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}
