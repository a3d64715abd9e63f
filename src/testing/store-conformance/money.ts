/**
 * Money: what paid work reserves, and that each reservation ends once, settled, handed back or visibly uncertain. The life
 * of an entry, cell by cell, is `docs/spec/ledger.md`; these are the ways through it that a driver must go.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { NewActivity } from '#core/ports/store.ts';
import type { ChargeEnd, LedgerRow, ReservedCost } from '#core/ports/store-money.ts';
import {
  type CaseBody,
  hourMs,
  minuteMs,
  nth,
  otherOwner,
  owner,
  phoneNumber,
  type Scene,
  texts,
} from './scene.ts';

const starts = { limit: 'starts', scope: 'all', windowMs: hourMs, max: 10, amount: 1 };
const money = {
  limit: 'money',
  scope: 'all',
  windowMs: hourMs,
  max: 500,
  amount: 100,
  unit: 'micros' as const,
};

function costOf(over: Partial<ReservedCost> = {}): ReservedCost {
  return { currency: 'USD', amountMicros: 100, onUncertain: 'retryWithKey', late: 'discard', ...over };
}

async function start(
  scene: Scene,
  activityId: string,
  over: Partial<NewActivity> = {},
): Promise<ConversationRef> {
  const ref = await scene.say(`start ${activityId}`);
  const paid = { name: 'draw', input: { what: 'a cat' }, deadlineMs: minuteMs, claims: [starts, money] };
  await scene.think(ref, activityId, { ...paid, cost: costOf(), ...over });
  return ref;
}

const begin = (scene: Scene, ref: ConversationRef, activityId: string, ownerId: string = owner) =>
  scene.store.beginAttempt({ ref, activityId, ownerId, nowMs: scene.nowMs });

function settle(
  scene: Scene,
  ref: ConversationRef,
  activityId: string,
  charge?: ChargeEnd,
  ownerId: string = owner,
) {
  return scene.store.settleActivity({
    ...{ ref, activityId, ownerId, nowMs: scene.nowMs },
    ...(charge?.kind === 'charged'
      ? { result: { drawn: activityId } }
      : { fault: { code: 'x', message: 'x' } }),
    ...(charge && { charge }),
  });
}

async function sums(scene: Scene, of: { contactId?: string } = {}): Promise<Partial<LedgerRow>> {
  const { rows, unbalanced } = await scene.store.readLedger({ ...of, by: [] });
  assert.equal(unbalanced, 0, 'every entry adds up');
  const { starts, reservedMicros, uncertainMicros, spentMicros, presumedMicros, returnedMicros } = nth(
    rows,
    0,
  );
  return { starts, reservedMicros, uncertainMicros, spentMicros, presumedMicros, returnedMicros };
}

async function used(scene: Scene): Promise<Record<string, number>> {
  const rows = await scene.store.readLimits({ sinceMs: 0 });
  return Object.fromEntries(rows.map((row) => [row.limit, row.used]));
}

const nothing = {
  starts: 1,
  reservedMicros: 0,
  uncertainMicros: 0,
  spentMicros: 0,
  presumedMicros: 0,
  returnedMicros: 0,
};

const byPhone = { phone: '15550001111' };
const byId = { bsuid: 'US.1' };

/** Two conversations of one customer, of which the one by id has begun paid work; then the customer proves to be one. */
async function mergeUnderWay(scene: Scene, hold: 'survivor' | 'loser' | 'none', loses: 'paid' | 'free') {
  const paid = await scene.say('draw a cat', { from: byId });
  await scene.think(paid, 'act_1', { name: 'draw', claims: [starts], cost: costOf() });
  await begin(scene, paid, 'act_1');
  scene.advance(minuteMs);
  const free = await scene.say('hello', { from: byPhone });
  scene.advance(minuteMs);
  if (loses === 'free') await scene.say('and a dog', { from: byId });
  const [loser, survivor] = loses === 'paid' ? [paid, free] : [free, paid];
  if (hold !== 'none')
    await scene.store.takeOver({
      ref: hold === 'loser' ? loser : survivor,
      ...{ by: 'ann', nowMs: scene.nowMs },
    });
  await scene.append(scene.message('both', { from: { ...byPhone, ...byId } }));
  return survivor;
}

const cutOff = [
  ['none', 'paid'],
  ['survivor', 'paid'],
  ['loser', 'free'],
] as const;

const cutOffByMerge: readonly CaseBody[] = cutOff.map(([hold, loses]) => ({
  name: `what waits for paid work that a merge cuts off is not asked for anew, but left to a person (held: ${hold})`,
  invariant: 'I7',
  async body(scene) {
    const survivor = await mergeUnderWay(scene, hold, loses);
    const flags = await scene.store.listFlags({ open: true, max: 10 });
    assert.deepEqual(
      flags.filter(({ reason }) => reason === 'paidWorkCutOff').map((flag) => flag.conversationId),
      [survivor.conversationId],
    );
    if (hold !== 'none') await scene.store.handBack({ ref: survivor, by: 'ann', nowMs: scene.nowMs });
    assert.ok(!texts(await scene.take(survivor)).includes('draw a cat'));
  },
}));

export const moneyCases: readonly CaseBody[] = [
  {
    name: 'a start reserves its most, its end settles what it cost; the rest goes back to the budget and to limits of money',
    invariant: 'I7',
    async body(scene) {
      const ref = await start(scene, 'act_1');
      assert.deepEqual(await sums(scene), { ...nothing, reservedMicros: 100 });
      assert.deepEqual(await used(scene), { starts: 1, money: 100 });
      assert.deepEqual(await begin(scene, ref, 'act_1'), { outcome: 'begun', idempotencyKey: 'act_1' });
      await settle(scene, ref, 'act_1', { kind: 'charged', amountMicros: 70 });
      assert.deepEqual(await sums(scene), { ...nothing, spentMicros: 70, returnedMicros: 30 });
      assert.deepEqual(await used(scene), { starts: 1, money: 70 });
      assert.equal((await begin(scene, ref, 'act_1')).outcome, 'gone');
      assert.deepEqual(await settle(scene, ref, 'act_1', { kind: 'charged', amountMicros: 70 }), {
        outcome: 'late',
      });
      assert.deepEqual(await sums(scene), { ...nothing, spentMicros: 70, returnedMicros: 30 });
    },
  },
  {
    name: 'what is refused by a limit reserves nothing',
    invariant: 'I7',
    async body(scene) {
      const taken = await scene.take(await scene.say('start'));
      const activity = { activityId: 'act_1', name: 'draw', input: null, deadlineMs: 1, cost: costOf() };
      const commit = scene.commitOf(taken, {
        activities: [{ ...activity, claims: [{ ...starts, max: 0 }] }],
      });
      assert.equal((await scene.store.commitTurn(commit)).outcome, 'refused');
      assert.deepEqual((await scene.store.readLedger({ by: [] })).rows, []);
    },
  },
  {
    name: 'what never began is handed back with its units, by a cancel, a deadline or a take-over',
    invariant: 'I7',
    async body(scene) {
      const ref = await start(scene, 'act_1');
      const next = await scene.take(await scene.say('never mind'));
      await scene.commit(next, { cancelledActivities: ['act_1'] });
      assert.equal((await begin(scene, ref, 'act_1')).outcome, 'gone', 'a cancelled start asks nobody');
      await start(scene, 'act_2');
      await settle(scene, ref, 'act_2');
      await start(scene, 'act_3');
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      assert.deepEqual(await sums(scene), { ...nothing, starts: 3, returnedMicros: 300 });
      assert.deepEqual(await used(scene), { starts: 0, money: 0 });
    },
  },
  {
    name: 'what a process asked and did not renew is uncertain, also where it asks for it itself',
    invariant: 'I7',
    async body(scene) {
      const ref = await start(scene, 'act_1');
      await begin(scene, ref, 'act_1');
      await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: true });
      assert.equal((await sums(scene)).uncertainMicros, 0, 'its own, where all others are dead');
      scene.advance(limits.leaseTtlMs);
      const rescued = await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: false });
      assert.deepEqual([rescued.activities, rescued.charges], [1, 1]);
      assert.deepEqual(await sums(scene), { ...nothing, starts: 1, uncertainMicros: 100 });
    },
  },
  {
    name: 'a process that dies leaves what it asked uncertain, and only that',
    invariant: 'I7',
    async body(scene) {
      const ref = await start(scene, 'act_1');
      await start(scene, 'act_2');
      await begin(scene, ref, 'act_1');
      await scene.store.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: true });
      assert.deepEqual(await sums(scene), {
        ...nothing,
        starts: 2,
        uncertainMicros: 100,
        reservedMicros: 100,
      });
      assert.equal((await settle(scene, ref, 'act_1', { kind: 'notCharged' })).outcome, 'late');
      const { activities } = await scene.store.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 10 });
      const uncertain = activities.map(({ activityId, charge }) => [activityId, charge?.isUncertain]);
      assert.deepEqual(uncertain.sort(), [
        ['act_1', true],
        ['act_2', false],
      ]);
      const again = await begin(scene, ref, 'act_1', otherOwner);
      assert.deepEqual(again, { outcome: 'begun', idempotencyKey: 'act_1' }, 'the same key');
      await settle(scene, ref, 'act_1', { kind: 'notCharged' }, otherOwner);
      assert.equal(
        (await sums(scene)).uncertainMicros,
        100,
        'a refusal proves nothing of the request before it',
      );
    },
  },
  {
    name: 'an activity that ends uncertain is looked into a bounded number of times, then a person is asked',
    invariant: 'I7',
    async body(scene) {
      const ref = await start(scene, 'act_1', { cost: costOf({ onUncertain: 'lookup' }) });
      await begin(scene, ref, 'act_1');
      await settle(scene, ref, 'act_1', { kind: 'unknown' });
      let tries = 0;
      for (let sweep = 0; sweep < limits.chargeTriesMax + 3; sweep++) {
        scene.advance(limits.chargeBackoffMaxMs);
        const work = await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 10 });
        assert.deepEqual(work.activities, [], 'nobody waits for its result');
        for (const { activityId, charge } of work.charges) {
          tries += 1;
          assert.equal(charge?.isOver, true);
          assert.equal(
            (await begin(scene, ref, activityId)).outcome,
            'uncertain',
            'it is looked up, not repeated',
          );
          await settle(scene, ref, activityId, { kind: 'unknown' });
        }
      }
      assert.equal(tries, limits.chargeTriesMax);
      assert.deepEqual(await sums(scene), { ...nothing, spentMicros: 100, presumedMicros: 100 });
      const flags = await scene.store.listFlags({ open: true, max: 10 });
      assert.deepEqual(
        flags.map((flag) => flag.reason),
        ['chargeUncertain'],
      );
    },
  },
  {
    name: 'a second request that may cost again is reserved again, under another key, if limits of money allow',
    invariant: 'I7',
    async body(scene) {
      const cost = costOf({ onUncertain: 'retryMayPayTwice' });
      const ref = await start(scene, 'act_1', { cost, claims: [starts, { ...money, max: 200 }] });
      const attempt = { ref, activityId: 'act_1', ownerId: owner, nowMs: scene.nowMs };
      await begin(scene, ref, 'act_1');
      await scene.store.endAttempt({ ...attempt, charged: 'maybe' });
      const again = await begin(scene, ref, 'act_1');
      assert.deepEqual(again, { outcome: 'begun', idempotencyKey: 'act_1-2' });
      assert.deepEqual(await sums(scene), {
        ...nothing,
        spentMicros: 100,
        presumedMicros: 100,
        reservedMicros: 100,
      });
      await scene.store.endAttempt({ ...attempt, charged: 'maybe' });
      assert.deepEqual(await begin(scene, ref, 'act_1'), { outcome: 'refused', limit: 'money' });
      assert.deepEqual(await used(scene), { starts: 1, money: 200 });
    },
  },
  {
    name: 'a late paid result is kept for the next start with equal input where that is wanted, once and for that contact',
    invariant: 'I7',
    async body(scene) {
      const cost = costOf({ late: 'reuse' });
      const ref = await start(scene, 'act_1', { cost });
      await begin(scene, ref, 'act_1');
      await scene.commit(await scene.take(await scene.say('never mind')), { cancelledActivities: ['act_1'] });
      await settle(scene, ref, 'act_1', { kind: 'charged', amountMicros: null });
      await start(scene, 'act_2', { cost, input: { what: 'a dog' } });
      await start(scene, 'act_3', { cost });
      const { events } = await scene.take(ref);
      const given = events.map(({ kind, content }) => [kind, content.activityId, content.result]);
      assert.deepEqual(given, [['activityDone', 'act_3', { drawn: 'act_1' }]]);
      assert.deepEqual(await sums(scene), { ...nothing, starts: 2, spentMicros: 100, reservedMicros: 100 });
      assert.deepEqual(await used(scene), { starts: 2, money: 200 });
    },
  },
  {
    name: 'a share of a day’s budget is told once, by the commit that passes it',
    async body(scene) {
      const budget = { currency: 'USD', perDayMicros: 200, alertAtPercent: [50, 100] };
      const told: number[][] = [];
      for (const activityId of ['act_1', 'act_2', 'act_3']) {
        const ref = await start(scene, activityId);
        await begin(scene, ref, activityId);
        const { alerts = [] } = await scene.store.settleActivity({
          ...{ ref, activityId, ownerId: owner, nowMs: scene.nowMs, result: 'x', budget },
          charge: { kind: 'charged', amountMicros: null },
        });
        told.push(alerts.map(({ percent }) => percent));
      }
      assert.deepEqual(told, [[50], [100], []]);
    },
  },
  {
    name: 'entries of one id in two tenants are two, and sums of one tenant hold nothing of another',
    invariant: 'I10',
    async body(scene) {
      const ref = await start(scene, 'act_1');
      const number = phoneNumber({}, { tenantId: 'other', phoneNumberId: '300' });
      const others = await scene.say('start', { number });
      await scene.think(others, 'act_1', { claims: [starts], cost: costOf({ amountMicros: 7 }) });
      await begin(scene, ref, 'act_1');
      await settle(scene, ref, 'act_1', { kind: 'charged', amountMicros: 100 });
      const { rows } = await scene.store.readLedger({ tenantId: 'other', by: ['tenant'] });
      assert.deepEqual(
        rows.map((row) => [row.tenantId, row.spentMicros, row.reservedMicros]),
        [['other', 0, 7]],
      );
    },
  },
  ...cutOffByMerge,
];
