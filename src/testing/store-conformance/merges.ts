/**
 * Two conversations become one: nothing is lost, order is kept, and whatever ran on either side commits nothing.
 */
import assert from 'node:assert/strict';
import type { ConversationRef } from '#core/model/ids.ts';
import {
  accepted,
  type CaseBody,
  nth,
  owner,
  phoneNumber,
  type Scene,
  secondMs,
  texts,
  wide,
} from './scene.ts';

const byPhone = { phone: '15550001111' };
const byId = { bsuid: 'US.1' };
const byBoth = { ...byPhone, ...byId };

/** Two conversations of one customer; the one by phone has the later message, so it survives. */
async function apart(scene: Scene): Promise<{ loser: ConversationRef; survivor: ConversationRef }> {
  const loser = await scene.say('id 1', { from: byId });
  scene.advance(secondMs);
  const survivor = await scene.say('phone 1', { from: byPhone });
  return { loser, survivor };
}

/** The customer is one from here on; the merging message stands last in the mailbox. */
async function merge(scene: Scene): Promise<ConversationRef> {
  await scene.append(scene.message('both', { from: byBoth }));
  return scene.conversationOf(byBoth);
}

async function takeOver(scene: Scene, ref: ConversationRef): Promise<void> {
  await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
}

export const mergeCases: readonly CaseBody[] = [
  {
    name: 'a merge keeps the order of both mailboxes and loses nothing; the later customer message survives',
    invariant: 'I3',
    async body(scene) {
      const { survivor } = await apart(scene);
      await scene.say('id 2', { from: byId, sentAtMs: scene.nowMs - 10 * secondMs });
      await scene.say('phone 2', { from: byPhone });
      const appended = await scene.append(scene.message('both', { from: byBoth }));
      assert.deepEqual(appended.merged, [survivor]);
      assert.ok(appended.wakes.some((wake) => wake.ref.conversationId === survivor.conversationId));
      assert.deepEqual(await scene.conversationOf(byBoth), survivor);
      assert.deepEqual(texts(await scene.take(survivor)), ['phone 1', 'phone 2', 'id 1', 'id 2', 'both']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a merge raises both fences: turns that ran on either side commit nothing',
    invariant: 'I4',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const turns = [await scene.take(loser), await scene.take(survivor)];
      assert.deepEqual(await merge(scene), survivor);
      for (const taken of turns) {
        const commit = scene.commitOf(taken, { sends: [scene.newSend('late')] });
        assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
      }
      assert.equal(await scene.takeOutcome(loser), 'gone');
      assert.deepEqual(texts(await scene.take(survivor)), ['phone 1', 'id 1', 'both']);
    },
  },
  {
    name: "a merge drops the lost side's timers, its activities come too late, and what awaited them is asked anew",
    invariant: 'I8',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const activity = { activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [] };
      const timers = [
        { timerId: 't', token: '1', dueAtMs: scene.nowMs },
        { timerId: 'u', token: '1', dueAtMs: scene.nowMs + secondMs },
      ];
      await scene.commit(await scene.take(loser), { activities: [activity], timers });
      await scene.commit(await scene.take(survivor), { dialogState: '{"value":"survived"}' });
      await merge(scene);
      const late = { ref: loser, activityId: 'act_1', ownerId: owner, nowMs: scene.nowMs, result: 'x' };
      assert.deepEqual(await scene.store.settleActivity(late), { outcome: 'late' });
      const fired = await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 });
      assert.deepEqual(fired, { wakes: [], nextTimerAtMs: null });
      const taken = await scene.take(survivor);
      assert.deepEqual(texts(taken), ['id 1', 'both']);
      assert.equal(taken.dialogState, '{"value":"survived"}');
    },
  },
  {
    name: "sends of the lost side keep their order behind the survivor's, also for those who know them by their old place",
    invariant: 'I5',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const lost = await scene.answer(loser, 'lost 1', 'lost 2');
      const kept = await scene.answer(survivor, 'kept 1');
      const onTheWire = await scene.leave(nth(kept, 0));
      await merge(scene);
      const blocked = await scene.grant(lost);
      assert.deepEqual(
        blocked.map((each) => each.outcome),
        ['blocked', 'blocked'],
      );
      const settled = await scene.settle(onTheWire, accepted('wamid.1'));
      assert.deepEqual(settled.freed, [{ ...nth(lost, 0), ref: survivor }]);
      const granted = await scene.leave(nth(lost, 0));
      assert.deepEqual(granted.send.ref, survivor);
      const next = await scene.settle({ send: nth(lost, 0), attempt: 1 }, accepted('wamid.2'));
      assert.deepEqual(
        next.freed.map((each) => each.sendId),
        [nth(lost, 1).sendId],
      );
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a refusal that comes after the merge asks for a person on the surviving conversation',
    invariant: 'I9',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const [send] = await scene.answer(loser, 'lost');
      const granted = await scene.leave(send!);
      const wamid = await scene.settle(granted, accepted('wamid.1')).then(() => 'wamid.1');
      await merge(scene);
      await scene.report(scene.status('failed', { wamid }));
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.deepEqual([flag?.reason, flag?.conversationId], ['sendFailed', survivor.conversationId]);
      await scene.assertNothingMissing();
    },
  },
  {
    name: "a hold on either side survives the merge: the bot does not answer behind a person's back",
    invariant: 'I9',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      await takeOver(scene, loser);
      const sends = [scene.newSend('a person here', { origin: 'operator' })];
      await scene.store.replyAsOperator({ ref: loser, by: 'ann', sends, nowMs: scene.nowMs });
      await scene.append(
        scene.message('after the word', { from: byId, sentAtMs: scene.nowMs - 10 * secondMs }),
      );
      const bot = await scene.answer(survivor, 'the bot');
      await scene.say('phone 2', { from: byPhone });
      assert.deepEqual(await merge(scene), survivor);
      assert.equal(await scene.takeOutcome(survivor), 'held');
      assert.equal((await scene.grant(bot))[0]?.outcome, 'gone');
      assert.equal((await scene.store.stats()).held, 1);
      await scene.assertNothingMissing();
      await scene.store.handBack({ ref: loser, by: 'ann', nowMs: scene.nowMs });
      const back = texts(await scene.take(survivor));
      assert.deepEqual(
        back.filter((text) => text !== undefined),
        ['phone 2', 'after the word', 'both'],
      );
    },
  },
  {
    name: "a hand-back on the lost side says nothing to the survivor's dialog, which was never held",
    invariant: 'I9',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      await takeOver(scene, loser);
      await scene.store.handBack({ ref: loser, by: 'ann', nowMs: scene.nowMs });
      await merge(scene);
      const kinds = (await scene.take(survivor)).events.map((event) => event.kind);
      assert.deepEqual(kinds, ['text', 'text']);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'what the survivor was about to answer when a hold reached it comes back after a hand-back, in a place of its own',
    invariant: 'I3',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      await takeOver(scene, loser);
      await scene.commit(await scene.take(survivor));
      await merge(scene);
      await scene.store.handBack({ ref: survivor, by: 'ann', nowMs: scene.nowMs });
      const back = await scene.take(survivor);
      assert.deepEqual(texts(back), ['phone 1', 'both', undefined]);
      assert.ok(nth(back.events, 0).position > 1, 'its dialog has passed the place where it stood');
      await scene.assertNothingMissing();
    },
  },
  {
    name: "the surviving side's hold takes what the lost side had open",
    invariant: 'I9',
    async body(scene) {
      const { survivor } = await apart(scene);
      await takeOver(scene, survivor);
      await merge(scene);
      assert.equal(await scene.takeOutcome(survivor), 'held');
      assert.deepEqual((await scene.audit()).byEnd, { seenByOperator: 3 });
      await scene.store.handBack({ ref: survivor, by: 'ann', nowMs: scene.nowMs });
      assert.deepEqual(texts(await scene.take(survivor)), ['id 1', 'both', undefined]);
    },
  },
  {
    name: 'flags of both sides stand on the survivor, the same reason once with both counts',
    invariant: 'I9',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      for (const [ref, reasons] of [
        [loser, ['customerAsked', 'unexpected']],
        [survivor, ['customerAsked']],
      ] as const) {
        const flags = reasons.map((reason) => ({ flagId: scene.id('flg'), reason, detail: null }));
        const ends = flags
          .slice(0, 1)
          .map(({ flagId }) => ({ end: 'flagged' as const, endRef: flagId, through: 9 }));
        await scene.commit(await scene.take(ref), { flags, ends });
      }
      await merge(scene);
      const open = await scene.store.listFlags({ open: true, max: 9 });
      assert.deepEqual(open.map((flag) => [flag.reason, flag.count, flag.conversationId]).sort(), [
        ['customerAsked', 2, survivor.conversationId],
        ['unexpected', 1, survivor.conversationId],
      ]);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an old reference still leads people to the survivor, and they read what was said before',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const taken = await scene.take(loser);
      const deadLetterId = scene.id('dlt');
      await scene.commit(taken, {
        consumed: [{ position: 1, end: 'deadLetter' }],
        deadLetters: [{ deadLetterId, position: 1, fault: 'x' }],
      });
      await merge(scene);
      const redriven = { tenantId: 'acme', deadLetterId, by: 'ann', nowMs: scene.nowMs };
      assert.deepEqual(await scene.store.redriveDeadLetter(redriven), survivor);
      const transcript = await scene.store.readTranscript({ ref: loser, max: 9 });
      assert.deepEqual(
        transcript.map((line) => line.text),
        ['id 1', 'phone 1', 'both', 'id 1'],
      );
      await takeOver(scene, loser);
      assert.equal(await scene.takeOutcome(survivor), 'held');
    },
  },
  {
    name: 'limits and paces of both sides are added',
    invariant: 'I6',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      const claimFor = (contactId: string) => [
        { limit: 'replies', scope: contactId, windowMs: 3_600_000, max: 2, amount: 1 },
      ];
      const pairs = { ...wide, pairBurst: 2 };
      for (const ref of [loser, survivor]) {
        const taken = await scene.take(ref);
        const activities = [
          {
            activityId: scene.id('act'),
            name: 'x',
            input: null,
            deadlineMs: 1,
            claims: claimFor(taken.contactId),
          },
        ];
        const { sends } = await scene.commit(taken, { activities, sends: [scene.newSend('x')] });
        const [granted] = await scene.grant(sends, pairs);
        assert.ok(granted?.outcome === 'granted');
        await scene.settle(granted, accepted(scene.id('snd')));
      }
      await merge(scene);
      const taken = await scene.take(survivor);
      const activities = [
        { activityId: 'act_3', name: 'x', input: null, deadlineMs: 1, claims: claimFor(taken.contactId) },
      ];
      const refused = await scene.store.commitTurn(scene.commitOf(taken, { activities }));
      assert.equal(refused.outcome, 'refused', 'a merge must not give a customer a second allowance');
      const { sends } = await scene.commit(taken, { sends: [scene.newSend('y')] });
      assert.equal((await scene.grant(sends, pairs))[0]?.outcome, 'wait', 'the pair had two already');
    },
  },
  {
    name: 'a merge touches every number on which both sides have a conversation, and moves the others',
    async body(scene) {
      const other = phoneNumber({}, { phoneNumberId: '200' });
      await apart(scene);
      const onlyById = await scene.say('id on 200', { from: byId, number: other });
      const ref = await merge(scene);
      assert.equal((await scene.take(ref)).events.length, 3);
      assert.deepEqual(await scene.say('phone on 200', { from: byPhone, number: other }), onlyById);
      assert.equal((await scene.take(onlyById)).events.length, 2);
    },
  },
  {
    name: 'the survivor of a merge is due at once where something was open, else after its quiet time',
    async body(scene) {
      const { loser, survivor } = await apart(scene);
      await scene.commit(await scene.take(loser));
      await scene.commit(await scene.take(survivor), {
        ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through: 9 }],
      });
      const quiet = phoneNumber({ quietMs: 3 * secondMs });
      scene.advance(secondMs);
      await scene.appendTo(quiet, scene.message('both', { from: byBoth }));
      assert.deepEqual(
        texts(await scene.take(survivor)),
        ['id 1', 'both'],
        'what awaited is asked anew at once',
      );
      const [first, second] = [{ phone: '7' }, { bsuid: 'US.7' }];
      for (const from of [first, second])
        await scene.commit(await scene.take(await scene.say('x', { from })), {
          ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through: 9 }],
        });
      await scene.appendTo(quiet, scene.message('both', { from: { ...first, ...second } }));
      assert.equal(await scene.takeOutcome(await scene.conversationOf(first)), 'notDue');
    },
  },
  {
    name: 'a chain of merges ends in one conversation to which every old reference leads',
    async body(scene) {
      const first = await scene.say('a', { from: { phone: '1' } });
      const second = await scene.say('b', { from: { phone: '2' } });
      const third = await scene.say('c', { from: { bsuid: 'US.1' } });
      await scene.say('d', { from: { phone: '1', bsuid: 'US.1' } });
      scene.advance(secondMs);
      await scene.say('later than all', { from: { phone: '2' } });
      await scene.say('e', { from: { phone: '2', bsuid: 'US.1' } });
      const last = await scene.conversationOf({ bsuid: 'US.1' });
      assert.deepEqual(texts(await scene.take(last)).sort(), ['a', 'b', 'c', 'd', 'e', 'later than all']);
      for (const ref of [first, second, third]) {
        const transcript = await scene.store.readTranscript({ ref, max: 9 });
        assert.equal(transcript.length, 6);
      }
    },
  },
];
