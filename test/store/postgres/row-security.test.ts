/**
 * Row-level security (I10): whoever is not the owner of the tables sees one tenant, the one that was named, and nothing before. A table
 * that gains no policy fails here.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresStore } from '#store/postgres/index.ts';
import { phoneNumber, Scene } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

/** What stands in them is of no tenant. */
const ofNoTenant = ['functions_of_version', 'migration'];

describe.skipIf(!(await isPostgresHere()))('row-level security', () => {
  const role = `test_reader_${process.pid}`;
  let schema: TestSchema;
  let client: pg.Client;

  beforeAll(async () => {
    schema = await makeSchema('row_security');
    const store = await openPostgresStore({
      ...{ url: postgresUrl, schema: schema.name, connectionsMax: 2, clock: 'caller' },
      soon: (fn) => void setImmediate(fn),
    });
    const scene = new Scene({ store, close: () => store.close() });
    await scene.say('of acme');
    const others = phoneNumber({}, { tenantId: 'bolt', phoneNumberId: '200' });
    await scene.appendTo(others, scene.message('of bolt', { number: others }));
    await scene.close();
    await schema.query(`CREATE ROLE ${role}`);
    await schema.query(`GRANT USAGE ON SCHEMA ${schema.name} TO ${role}`);
    await schema.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema.name} TO ${role}`,
    );
    client = new pg.Client({ connectionString: postgresUrl });
    await client.connect();
    await client.query(`SET search_path = ${schema.name}`);
    await client.query(`SET ROLE ${role}`);
  });
  afterAll(async () => {
    await client.end();
    await schema.query(`DROP OWNED BY ${role}`);
    await schema.query(`DROP ROLE ${role}`);
    await schema.drop();
  });

  const tenantsSeen = async (table: string) => {
    const { rows } = await client.query<{ tenant: string }>(
      `SELECT DISTINCT tenant_id AS tenant FROM ${table} ORDER BY 1`,
    );
    return rows.map(({ tenant }) => tenant);
  };
  const tables = ['event', 'conversation', 'contact', 'contact_address'];

  it('I10: shows nothing before a tenant is named', async () => {
    await client.query('RESET nightdesk.tenant');
    for (const table of tables) expect(await tenantsSeen(table)).toEqual([]);
  });

  it('I10: shows the rows of the tenant that is named, and of no other', async () => {
    for (const tenant of ['acme', 'bolt']) {
      await client.query(`SET nightdesk.tenant = '${tenant}'`);
      for (const table of tables) expect(await tenantsSeen(table)).toEqual([tenant]);
    }
  });

  it('I10: lets nobody change or add rows of another tenant', async () => {
    await client.query("SET nightdesk.tenant = 'acme'");
    const { rowCount } = await client.query("UPDATE contact SET name = 'X' WHERE tenant_id = 'bolt'");
    expect(rowCount).toBe(0);
    await expect(
      client.query("INSERT INTO tenant (tenant_id, config, updated_at_ms) VALUES ('bolt', '{}', 0)"),
    ).rejects.toThrow(/row-level security/);
  });

  it('does not bind the owner, which is the server', async () => {
    const rows = await schema.query<{ tenant: string }>(
      'SELECT DISTINCT tenant_id AS tenant FROM event ORDER BY 1',
    );
    expect(rows.map(({ tenant }) => tenant)).toEqual(['acme', 'bolt']);
    const forced = await schema.query(
      'SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relforcerowsecurity',
      [schema.name],
    );
    expect(forced).toEqual([]);
  });

  it('I10: has a policy by tenant on every table', async () => {
    expect(await unguarded(schema)).toEqual([]);
    await schema.query(`CREATE TABLE ${schema.name}.newcomer (tenant_id text)`);
    expect(await unguarded(schema)).toEqual(['newcomer']);
    await schema.query(`DROP TABLE ${schema.name}.newcomer`);
  });
});

/** Tables that show a role the rows of every tenant. */
async function unguarded(schema: TestSchema): Promise<string[]> {
  const rows = await schema.query<{ name: string; isOn: boolean; rule: string | null }>(
    `SELECT c.relname AS name, c.relrowsecurity AS "isOn", pg_get_expr(p.polqual, p.polrelid) AS rule
      FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
      WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`,
    [schema.name],
  );
  expect(rows.length).toBeGreaterThan(20);
  const isGuarded = (rule: string | null) =>
    /tenant_id.*=.*current_setting\('nightdesk\.tenant'/.test(rule ?? '');
  return rows
    .filter(({ name, isOn, rule }) => !ofNoTenant.includes(name) && !(isOn && isGuarded(rule)))
    .map(({ name }) => name);
}
