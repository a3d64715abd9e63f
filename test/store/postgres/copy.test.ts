/**
 * A store that moves from a SQLite file into Postgres: every row of every table arrives, conversations go on, and wherever the copy dies there
 * is one store that may be started, or none until the same copy was run again; never two.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import { type Copied, type CopyOrder, copyStore } from '#runtime/copy.ts';
import { openPostgresStore } from '#store/postgres/index.ts';
import { migrations } from '#store/sqlite/database/schema.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { hourMs, minuteMs, nth, owner, phoneNumber, Scene } from '#testing/store-conformance/scene.ts';
import { live } from '../life.ts';
import { answers, inText, rowsOfFile } from './same-store.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
const noor = { phone: '4915550001234', bsuid: 'DE.77', name: 'Noor' };
const sami = { phone: '15550009999', bsuid: 'US.9', name: 'Sami \u{1f600} O\'Neil \\ "{}",' };
const fileId = 'a'.repeat(64);

let schema: TestSchema;
let folder: string;
let path: string;
let scene: Scene;

const openFile = (afterRestore = false): Store =>
  openSqliteStore({ path, afterRestore, soon: (fn) => void setImmediate(fn), random: seededRandom(3) });
const openTarget = (): Promise<Store> =>
  openPostgresStore({
    ...{ url: postgresUrl, schema: schema.name, connectionsMax: 4, clock: 'caller' },
    soon: (fn) => void setImmediate(fn),
  });
const copy = (over: Partial<CopyOrder> = {}): Promise<Copied> =>
  copyStore({
    from: path,
    to: postgresUrl,
    schema: schema.name,
    copyId: 'cpy_1',
    nowMs: scene.nowMs,
    ...over,
  });

/** The scene goes on in Postgres. */
async function move(over: Partial<CopyOrder> = {}): Promise<Copied> {
  const copied = await copy(over);
  scene.store = await openTarget();
  return copied;
}

/** Something in every table, and work under way of a server that was killed. */
async function fill(): Promise<{ noor: ConversationRef; sami: ConversationRef; merged: ConversationRef }> {
  const { store } = scene;
  const numbers = [scene.number, phoneNumber({}, { phoneNumberId: '200' })];
  const tenants = [{ tenantId: 'acme', name: 'Acme', accessToken: 'sealed', phoneNumbers: numbers }];
  await store.applyTenants({ tenants, nowMs: scene.nowMs });
  const refs = {
    noor: await live(scene, noor, 'sparrow', 'one'),
    sami: await live(scene, sami, 'wren', 'two', 'nul \0 half \ud800'),
  };
  await scene.say('by phone', { from: { phone: '15551' } });
  scene.advance(1);
  await scene.say('by id', { from: { bsuid: 'US.51' } });
  const merged = await scene.say('both', { from: { phone: '15551', bsuid: 'US.51' } });
  const thought = await scene.say('think', { from: { bsuid: 'US.60' } });
  await scene.think(thought, 'act_usage');
  const usage = { model: 'claude', inputTokens: 3, outputTokens: 4 };
  const by = { ref: thought, ownerId: owner, nowMs: scene.nowMs };
  await store.settleActivity({ ...by, activityId: 'act_usage', result: { usage }, usage });
  await pay();
  await scene.report(scene.status('delivered', { wamid: 'wamid.unknown' }));
  // A boolean that is true, and a number with a fraction.
  const alert = {
    type: 'notice' as const,
    wabaId: 'waba',
    field: 'account_update',
    alert: true,
    raw: '{"a":1}',
  };
  const notice = { ...alert, atMs: scene.nowMs, dedupeKey: 'notice-alert' };
  await store.append(scene.batch({ notices: [{ tenantId: 'acme', notice }] }));
  const file = new DatabaseSync(path);
  file.exec('UPDATE pace SET tat_ms = tat_ms + 0.1 + 0.2');
  file.close();
  await store.createApiKey({
    ...{ tenantId: 'acme', keyId: 'key_1', digest: 'd1', label: 'shop', by: 'ann', liveMax: 9 },
    nowMs: scene.nowMs,
  });
  const kept = { tenantId: 'acme', fileId, nowMs: scene.nowMs };
  await store.noteFile({ ...kept, mimeType: 'image/png', bytes: 7 });
  await store.noteUpload({ ...kept, phoneNumberId: '100', mediaId: 'm1', untilMs: scene.nowMs + hourMs });
  await store.takeOver({ ref: thought, by: 'ann', nowMs: scene.nowMs });
  await scene.take(await scene.say('a turn runs', { from: { bsuid: 'US.61' } }));
  return { ...refs, merged };
}

/** Paid work that is settled. */
async function pay(): Promise<void> {
  const cost = { currency: 'EUR', amountMicros: 500, onUncertain: 'lookup', late: 'discard' } as const;
  const ref = await scene.say('draw', { from: { bsuid: 'US.62' } });
  await scene.think(ref, 'act_paid', { cost });
  const by = { ref, ownerId: owner, activityId: 'act_paid', nowMs: scene.nowMs };
  await scene.store.beginAttempt(by);
  await scene.store.settleActivity({
    ...by,
    result: 'a picture',
    charge: { kind: 'charged', amountMicros: 333 },
  });
}

beforeAll(async () => {
  if (isHere) schema = await makeSchema('copy');
});
afterAll(async () => {
  if (isHere) await schema.drop();
});
beforeEach(async () => {
  if (!isHere) return;
  await schema.query('DROP TABLE IF EXISTS copied_from');
  await schema.wipe();
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-copy-'));
  path = join(folder, 'nightdesk.db');
  const store = openFile();
  scene = new Scene({ store, close: () => store.close() });
});
afterEach(async () => {
  if (!isHere) return;
  await scene.store.close();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!isHere)('a store that moves from SQLite to Postgres', () => {
  test('has every row of every table, and says the same to every question', async () => {
    const refs = Object.values(await fill());
    const said = await answers(scene.store, refs, scene.nowMs);
    await scene.store.close();
    const before = rowsOfFile(path);
    expect([...before].filter(([, rows]) => rows.length === 0)).toEqual([]);
    const all = [...before.values()].flat().join('\n');
    expect(all).toMatch(/alert=1/);
    expect(all).toMatch(/tat_ms=\d+\.\d+/);
    const copied = await move();
    for (const [name, rows] of before) {
      const found = await schema.query(`SELECT * FROM "${name}"`);
      expect(found.map(inText).sort(), name).toEqual(rows);
      expect(copied.tables[name]?.rows, name).toBe(rows.length);
    }
    expect(await answers(scene.store, refs, scene.nowMs)).toEqual(said);
  });

  test('goes on where it was: work of the old server is rescued, a conversation is answered, a repeated webhook is known', async () => {
    const refs = await fill();
    const hello = scene.message('hello', { from: { bsuid: 'US.70' } });
    await scene.append(hello);
    await scene.store.close();
    await move();
    scene.advance(hourMs);
    await scene.store.rescue({ ownerId: 'own_new', nowMs: scene.nowMs, all: true });
    const again = await scene.append(hello);
    expect([again.stored, again.duplicates]).toEqual([0, 1]);
    const { conversations, activities } = await scene.store.findWork({
      ...{ ownerId: 'own_new', nowMs: scene.nowMs, max: 99 },
    });
    expect(conversations.length).toBeGreaterThan(2);
    expect(activities.map(({ activityId }) => activityId)).toContain('act_oneruns');
    const taken = await scene.take(refs.noor, 'own_new');
    expect(taken.dialogState).toBe(JSON.stringify({ context: { name: 'sparrow', more: '' } }));
    const sends = [scene.newSend('on the other side')];
    const [send] = (await scene.commit(taken, { sends })).sends;
    scene.advance(hourMs);
    expect(send?.sendId).toBe(nth(sends, 0).sendId);
    await scene.store.takeOver({ ref: refs.sami, by: 'ann', nowMs: scene.nowMs });
    const [last] = await schema.query<{ conversation_id: string }>(
      'SELECT conversation_id FROM operator_action ORDER BY nth DESC LIMIT 1',
    );
    expect(last?.conversation_id).toBe(refs.sami.conversationId);
    const lines = await scene.store.readTranscript({ ref: refs.noor, max: 99 });
    expect(lines.at(-1)?.text).toContain('on the other side');
  });

  test('leaves a file that nothing starts on, but for a start that holds what was open', async () => {
    await scene.say('open');
    await scene.store.close();
    await move();
    expect(() => openFile()).toThrow(expect.objectContaining({ name: 'StoreRefused', reason: 'moved' }));
    await expect(copy()).rejects.toMatchObject({ name: 'StoreRefused', reason: 'moved' });
    const back = openFile(true);
    expect(await back.holdAfterRestore({ nowMs: scene.nowMs })).toMatchObject({ messages: 1 });
    await back.close();
    await openFile().close();
  });
});

describe.skipIf(!isHere)('a copy that dies', () => {
  const dies = (at: string): Partial<CopyOrder> => ({
    reach: (moment) => {
      if (moment === at) throw new Error('died');
    },
  });
  const isEmpty = async () => (await schema.query('SELECT 1 FROM event')).length === 0;

  test('before it marked the file has changed nothing: both are as they were', async () => {
    await scene.say('hello');
    await scene.store.close();
    await expect(copy(dies('filled'))).rejects.toThrow('died');
    expect(await isEmpty()).toBe(true);
    await openFile().close();
    expect(await move()).toMatchObject({ wasThere: false, tables: { event: { rows: 1 } } });
  });

  test('before Postgres committed leaves a file that waits for the same copy, which begins anew', async () => {
    await scene.say('hello');
    await scene.store.close();
    await expect(copy(dies('marked'))).rejects.toThrow('died');
    expect(await isEmpty()).toBe(true);
    expect(() => openFile()).toThrow(/being moved.*nightdesk copy.*again/);
    const elsewhere = copy({ to: postgresUrl.replace('127.0.0.1', 'localhost') });
    await expect(elsewhere).rejects.toMatchObject({ code: 'conflict' });
    expect(await move({ copyId: 'cpy_2' })).toMatchObject({
      wasThere: false,
      tables: { event: { rows: 1 } },
    });
    expect(() => openFile()).toThrow(/was moved to/);
  });

  test('after Postgres committed is found whole by the same copy, also where the new server has worked since', async () => {
    await scene.say('hello');
    await scene.store.close();
    await expect(copy(dies('committed'))).rejects.toThrow('died');
    expect(() => openFile()).toThrow(/being moved/);
    scene.store = await openTarget();
    await scene.say('and more', { from: noor });
    expect(await copy({ copyId: 'cpy_2' })).toMatchObject({ wasThere: true });
    expect(() => openFile()).toThrow(/was moved to/);
    expect(await schema.query('SELECT 1 FROM event')).toHaveLength(2);
  });
});

describe.skipIf(!isHere)('a copy is refused', () => {
  const untouched = async () => {
    await openFile().close();
    const [mark] = await schema.query<{ name: string | null }>('SELECT to_regclass($1)::text AS name', [
      `${schema.name}.copied_from`,
    ]);
    expect(mark?.name).toBe(null);
  };

  test('while a server owns the file, and says how to stop it', async () => {
    await expect(copy()).rejects.toThrow(/A server owns .*SIGTERM/);
    await scene.store.close();
    await untouched();
  });

  test('into a store that is not empty, and into the copy of another', async () => {
    await scene.say('hello');
    await scene.store.close();
    await schema.query("INSERT INTO tenant (tenant_id, config, updated_at_ms) VALUES ('other', '{}', 1)");
    await expect(copy()).rejects.toThrow(/is not empty: there are rows in tenant/);
    await schema.query(
      `DELETE FROM tenant; CREATE TABLE ${schema.name}.copied_from (copy_id text NOT NULL, at_ms bigint NOT NULL)`,
    );
    await schema.query("INSERT INTO copied_from VALUES ('cpy_other', 1)");
    await expect(copy()).rejects.toThrow(/copy of another database/);
    await schema.query('DROP TABLE copied_from');
    await untouched();
  });

  test('of a file of another schema, older or newer, of none, and of a backup', async () => {
    await scene.store.close();
    await expect(copy({ from: join(folder, 'nowhere.db') })).rejects.toMatchObject({ code: 'notFound' });
    const db = new DatabaseSync(path);
    const newest = migrations.at(-1)?.version ?? 0;
    db.exec(`PRAGMA user_version = ${newest - 1}`);
    await expect(copy()).rejects.toThrow(/only the newest.*nightdesk migrate/);
    db.exec(`PRAGMA user_version = ${newest + 1}`);
    await expect(copy()).rejects.toMatchObject({ reason: 'newer' });
    db.exec(`PRAGMA user_version = ${newest}; CREATE TABLE backup_taken (at_ms INTEGER NOT NULL) STRICT`);
    await expect(copy()).rejects.toMatchObject({ reason: 'restored' });
    db.exec('DROP TABLE backup_taken');
    db.close();
    await untouched();
  });

  test('into tables of a newer Nightdesk', async () => {
    await scene.store.close();
    // Also into those that a server of this version may still use.
    for (const serves of [9_999, 1]) {
      await schema.query("INSERT INTO migration (version, name, serves) VALUES (9999, 'later', $1)", [
        serves,
      ]);
      await expect(copy()).rejects.toMatchObject({ name: 'PostgresRefused', reason: 'newer' });
      await schema.query('DELETE FROM migration WHERE version = 9999');
    }
    await untouched();
  });

  test('where a text cannot be stored: names the row, not what stands in it', async () => {
    const ref = await scene.say('hello');
    await scene.store.close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE event SET content = 'secret' || char(0)");
    const fault = await copy().catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'badData' });
    expect(String(fault)).toMatch(/column content .* of event .*NUL/);
    expect(String(fault)).toContain(`conversation_id "${ref.conversationId}", position "1"`);
    expect(String(fault)).not.toContain('secret');
    db.close();
    await untouched();
  });

  test('where a row arrives otherwise than it left', async () => {
    await scene.say('hello');
    await scene.store.close();
    await schema.query(
      `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.sent_at_ms := NEW.sent_at_ms + 1; RETURN NEW; END $$`,
    );
    await schema.query('CREATE TRIGGER spoils BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION spoil()');
    await expect(copy()).rejects.toThrow(/Of event, 1 rows with the checksum .* were read and 1 with/);
    await schema.query('DROP TRIGGER spoils ON event; DROP FUNCTION spoil()');
    await untouched();
    expect(await move()).toMatchObject({ wasThere: false });
  });

  test('where a server that is already started on the target would write in between: it waits', async () => {
    await scene.say('hello');
    await scene.store.close();
    const target = await openTarget();
    let applied: Promise<void> | null = null;
    const copied = await copy({
      reach: (moment) => {
        const tenants = [{ tenantId: 'zoo', name: 'Zoo', phoneNumbers: [] }];
        if (moment === 'filled') applied = target.applyTenants({ tenants, nowMs: scene.nowMs + minuteMs });
      },
    });
    await applied;
    expect(copied.tables.tenant?.rows).toBe(0);
    expect((await target.readTenants()).map(({ tenantId }) => tenantId)).toEqual(['zoo']);
    await target.close();
  });
});
