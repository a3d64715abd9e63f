/** I7: limits and the ledger under several processes at once, and the twins of the core's tables inside the database. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  idempotencyKeyOf,
  ledgerEvents,
  ledgerStates,
  ledgerTransitions,
  placeOf,
  postingsOf,
} from '#core/model/ledger.ts';
import type { NewActivity, Store, Taken, TakenConversation } from '#core/ports/store.ts';
import { hourMs, nth, otherOwner, owner, phoneNumber } from '#testing/store-conformance/scene.ts';
import { isPostgresHere, makeSchema, type TestSchema } from './server.ts';
import { openTwoStores, type TwoStores } from './two-stores.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;
let two: TwoStores;

const isTaken = (each: Taken): each is TakenConversation => each.outcome === 'taken';
const claim = (limit: string, max: number, amount = 1) => ({
  limit,
  scope: '',
  windowMs: hourMs,
  max,
  amount,
});
const money = { ...claim('money', 1_000_000, 100), unit: 'micros' as const };

function activity(activityId: string, over: Partial<NewActivity> = {}): NewActivity {
  return { activityId, name: 'draw', input: null, deadlineMs: 1_000, claims: [], ...over };
}

const cost = { currency: 'USD', amountMicros: 100, onUncertain: 'lookup', late: 'discard' } as const;

async function takeNew(count: number): Promise<TakenConversation[]> {
  const refs = await two.newcomers(count);
  const { scene } = two;
  return (await scene.store.takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs })).filter(isTaken);
}

const counters = () =>
  schema.query<{ name: string; used: number; refused: number }>(
    'SELECT limit_name AS name, sum(used)::int AS used, sum(refused)::int AS refused FROM limit_counter GROUP BY 1 ORDER BY 1',
  );

/**
 * Both stores have got as far as they can without the counters before either goes on: they are held until both wait for them. Where
 * there is no counter yet, they meet at making it.
 */
async function atOnce<T>(begin: () => Promise<T>[]): Promise<T[]> {
  await schema.query('BEGIN');
  const held = await schema.query('SELECT FROM limit_counter FOR UPDATE');
  const begun = begin();
  const untilMs = performance.now() + 10_000;
  for (let waiting = held.length === 0 ? 2 : 0; waiting < 2 && performance.now() < untilMs; ) {
    await schema.query('SELECT pg_stat_clear_snapshot()');
    const rows = await schema.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0",
      [`${schema.name}_`],
    );
    waiting = rows.length;
  }
  await schema.query('COMMIT');
  return Promise.all(begun);
}

describe.skipIf(!isHere)('money of two processes', () => {
  beforeAll(async () => {
    schema = await makeSchema('money');
  });
  beforeEach(async () => {
    two = await openTwoStores(schema);
  });
  afterEach(() => two.close());
  afterAll(() => schema.drop());

  it('of twenty turns that want the last unit of a limit at once, one starts', async () => {
    const { scene, stores, shuffled } = two;
    for (let round = 1; round <= 10; round++) {
      const taken = await takeNew(20);
      const outcomes = await atOnce(() =>
        shuffled(taken.map((each, i) => ({ each, store: nth(stores, i % 2) }))).map(({ each, store }) => {
          const claims = [claim('one', round)];
          const started = activity(`act_${each.lease.ref.conversationId}`, { claims });
          return store.commitTurn(scene.commitOf(each, { activities: [started] }));
        }),
      );
      const has = (wanted: string) => outcomes.filter(({ outcome }) => outcome === wanted).length;
      expect([has('committed'), has('refused')]).toEqual([1, 19]);
      expect(await counters()).toEqual([{ name: 'one', used: round, refused: 19 * round }]);
      expect(await schema.query('SELECT FROM activity')).toHaveLength(round);
    }
  });

  it('limits that turns want in different orders let in what they allow, and no commit fails', async () => {
    const { scene, either, shuffled } = two;
    const names = ['a', 'b', 'c', 'd'];
    const [first] = await takeNew(1);
    const claims = names.map((name) => claim(name, 1));
    if (first !== undefined) await scene.commit(first, { activities: [activity('act_first', { claims })] });
    const taken = await takeNew(60);
    const outcomes = await atOnce(() =>
      taken.map((each, i) => {
        const claims = shuffled(names).map((name, i) => claim(name, 40, i + 1));
        return either().commitTurn(scene.commitOf(each, { activities: [activity(`act_${i}`, { claims })] }));
      }),
    );
    for (const { name, used } of await counters()) {
      expect(used, name).toBeLessThanOrEqual(40);
      expect(used, name).toBeGreaterThan(20);
    }
    const started = outcomes.filter(({ outcome }) => outcome === 'committed').length;
    expect(await schema.query('SELECT FROM activity')).toHaveLength(started + 1);
  });

  it('whatever ends paid work at once, its money ends once and the ledger adds up', async () => {
    const { scene, stores, random, either, shuffled } = two;
    for (let round = 0; round < 6; round++) {
      const taken = await takeNew(12);
      const works = await Promise.all(
        taken.map(async (each, i) => {
          const activityId = `act_${round}_${i}`;
          const claims = [claim('starts', 1_000), money];
          const activities = [activity(activityId, { claims, cost })];
          await either().commitTurn(scene.commitOf(each, { activities }));
          const attempt = { ref: each.lease.ref, activityId, ownerId: owner, nowMs: scene.nowMs };
          if (random() < 0.7) await either().beginAttempt(attempt);
          return attempt;
        }),
      );
      for (const { ref } of works) await scene.append(scene.message('stop', { from: await senderOf(ref) }));
      const refs = works.map(({ ref }) => ref);
      const again = (
        await scene.store.takeConversations({ refs, ownerId: owner, nowMs: scene.nowMs })
      ).filter(isTaken);
      await Promise.all(
        shuffled([
          ...works.map((work) => () => end(either(), work, random())),
          ...works.map((work) => () => end(either(), work, random())),
          ...again.map(
            (each, i) => () =>
              either().commitTurn(scene.commitOf(each, { cancelledActivities: [`act_${round}_${i}`] })),
          ),
          ...works.map((work) => () => either().beginAttempt(work)),
          () => nth(stores, 1).rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: random() < 0.3 }),
        ]).map((act) => act()),
      );
      const { unbalanced, rows } = await scene.store.readLedger({ by: [] });
      expect(unbalanced).toBe(0);
      const [sum] = rows;
      const held = (sum?.reservedMicros ?? 0) + (sum?.uncertainMicros ?? 0);
      const spent = sum?.spentMicros ?? 0;
      expect(held + spent + (sum?.returnedMicros ?? 0)).toBe(100 * 12 * (round + 1));
      const used = new Map((await counters()).map((each) => [each.name, each.used]));
      expect(used.get('money')).toBe(held + spent);
      const [day] = await schema.query('SELECT sum(spent_micros)::int AS spent FROM ledger_day');
      expect(day?.spent ?? 0).toBe(spent);
    }
  });

  it('a paid result that two conversations of a customer want at once is given to one', async () => {
    const { scene, stores } = two;
    const from = { bsuid: 'US.same' };
    const numbers = [phoneNumber(), phoneNumber({}, { phoneNumberId: '200' })];
    const reusable = { ...cost, late: 'reuse' as const };
    for (let round = 0; round < 6; round++) {
      const [first] = (await scene.append(scene.message('draw', { from }))).wakes;
      const activityId = `act_${round}`;
      const attempt = { ref: first!.ref, activityId, ownerId: owner, nowMs: scene.nowMs };
      await scene.commit(await scene.take(first!.ref), {
        activities: [activity(activityId, { cost: reusable, input: round })],
      });
      await scene.store.beginAttempt(attempt);
      await scene.append(scene.message('stop', { from }));
      await scene.commit(await scene.take(first!.ref), { cancelledActivities: [activityId] });
      await scene.store.settleActivity({
        ...attempt,
        result: 'drawn',
        charge: { kind: 'charged', amountMicros: 9 },
      });
      const turns: TakenConversation[] = [];
      for (const number of numbers) {
        const { wakes } = await scene.appendTo(number, scene.message('draw', { from, number }));
        turns.push(await scene.take(nth(wakes, 0).ref));
      }
      const committed = await Promise.all(
        turns.map((turn, i) =>
          nth(stores, i).commitTurn(
            scene.commitOf(turn, {
              activities: [activity(`act_${round}_${i}`, { cost: reusable, input: round })],
            }),
          ),
        ),
      );
      const begun = committed.map((each) => (each.outcome === 'committed' ? each.activities.length : -1));
      expect(begun.sort()).toEqual([0, 1]);
      for (const [i, { lease }] of turns.entries()) {
        await scene.store.settleActivity({
          ...attempt,
          ref: lease.ref,
          activityId: `act_${round}_${i}`,
          fault: { code: 'x', message: 'x' },
        });
        await scene.commit(await scene.take(lease.ref));
      }
    }
  });

  it('the life of an entry is the table of the core, cell by cell', async () => {
    const cells = ledgerStates.flatMap((state) => ledgerEvents.map((event) => [state, event] as const));
    const rows = await schema.query<{ next: string; place: string }>(
      'SELECT _ledger_next(value ->> 0, value ->> 1) AS next, _place_of(value ->> 0) AS place FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY ORDER BY ordinality',
      [JSON.stringify(cells)],
    );
    expect(rows).toEqual(
      cells.map(([state, event]) => ({ next: ledgerTransitions[state][event], place: placeOf[state] })),
    );
  });

  it('moves the money that the core moves, under the keys of the core', async () => {
    const state = fc.constantFrom(...ledgerStates);
    const moves = fc.array(
      fc
        .record({
          from: state,
          to: state,
          reserved: fc.integer({ min: 1, max: 1e9 }),
          part: fc.double({ min: 0, max: 1, noNaN: true }),
        })
        .map(({ part, ...move }) => ({ ...move, spent: Math.round(move.reserved * part) })),
      { minLength: 1, maxLength: 300, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (given) => {
        const rows = await schema.query<{ postings: unknown; key: string }>(
          `SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object('from', p.from_place, 'to', p.to_place, 'amountMicros', p.amount_micros) ORDER BY p.nth), '[]')
              FROM _postings_of(g."from", g."to", g.reserved, g.spent) AS p) AS postings, _idempotency_key_of('act_1', g.reserved) AS key
            FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS ("from" text, "to" text, reserved bigint, spent bigint)) WITH ORDINALITY AS g ORDER BY g.ordinality`,
          [JSON.stringify(given)],
        );
        expect(rows).toEqual(
          given.map(({ from, to, reserved, spent }) => ({
            postings: postingsOf(from, to, { reservedMicros: reserved, spentMicros: spent }),
            key: idempotencyKeyOf('act_1', reserved),
          })),
        );
      }),
      { numRuns: 10 },
    );
  });
});

/** One of the ends that whoever ran the work may tell. */
async function end(store: Store, work: Parameters<Store['beginAttempt']>[0], chance: number): Promise<void> {
  const fault = { code: 'failed', message: 'failed' };
  if (chance < 0.4)
    await store
      .settleActivity({ ...work, result: 'drawn', charge: { kind: 'charged', amountMicros: 70 } })
      .catch(refuseUnbegun);
  else if (chance < 0.6) await store.settleActivity({ ...work, fault, charge: { kind: 'notCharged' } });
  else if (chance < 0.8) await store.endAttempt({ ...work, charged: 'maybe' });
  else await store.settleActivity({ ...work, fault });
}

/** What was never asked for cannot have been charged: that is a bug of the caller, which the ledger refuses whole. */
function refuseUnbegun(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('which is reserved')) throw error;
}

async function senderOf(ref: { conversationId: string }) {
  const [row] = await schema.query<{ bsuid: string }>(
    "SELECT a.value AS bsuid FROM contact_address a JOIN conversation c ON c.tenant_id = a.tenant_id AND c.contact_id = a.contact_id WHERE c.conversation_id = $1 AND a.kind = 'bsuid'",
    [ref.conversationId],
  );
  return { bsuid: row?.bsuid ?? '' };
}
