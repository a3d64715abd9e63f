/**
 * Old and new versions side by side: each calls functions of its own on the same tables, any number may start at once, and what came before is
 * neither lost nor done twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '#core/ports/store.ts';
import { Database } from '#store/postgres/database/database.ts';
import { readFunctions } from '#store/postgres/database/functions.ts';
import { install, type Migration, readMigrations } from '#store/postgres/database/install.ts';
import { PostgresRefused, storeOn } from '#store/postgres/index.ts';
import { openScene } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
const soon = (fn: () => void) => void setImmediate(fn);
let schema: TestSchema;

/** A version that differs from this one by a word in a comment, which is enough to be another one. */
const functionsOfBefore = () => `${readFunctions()}\n-- as it was before\n`;

const after: Migration = {
  version: (readMigrations().at(-1)?.version ?? 0) + 1,
  name: 'later',
  serves: 1,
  sql: 'ALTER TABLE conversation ADD COLUMN mood text',
};

async function open(functions?: string): Promise<{ store: Store; functionsSchema: string }> {
  const address = { url: postgresUrl, schema: schema.name };
  const { functionsSchema } = await install({ ...address, ...(functions !== undefined && { functions }) });
  const db = new Database({ ...address, connectionsMax: 2, clock: 'caller', soon }, functionsSchema);
  return { store: storeOn(db), functionsSchema };
}

describe.skipIf(!isHere)('versions side by side', () => {
  beforeAll(async () => {
    schema = await makeSchema('versions');
  });
  afterAll(() => schema.drop());

  it('I3 I4: what one version stored the other takes, and an old fence is refused by both', async () => {
    const [before, now] = [await open(functionsOfBefore()), await open()];
    expect(before.functionsSchema).not.toBe(now.functionsSchema);
    const scene = await openScene(async () => ({ store: before.store, close: async () => {} }));
    const ref = await scene.say('hello');
    const taken = await scene.take(ref, 'own_before');
    scene.advance(60_000);
    const [again] = await now.store.takeConversations({
      ...{ refs: [ref], ownerId: 'own_now', nowMs: scene.nowMs },
    });
    if (again?.outcome !== 'taken') throw new Error(`The new version did not take it: ${again?.outcome}.`);
    expect((await before.store.commitTurn(scene.commitOf(taken))).outcome).toBe('fenceOld');
    expect((await now.store.commitTurn(scene.commitOf(again))).outcome).toBe('committed');
    await before.store.close();
    await now.store.close();
  });

  it('processes of two versions start at the same time, many of each', async () => {
    await schema.drop();
    schema = await makeSchema('versions');
    const starts = Array.from({ length: 8 }, (_, nth) =>
      open(nth % 2 === 0 ? functionsOfBefore() : undefined),
    );
    const opened = await Promise.all(starts);
    expect(new Set(opened.map(({ functionsSchema }) => functionsSchema)).size).toBe(2);
    for (const { store } of opened) expect(await store.readTenants()).toEqual([]);
    for (const { store } of opened) await store.close();
  });

  it('tables that a newer version changed serve this one, unless they say that they do not', async () => {
    const address = { url: postgresUrl, schema: schema.name };
    await install({ ...address, migrations: [...readMigrations(), after] });
    const { store } = await open();
    expect(await store.readTenants()).toEqual([]);
    await store.close();

    const breaking = { ...after, version: after.version + 1, serves: after.version + 1, sql: 'SELECT 1' };
    await install({ ...address, migrations: [...readMigrations(), after, breaking] });
    const refusal = await install(address).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PostgresRefused);
    expect(refusal).toMatchObject({ reason: 'newer' });
  });

  it('functions of versions long gone are dropped, the last three never', async () => {
    await schema.drop();
    schema = await makeSchema('versions');
    const address = { url: postgresUrl, schema: schema.name };
    const versions = Array.from({ length: 5 }, (_, nth) => `${readFunctions()}\n-- version ${nth}\n`);
    for (const functions of versions.slice(0, 4)) await install({ ...address, functions });
    await schema.query("UPDATE functions_of_version SET installed_at = installed_at - interval '31 days'");
    await install({ ...address, functions: versions[4] ?? '' });
    const kept = await schema.query<{ name: string }>(
      'SELECT functions_schema AS name FROM functions_of_version',
    );
    const there = await schema.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE $1 || '\\_%'",
      [schema.name],
    );
    expect(kept.length).toBe(3);
    expect(there.map(({ name }) => name).sort()).toEqual(kept.map(({ name }) => name).sort());
  });
});
