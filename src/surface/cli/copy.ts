/**
 * `nightdesk copy`: moves an installation from its SQLite file into Postgres, while its server is stopped. What both are is said in the command
 * and not taken from the configuration, which names one of them.
 */
import { resolve } from 'node:path';
import { makeId } from '#core/model/ids.ts';
import { BadConfig } from '#runtime/config.ts';
import { type Copied, copyStore } from '#runtime/copy.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { exitCodes } from './exit-codes.ts';
import { show, table } from './show.ts';

export interface CopyOptions {
  from: string;
  to: string;
  json?: boolean;
}

export async function copy({ from, to, json }: CopyOptions): Promise<number> {
  const path = fileOf(from);
  demandPostgres(to);
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  try {
    const nowMs = world.clock.nowMs();
    const copied = await copyStore({
      ...{ from: path, to, nowMs, copyId: makeId('cpy', nowMs, world.random) },
      onTable: (name, { rows }) => void process.stderr.write(`${name}: ${rows} rows\n`),
    });
    show(json === true ? copied : inWords(copied, path));
  } finally {
    world.close();
  }
  return exitCodes.ok;
}

function fileOf(from: string): string {
  const path = from.startsWith('sqlite:') ? from.slice('sqlite:'.length) : '';
  if (path !== '' && path !== ':memory:') return resolve(path);
  throw new BadConfig(
    '--from names no file of SQLite. Write it as in DATABASE_URL, e.g. --from sqlite:./data/nightdesk.db.',
  );
}

/** Its words are not repeated: there is a password in it. */
function demandPostgres(to: string): void {
  if (/^postgres(ql)?:\/\//.test(to) && URL.canParse(to)) return;
  throw new BadConfig(
    '--to names no Postgres. Write it as in DATABASE_URL, e.g. --to postgres://USER:PASSWORD@HOST:5432/NAME.',
  );
}

function inWords({ to, wasThere, tables }: Copied, path: string): string {
  const next = `${path} is marked as moved, and nothing starts on it any more. Set DATABASE_URL to the new database, then start.`;
  if (wasThere) return `The copy at ${to} was whole already.\n${next}`;
  const rows = Object.entries(tables).map(([name, tally]) => [name, tally.rows, tally.checksum]);
  return [
    table(['TABLE', 'ROWS', 'CHECKSUM'], rows, 'It has no table.'),
    '',
    `Copied to ${to}; each table was read again there and is the same.`,
    next,
  ].join('\n');
}
