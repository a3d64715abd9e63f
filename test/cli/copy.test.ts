/**
 * An installation that outgrows its file: the server is stopped, one command moves everything, and the next server goes on in Postgres with the
 * same customers. Killed in the middle it has moved nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isPostgresHere, postgresUrl } from '../store/postgres/server.ts';
import { numberId, until, Workshop } from './workshop.ts';

const isHere = await isPostgresHere();
const name = `nightdesk_copy_${process.pid}`;
const url = Object.assign(new URL(postgresUrl), { pathname: `/${name}` }).href;
/** Of a lock of the database that a copy is made to wait for. */
const gate = 4_711;

let workshop: Workshop;
const from = () => `sqlite:${workshop.databasePath}`;
const copy = (...more: string[]) => workshop.run(['copy', '--from', from(), '--to', url, ...more]);
const say = (text: string) =>
  workshop.simulator.control.say({ phoneNumberId: numberId, contact: '16505550001', type: 'text', text });
const answers = async () => (await workshop.simulator.control.accepted()).length;

/** One statement on a database of the test's server. */
async function query(database: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

describe.skipIf(!isHere)('nightdesk copy', () => {
  beforeAll(async () => {
    await query(postgresUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await query(postgresUrl, `CREATE DATABASE ${name}`);
  });
  afterAll(() => query(postgresUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  beforeEach(async () => {
    workshop = await Workshop.open();
  });
  afterEach(() => workshop.close());

  it('refuses a server that runs, survives a kill, moves all of it, and the conversation goes on there', async () => {
    const server = await workshop.start();
    const file = workshop.write('tenants.json', workshop.tenants());
    expect(await workshop.run(['tenants', 'apply', file])).toMatchObject({ code: 0 });
    await say('hello');
    await until(async () => (await answers()) === 1);
    const beside = await copy();
    expect(beside).toMatchObject({ code: 2, out: '' });
    expect(beside.err).toMatch(/A server owns .*Stop it with SIGTERM/);
    expect((await server.stop()).code).toBe(0);

    await killedInTheMiddle();
    expect((await query(url, 'SELECT 1 FROM nightdesk.event')).rowCount).toBe(0);
    expect(await workshop.run(['tenants', 'list'])).toMatchObject({ code: 0 });

    const moved = await copy();
    expect(moved.code, moved.err).toBe(0);
    expect(moved.out).toMatch(/event +[1-9].*\n/);
    expect(moved.out).toMatch(/Copied to postgres:\/\/.*nothing starts on it any more/s);
    expect(moved.out + moved.err).not.toContain('root@');
    const refused = await workshop.run(['start']);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/was moved to postgres:.*Set DATABASE_URL to that one/);

    const examined = await workshop.run(['doctor']);
    expect(examined.out).toMatch(/fail +store .*was moved to postgres:/);

    const key = readFileSync(join(workshop.folder, 'data', 'secret.key'), 'utf8').trim();
    workshop.write('.env', `DATABASE_URL=${url}\nNIGHTDESK_SECRET_KEY=${key}\n`);
    const next = await workshop.start();
    await say('and now?');
    await until(async () => (await answers()) === 2);
    expect((await query(url, 'SELECT 1 FROM nightdesk.conversation')).rowCount).toBe(1);
    expect((await next.stop()).code).toBe(0);
  });

  it('says what is wrong with its words, and repeats no password', async () => {
    const wrongFrom = await workshop.run(['copy', '--from', url, '--to', url]);
    expect(wrongFrom).toMatchObject({ code: 2, out: '' });
    expect(wrongFrom.err).toMatch(/--from names no file of SQLite/);
    const wrongTo = await workshop.run(['copy', '--from', from(), '--to', 'mysql://me:secret@host/x']);
    expect(wrongTo).toMatchObject({ code: 2, out: '' });
    expect(wrongTo.err).toMatch(/--to names no Postgres/);
    expect(wrongTo.err).not.toContain('secret');
    const none = await copy();
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toMatch(/There is no database at/);
  });
});

/** The last table waits for a lock that the test has, so the kill meets a copy that has written almost everything. */
async function killedInTheMiddle(): Promise<void> {
  const migrated = await workshop.run(['migrate'], {
    env: { DATABASE_URL: url, NIGHTDESK_SECRET_KEY: 'k'.repeat(32) },
  });
  expect(migrated.code, migrated.err).toBe(0);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock(${gate}); RETURN NULL; END $$;
    CREATE TRIGGER gate AFTER INSERT ON nightdesk.tenant FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()`);
  await client.query('SELECT pg_advisory_lock($1)', [gate]);
  const copying = workshop.begin(['copy', '--from', from(), '--to', url]);
  await until(async () => {
    const { rowCount } = await client.query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted",
      [gate],
    );
    return rowCount === 1;
  });
  copying.kill();
  expect((await copying.ended).err).toMatch(/^event: [1-9]/m);
  await client.query('SELECT pg_advisory_unlock($1)', [gate]);
  // The server notices that its client is gone when it goes on.
  await until(
    async () =>
      (await client.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'nightdesk copy'"))
        .rowCount === 0,
  );
  await client.query('DROP TRIGGER gate ON nightdesk.tenant');
  await client.end();
}
