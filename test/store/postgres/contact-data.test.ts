/**
 * What is left of a contact after an erasure on Postgres: every column of every table is looked through, as on SQLite. And what only several
 * processes can do: erase a contact while they write, merge and are served.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Sender } from '#core/model/events.ts';
import type { Store } from '#core/ports/store.ts';
import { openPostgresStore } from '#store/postgres/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { nth, Scene } from '#testing/store-conformance/scene.ts';
import { live } from '../life.ts';
import { onPostgres } from './on-postgres.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
const canary = 'Kanarienvogel';
const phone = '4915550001234';
const bsuid = 'DE.77777777';
const erased: Sender = { phone, bsuid, name: `${canary} Maier`, username: canary };
const neighbour: Sender = { phone: `${phone}5`, bsuid: `${bsuid}.8`, name: 'Noor' };

let schema: TestSchema;
let scene: Scene;

async function everyRow(): Promise<string[]> {
  const tables = await schema.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r' ORDER BY relname",
    [schema.name],
  );
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await schema.query(`SELECT * FROM ${schema.name}."${name}"`);
    const inText = (_key: string, value: unknown) =>
      Buffer.isBuffer(value) || (value as { type?: unknown } | null)?.type === 'Buffer'
        ? Buffer.from(value as Uint8Array).toString('latin1')
        : value;
    rows.push(...found.map((row) => `${name} ${JSON.stringify(row, inText)}`));
  }
  return rows;
}

async function contactsOf(address: string): Promise<string[]> {
  return scene.store.findContacts({ tenantId: 'acme', contact: address });
}

function erase(contactId: string, store: Store = scene.store) {
  const { nowMs } = scene;
  const of = { tenantId: 'acme', contactId, fileIds: [], filesSeenAtMs: nowMs };
  return store.eraseContact({ ...of, by: 'ann', nowMs });
}

/** Another process on the same rows. */
const openBeside = (): Promise<Store> =>
  openPostgresStore({
    ...{ url: postgresUrl, schema: schema.name, connectionsMax: 4, clock: 'caller' },
    soon: (fn) => void setImmediate(fn),
  });

beforeAll(async () => {
  if (isHere) schema = await makeSchema('contact_data');
});
afterAll(async () => {
  if (isHere) await schema.drop();
});
beforeEach(async () => {
  if (isHere) scene = new Scene(await onPostgres(() => schema)());
});
afterEach(async () => {
  if (isHere) await scene.close();
});

describe.skipIf(!isHere)('an erased contact on Postgres', () => {
  test('has no byte of what was said, nor an address, in any column of any table; others stay as they were', async () => {
    await live(scene, erased, canary, 'one', 'nul \0 half \ud800');
    await live(scene, neighbour, 'sparrow', 'two');
    const before = await everyRow();
    const holding = (rows: readonly string[], word: string) =>
      rows.filter((row) => new RegExp(`(?<![0-9A-Za-z])${word}(?![0-9]|\\.8)`).test(row));
    const perched = new Set(holding(before, canary).map((row) => row.split(' ')[0]));
    expect([...perched].sort()).toEqual([
      ...['activity', 'contact', 'conversation', 'dead_letter', 'event', 'flag', 'notice'],
      ...['quarantine', 'send'],
    ]);
    const contactId = nth(await contactsOf(bsuid), 0);
    const conversations = await schema.query<{ id: string }>(
      'SELECT conversation_id AS id FROM conversation WHERE contact_id = $1',
      [contactId],
    );
    const { isScrubbed, content } = await erase(contactId);
    // The engine keeps old bytes by its own rules, and nothing is claimed of them.
    expect(isScrubbed).toBe(null);
    expect(content).toMatchObject({ quarantined: 2, notices: 1, profiles: 1, addresses: 2 });
    const after = await everyRow();
    for (const word of [canary, phone, bsuid]) expect(holding(after, word), word).toEqual([]);
    const own = [canary, contactId, phone, ...conversations.map(({ id }) => id)];
    const others = before.filter((row) => row.includes('sparrow') || !own.some((word) => row.includes(word)));
    expect(others.length).toBeGreaterThan(25);
    expect(others.filter((row) => !after.includes(row))).toEqual([]);
    const again = await erase(contactId);
    expect(new Set(Object.values(again.content))).toEqual(new Set([0]));
  });

  test('I2 I9 I10 while two processes write, merge, take and erase: nothing is lost, nothing stays in what was closed', async () => {
    const other = await openBeside();
    const random = seededRandom(7);
    let said = 0;
    for (let round = 0; round < 40; round += 1) {
      const id = `US.${round % 3}`;
      const number = `1555000${round % 3}`;
      await scene.append(scene.message('first', { from: { bsuid: id } }));
      await scene.append(scene.message('second', { from: { phone: number } }));
      said += 2;
      const [byId = ''] = await contactsOf(id);
      const [byPhone = ''] = await contactsOf(number);
      const ref = await scene.conversationOf({ bsuid: id });
      const tell = (store: Store, from: Sender) => {
        said += 1;
        const message = scene.message('meanwhile', { from });
        return store.append(scene.batch({ messages: [{ number: scene.number, message }] }));
      };
      const deeds = [
        () => erase(byId),
        () => erase(byPhone, other),
        () => tell(other, { bsuid: id }),
        () => tell(scene.store, { phone: number }),
        // Proves that they are one.
        () => tell(other, { phone: number, bsuid: id }),
        () =>
          other.takeConversations({
            refs: [ref],
            ownerId: `own_${round}`,
            nowMs: scene.nowMs,
          }) as Promise<unknown>,
      ];
      await Promise.all(deeds.sort(() => random() - 0.5).map((deed) => deed()));
      scene.advance(1);
    }
    const one = async (sql: string) => Number(nth(await schema.query<{ count: string }>(sql), 0).count);
    expect(await one('SELECT count(*) FROM event')).toBe(said);
    const closed =
      'FROM event e JOIN conversation c USING (tenant_id, conversation_id) WHERE c.merged_into = c.conversation_id';
    expect(await one(`SELECT count(*) ${closed}`)).toBeGreaterThan(40);
    expect(await one(`SELECT count(*) ${closed} AND (e.content <> '{}' OR e.ending IS NULL)`)).toBe(0);
    expect(
      await one(`SELECT count(*) FROM conversation c WHERE c.merged_into IS NULL AND NOT EXISTS (SELECT FROM contact_address a
        WHERE a.tenant_id = c.tenant_id AND a.contact_id = c.contact_id)`),
    ).toBe(0);
    await other.close();
    await scene.assertNothingMissing();
  });

  test('I10 while an answer of Meta teaches an address of it: no address leads to it any more', async () => {
    const other = await openBeside();
    for (let round = 0; round < 30; round += 1) {
      const from = { phone: `1777000${round}` };
      const ref = await scene.say('hello', { from });
      const granted = await scene.leave(nth(await scene.answer(ref, 'hi'), 0));
      const contactId = nth(await contactsOf(from.phone), 0);
      const answer = {
        kind: 'accepted' as const,
        wamid: `wamid.${round}`,
        waId: from.phone,
        bsuid: `DE.${round}`,
      };
      const settlement = { send: granted.send, attempt: granted.attempt, outcome: answer };
      await Promise.all([
        erase(contactId),
        other.settleSends({ nowMs: scene.nowMs, settlements: [settlement] }),
      ]);
      expect(await contactsOf(`DE.${round}`)).toEqual([]);
      scene.advance(1);
    }
    await other.close();
  });
});
