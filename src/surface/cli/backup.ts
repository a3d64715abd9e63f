/**
 * `nightdesk backup`: a copy of the database, beside a running server or without one. This process reads the file itself,
 * so that a server has no work with it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '#core/model/faults.ts';
import { BadConfig, type DatabaseAt, readConfig } from '#runtime/config.ts';
import { type BackupMade, backUp } from '#runtime/database.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { exitCodes } from './exit-codes.ts';
import { show, table, timeOf } from './show.ts';

export async function backUpStore({ out, json }: { out: string; json?: boolean }): Promise<number> {
  const { database } = await readConfig({ env: process.env, folder: process.cwd() });
  const from = fileOf(database);
  // Files of these names beside a database are taken for its own.
  if (['-wal', '-shm', '-journal', '.lock', '.sock'].some((end) => resolve(out) === `${from}${end}`))
    throw new Fault('badRequest', `${out} is a name that the database uses for itself. Name another file.`);
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  try {
    const made = await backUp({ from, to: out, nowMs: world.clock.nowMs() });
    show(json === true ? made : inWords(made));
  } finally {
    world.close();
  }
  return exitCodes.ok;
}

/** The database itself, also where the configuration names a link to it: its log lies beside it. */
function fileOf(database: DatabaseAt): string {
  if (database.driver === 'postgres')
    throw new BadConfig(
      'DATABASE_URL is Postgres, which is backed up by its own tools: pg_dump for a copy, or continuous archiving. docs/backup-and-restore.md says how, and how to start from one.',
    );
  const { path } = database;
  if (path === ':memory:')
    throw new BadConfig(
      'DATABASE_URL is sqlite::memory:, a database inside its server, of which there is no backup. Name a file, e.g. sqlite:./data/nightdesk.db.',
    );
  if (!existsSync(path))
    throw new BadConfig(
      `There is no database at ${path}. Run the command in the folder of your server, or set DATABASE_URL as the server has it.`,
    );
  return realpathSync(path);
}

function inWords({ file, bytes, schema, takenAtMs, rows }: BackupMade): string {
  return [
    `Wrote ${file}: ${bytes} bytes, schema ${schema}, as the database was at ${timeOf(takenAtMs)}. Every page was checked.`,
    table(['TABLE', 'ROWS'], Object.entries(rows), 'It has no table.'),
    'The secret key, files that customers sent, .env and nightdesk.config.ts are not in it: keep them beside it.',
  ].join('\n');
}
