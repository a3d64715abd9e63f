/**
 * Turns: events in order and once, commits whole or not at all, only under the newest fence; due times and timers.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { type CaseBody, nth, otherOwner, owner, phoneNumber, type Scene, secondMs, texts } from './scene.ts';

/** Everything that a commit can write, so that a refused one can be shown to have written none of it. */
function everything(scene: Scene) {
  return {
    dialogState: '{"value":"written"}',
    sends: [scene.newSend('written')],
    activities: [{ activityId: 'act_written', name: 'reply', input: null, deadlineMs: 1, claims: [] }],
    timers: [{ timerId: 'tmr_written', token: 't', dueAtMs: scene.nowMs }],
    flags: [{ flagId: scene.id('flg'), reason: 'customerAsked' as const, detail: null }],
    deadLetters: [{ deadLetterId: scene.id('dlt'), position: 1, fault: 'written' }],
  };
}

async function assertNothingWritten(scene: Scene, ref: ConversationRef, ownerId: string): Promise<void> {
  const { store, nowMs } = scene;
  const stats = await store.stats();
  assert.deepEqual(stats.sendsByState, {}, 'a send of the refused turn was written');
  assert.deepEqual([stats.flagsOpen, stats.deadLettersOpen], [0, 0]);
  assert.deepEqual((await store.fireTimers({ nowMs, max: 10 })).wakes, []);
  assert.deepEqual((await store.findWork({ ownerId, nowMs, max: 10 })).activities, []);
  const again = await scene.take(ref, ownerId);
  assert.deepEqual(texts(again), ['hello']);
  assert.equal(again.dialogState, null);
}

export const turnCases: readonly CaseBody[] = [
  {
    name: 'events are taken in the order of arrival, each by exactly one committed turn',
    invariant: 'I3',
    async body(scene) {
      const count = limits.turnEventsMax * 2 + 7;
      const messages = Array.from({ length: count }, (_, i) => scene.message(`m${i}`));
      for (const message of messages.slice(0, 10)) await scene.append(message);
      await Promise.all(messages.slice(10).map((message) => scene.append(message)));
      const ref = await scene.conversationOf(scene.customer);
      const consumed: number[] = [];
      const seen = new Set<string | null>();
      for (let turns = 0; turns < 3; turns++) {
        const taken = await scene.take(ref);
        assert.equal(taken.more, turns < 2);
        assert.ok(taken.events.length <= limits.turnEventsMax);
        for (const event of taken.events) {
          consumed.push(event.position);
          assert.ok(!seen.has(event.wamid), `${event.wamid} was consumed twice`);
          seen.add(event.wamid);
        }
        const { dueAtMs } = await scene.commit(taken);
        assert.equal(dueAtMs === null, turns === 2);
      }
      assert.equal(seen.size, count);
      assert.deepEqual(
        consumed,
        [...consumed].sort((a, b) => a - b),
      );
      assert.equal(await scene.takeOutcome(ref), 'empty');
    },
  },
  {
    name: 'messages that wait for one another keep their order',
    invariant: 'I3',
    async body(scene) {
      for (const text of ['a', 'b', 'c'])
        await scene.say(text, { sentAtMs: scene.nowMs - text.charCodeAt(0) });
      assert.deepEqual(texts(await scene.take(await scene.conversationOf(scene.customer))), ['a', 'b', 'c']);
    },
  },
  {
    name: 'a message that comes during a turn waits for the next',
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('first');
      const taken = await scene.take(ref);
      await scene.say('second');
      assert.equal(await scene.takeOutcome(ref), 'leased');
      const { dueAtMs } = await scene.commit(taken);
      assert.ok(dueAtMs !== null && dueAtMs <= scene.nowMs);
      assert.deepEqual(texts(await scene.take(ref)), ['second']);
    },
  },
  {
    name: 'what is said is no answer to what its dialog had not seen by then, wherever that stands',
    invariant: 'I9',
    async body(scene) {
      for (const words of ['a', 'b', 'c']) await scene.say(words);
      const ref = await scene.conversationOf(scene.customer);
      const [early, later] = [scene.newSend('to c'), scene.newSend('to a')];
      const ends = [
        { end: 'answered' as const, endRef: early.sendId, through: 3, unseen: [1, 2] },
        { end: 'answered' as const, endRef: later.sendId, through: 3, unseen: [2] },
      ];
      const activity = { activityId: 'act_1', name: 'reply', input: null, deadlineMs: secondMs, claims: [] };
      const parts = { sends: [early, later], activities: [activity], ends };
      const { sends } = await scene.commit(await scene.take(ref), parts);
      for (const send of sends) await scene.deliver(send);
      assert.deepEqual((await scene.audit()).byEnd, { answered: 2, awaiting: 1 });
      await scene.store.takeOver({ ref, by: 'Ann', nowMs: scene.nowMs });
      assert.deepEqual((await scene.audit()).byEnd, { answered: 2, seenByOperator: 1 });
    },
  },
  {
    name: 'an event that is not open cannot be consumed again',
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('first');
      await scene.commit(await scene.take(ref));
      await scene.say('second');
      const taken = await scene.take(ref);
      const consumed = [{ position: 1, end: 'noAnswerNeeded' as const }];
      await assert.rejects(scene.store.commitTurn(scene.commitOf(taken, { consumed })));
      await scene.commit(taken);
    },
  },
  {
    name: 'a commit with an old fence is refused and writes nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const old = await scene.take(ref);
      scene.advance(limits.leaseTtlMs);
      const newer = await scene.take(ref, otherOwner);
      assert.ok(newer.lease.fence > old.lease.fence);
      const commit = scene.commitOf(old, everything(scene));
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      await scene.store.releaseLease({ lease: newer.lease, nowMs: scene.nowMs });
      await assertNothingWritten(scene, ref, otherOwner);
    },
  },
  {
    name: 'a commit with an old fence is refused also where the same owner took the conversation again',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const old = await scene.take(ref);
      scene.advance(limits.leaseTtlMs);
      const newer = await scene.take(ref);
      const commit = scene.commitOf(old, everything(scene));
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      await scene.store.releaseLease({ lease: old.lease, nowMs: scene.nowMs });
      assert.equal(await scene.takeOutcome(ref), 'leased', 'an old fence gives no newer lease back');
      await scene.store.releaseLease({ lease: newer.lease, nowMs: scene.nowMs });
      await assertNothingWritten(scene, ref, owner);
    },
  },
  {
    name: 'a commit under the lease of another owner is refused and writes nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      const commit = scene.commitOf(taken, everything(scene));
      const stolen = { ...commit, lease: { ...taken.lease, ownerId: otherOwner } };
      assert.deepEqual(await scene.store.commitTurn(stolen), { outcome: 'fenceOld' });
      await scene.store.releaseLease({ lease: taken.lease, nowMs: scene.nowMs });
      await assertNothingWritten(scene, ref, otherOwner);
    },
  },
  {
    name: 'a commit after a rescue is refused and writes nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const commit = scene.commitOf(await scene.take(ref), everything(scene));
      await scene.restart();
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      await assertNothingWritten(scene, ref, otherOwner);
    },
  },
  {
    name: 'a lease that was given back cannot commit, and its events are taken again',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      await scene.store.releaseLease({ lease: { ...taken.lease, ownerId: otherOwner }, nowMs: scene.nowMs });
      assert.equal(await scene.takeOutcome(ref, otherOwner), 'leased', 'only its owner gives a lease back');
      await scene.store.releaseLease({ lease: taken.lease, nowMs: scene.nowMs });
      const commit = scene.commitOf(taken, everything(scene));
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      await assertNothingWritten(scene, ref, owner);
    },
  },
  {
    name: 'a commit of which one part cannot be written writes none of it',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      const parts = everything(scene);
      const twice = [...parts.sends, ...parts.sends];
      await assert.rejects(scene.store.commitTurn(scene.commitOf(taken, { ...parts, sends: twice })));
      scene.advance(limits.leaseTtlMs);
      await assertNothingWritten(scene, ref, otherOwner);
    },
  },
  {
    name: 'a committed turn is there after a restart, whole',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const parts = { ...everything(scene), deadLetters: [], runHere: false };
      await scene.commit(await scene.take(ref), parts);
      await scene.restart();
      const work = await scene.store.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 10 });
      assert.deepEqual(
        work.sends.map((each) => each.sendId),
        parts.sends.map((each) => each.sendId),
      );
      assert.deepEqual(
        work.activities.map((each) => each.activityId),
        ['act_written'],
      );
      assert.equal((await scene.store.stats()).flagsOpen, 1);
      assert.deepEqual((await scene.store.fireTimers({ nowMs: scene.nowMs, max: 10 })).wakes, [ref]);
      const taken = await scene.take(ref, otherOwner);
      assert.equal(taken.dialogState, parts.dialogState);
      assert.deepEqual(nth(taken.events, 0).content, { timerId: 'tmr_written', timerToken: 't' });
    },
  },
  {
    name: 'what no wake announced is found: unconsumed events, also after a lost lease, by none but the due',
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('hello');
      const find = async () => {
        const input = { ownerId: otherOwner, nowMs: scene.nowMs, max: 10 };
        return (await scene.store.findWork(input)).conversations.map((each) => each.ref);
      };
      assert.deepEqual(await find(), [ref]);
      await scene.take(ref);
      assert.deepEqual(await find(), [], 'a live lease is left alone');
      scene.advance(limits.leaseTtlMs);
      assert.deepEqual(await find(), [ref]);
      await scene.commit(await scene.take(ref));
      assert.deepEqual(await find(), []);
      assert.equal(await scene.takeOutcome({ tenantId: 'acme', conversationId: 'cnv_none' }), 'gone');
    },
  },
  {
    name: 'a sweep goes round the tenants, so that a flood of one hides nobody',
    async body(scene) {
      for (let i = 0; i < 20; i++) await scene.say('flood', { from: { bsuid: `US.${i}` } });
      const small = phoneNumber({}, { tenantId: 'zoo', phoneNumberId: '900' });
      const ref = await scene.say('single', { number: small });
      const work = await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 2 });
      assert.ok(work.conversations.some((each) => each.ref.conversationId === ref.conversationId));
    },
  },
  {
    name: 'with a quiet time a conversation is due after the last message, at most after the longest wait',
    async body(scene) {
      const number = phoneNumber({ quietMs: 3 * secondMs, quietMaxMs: 8 * secondMs });
      const startMs = scene.nowMs;
      const dues: number[] = [];
      for (const stepMs of [0, 2, 2, 2, 1].map((each) => each * secondMs)) {
        scene.advance(stepMs);
        const { wakes } = await scene.appendTo(number, scene.message('x'));
        dues.push((nth(wakes, 0).dueAtMs - startMs) / secondMs);
      }
      assert.deepEqual(dues, [3, 5, 7, 8, 8]);
      const ref = await scene.conversationOf(scene.customer);
      const [early] = await scene.store.takeConversations({
        refs: [ref],
        ownerId: owner,
        nowMs: scene.nowMs,
      });
      assert.deepEqual(early, { outcome: 'notDue', ref, dueAtMs: startMs + 8 * secondMs });
      scene.advance(secondMs);
      await scene.commit(await scene.take(ref));
      const after = await scene.appendTo(number, scene.message('y'));
      assert.equal(nth(after.wakes, 0).dueAtMs, scene.nowMs + 3 * secondMs, 'the next wait starts anew');
    },
  },
  {
    name: 'quiet time counts from what a turn left over, and internal events do not wait for it',
    async body(scene) {
      const number = phoneNumber({ quietMs: 3 * secondMs, quietMaxMs: 8 * secondMs });
      const ref = await scene.say('first', { number });
      scene.advance(3 * secondMs);
      const taken = await scene.take(ref);
      await scene.appendTo(number, scene.message('second'));
      const firstMs = scene.nowMs;
      const timers = [{ timerId: 't', token: '1', dueAtMs: scene.nowMs + secondMs }];
      assert.equal((await scene.commit(taken, { timers })).dueAtMs, firstMs + 3 * secondMs);
      scene.advance(secondMs);
      await scene.store.fireTimers({ nowMs: scene.nowMs, max: 10 });
      assert.equal((await scene.take(ref)).events.length, 2);
    },
  },
  ...(['given back', 'after a crash', 'run out'] as const).map(
    (how): CaseBody => ({
      name: `what was taken is due again at once when its lease is ${how}, whatever quiet time a later message has`,
      async body(scene) {
        const number = phoneNumber({ quietMs: limits.leaseTtlMs * 3, quietMaxMs: limits.leaseTtlMs * 9 });
        const ref = await scene.say('first');
        const { lease } = await scene.take(ref);
        await scene.appendTo(number, scene.message('second'));
        if (how === 'given back') await scene.store.releaseLease({ lease, nowMs: scene.nowMs });
        if (how === 'after a crash') await scene.restart();
        if (how === 'run out') scene.advance(limits.leaseTtlMs);
        const work = await scene.store.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 9 });
        assert.ok(nth(work.conversations, 0).dueAtMs <= scene.nowMs);
        assert.deepEqual(texts(await scene.take(ref, otherOwner)), ['first', 'second']);
      },
    }),
  ),
  {
    name: 'a wake for an empty mailbox leaves no due time behind that would cut the next quiet time short',
    async body(scene) {
      const number = phoneNumber({ quietMs: 3 * secondMs });
      const ref = await scene.say('first', { number });
      scene.advance(3 * secondMs);
      await scene.commit(await scene.take(ref));
      assert.equal(await scene.takeOutcome(ref), 'empty');
      scene.advance(10 * secondMs);
      const { wakes } = await scene.appendTo(number, scene.message('second'));
      assert.equal(nth(wakes, 0).dueAtMs, scene.nowMs + 3 * secondMs);
    },
  },
  {
    name: 'timers fire when due, once, in order; set again they are moved, cancelled they are gone',
    async body(scene) {
      const ref = await scene.say('hello');
      const at = (seconds: number) => scene.nowMs + seconds * secondMs;
      const timer = (timerId: string, token: string, seconds: number) => ({
        timerId,
        token,
        dueAtMs: at(seconds),
      });
      const timers = [
        timer('b', '1', 20),
        timer('a', '1', 10),
        timer('gone', '1', 1),
        timer('moved', '1', 1),
      ];
      const first = await scene.commit(await scene.take(ref), { timers });
      assert.equal(first.nextTimerAtMs, at(1));
      await scene.say('again');
      await scene.commit(await scene.take(ref), {
        cancelledTimers: ['gone'],
        timers: [timer('moved', '2', 15)],
      });
      const fire = () => scene.store.fireTimers({ nowMs: scene.nowMs, max: 10 });
      assert.deepEqual(await fire(), { wakes: [], nextTimerAtMs: at(10) });
      scene.advance(30 * secondMs);
      assert.equal((await fire()).nextTimerAtMs, null);
      assert.deepEqual((await fire()).wakes, [], 'a timer fires once');
      const taken = await scene.take(ref);
      assert.deepEqual(
        taken.events.map(({ kind, content }) => [kind, content.timerId, content.timerToken]),
        [
          ['timer', 'a', '1'],
          ['timer', 'moved', '2'],
          ['timer', 'b', '1'],
        ],
      );
      await scene.commit(taken, { timers: [timer('a', '1', 0)] });
      assert.deepEqual(
        (await fire()).wakes,
        [ref],
        'a timer that is set again with its old token fires again',
      );
    },
  },
];
