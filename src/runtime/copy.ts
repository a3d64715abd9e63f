/**
 * Moves a store from a SQLite file into an empty Postgres. The file's lock is held from the first row to the last mark, so no server can
 * take work into it meanwhile, and Meta keeps what it would have brought. Two databases cannot commit together, so the file is marked as
 * being moved before Postgres commits, and as moved after: whenever this dies, either the file may go on as if nothing had been, or it
 * is refused until the same copy was run again, which asks Postgres whether the copy is there. To copy another table, nothing is to
 * be done: every table of the file must have its twin.
 */
import { Fault } from '#core/model/faults.ts';
import type { CopiedTable, Tally } from '#core/ports/copying.ts';
import { type Database, openDatabase, StoreRefused } from '#store/sqlite/database/database.ts';
import { beginMove, endMove, type Move, moveOf } from '#store/sqlite/upkeep/moved.ts';
import { tablesOf } from '#store/sqlite/upkeep/tables.ts';
import { schemaNewest, schemaVersionOf } from './database.ts';
import { loadDriver } from './postgres.ts';

export interface CopyOrder {
  /** The file. */
  from: string;
  /** Of Postgres. */
  to: string;
  schema?: string;
  copyId: string;
  nowMs: number;
  /** Told of each table that is written. */
  onTable?: (name: string, tally: Tally) => void;
  /** Told of the moments between which this may die; a test dies there. */
  reach?: (moment: 'filled' | 'marked' | 'committed') => void;
}

export interface Copied {
  to: string;
  /** The copy was there whole; only the file did not know it. */
  wasThere: boolean;
  tables: Record<string, Tally>;
}

type Target = import('#store/postgres/index.ts').CopyTarget;

/**
 * @throws StoreRefused where the file cannot be had, PostgresRefused or Fault where the target cannot, Fault conflict where either is not as it
 * must be, badData where a row cannot be stored. Then the file is as it was and the target as empty as it was, unless it says otherwise.
 */
export async function copyStore(order: CopyOrder): Promise<Copied> {
  demandNewest(order.from);
  const db = own(order.from);
  try {
    const begun = moveOf(db.raw);
    const tables = tablesOf(db.raw);
    const { openCopyTarget } = await loadDriver();
    const given = { url: order.to, ...(order.schema === undefined ? {} : { schema: order.schema }) };
    const target = await openCopyTarget(given, tables);
    try {
      if (begun !== null) demandSame(begun, target.name);
      return await move(db, target, tables, begun, order);
    } finally {
      await target.close();
    }
  } finally {
    db.close();
  }
}

async function move(
  db: Database,
  target: Target,
  tables: readonly CopiedTable[],
  begun: Move | null,
  order: CopyOrder,
): Promise<Copied> {
  const there = await target.begin(tables);
  if (there !== null) {
    if (there !== begun?.copyId) throw isOfAnother(target.name);
    endMove(db.raw);
    return { to: target.name, wasThere: true, tables: {} };
  }
  const { copyId, nowMs, reach } = order;
  const tallies: Record<string, Tally> = {};
  for (const table of tables) {
    const tally = await target.fill(table);
    tallies[table.name] = tally;
    order.onTable?.(table.name, tally);
  }
  await target.sign(copyId, nowMs);
  reach?.('filled');
  beginMove(db.raw, { copyId, target: target.name, atMs: nowMs });
  reach?.('marked');
  await target.commit();
  reach?.('committed');
  endMove(db.raw);
  return { to: target.name, wasThere: false, tables: tallies };
}

/** An older file is brought up by who knows it; a newer one is refused when it is opened. */
function demandNewest(path: string): void {
  const version = schemaVersionOf(path);
  if (version === null)
    throw new Fault('notFound', `There is no database at ${path}. Name the one of your server in --from.`);
  if (version < schemaNewest)
    throw new Fault(
      'conflict',
      `The database ${path} has schema ${version}, and only the newest, ${schemaNewest}, is copied. Run \`nightdesk migrate\` on it, or start this version on it once. Nothing was changed.`,
    );
}

function own(path: string): Database {
  try {
    return openDatabase(path, { forCopy: true });
  } catch (error) {
    if (!(error instanceof StoreRefused) || error.reason !== 'owned') throw error;
    throw new StoreRefused(
      'owned',
      `A server owns ${path}, and what it took meanwhile would not be in the copy. Stop it with SIGTERM, which lets it end what is under way, and copy again; until the new server runs, Meta keeps what customers write. Nothing was changed.`,
    );
  }
}

function demandSame(begun: Move, target: string): void {
  if (begun.target === target) return;
  throw new Fault(
    'conflict',
    `A copy of this database to ${begun.target} was begun at ${new Date(begun.atMs).toISOString()} and may be whole. Run the copy to that one first, under the same address: it finds out. Nothing was changed.`,
  );
}

const isOfAnother = (target: string): Fault =>
  new Fault(
    'conflict',
    `The store at ${target} holds the copy of another database, or an earlier one of this. Name an empty database in --to. Nothing was changed.`,
  );
