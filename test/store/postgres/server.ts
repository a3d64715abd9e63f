/**
 * The Postgres that tests use: `TEST_POSTGRES_URL`, else the one on the standard port. Each test file works in a schema of its own, so files
 * may run side by side; `wiped` empties its tables, which is much quicker than making them anew.
 */
import pg from 'pg';
import { install } from '#store/postgres/database/install.ts';

export const postgresUrl = process.env.TEST_POSTGRES_URL ?? 'postgres://root@127.0.0.1:5432/test';

const howToStart =
  'Postgres does not answer. Start it, e.g. `pg_ctlcluster 15 main start`, or name another one in TEST_POSTGRES_URL=postgres://user@host:5432/name.';

/** Whether the tests can run; in CI they must. */
export async function isPostgresHere(): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (process.env.CI !== undefined) throw new Error(howToStart, { cause: error });
    console.warn(`SKIPPED: ${howToStart}`);
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

export interface TestSchema {
  name: string;
  /** Where the functions are. */
  functionsSchema: string;
  /** Runs statements past the store, where its tables and functions need no schema. */
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Another connection, for a transaction that stays open. */
  connect(): Promise<pg.Client>;
  /** Resolves when somebody waits for a lock of these tables. */
  blocked(): Promise<void>;
  /** Empties all tables. */
  wipe(): Promise<void>;
  drop(): Promise<void>;
}

export async function makeSchema(subject: string): Promise<TestSchema> {
  const name = `test_${subject}_${process.pid}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  const drop = async () => {
    const { rows } = await client.query<{ nspname: string }>(
      'SELECT nspname FROM pg_namespace WHERE nspname = $1 OR nspname LIKE $2',
      [name, `${name.replaceAll('_', '\\_')}\\_%`],
    );
    for (const { nspname } of rows) await client.query(`DROP SCHEMA ${nspname} CASCADE`);
  };
  await drop();
  const { functionsSchema } = await install({ url: postgresUrl, schema: name });
  const { rows: tables } = await client.query<{ relname: string }>(
    "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN ('migration', 'functions_of_version')",
    [name],
  );
  await client.query(`SET search_path = ${functionsSchema}, ${name}`);
  return {
    name,
    functionsSchema,
    query: async (sql, values) => (await client.query(sql, values)).rows,
    async connect() {
      const other = new pg.Client({ connectionString: postgresUrl });
      await other.connect();
      await other.query(`SET search_path = ${functionsSchema}, ${name}`);
      return other;
    },
    async blocked() {
      const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${functionsSchema}.%'`;
      for (let looks = 0; (await client.query(waits)).rowCount === 0; looks += 1)
        if (looks > 10_000) throw new Error('nobody waits for a lock');
    },
    // Postings are never deleted, so their guard stands aside; nobody but a superuser may do that.
    wipe: async () =>
      void (await client.query(
        `BEGIN; SET LOCAL session_replication_role = replica; ${tables.map(({ relname }) => `DELETE FROM ${relname};`).join('')} COMMIT`,
      )),
    async drop() {
      await drop();
      await client.end();
    },
  };
}
