/**
 * `nightdesk migrate`: brings a database without a server to the newest schema, for those who want to do that apart from
 * a start. A running server has done it already.
 */
import { readConfig } from '#runtime/config.ts';
import { isOwned, migrateDatabase, StoreRefused } from '#runtime/database.ts';
import { exitCodes } from './exit-codes.ts';
import { show } from './show.ts';

export async function migrate({ json }: { json?: boolean }): Promise<number> {
  const { database } = await readConfig({ env: process.env, folder: process.cwd() });
  if (isOwned(database.path)) {
    throw new StoreRefused(
      'owned',
      `A server owns ${database.path}. It migrated the database when it started, so there is nothing to do; nothing was changed.`,
    );
  }
  const { from, to } = migrateDatabase(database.path);
  const words =
    from === null
      ? `Made ${database.path} with schema ${to}.`
      : from === to
        ? `${database.path} has schema ${to}, the newest.`
        : `Brought ${database.path} from schema ${from} to ${to}.`;
  show(json === true ? { path: database.path, from, to } : words);
  return exitCodes.ok;
}
