/**
 * Brings a database to what this code needs: tables by numbered migrations, functions in a schema of their own that carries the digest
 * of their text. Both happen in one transaction under an advisory lock that ends with it, so any number of processes may start at
 * once, also through a pooler. A migration adds only what an older process can ignore, and its functions stay beside the new ones,
 * so old and new serve together during a rolling deploy.
 *
 * To change a function, change its file. To change a table, append a file to `schema/`. To add a function, put a file into the room of
 * its subject: `name.sql`; what other functions alone call begins with `_`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { addressOf, defaultSchema } from './database.ts';
import { faultOf, PostgresRefused } from './faults.ts';
import { functionsSchemaOf, installFunctions, readFunctions } from './functions.ts';

const home = fileURLToPath(new URL('..', import.meta.url));

export interface Migration {
  version: number;
  name: string;
  /** The oldest tables that code may know which still works on these: `-- serves: N` in the file, 1 if absent. */
  serves: number;
  sql: string;
}

/** In order of their numbers, which are those of the files' names. */
export function readMigrations(): Migration[] {
  return readdirSync(join(home, 'schema'))
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const [, number = '', name = ''] = /^(\d{4})-([\w-]+)\.sql$/.exec(file) ?? [];
      const sql = readFileSync(join(home, 'schema', file), 'utf8');
      const [, serves = '1'] = /^-- serves: (\d+)$/m.exec(sql) ?? [];
      return { version: Number(number), name, serves: Number(serves), sql };
    });
}

const demandVersion = 150_000;

export interface Installed {
  /** The schema of the functions. */
  functionsSchema: string;
  schema: string;
  /** Versions of the tables; 0 where there were none. */
  from: number;
  to: number;
}

export interface InstallOptions {
  url: string;
  schema?: string;
  /** What this code has, if absent; a test puts another version's here. */
  functions?: string;
  migrations?: readonly Migration[];
}

/** @throws PostgresRefused, Fault storeUnavailable */
export async function install(options: InstallOptions): Promise<Installed> {
  const schema = schemaOf(options);
  const { functions = readFunctions(), migrations = readMigrations() } = options;
  const functionsSchema = functionsSchemaOf(schema, functions);
  const client = new pg.Client({
    connectionString: addressOf(options.url).connectionString,
    connectionTimeoutMillis: 5_000,
    application_name: 'nightdesk',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('BEGIN');
    await lockInstall(client, schema);
    await demandNewEnough(client);
    const { from, to } = await migrate(client, schema, migrations);
    await installFunctions(client, { schema, functionsSchema, functions });
    await client.query('COMMIT');
    return { functionsSchema, schema, from, to };
  } catch (error) {
    throw faultOf(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Until the transaction ends nobody else starts on the schema. */
export async function lockInstall(client: pg.Client, schema: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`nightdesk ${schema}`]);
}

/** Names stand in statements as they are, so only what needs no quotes is a name. */
function schemaOf({ schema = defaultSchema }: { schema?: string }): string {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(schema))
    throw new RangeError(
      `A schema is named by lower-case letters, digits and "_", at most 41, not "${schema}".`,
    );
  return schema;
}

async function demandNewEnough(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: string; name: string }>(
    "SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name",
  );
  if (Number(rows[0]?.number) >= demandVersion) return;
  throw new PostgresRefused(
    'tooOld',
    `This Postgres is version ${rows[0]?.name}; Nightdesk needs 15 or later. Name a newer server in DATABASE_URL. Nothing was changed.`,
  );
}

async function migrate(
  client: pg.Client,
  schema: string,
  migrations: readonly Migration[],
): Promise<{ from: number; to: number }> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  await client.query(`SET LOCAL search_path = ${schema}`);
  await client.query(
    'CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY, name text NOT NULL, serves integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
  );
  const { rows } = await client.query<{ version: number; serves: number }>(
    'SELECT coalesce(max(version), 0) AS version, coalesce(max(serves), 0) AS serves FROM migration',
  );
  const { version, serves } = rows[0] ?? { version: 0, serves: 0 };
  const newest = migrations.at(-1)?.version ?? 0;
  // One that is newer and serves this code is a deploy under way: an old process that died may come back.
  if (serves > newest)
    throw new PostgresRefused(
      'newer',
      `The tables in the schema ${schema} have version ${version} and serve no code that knows less than ${serves}; this Nightdesk knows ${newest}. They were brought there by a newer version; start that one. Nothing was changed.`,
    );
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    await client.query(migration.sql);
    await client.query('INSERT INTO migration (version, name, serves) VALUES ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.serves,
    ]);
  }
  return { from: version, to: Math.max(newest, version) };
}
