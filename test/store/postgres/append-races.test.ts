/**
 * Two processes take in the same customers at once, which one file with one writer never shows: the same message twice (I2), a
 * customer's first words by both doors, contacts that prove to be one while turns run on both conversations (I3, I10). Whatever
 * the order in which locks are won: everything acknowledged is there once, and every customer is one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InboundMessage, Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store, TakenConversation } from '#core/ports/store.ts';
import { openPostgresStore } from '#store/postgres/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { Scene } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
const seeds = [1, 2, 3, 4, 5, 6];
let schema: TestSchema;
let stores: Store[];
/** Makes messages; which store they go to is the test's. */
let scene: Scene;
let random: () => number;

async function open(): Promise<Store> {
  return openPostgresStore({
    url: postgresUrl,
    schema: schema.name,
    connectionsMax: 4,
    clock: 'caller',
    soon: (fn) => void setImmediate(fn),
  });
}

function pick<T>(list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new Error('There is nothing to pick from.');
  return item;
}

/** As Meta does, with several requests under way. */
function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function door(nth: number): Store {
  const store = stores[nth % stores.length];
  if (store === undefined) throw new Error('No store is open.');
  return store;
}

/** One webhook body. */
function post(store: Store, ...messages: InboundMessage[]) {
  return store.append(
    scene.batch({ messages: messages.map((message) => ({ number: scene.number, message })) }),
  );
}

const personOf = (nth: number) => ({ phone: `1555${nth}`, bsuid: `US.${nth}` });

/** Any of the ways in which a customer is named. */
function senderOf(nth: number): Sender {
  const { phone, bsuid } = personOf(nth);
  return pick<Sender>([{ phone }, { bsuid }, { phone, bsuid }]);
}

async function liveConversations(): Promise<{ id: string; wrote: string[] }[]> {
  return schema.query(
    `SELECT c.conversation_id AS id, array_agg(e.wamid::text ORDER BY e.position) AS wrote FROM conversation c
      LEFT JOIN event e USING (tenant_id, conversation_id) WHERE c.merged_into IS NULL GROUP BY 1`,
  );
}

describe.skipIf(!isHere)('two processes take in the same customers', () => {
  beforeAll(async () => {
    schema = await makeSchema('races');
  });
  afterAll(() => schema.drop());
  beforeEach(async () => {
    await schema.wipe();
    stores = [await open(), await open()];
    scene = new Scene({ store: door(0), close: async () => {} });
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
  });

  it.each(seeds)('I2: the same message by both doors is one event (seed %i)', async (seed) => {
    random = seededRandom(seed);
    for (let round = 0; round < 10; round++) {
      const messages = Array.from({ length: 12 }, (_, i) =>
        scene.message('x', { from: senderOf(i % 3), wamid: `wamid.${round}.${i}` }),
      );
      const copies = shuffled([...messages, ...messages, ...messages]);
      const appended = await Promise.all(copies.map((message, i) => post(door(i), message)));
      const total = (key: 'stored' | 'duplicates') => appended.reduce((sum, each) => sum + each[key], 0);
      expect([total('stored'), total('duplicates')]).toEqual([12, 24]);
    }
    const rows = await schema.query<{ position: string; next: string }>(
      'SELECT e.position, c.position_next AS next FROM event e JOIN conversation c USING (tenant_id, conversation_id)',
    );
    expect(rows.length).toBe(120);
    expect(rows.filter(({ position, next }) => BigInt(position) >= BigInt(next))).toEqual([]);
  });

  it.each(seeds)('I2: one id under two customers is one event of one of them (seed %i)', async (seed) => {
    random = seededRandom(seed);
    const people = [personOf(0), personOf(1)];
    await post(door(0), ...people.map((from) => scene.message('hello', { from })));
    for (let round = 0; round < 10; round++) {
      const messages = people.map((from) => scene.message('x', { from, wamid: `wamid.${round}` }));
      const appended = await Promise.all(shuffled(messages).map((message, i) => post(door(i), message)));
      expect(appended.map(({ stored, duplicates }) => [stored, duplicates]).toSorted()).toEqual([
        [0, 1],
        [1, 0],
      ]);
    }
    const rows = await schema.query('SELECT conversation_id FROM event');
    expect(rows.length).toBe(12);
  });

  it.each(seeds)("I10: a customer's first words by both doors make one contact (seed %i)", async (seed) => {
    random = seededRandom(seed);
    const people = Array.from({ length: 30 }, (_, i) => i);
    const messages = people.flatMap((i) =>
      [senderOf(i), senderOf(i), personOf(i)].map((from, n) =>
        scene.message('x', { from, wamid: `wamid.${i}.${n}` }),
      ),
    );
    await Promise.all(shuffled(messages).map((message, i) => post(door(i), message)));
    const live = await liveConversations();
    expect(live.flatMap(({ wrote }) => wrote).length).toBe(messages.length);
    expect(live.length).toBe(people.length);
    for (const { wrote } of live) expect(new Set(wrote.map((wamid) => wamid.split('.')[1])).size).toBe(1);
    const [contacts] = await schema.query(
      'SELECT count(*)::int AS left FROM contact WHERE merged_into IS NULL',
    );
    expect(contacts).toEqual({ left: people.length });
  });

  it.each(seeds)('I2: what the business tells by both doors is one event (seed %i)', async (seed) => {
    random = seededRandom(seed);
    const { phone, bsuid } = personOf(0);
    await post(door(0), scene.message('by phone', { from: { phone } }));
    await post(door(1), scene.message('by id', { from: { bsuid } }));
    const at = { phoneNumberId: '100', wabaId: 'waba' };
    const told = Array.from({ length: 60 }, (_, i) => ({
      ...{
        tenantId: 'acme',
        idempotencyKey: `k${i % 15}`,
        request: 'r',
        name: 'paid',
        data: { i },
        keyId: null,
      },
      to: pick([
        { kind: 'phone' as const, value: phone, ...at },
        { kind: 'bsuid' as const, value: bsuid, ...at },
      ]),
      nowMs: scene.nowMs,
    }));
    // Meanwhile the two prove to be one customer.
    const merging = post(door(0), scene.message('by both', { from: { phone, bsuid } }));
    const telling = shuffled(told).map((event, i) => door(i).appendBusiness(event));
    const appended = await Promise.all(telling);
    await merging;
    const outcomes = appended.map(({ outcome }) => outcome).toSorted();
    expect(outcomes).toEqual([...Array(45).fill('duplicate'), ...Array(15).fill('stored')]);
    const rows = await schema.query(
      `SELECT c.merged_into IS NULL AS live, count(*)::int AS told FROM event e
        JOIN conversation c USING (tenant_id, conversation_id) WHERE e.kind = 'business' GROUP BY 1`,
    );
    expect(rows).toEqual([{ live: true, told: 15 }]);
  });

  it.each(seeds)(
    'I10: an address learnt during a merge leads to the contact that is left (seed %i)',
    async (seed) => {
      random = seededRandom(seed);
      for (let nth = 0; nth < 10; nth++) {
        const { phone, bsuid } = personOf(nth);
        await post(door(0), scene.message('by phone', { from: { phone } }));
        await post(door(0), scene.message('by id', { from: { bsuid } }));
        const [known] = await schema.query<{ id: string }>(
          'SELECT contact_id AS id FROM contact_address WHERE value = $1',
          [phone],
        );
        const learnt = ['acme', 'waba', 'phone', `${phone}9`, known?.id, scene.nowMs];
        await Promise.all([
          post(pick(stores), scene.message('by both', { from: { phone, bsuid } })),
          schema.query('SELECT _learn_address($1, $2, $3, $4, $5, $6)', learnt),
        ]);
      }
      const rows = await schema.query(
        'SELECT count(DISTINCT contact_id)::int AS contacts, count(k.merged_into)::int AS dead FROM contact_address JOIN contact k USING (tenant_id, contact_id)',
      );
      expect(rows).toEqual([{ contacts: 10, dead: 0 }]);
    },
  );

  it.each(seeds)(
    'I3: merges race with appends and turns, nothing is lost or taken twice (seed %i)',
    async (seed) => {
      random = seededRandom(seed);
      const stored: InboundMessage[] = [];
      const taken: string[] = [];
      let isOver = false;
      const write = async (store: Store, nth: number) => {
        for (let i = 0; i < 12; i++) {
          const both = i % 4 === 3;
          const from = both ? personOf(nth) : senderOf(nth);
          const messages = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
            scene.message('x', { from }),
          );
          stored.push(...messages);
          await post(store, ...messages);
        }
      };
      const work = async (store: Store, ownerId: string) => {
        for (;;) {
          const wasOver = isOver;
          const { conversations } = await store.findWork({ ownerId, nowMs: scene.nowMs, max: 20 });
          if (wasOver && conversations.length === 0) return;
          taken.push(
            ...(await turns(
              store,
              ownerId,
              conversations.map(({ ref }) => ref),
            )),
          );
        }
      };
      const writers = stores.flatMap((store) => [0, 1, 2, 3].map((nth) => write(store, nth)));
      const workers = stores.map((store, i) => work(store, `own_${i}`));
      await Promise.all(writers);
      for (const nth of [0, 1, 2, 3]) {
        const message = scene.message('last', { from: personOf(nth) });
        stored.push(message);
        await post(door(0), message);
      }
      isOver = true;
      await Promise.all(workers);
      expect(taken.toSorted()).toEqual(stored.map((message) => message.wamid).toSorted());
      expect((await liveConversations()).length).toBe(4);
      expect((await scene.audit()).missing).toEqual([]);
    },
  );
});

/** Takes and commits; answers the messages of the turns that were committed. */
async function turns(store: Store, ownerId: string, refs: ConversationRef[]): Promise<string[]> {
  const batch = await store.takeConversations({ refs, ownerId, nowMs: scene.nowMs });
  const mine = batch.filter((each): each is TakenConversation => each.outcome === 'taken');
  const committed = await Promise.all(
    mine.map(async (each) => {
      const ends = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: Number.MAX_SAFE_INTEGER }];
      const { outcome } = await store.commitTurn(scene.commitOf(each, { ends }));
      return outcome === 'committed' ? each.events.flatMap(({ wamid }) => wamid ?? []) : [];
    }),
  );
  return committed.flat();
}
