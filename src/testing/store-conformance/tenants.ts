/**
 * Tenants never see each other, even where every id is the same on both sides.
 */
import assert from 'node:assert/strict';
import type { ConversationRef } from '#core/model/ids.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';
import { type CaseBody, everyState, nth, owner, phoneNumber, type Scene, secondMs, wide } from './scene.ts';

const tenantIds = ['acme', 'zoo'] as const;
const numbers = Object.fromEntries(
  tenantIds.map((tenantId) => [tenantId, phoneNumber({}, { tenantId })]),
) as Record<(typeof tenantIds)[number], PhoneNumber>;

/** The same turn for both: one of everything, with the same ids. */
async function sameTurn(scene: Scene, ref: ConversationRef) {
  const taken = await scene.take(ref);
  return scene.commit(taken, {
    sends: [scene.newSend('answer', { sendId: 'snd_same' })],
    activities: [
      {
        activityId: 'act_same',
        name: 'reply',
        input: ref.tenantId,
        deadlineMs: secondMs,
        claims: [{ limit: 'l', scope: 's', windowMs: 1_000_000, max: 1, amount: 1 }],
      },
    ],
    timers: [{ timerId: 'tmr_same', token: '1', dueAtMs: scene.nowMs + secondMs }],
    flags: [{ flagId: 'flg_same', reason: 'customerAsked', detail: ref.tenantId }],
    deadLetters: [{ deadLetterId: 'dlt_same', position: 1, fault: ref.tenantId }],
    ends: [{ end: 'flagged', endRef: 'flg_same', through: 9 }],
    runHere: false,
  });
}

async function both(scene: Scene): Promise<Record<(typeof tenantIds)[number], ConversationRef>> {
  const acme = await scene.say('of acme', { number: numbers.acme, wamid: 'wamid.same' });
  const zoo = await scene.say('of zoo', { number: numbers.zoo, wamid: 'wamid.same' });
  return { acme, zoo };
}

export const tenantCases: readonly CaseBody[] = [
  {
    name: 'messages, turns and everything they write stay apart under the same ids',
    invariant: 'I10',
    async body(scene) {
      const refs = await both(scene);
      for (const tenantId of tenantIds) await sameTurn(scene, refs[tenantId]);
      const work = await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 9 });
      assert.deepEqual(work.activities.map((each) => [each.ref.tenantId, each.input]).sort(), [
        ['acme', 'acme'],
        ['zoo', 'zoo'],
      ]);
      assert.deepEqual(work.sends.map((each) => each.ref.tenantId).sort(), ['acme', 'zoo']);
      for (const tenantId of tenantIds) {
        const flags = await scene.store.listFlags({ tenantId, open: true, max: 9 });
        assert.deepEqual(
          flags.map((flag) => [flag.tenantId, flag.detail]),
          [[tenantId, tenantId]],
        );
        const dead = await scene.store.listDeadLetters({ tenantId, open: true, max: 9 });
        assert.deepEqual(
          dead.map((each) => each.fault),
          [tenantId],
        );
        const history = await scene.store.readHistory({ ref: refs[tenantId], throughFence: 99, max: 9 });
        assert.deepEqual(
          history.map((each) => each.text),
          [`of ${tenantId}`, 'answer'],
        );
      }
    },
  },
  {
    name: "what one tenant does to its send, activity, timer and flag leaves the other's as they are",
    invariant: 'I10',
    async body(scene) {
      const refs = await both(scene);
      const [acme] = [await sameTurn(scene, refs.acme), await sameTurn(scene, refs.zoo)];
      await scene.deliver(nth(acme.sends, 0), 'wamid.out');
      const states = async (tenantId: string) =>
        (await scene.store.listSends({ tenantId, states: everyState, max: 9 })).map((row) => row.state);
      assert.deepEqual([await states('acme'), await states('zoo')], [['accepted'], ['queued']]);
      await scene.store.recordStatuses({
        receivedAtMs: scene.nowMs,
        statuses: [{ tenantId: 'zoo', status: scene.status('failed', { wamid: 'wamid.out' }) }],
      });
      assert.deepEqual(await states('acme'), ['accepted'], 'a status of another tenant matched');
      await scene.store.takeOver({ ref: refs.acme, by: 'ann', nowMs: scene.nowMs });
      await scene.store.resolveFlags({
        tenantId: 'acme',
        flagIds: ['flg_same'],
        by: 'ann',
        nowMs: scene.nowMs,
      });
      await scene.store.redriveDeadLetter({
        tenantId: 'acme',
        deadLetterId: 'dlt_same',
        by: 'ann',
        nowMs: scene.nowMs,
      });
      scene.advance(2 * secondMs);
      const fired = await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 });
      assert.deepEqual(
        fired.wakes,
        [refs.zoo],
        'only the timer of the tenant that was not taken over is left',
      );
      const work = await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 9 });
      assert.deepEqual(
        work.activities.map((each) => each.ref),
        [refs.zoo],
      );
      assert.equal((await scene.store.listFlags({ tenantId: 'zoo', open: true, max: 9 })).length, 1);
      assert.equal((await scene.store.listDeadLetters({ tenantId: 'zoo', open: true, max: 9 })).length, 1);
    },
  },
  {
    name: 'timers under the same ids fire and are cancelled apart',
    invariant: 'I10',
    async body(scene) {
      const refs = await both(scene);
      const at = (seconds: number) => ({
        timerId: 'tmr_same',
        token: '1',
        dueAtMs: scene.nowMs + seconds * secondMs,
      });
      await scene.commit(await scene.take(refs.acme), { timers: [at(1)] });
      await scene.commit(await scene.take(refs.zoo), { timers: [at(5)] });
      scene.advance(secondMs);
      const fire = async () => (await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 })).wakes;
      assert.deepEqual(await fire(), [refs.acme]);
      await scene.commit(await scene.take(refs.acme), { cancelledTimers: ['tmr_same'] });
      scene.advance(4 * secondMs);
      assert.deepEqual(await fire(), [refs.zoo]);
    },
  },
  {
    name: "a reference with the other tenant's name finds nothing and changes nothing",
    invariant: 'I10',
    async body(scene) {
      const ref = await scene.say('mine', { number: numbers.acme });
      const foreign = { tenantId: 'zoo', conversationId: ref.conversationId };
      assert.equal(await scene.takeOutcome(foreign), 'gone');
      await assert.rejects(scene.store.takeOver({ ref: foreign, by: 'ann', nowMs: scene.nowMs }));
      assert.deepEqual(await scene.store.readHistory({ ref: foreign, throughFence: 99, max: 9 }), []);
      assert.deepEqual(await scene.store.readTranscript({ ref: foreign, max: 9 }), []);
      const address = scene.customer.bsuid ?? '';
      assert.equal(
        await scene.store.findConversation({ tenantId: 'zoo', phoneNumberId: '100', address }),
        null,
      );
      const [send] = await scene.answer(ref, 'hi');
      const foreignSend = { ...nth([send!], 0), ref: foreign };
      assert.equal((await scene.grant([foreignSend]))[0]?.outcome, 'gone');
    },
  },
  {
    name: "paces, pauses and contacts of one tenant are not the other's",
    invariant: 'I10',
    async body(scene) {
      const refs = await both(scene);
      const acme = await scene.answer(refs.acme, 'a', 'b');
      const zoo = await scene.answer(refs.zoo, 'a', 'b');
      const tight = { ...wide, numberPerSecond: 1, tenantPerSecond: 1, pairBurst: 1 };
      const granted = await scene.grant([nth(acme, 0), nth(zoo, 0)], tight);
      assert.deepEqual(
        granted.map((each) => each.outcome),
        ['granted', 'granted'],
      );
      const pause = { scope: 'number' as const, wabaId: 'waba', change: 'pause' as const, reason: 'x' };
      const outcome = { kind: 'retryLater' as const, atMs: scene.nowMs, countsAsAttempt: true, errorCode: 1 };
      await scene.settle(
        { send: nth(acme, 0), attempt: 1 },
        { ...outcome, pace: { ...pause, untilMs: scene.nowMs + 100 * secondMs } },
      );
      await scene.settle({ send: nth(zoo, 0), attempt: 1 }, { ...outcome, pace: null });
      scene.advance(10 * secondMs);
      const after = await scene.grant([nth(acme, 0), nth(zoo, 0)], tight);
      assert.deepEqual(
        after.map((each) => each.outcome),
        ['wait', 'granted'],
      );
    },
  },
  {
    name: "quarantine of one tenant's path is another's item, too",
    invariant: 'I10',
    async body(scene) {
      const bytes = new TextEncoder().encode('{');
      const items = tenantIds.map((tenantId) => ({
        reason: 'unreadable' as const,
        tenantId,
        phoneNumberId: null,
        item: null,
        bytes,
      }));
      await scene.store.append(scene.batch({ quarantine: items }));
      const rows = await scene.store.listQuarantine({ open: true, max: 9 });
      assert.deepEqual(rows.map((row) => row.tenantId).sort(), ['acme', 'zoo']);
    },
  },
];
