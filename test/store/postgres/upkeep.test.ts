/** Upkeep by several processes at once: each does a part of it, and nothing is done twice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import { Database } from '#store/postgres/database/database.ts';
import { openPostgresStore, storeOn } from '#store/postgres/index.ts';
import {
  dayMs,
  hourMs,
  nth,
  otherOwner,
  owner,
  phoneNumber,
  type Scene,
} from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';
import { onTwoStores } from './two-stores.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;

const owners = [owner, otherOwner] as const;

/** One activity of each of many conversations, of two tenants. */
async function start(
  scene: Scene,
  count: number,
  over: { runHere?: boolean; isPaid?: boolean } = {},
): Promise<ConversationRef[]> {
  const cost = {
    currency: 'USD',
    amountMicros: 100,
    onUncertain: 'lookup' as const,
    late: 'discard' as const,
  };
  const refs: ConversationRef[] = [];
  for (let index = 0; index < count; index++) {
    const number = phoneNumber({}, { tenantId: index % 2 === 0 ? 'acme' : 'zoo' });
    const ref = await scene.say('hello', { number, from: { bsuid: `US.${index}` } });
    const activity = {
      activityId: `act_${index}`,
      name: 'x',
      input: { index },
      deadlineMs: 60_000,
      claims: [],
    };
    await scene.commit(await scene.take(ref), {
      activities: [over.isPaid === true ? { ...activity, cost } : activity],
      runHere: over.runHere ?? false,
    });
    refs.push(ref);
  }
  return refs;
}

/** Both look for work at once. */
function look(stores: readonly [Store, Store], nowMs: number, max: number) {
  return Promise.all(
    stores.map((store, index) => store.findWork({ ownerId: nth(owners, index), nowMs, max })),
  );
}

const idsOf = (given: readonly { activityId: string }[]) => given.map(({ activityId }) => activityId);

describe.skipIf(!isHere)('upkeep by several processes, on Postgres', () => {
  beforeAll(async () => {
    schema = await makeSchema('upkeep');
  });
  afterAll(() => schema.drop());

  it('I8: two that look for work at once share it, and no activity is given twice', () =>
    onTwoStores(schema, async ({ scene, stores }) => {
      await start(scene, 40);
      const given: string[] = [];
      for (let round = 0; round < 4; round++) {
        const works = await look(stores, scene.nowMs, 5);
        expect(works.map(({ activities }) => activities.length)).toEqual([5, 5]);
        given.push(...works.flatMap(({ activities }) => idsOf(activities)));
      }
      expect(new Set(given).size).toBe(40);
      expect((await look(stores, scene.nowMs, 5)).flatMap(({ activities }) => activities)).toEqual([]);
    }));

  it('I8: what two processes rescue at once is interrupted once, and what somebody holds is not waited for', () =>
    onTwoStores(schema, async ({ scene, stores }) => {
      const refs = await start(scene, 12, { runHere: true });
      for (const [index, ref] of refs.entries()) {
        const number = phoneNumber({}, { tenantId: ref.tenantId });
        await scene.say('more', { number, from: { bsuid: `US.${index}` } });
        await scene.take(ref);
      }
      scene.advance(limits.leaseTtlMs + 1);
      const rescued = async () => {
        const rescue = (store: Store, index: number) =>
          store.rescue({ ownerId: nth(owners, index), nowMs: scene.nowMs, all: false });
        const [mine, other] = await Promise.all([rescue(stores[0], 0), rescue(stores[1], 1)]);
        return [mine.conversations + other.conversations, mine.activities + other.activities];
      };
      await schema.query('BEGIN');
      const { conversationId } = nth(refs, 0);
      await schema.query('SELECT 1 FROM conversation WHERE conversation_id = $1 FOR UPDATE', [
        conversationId,
      ]);
      expect(await rescued()).toEqual([11, 11]);
      await schema.query('ROLLBACK');
      expect(await rescued()).toEqual([1, 1]);
      expect(await rescued()).toEqual([0, 0]);
      const leased = await schema.query(
        'SELECT 1 FROM conversation WHERE lease_owner IS NOT NULL OR fence <> 3',
      );
      expect(leased).toEqual([]);
      const owned = await schema.query('SELECT 1 FROM activity WHERE owner_id IS NOT NULL OR restarts <> 1');
      expect(owned).toEqual([]);
    }));

  it('looking for work and renewing leases wait for nobody', () =>
    onTwoStores(schema, async ({ scene, stores: [mine] }) => {
      await start(scene, 2);
      await schema.query('BEGIN');
      await schema.query("SELECT 1 FROM activity WHERE activity_id = 'act_0' FOR UPDATE");
      const work = await mine.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 9 });
      expect(idsOf(work.activities)).toEqual(['act_1']);
      await schema.query('ROLLBACK');
      expect(idsOf((await mine.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 9 })).activities)).toEqual(
        ['act_0'],
      );
      await schema.query('BEGIN');
      await schema.query("SELECT 1 FROM activity WHERE activity_id = 'act_0' FOR UPDATE");
      expect(
        await mine.renewLeases({ ownerId: owner, nowMs: scene.nowMs, knows: ['act_0', 'act_1'] }),
      ).toEqual({
        lost: [],
      });
      await schema.query('ROLLBACK');
    }));

  it('I7: an entry whose cost nobody knows is asked about by one process', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      const refs = await start(scene, 12, { runHere: true, isPaid: true });
      for (const [index, ref] of refs.entries()) {
        const attempt = { ref, activityId: `act_${index}`, ownerId: owner, nowMs: scene.nowMs };
        expect((await mine.beginAttempt(attempt)).outcome).toBe('begun');
        await mine.endAttempt({ ...attempt, charged: 'maybe' });
        await other.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      }
      scene.advance(hourMs);
      const works = await look([mine, other], scene.nowMs, 100);
      const given = works.flatMap(({ charges }) => idsOf(charges));
      expect([...given].sort()).toEqual(refs.map((_, index) => `act_${index}`).sort());
    }));

  it('a lease that is renewed at every look is lost to nobody, and what was lost is told', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      const refs = await start(scene, 3, { runHere: true });
      const knows = ['act_0', 'act_1', 'act_none'];
      for (let third = 0; third < 6; third++) {
        scene.advance(Math.floor(limits.leaseTtlMs / 3));
        expect(await mine.renewLeases({ ownerId: owner, nowMs: scene.nowMs, knows })).toEqual({
          lost: ['act_none'],
        });
        await other.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: false });
      }
      const work = await other.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 9 });
      expect(idsOf(work.activities)).toEqual(['act_2']);
      await other.takeOver({ ref: nth(refs, 0), by: 'ann', nowMs: scene.nowMs });
      const { lost } = await mine.renewLeases({
        ownerId: owner,
        nowMs: scene.nowMs,
        knows: ['act_0', 'act_1'],
      });
      expect(lost).toEqual(['act_0']);
    }));

  it('I4: a lease is judged by the clock of the database, whatever the clock of a process says', () =>
    onTwoStores(schema, async ({ scene }) => {
      const store = await openPostgresStore({
        ...{ url: postgresUrl, schema: schema.name, connectionsMax: 2 },
        soon: (fn) => void setImmediate(fn),
      });
      try {
        const ref = await scene.say('hello');
        const [taken] = await store.takeConversations({ refs: [ref], ownerId: owner, nowMs: 0 });
        expect(taken?.outcome).toBe('taken');
        const rescued = await store.rescue({ ownerId: otherOwner, nowMs: Date.now() + dayMs, all: false });
        expect(rescued.conversations).toBe(0);
      } finally {
        await store.close();
      }
    }));

  it('a hold after a restore may take longer than a statement does elsewhere', () =>
    onTwoStores(schema, async ({ scene }) => {
      await scene.say('hello');
      // Every statement of this connection may take 600 ms; whoever changes a conversation takes 800.
      const url = `${postgresUrl}?statement_timeout=600&query_timeout=600`;
      const place = { url, schema: schema.name, connectionsMax: 1, clock: 'caller' as const };
      const hurried = new Database({ ...place, soon: (fn) => void setImmediate(fn) }, schema.functionsSchema);
      await schema.query(
        `CREATE FUNCTION ${schema.name}.take_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END'`,
      );
      await schema.query(
        `CREATE TRIGGER takes_long AFTER UPDATE ON conversation EXECUTE FUNCTION ${schema.name}.take_long()`,
      );
      try {
        const held = await storeOn(hurried).holdAfterRestore({ nowMs: scene.nowMs });
        expect(held).toMatchObject({ conversations: 1, messages: 1 });
      } finally {
        await schema.query('DROP TRIGGER takes_long ON conversation');
        await hurried.close();
      }
    }));

  it('one process prunes at a time, and what is held meanwhile is left to the next step', () =>
    onTwoStores(schema, async ({ scene, stores: [mine, other] }) => {
      for (const bsuid of ['US.1', 'US.2', 'US.3']) {
        const taken = await scene.take(await scene.say('hello', { from: { bsuid } }));
        const through = Number.MAX_SAFE_INTEGER;
        await scene.commit(taken, { ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through }] });
      }
      scene.advance(40 * dayMs);
      const settings = { nowMs: scene.nowMs, retentionMs: 30 * dayMs, dedupeKeepMs: 9 * dayMs, maxRows: 9 };
      const claim =
        "SELECT pg_advisory_xact_lock(hashtextextended('nightdesk prune', 'event'::regclass::oid::bigint))";
      await schema.query('BEGIN');
      await schema.query(claim);
      expect(await mine.prune(settings)).toBe(0);
      await schema.query('ROLLBACK');
      await schema.query('BEGIN');
      await schema.query('SELECT 1 FROM event ORDER BY received_at_ms, conversation_id LIMIT 1 FOR UPDATE');
      expect(await mine.prune(settings)).toBe(2);
      await schema.query('ROLLBACK');
      const removed = await Promise.all([mine.prune(settings), other.prune(settings), mine.prune(settings)]);
      expect(removed.reduce((sum, each) => sum + each, 0)).toBe(1);
    }));
});
