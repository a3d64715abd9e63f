/**
 * Runs one command where it must run: in the server that owns the database, or, where nobody owns it, here. The socket is
 * asked first, so a running server is never in doubt. Without one this process becomes the owner for the moment; if a
 * server was faster, its lock refuses us and nothing has happened.
 */
import { existsSync } from 'node:fs';
import { runCommand } from '#runtime/commands.ts';
import { BadConfig, type Config, readConfig } from '#runtime/config.ts';
import { StoreRefused } from '#runtime/database.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';
import { askOwner, callOwner } from './command-socket.ts';

/** Commands that may make the database; any other without one is run in the wrong folder. */
const makers = new Set(['tenants.apply']);

export type CommandArgs = Record<string, unknown>;

/** @throws BadConfig, StoreRefused, Fault, OwnerFailed */
export async function run(name: string, args: CommandArgs): Promise<unknown> {
  const { config, path } = await whereToRun();
  if (path === null)
    return withStore(config, { readTenants: name !== 'tenants.apply' }, (nightdesk) =>
      runCommand(nightdesk, name, args),
    );
  const answered = await askOwner(path, name, args);
  if (answered !== null) return answered.result;
  if (!makers.has(name)) demandDatabase(path);
  try {
    // A change of tenants may mend what keeps them from being read, and reads them afterwards.
    return await withStore(config, { readTenants: name !== 'tenants.apply' }, (nightdesk) =>
      runCommand(nightdesk, name, args),
    );
  } catch (error) {
    if (error instanceof StoreRefused && error.reason === 'owned') return callOwner(path, name, args);
    throw error;
  }
}

/** Several commands where they must run, one after the other: in the server, or all while the database is owned here. @throws as `run` */
export async function runEach<T>(
  use: (call: (name: string, args: CommandArgs) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const { config, path } = await whereToRun();
  const here = () =>
    withStore(config, { readTenants: true }, (nightdesk) =>
      use((name, args) => runCommand(nightdesk, name, args)),
    );
  if (path === null) return here();
  const inServer = () => use((name, args) => callOwner(path, name, args));
  if ((await askOwner(path, 'dialogs.list', {})) !== null) return inServer();
  demandDatabase(path);
  try {
    return await here();
  } catch (error) {
    if (error instanceof StoreRefused && error.reason === 'owned') return inServer();
    throw error;
  }
}

/** The file that has an owner; null for Postgres, where everybody may work and what this process finds to do is told to the servers. */
async function whereToRun(): Promise<{ config: Config; path: string | null }> {
  const config = await readConfig({ env: process.env, folder: process.cwd() });
  const { database } = config;
  if (database.driver === 'postgres') return { config: { ...config, roles: [] }, path: null };
  if (database.path === ':memory:')
    throw new BadConfig(
      'DATABASE_URL is sqlite::memory:, a database inside its server that no command can reach. Name a file, e.g. sqlite:./data/nightdesk.db.',
    );
  return { config, path: database.path };
}

function demandDatabase(path: string): void {
  if (!existsSync(path))
    throw new BadConfig(
      `There is no database at ${path} yet. Run the command in the folder of your server, or set DATABASE_URL as the server has it.`,
    );
}

/** Owns the database while `use` runs; no station is started. */
export async function withStore<T>(
  config: Config,
  { readTenants }: { readTenants: boolean },
  use: (nightdesk: Nightdesk) => Promise<T>,
): Promise<T> {
  const [{ noModel, openNightdesk }, { createRealWorld }, { createLog }] = await Promise.all([
    import('#runtime/open.ts'),
    import('#runtime/world/real-world.ts'),
    import('#runtime/world/log.ts'),
  ]);
  const log = createLog({ level: 'error', pretty: true, write: (line) => process.stderr.write(line) });
  const world = createRealWorld({ log });
  try {
    const nightdesk = await openNightdesk(config, world, { model: noModel, isCommand: true });
    try {
      if (readTenants) await nightdesk.reloadTenants();
      return await use(nightdesk);
    } finally {
      await nightdesk.store.close();
    }
  } finally {
    world.close();
  }
}
