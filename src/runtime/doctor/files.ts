/**
 * The part of the doctor that looks at files: whether the disk has room for what comes, and whether other users of the machine
 * can read what is secret or what customers wrote.
 */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { outlineOf } from '#core/model/faults.ts';
import type { Config } from '../config.ts';
import type { Finding } from './finding.ts';

const mega = 1_048_576;
/** Below this the next burst or the next checkpoint may meet a full disk, and webhooks are answered 503. */
const freeBytesMin = 256 * mega;
const freeBytesWished = 2_048 * mega;

const others = 0o007;

export interface FilesQuestion {
  config: Config;
  /** Where the command runs: its `.env` holds secrets. */
  folder: string;
}

export function examineFiles({ config, folder }: FilesQuestion): Finding[] {
  const { database } = config;
  const { dataFolder } = database;
  if (database.driver === 'postgres' || dataFolder === null || !existsSync(dataFolder))
    return modesOf([join(folder, '.env')]);
  const { path } = database;
  const inside = [path, `${path}-wal`, join(dataFolder, 'secret.key')];
  return [spaceOf(dataFolder), ...modesOf([dataFolder, ...inside, join(folder, '.env')])];
}

function spaceOf(folder: string): Finding {
  const check = 'disk space';
  try {
    const { bavail, bsize } = statfsSync(folder);
    return spaceFinding(check, folder, bavail * bsize);
  } catch (error) {
    return {
      check,
      status: 'warn',
      says: `The free space of the disk of ${folder} cannot be told: ${outlineOf(error)}.`,
      todo: 'Look at it by hand, e.g. with df.',
    };
  }
}

export function spaceFinding(check: string, folder: string, freeBytes: number): Finding {
  const says = `The disk of ${folder} has ${Math.floor(freeBytes / mega)} MB free.`;
  const todo = 'Make room, or set RETENTION_DAYS lower; what is settled is deleted after it.';
  if (freeBytes < freeBytesMin)
    return {
      check,
      status: 'fail',
      says: `${says} On a full disk webhooks are answered 503 and wait at Meta, for up to seven days.`,
      todo,
    };
  if (freeBytes < freeBytesWished) return { check, status: 'warn', says, todo };
  return { check, status: 'ok', says };
}

function modesOf(paths: readonly string[]): Finding[] {
  const check = 'file modes';
  // There the modes of Unix mean nothing.
  if (process.platform === 'win32') return [];
  const open = paths.filter(
    (path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & others) !== 0,
  );
  if (open.length === 0)
    return [
      { check, status: 'ok', says: 'Other users of this machine cannot read the data nor the secrets.' },
    ];
  return [
    {
      check,
      status: 'warn',
      says: `Other users of this machine may use ${open.join(', ')}, which hold what customers wrote, or secrets.`,
      todo: `Run: chmod o-rwx ${open.join(' ')}`,
    },
  ];
}
