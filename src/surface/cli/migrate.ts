/**
 * `nightdesk migrate`: brings a database without a server to the newest schema, for those who want to do that apart from
 * a start. A running server has done it already.
 */
import { type DatabaseAt, readConfig } from '#runtime/config.ts';
import { isOwned, migrateDatabase, StoreRefused } from '#runtime/database.ts';
import { loadDriver } from '#runtime/postgres.ts';
import { exitCodes } from './exit-codes.ts';
import { show } from './show.ts';

export async function migrate({ json }: { json?: boolean }): Promise<number> {
  const { database } = await readConfig({ env: process.env, folder: process.cwd() });
  if (database.driver === 'postgres') return migratePostgres(database, json === true);
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

/** Beside servers of this version and the one before, under a lock of the database. */
async function migratePostgres(
  { url, directUrl }: Extract<DatabaseAt, { driver: 'postgres' }>,
  isJson: boolean,
): Promise<number> {
  const { migrateDatabase: migrateServer } = await loadDriver();
  const { from, to, schema } = await migrateServer({ url: directUrl ?? url });
  const words =
    from === to
      ? `Schema ${schema} has version ${to}, the newest.`
      : `Brought schema ${schema} from version ${from} to ${to}.`;
  show(isJson ? { schema, from, to } : words);
  return exitCodes.ok;
}
