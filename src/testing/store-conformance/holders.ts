/**
 * People: taking over silences the bot at once, what arrives is seen by them, handing back leaves the bot exactly what
 * came after the operator's last word.
 */
import assert from 'node:assert/strict';
import { isFault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import {
  accepted,
  type CaseBody,
  hourMs,
  minuteMs,
  nth,
  otherOwner,
  owner,
  type Scene,
  secondMs,
  texts,
} from './scene.ts';

function takeOver(scene: Scene, ref: ConversationRef) {
  return scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
}

function reply(scene: Scene, ref: ConversationRef, words: string) {
  const sends = [scene.newSend(words, { origin: 'operator', priority: 'operator' })];
  return scene.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: scene.nowMs });
}

function handBack(scene: Scene, ref: ConversationRef) {
  return scene.store.handBack({ ref, by: 'ann', nowMs: scene.nowMs });
}

export const holderCases: readonly CaseBody[] = [
  {
    name: 'a turn that was under way at the take-over commits nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      await takeOver(scene, ref);
      const commit = scene.commitOf(taken, { sends: [scene.newSend('late')] });
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      assert.equal(await scene.takeOutcome(ref), 'held');
      assert.deepEqual((await scene.store.stats()).sendsByState, {});
      assert.deepEqual((await scene.audit()).byEnd, { seenByOperator: 1 });
    },
  },
  {
    name: 'taking over withdraws what the bot has not sent, cancels its activities and timers, and takes what awaited',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('first');
      const sends = await scene.answer(ref, 'one', 'two');
      const onTheWire = await scene.leave(nth(sends, 0));
      await scene.say('second');
      await scene.commit(await scene.take(ref), {
        activities: [{ activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [] }],
        timers: [{ timerId: 't', token: '1', dueAtMs: scene.nowMs }],
      });
      assert.deepEqual(await takeOver(scene, ref), { withdrawn: 1, cancelled: ['act_1'] });
      const late = { ref, activityId: 'act_1', ownerId: owner, nowMs: scene.nowMs, result: 'x' };
      assert.deepEqual(await scene.store.settleActivity(late), { outcome: 'late' });
      assert.deepEqual((await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 })).wakes, []);
      assert.equal((await scene.sendRow(nth(sends, 1).sendId)).state, 'withdrawn');
      await scene.settle(onTheWire, accepted('wamid.1'));
      assert.deepEqual((await scene.audit()).byEnd, { answered: 1, seenByOperator: 1 });
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an answer that was made and that no turn has taken at the take-over is not said after the hand-back',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('first');
      await scene.commit(await scene.take(ref), {
        activities: [{ activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [] }],
      });
      const made = { ref, activityId: 'act_1', ownerId: owner, nowMs: scene.nowMs, result: 'x' };
      await scene.store.settleActivity(made);
      await takeOver(scene, ref);
      await handBack(scene, ref);
      assert.deepEqual(
        (await scene.take(ref)).events.map((event) => event.kind),
        ['handedBack'],
      );
      assert.deepEqual((await scene.audit()).byEnd, { seenByOperator: 1 });
    },
  },
  {
    name: "a message whose only answer was withdrawn by the take-over is the operator's",
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('first');
      await scene.answer(ref, 'one');
      assert.equal((await takeOver(scene, ref)).withdrawn, 1);
      assert.deepEqual((await scene.audit()).byEnd, { seenByOperator: 1 });
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a send of the bot that was on the wire at the take-over and comes back does not leave again',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('first');
      const [send] = await scene.answer(ref, 'one');
      const granted = await scene.leave(send!);
      const { sends } = await reply(scene, ref, 'a person here');
      const outcome = { kind: 'retryLater' as const, atMs: scene.nowMs, pace: null, countsAsAttempt: true };
      const settled = await scene.settle(granted, { ...outcome, errorCode: 130429 });
      assert.deepEqual(
        settled.freed.map((each) => each.sendId),
        sends.map((each) => each.sendId),
      );
      assert.equal((await scene.sendRow(send!.sendId)).state, 'withdrawn');
      assert.deepEqual((await scene.audit()).byEnd, { seenByOperator: 1 });
      const other = await scene.say('second', { from: { bsuid: 'US.2' } });
      const [uncertain] = await scene.answer(
        other,
        scene.newSend('x', { uncertainPolicy: 'resendMayRepeat' }),
      );
      await scene.loseSight(uncertain!);
      await takeOver(scene, other);
      scene.advance(20 * minuteMs);
      assert.deepEqual(
        (await scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 })).resent,
        [],
      );
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an answer that was on the wire at the take-over and comes back after the hand-back asks for a person',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('first');
      const [send] = await scene.answer(ref, 'one');
      const granted = await scene.leave(send!);
      await takeOver(scene, ref);
      await handBack(scene, ref);
      const outcome = { kind: 'retryLater' as const, atMs: scene.nowMs, pace: null, countsAsAttempt: true };
      const settled = await scene.settle(granted, { ...outcome, errorCode: 130429 });
      assert.equal(settled.flagged, 1);
      assert.equal((await scene.sendRow(send!.sendId)).state, 'withdrawn');
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.deepEqual([flag?.reason, flag?.conversationId], ['tookOver', ref.conversationId]);
    },
  },
  {
    name: 'messages during a hold are seen by the operator and wake no turn; duplicates neither',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('before');
      await takeOver(scene, ref);
      const message = scene.message('during');
      assert.deepEqual((await scene.append(message)).wakes, []);
      assert.deepEqual((await scene.append(message)).wakes, []);
      await scene.append(scene.message('', { kind: 'reaction', content: {} }));
      assert.equal(await scene.takeOutcome(ref), 'held');
      assert.deepEqual(
        (await scene.store.findWork({ ownerId: owner, nowMs: scene.nowMs, max: 9 })).conversations,
        [],
      );
      assert.deepEqual((await scene.audit()).byEnd, { noAnswerNeeded: 1, seenByOperator: 2 });
      const stats = await scene.store.stats();
      assert.deepEqual([stats.held, stats.mailboxDepth], [1, 0]);
    },
  },
  {
    name: "an operator's words leave through the same lane, behind what is on the wire",
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const [bot] = await scene.answer(ref, 'one');
      const granted = await scene.leave(bot!);
      const { sends } = await reply(scene, ref, 'a person here');
      assert.equal((await scene.grant(sends))[0]?.outcome, 'blocked');
      await scene.settle(granted, accepted('wamid.1'));
      assert.equal(nth(await scene.grant(sends), 0).outcome, 'granted');
      assert.equal(await scene.takeOutcome(ref), 'held', 'a reply takes over');
    },
  },
  {
    name: "handing back leaves the bot what came after the operator's last word, told by positions and not by clocks",
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('before the hold');
      await takeOver(scene, ref);
      await scene.say('before the word');
      await reply(scene, ref, 'a person here');
      await scene.say('after the word, in the same millisecond');
      scene.advance(-secondMs);
      await scene.say('after the word, by a clock that stepped back');
      assert.deepEqual(await handBack(scene, ref), { reopened: 2 });
      const taken = await scene.take(ref);
      assert.deepEqual(
        taken.events.map((each) => each.kind),
        ['text', 'text', 'handedBack'],
      );
      const transcript = nth(taken.events, 2).content.transcript ?? [];
      assert.ok(transcript.some((each) => each.role === 'operator' && each.text === 'a person here'));
      assert.equal((await scene.audit()).byEnd.seenByOperator, 2);
      await scene.commit(taken);
      assert.equal(await scene.takeOutcome(ref), 'empty');
    },
  },
  {
    name: 'only what is held can be handed back, and only what exists can be taken over',
    async body(scene) {
      const ref = await scene.say('hello');
      await assert.rejects(handBack(scene, ref), (error) => isFault(error, 'conflict'));
      const none = { tenantId: 'acme', conversationId: 'cnv_none' };
      await assert.rejects(takeOver(scene, none), (error) => isFault(error, 'notFound'));
      await takeOver(scene, ref);
      assert.deepEqual(
        await takeOver(scene, ref),
        { withdrawn: 0, cancelled: [] },
        'taking over twice is no harm',
      );
      await handBack(scene, ref);
      await assert.rejects(handBack(scene, ref), (error) => isFault(error, 'conflict'));
    },
  },
  {
    name: "a turn that hands off: what it said leaves, the rest is silenced, later messages are the operator's",
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a person, please');
      await scene.think(ref, 'act_old');
      await scene.say('now');
      const taken = await scene.take(ref);
      await scene.say('during the turn');
      const flagId = scene.id('flg');
      const committed = await scene.commit(taken, {
        sends: [scene.newSend('somebody will write to you')],
        activities: [{ activityId: 'act_new', name: 'x', input: null, deadlineMs: 1, claims: [] }],
        timers: [{ timerId: 't', token: '1', dueAtMs: scene.nowMs }],
        flags: [{ flagId, reason: 'customerAsked', detail: null }],
        ends: [{ end: 'flagged', endRef: flagId, through: 99 }],
        handOff: true,
      });
      assert.deepEqual(committed.activities, [], 'what a hand-off silences must not start');
      assert.deepEqual([...committed.cancelled].sort(), ['act_new', 'act_old']);
      assert.deepEqual([committed.dueAtMs, committed.nextTimerAtMs], [null, null]);
      assert.equal((await scene.grant(committed.sends))[0]?.outcome, 'granted');
      assert.equal(await scene.takeOutcome(ref), 'held');
      await scene.say('after');
      assert.deepEqual((await scene.audit()).byEnd, { flagged: 2, seenByOperator: 2 });
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.equal(flag?.holder, 'operator');
      assert.deepEqual(await handBack(scene, ref), { reopened: 1 });
      assert.deepEqual(texts(await scene.take(ref)), ['after', undefined]);
    },
  },
  {
    name: "the owner's words end the answer that is being made",
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      const appended = await scene.append(
        scene.message('I am here', { kind: 'echo', content: { text: 'I am here' } }),
      );
      assert.deepEqual([appended.tookOver, appended.cancelled], [[ref], ['act_1']]);
    },
  },
  {
    name: "the owner's own words on their phone take over, count as the last word and are in the transcript",
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('hello');
      const [bot] = await scene.answer(ref, 'one');
      const echo = scene.message('I am here', {
        kind: 'echo',
        content: { text: 'I am here', fromBusiness: true },
      });
      const appended = await scene.append(echo);
      assert.deepEqual([appended.tookOver, appended.wakes], [[ref], []]);
      assert.deepEqual(appended.cancelled, []);
      assert.equal((await scene.grant([bot!]))[0]?.outcome, 'gone');
      scene.advance(5 * hourMs);
      await scene.say('question');
      const second = scene.message('answer', {
        kind: 'echo',
        content: { text: 'answer', fromBusiness: true },
      });
      assert.deepEqual((await scene.append(second)).tookOver, []);
      scene.advance(4 * hourMs);
      const idle = { nowMs: scene.nowMs, idleMs: 8 * hourMs, max: 9 };
      assert.deepEqual(await scene.store.listIdleHolds(idle), [], 'a hold that is worked is not idle');
      await scene.say('thanks');
      assert.deepEqual(await handBack(scene, ref), { reopened: 1 });
      const taken = await scene.take(ref);
      assert.deepEqual(texts(taken), ['thanks', undefined]);
      const lines = nth(taken.events, 1).content.transcript ?? [];
      assert.ok(lines.some((each) => each.role === 'operator' && each.text === 'answer'));
    },
  },
  {
    name: 'idle holds are listed, oldest first, until somebody speaks',
    async body(scene) {
      const refs = [];
      for (const bsuid of ['US.1', 'US.2', 'US.3']) {
        const ref = await scene.say('x', { from: { bsuid } });
        await takeOver(scene, ref);
        refs.push(ref);
        scene.advance(minuteMs);
      }
      scene.advance(8 * hourMs);
      await reply(scene, nth(refs, 1), 'still here');
      const idle = await scene.store.listIdleHolds({ nowMs: scene.nowMs, idleMs: 8 * hourMs, max: 9 });
      assert.deepEqual(
        idle.map((each) => each.conversationId),
        [nth(refs, 0), nth(refs, 2)].map((each) => each.conversationId),
      );
    },
  },
  {
    name: 'history is in the order of turns, holds nothing that is still in the mailbox, and interleaves a hold by time',
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('q1');
      await scene.answer(ref, 'a1');
      scene.advance(secondMs);
      await scene.say('q2');
      const taken = await scene.take(ref);
      await scene.commit(taken, { sends: [scene.newSend('a2')], handOff: true });
      for (const [customer, operator] of [
        ['q3', 'o3'],
        ['q4', 'o4'],
      ] as const) {
        scene.advance(secondMs);
        await scene.say(customer);
        scene.advance(secondMs);
        await reply(scene, ref, operator);
      }
      await handBack(scene, ref);
      await scene.say('still waiting');
      const read = async (throughFence: number) =>
        (await scene.store.readHistory({ ref, throughFence, max: 50 })).map((each) => each.text);
      const whole = ['q1', 'a1', 'q2', 'a2', 'q3', 'o3', 'q4', 'o4'];
      const now = await read(1_000_000);
      assert.deepEqual(
        now.filter((text) => text !== 'a2'),
        whole.filter((text) => text !== 'a2'),
      );
      assert.deepEqual((await read(taken.lease.fence)).slice(0, 3), ['q1', 'a1', 'q2']);
      assert.deepEqual(
        (await scene.store.readHistory({ ref, throughFence: 1_000_000, max: 3 })).map((each) => each.text),
        now.slice(-3),
      );
      const transcript = await scene.store.readTranscript({ ref, max: 50 });
      assert.ok(
        transcript.some((line) => line.text === 'still waiting'),
        'people see what still waits',
      );
    },
  },
  {
    name: 'flags: one open of each reason, counted; resolved by id or by conversation, once',
    async body(scene) {
      const ref = await scene.say('a');
      const raise = async () => {
        const taken = await scene.take(ref, otherOwner);
        const flagId = scene.id('flg');
        const through = nth(taken.events, 0).position;
        const flags = [{ flagId, reason: 'replyTimeout' as const, detail: null }];
        await scene.commit(taken, { flags, ends: [{ end: 'flagged', endRef: flagId, through }] });
      };
      await raise();
      await scene.say('b');
      await raise();
      const [flag, ...others] = await scene.store.listFlags({ tenantId: 'acme', open: true, max: 9 });
      assert.deepEqual(
        [flag?.count, others.length, flag?.phoneNumberId, flag?.contact],
        [2, 0, '100', 'Noor'],
      );
      await scene.assertNothingMissing();
      const resolve = { tenantId: 'acme', flagIds: [flag!.flagId], by: 'ann', nowMs: scene.nowMs };
      assert.equal(await scene.store.resolveFlags({ ...resolve, tenantId: 'zoo' }), 0);
      assert.deepEqual(
        [await scene.store.resolveFlags(resolve), await scene.store.resolveFlags(resolve)],
        [1, 0],
      );
      await scene.say('c');
      await raise();
      const all = { tenantId: 'acme', conversationId: ref.conversationId, by: 'ann', nowMs: scene.nowMs };
      assert.equal(await scene.store.resolveFlags(all), 1);
      assert.equal((await scene.store.listFlags({ open: false, max: 9 })).length, 2);
      await scene.assertNothingMissing();
    },
  },
];
