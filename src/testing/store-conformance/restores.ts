/**
 * A store that was restored from a backup: what was open when the backup was made may have been answered, sent or charged
 * since, so after the hold nothing of it goes on by itself, all of it is seen by a person, and they can let it go on.
 */
import assert from 'node:assert/strict';
import type { ConversationRef } from '#core/model/ids.ts';
import type { OnUncertain } from '#core/model/ledger.ts';
import type { SendState } from '#core/model/sends.ts';
import {
  type CaseBody,
  dayMs,
  hourMs,
  minuteMs,
  nth,
  otherOwner,
  owner,
  type Scene,
  secondMs,
  texts,
  wide,
} from './scene.ts';

const hold = (scene: Scene) => scene.store.holdAfterRestore({ nowMs: scene.nowMs });
const handBack = (scene: Scene, ref: ConversationRef) =>
  scene.store.handBack({ ref, by: 'ann', nowMs: scene.nowMs });

/** Another customer than those before. */
async function hear(scene: Scene, name: string): Promise<ConversationRef> {
  return scene.say(`hello from ${name}`, { from: { bsuid: `US.${name}` } });
}

/** As a start does: whatever it would begin by itself. */
async function begun(scene: Scene): Promise<string[]> {
  await scene.store.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: true });
  await scene.store.fireTimers({ nowMs: scene.nowMs, max: 100 });
  const resolved = await scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs: 0 });
  const work = await scene.store.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 100 });
  return [
    ...work.conversations.map(({ ref }) => `turn of ${ref.conversationId}`),
    ...[...work.sends, ...resolved.resent].map(({ sendId }) => `send ${sendId}`),
    ...[...work.activities, ...work.charges].map(({ activityId }) => `activity ${activityId}`),
  ];
}

async function flagged(scene: Scene): Promise<Record<string, string | null>> {
  const flags = await scene.store.listFlags({ open: true, max: 100 });
  return Object.fromEntries(
    flags
      .filter(({ reason }) => reason === 'restored')
      .map(({ conversationId, detail }) => [conversationId, detail]),
  );
}

async function idsIn(scene: Scene, state: SendState): Promise<string[]> {
  const rows = await scene.store.listSends({ states: [state], max: 100 });
  return rows.map(({ sendId }) => sendId).sort();
}

const during = 'under way when the backup was made:';

/** Paid work in each state that an entry may be open in. */
async function pay(scene: Scene, activityId: string, onUncertain: OnUncertain, isBegun: boolean) {
  const ref = await hear(scene, activityId);
  const cost = { currency: 'USD', amountMicros: 100, onUncertain, late: 'discard' as const };
  await scene.think(ref, activityId, { name: 'draw', deadlineMs: minuteMs, cost });
  if (!isBegun) return;
  const attempt = { ref, activityId, ownerId: owner, nowMs: scene.nowMs };
  assert.equal((await scene.store.beginAttempt(attempt)).outcome, 'begun');
}

export const restoreCases: readonly CaseBody[] = [
  {
    name: 'after a restore nothing goes on by itself: what was open is held and flagged, and nothing is missing',
    invariant: 'I9',
    async body(scene) {
      const [unread, thought, queued, sending, lost, done] = [
        await hear(scene, 'unread'),
        await hear(scene, 'thought'),
        await hear(scene, 'queued'),
        await hear(scene, 'sending'),
        await hear(scene, 'lost'),
        await hear(scene, 'done'),
      ];
      await scene.think(thought, 'act_1');
      const waits = nth(await scene.answer(queued, 'queued'), 0);
      const left = nth(await scene.answer(sending, 'sending'), 0);
      await scene.leave(left);
      const unsure = nth(await scene.answer(lost, 'lost'), 0);
      await scene.loseSight(unsure);
      await scene.deliver(nth(await scene.answer(done, 'done'), 0));
      scene.advance(hourMs);
      const { takenAtMs, ...held } = await hold(scene);
      assert.equal(takenAtMs, null);
      assert.deepEqual(held, {
        ...{ conversations: 2, messages: 2, sends: 3, activities: 1, charges: 0, timers: 0, quarantined: 0 },
      });
      assert.deepEqual(await begun(scene), []);
      scene.advance(30 * dayMs);
      assert.deepEqual(await begun(scene), [], 'nor later');
      assert.deepEqual(await idsIn(scene, 'held'), [waits, left, unsure].map(({ sendId }) => sendId).sort());
      assert.deepEqual(await flagged(scene), {
        [unread.conversationId]: `${during} 1 message`,
        [thought.conversationId]: `${during} 1 message, 1 activity`,
        [queued.conversationId]: `${during} 1 send`,
        [sending.conversationId]: `${during} 1 send`,
        [lost.conversationId]: `${during} 1 send`,
      });
      await scene.assertNothingMissing();
      assert.equal((await scene.audit()).underWay, 0);
    },
  },
  {
    name: 'after a restore a process of before it commits nothing, and a second hold finds nothing',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      await hold(scene);
      const late = scene.commitOf(taken, { sends: [scene.newSend('late')] });
      assert.deepEqual(await scene.store.commitTurn(late), { outcome: 'fenceOld' });
      const { conversations, sends } = await hold(scene);
      assert.deepEqual({ conversations, sends }, { conversations: 0, sends: 0 });
      assert.equal(nth(await scene.store.listFlags({ open: true, max: 9 }), 0).count, 1);
    },
  },
  {
    name: 'after a restore a hand-back leaves to the bot what had no answer, once, with what came since',
    invariant: 'I3',
    async body(scene) {
      const ref = await scene.say('the first is thought about');
      await scene.think(ref, 'act_1');
      await scene.say('the second is not taken');
      await hold(scene);
      await scene.say('the third comes after the restore');
      assert.equal(await scene.takeOutcome(ref), 'held');
      assert.deepEqual(await handBack(scene, ref), { reopened: 3 });
      const taken = await scene.take(ref);
      assert.deepEqual(texts(taken).slice(0, 3), [
        'the first is thought about',
        'the second is not taken',
        'the third comes after the restore',
      ]);
      const positions = taken.events.map(({ position }) => position);
      assert.ok(nth(positions, 0) > 2, 'what the dialog has seen already is news to it once more');
      await scene.commit(taken, {
        ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through: Number.MAX_SAFE_INTEGER }],
      });
      assert.equal(await scene.takeOutcome(ref), 'empty');
    },
  },
  {
    name: 'after a restore whoever takes a conversation or writes in it has seen what was open',
    async body(scene) {
      const [taken, written] = [await hear(scene, 'taken'), await hear(scene, 'written')];
      await hold(scene);
      await scene.store.takeOver({ ref: taken, by: 'ann', nowMs: scene.nowMs });
      const sends = [scene.newSend('a person', { origin: 'operator' })];
      await scene.store.replyAsOperator({ ref: written, by: 'ann', sends, nowMs: scene.nowMs });
      for (const ref of [taken, written]) assert.deepEqual(await handBack(scene, ref), { reopened: 0 });
    },
  },
  {
    name: 'after a restore an idle hold is told of as unseen until somebody takes it',
    async body(scene) {
      const ref = await scene.say('hello');
      await hold(scene);
      const listed = async () => {
        scene.advance(9 * hourMs);
        const holds = await scene.store.listIdleHolds({ nowMs: scene.nowMs, idleMs: 8 * hourMs, max: 9 });
        return holds.map(({ isUnseen }) => isUnseen);
      };
      assert.deepEqual(await listed(), [true]);
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      assert.deepEqual(await listed(), [false]);
    },
  },
  {
    name: 'after a restore a send leaves where a person says so, also while nobody has the conversation back',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'one', 'two');
      await scene.say('and another question');
      await hold(scene);
      const [first, second] = [nth(sends, 0), nth(sends, 1)];
      const decided = { tenantId: ref.tenantId, by: 'ann', nowMs: scene.nowMs };
      await scene.store.resolveSend({ ...decided, sendId: first.sendId, verdict: 'withdraw' });
      const freed = await scene.store.resolveSend({ ...decided, sendId: second.sendId, verdict: 'resend' });
      assert.deepEqual(freed, [second]);
      await scene.deliver(second);
      assert.equal((await scene.sendRow(second.sendId)).state, 'accepted');
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'after a restore no paid work is asked anew; only what the provider can be asked about is found out',
    invariant: 'I7',
    async body(scene) {
      const rules = ['retryWithKey', 'lookup', 'settleAndFlag', 'retryMayPayTwice'] as const;
      for (const rule of rules)
        for (const isBegun of [true, false]) await pay(scene, `act_${rule}_${isBegun}`, rule, isBegun);
      const { charges, activities } = await hold(scene);
      assert.deepEqual({ charges, activities }, { charges: 8, activities: 8 });
      scene.advance(dayMs);
      const asked = (await begun(scene)).sort();
      assert.deepEqual(asked, ['activity act_lookup_false', 'activity act_lookup_true']);
      const { rows, unbalanced } = await scene.store.readLedger({ by: [] });
      assert.equal(unbalanced, 0);
      const { spentMicros, presumedMicros, uncertainMicros, reservedMicros } = nth(rows, 0);
      assert.deepEqual(
        { spentMicros, presumedMicros, uncertainMicros, reservedMicros },
        { spentMicros: 600, presumedMicros: 600, uncertainMicros: 200, reservedMicros: 0 },
      );
      const reasons = (await scene.store.listFlags({ open: true, max: 100 })).map(({ reason }) => reason);
      assert.equal(reasons.filter((reason) => reason === 'chargeUncertain').length, 6);
    },
  },
  {
    name: 'after a restore a hand-back does not begin again what may have been paid for',
    invariant: 'I7',
    async body(scene) {
      await pay(scene, 'act_1', 'settleAndFlag', false);
      const ref = await scene.conversationOf({ bsuid: 'US.act_1' });
      await scene.say('and then?', { from: { bsuid: 'US.act_1' } });
      await hold(scene);
      await scene.say('and after the restore?', { from: { bsuid: 'US.act_1' } });
      assert.deepEqual(await handBack(scene, ref), { reopened: 2 });
      assert.deepEqual(texts(await scene.take(ref)).slice(0, 2), ['and then?', 'and after the restore?']);
    },
  },
  {
    name: 'after a restore a hand-back leaves nothing to the bot where all may have been paid for',
    invariant: 'I7',
    async body(scene) {
      await pay(scene, 'act_1', 'settleAndFlag', true);
      const ref = await scene.conversationOf({ bsuid: 'US.act_1' });
      await hold(scene);
      assert.deepEqual(await handBack(scene, ref), { reopened: 0 });
    },
  },
  {
    name: 'after a restore timers that came due are held, and later ones stay',
    async body(scene) {
      const [due, later] = [await hear(scene, 'due'), await hear(scene, 'later')];
      const rule = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: 9 }];
      for (const [ref, inMs] of [[due, minuteMs] as const, [later, dayMs] as const]) {
        const timers = [{ timerId: 'after', token: 't', dueAtMs: scene.nowMs + inMs }];
        await scene.commit(await scene.take(ref), { ends: rule, timers });
      }
      scene.advance(hourMs);
      assert.equal((await hold(scene)).timers, 1);
      assert.deepEqual(Object.keys(await flagged(scene)), [due.conversationId]);
      assert.deepEqual(await begun(scene), []);
      scene.advance(dayMs);
      assert.deepEqual(await begun(scene), [`turn of ${later.conversationId}`]);
    },
  },
  {
    name: 'after a restore what an operator held stays theirs, and their words are held, too',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = [scene.newSend('a person', { origin: 'operator' })];
      await scene.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: scene.nowMs });
      const { conversations, sends: held } = await hold(scene);
      assert.deepEqual({ conversations, held }, { conversations: 0, held: 1 });
      assert.deepEqual(await idsIn(scene, 'held'), [nth(sends, 0).sendId]);
      assert.deepEqual(await flagged(scene), { [ref.conversationId]: `${during} 1 send` });
    },
  },
  {
    name: 'after a restore no position of the lost time is given again',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('before the backup');
      await scene.answer(ref, 'answered');
      await hold(scene);
      await scene.say('after the restore');
      const position = nth((await scene.take(ref)).events, 0).position;
      assert.ok(position > 100_000, `the next message stands at ${position}`);
    },
  },
  {
    name: 'after a restore what is in quarantine is put in by a person only',
    async body(scene) {
      const item = scene.message('to a number of nobody');
      const phoneNumberId = 'nobody';
      const reason = 'unknownNumber' as const;
      await scene.store.append(
        scene.batch({ quarantine: [{ reason, tenantId: '', phoneNumberId, item, bytes: null }] }),
      );
      const waiting = async () =>
        (await scene.store.listQuarantine({ open: true, max: 9, phoneNumberIds: [phoneNumberId] })).length;
      assert.equal(await waiting(), 1);
      assert.equal((await hold(scene)).quarantined, 1);
      assert.equal(await waiting(), 0, 'a number that comes does not bring it');
      const all = await scene.store.listQuarantine({ open: true, max: 9 });
      assert.deepEqual(
        all.map((row) => row.reason),
        ['restored'],
      );
    },
  },
  {
    name: 'after a restore a status that still comes settles what is held',
    invariant: 'I11',
    async body(scene) {
      const ref = await scene.say('hello');
      const send = nth(await scene.answer(ref, 'an answer'), 0);
      await hold(scene);
      scene.advance(secondMs);
      await scene.report(scene.status('delivered', { wamid: 'wamid.lost', opaque: send.sendId }));
      assert.equal((await scene.sendRow(send.sendId)).state, 'accepted');
      assert.deepEqual(await scene.grant([send], wide), [{ outcome: 'gone', send }]);
    },
  },
];
