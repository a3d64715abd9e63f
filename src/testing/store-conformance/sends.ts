/**
 * The way out: a send is written only from `sending`, one of a lane at a time and in its order, and what became of its
 * request is settled once.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
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
  wide,
} from './scene.ts';

async function outcomes(scene: Scene, sends: Parameters<Scene['grant']>[0], ownerId = owner) {
  return (await scene.grant(sends, wide, ownerId)).map((each) => each.outcome);
}

export const sendCases: readonly CaseBody[] = [
  {
    name: 'a send is granted once, with its attempt committed, its address and its body',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const [send] = await scene.answer(ref, scene.newSend('hi', { quoteWamid: 'wamid.in.1' }));
      const granted = await scene.leave(nth([send], 0)!);
      assert.deepEqual(
        [granted.attempt, granted.address, granted.quoteWamid],
        [1, { to: '15550001111' }, 'wamid.in.1'],
      );
      assert.deepEqual(granted.body, { type: 'text', text: { body: 'hi' } });
      assert.deepEqual(await outcomes(scene, [granted.send], otherOwner), ['gone']);
      const row = await scene.sendRow(granted.send.sendId);
      assert.deepEqual([row.state, row.attempts], ['sending', 1]);
    },
  },
  {
    name: 'a grant whose answer was lost is given again, as the same attempt, to its owner alone',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'hi');
      const { sendId } = nth(sends, 0);
      await scene.leave(nth(sends, 0));
      scene.advance(secondMs);
      const ask = async (ownerId: string, inDoubt: string[]) => {
        const request = { ownerId, nowMs: scene.nowMs, sends, rulesOf: () => wide, inDoubt };
        return nth(await scene.store.grantSends(request), 0);
      };
      assert.equal((await ask(owner, ['snd_another'])).outcome, 'gone');
      assert.equal((await ask(otherOwner, [sendId])).outcome, 'gone');
      const again = await ask(owner, [sendId]);
      assert.ok(again.outcome === 'granted');
      assert.deepEqual([again.attempt, again.grantedAtMs], [1, scene.nowMs]);
      await scene.settle(again, accepted('wamid.1'));
      assert.equal((await ask(owner, [sendId])).outcome, 'gone', 'a send that was settled left again');
    },
  },
  {
    name: 'a grant whose answer was lost does not leave once an operator took over',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'hi');
      const { sendId } = nth(sends, 0);
      await scene.leave(nth(sends, 0));
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      const [granted] = await scene.store.grantSends({
        ...{ ownerId: owner, nowMs: scene.nowMs, sends, inDoubt: [sendId] },
        rulesOf: () => wide,
      });
      assert.equal(granted?.outcome, 'gone');
      assert.equal((await scene.sendRow(sendId)).state, 'withdrawn');
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'two owners that ask for one send at the same time: one gets it',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'hi');
      const all = await Promise.all([owner, otherOwner].map((ownerId) => outcomes(scene, sends, ownerId)));
      assert.deepEqual(all.flat().sort(), ['gone', 'granted']);
    },
  },
  {
    name: 'sends of a lane leave one after another, in their order',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'one', 'two', 'three');
      assert.deepEqual(await outcomes(scene, [...sends].reverse()), ['blocked', 'blocked', 'granted']);
      assert.deepEqual(await outcomes(scene, sends), ['gone', 'blocked', 'blocked']);
      const settled = await scene.settle({ send: nth(sends, 0), attempt: 1 }, accepted('wamid.1'));
      assert.deepEqual(
        settled.freed.map((each) => each.sendId),
        [nth(sends, 1).sendId],
      );
      assert.deepEqual(await outcomes(scene, sends), ['gone', 'granted', 'blocked']);
    },
  },
  {
    name: 'a later turn does not overtake an earlier one, nor a send that is to be tried later',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('a');
      const first = await scene.answer(ref, 'one');
      await scene.say('b');
      const second = await scene.answer(ref, 'two');
      const granted = await scene.leave(nth(first, 0));
      const later = { kind: 'retryLater' as const, atMs: scene.nowMs + 5 * secondMs, pace: null };
      await scene.settle(granted, { ...later, countsAsAttempt: true, errorCode: 130429 });
      const [head, next] = await scene.grant([...first, ...second]);
      assert.deepEqual([head?.outcome, next?.outcome], ['wait', 'blocked']);
      assert.equal(head?.outcome === 'wait' && head.atMs, scene.nowMs + 5 * secondMs);
      scene.advance(5 * secondMs);
      assert.equal((await scene.leave(nth(first, 0))).attempt, 2);
    },
  },
  {
    name: 'a slot that was given back unused does not count as an attempt',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one');
      const granted = await scene.leave(nth(sends, 0));
      const outcome = { kind: 'retryLater' as const, atMs: scene.nowMs, pace: null, errorCode: null };
      await scene.settle(granted, { ...outcome, countsAsAttempt: false });
      assert.equal((await scene.leave(nth(sends, 0))).attempt, 1);
    },
  },
  {
    name: 'a refused send frees its lane and asks for a person',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one', 'two');
      const granted = await scene.leave(nth(sends, 0));
      const settled = await scene.settle(granted, {
        kind: 'refused',
        errorCode: 131026,
        reason: 'undeliverable',
      });
      assert.deepEqual(
        settled.freed.map((each) => each.sendId),
        [nth(sends, 1).sendId],
      );
      assert.equal(settled.flagged, 1);
      const [flag] = await scene.store.listFlags({ open: true, max: 10 });
      assert.deepEqual([flag?.reason, flag?.conversationId], ['sendRefused', ref.conversationId]);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an answer that comes twice, or late for another attempt, settles nothing',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one');
      const granted = await scene.leave(nth(sends, 0));
      await scene.settle(granted, accepted('wamid.1'));
      const again = await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual([again.alreadySettled, again.provenDuplicates], [1, 0]);
      await scene.settle(granted, { kind: 'refused', errorCode: 1, reason: 'late' });
      assert.equal((await scene.sendRow(granted.send.sendId)).state, 'accepted');
    },
  },
  {
    name: 'a send that was on the wire in a crash is uncertain, not lost and not sent again at once',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one', 'two');
      await scene.leave(nth(sends, 0));
      await scene.restart();
      assert.equal((await scene.sendRow(nth(sends, 0).sendId)).state, 'uncertain');
      assert.deepEqual(await outcomes(scene, sends, otherOwner), ['gone', 'blocked']);
    },
  },
  {
    name: 'a send that has long been on the wire is uncertain, also to its own sender',
    invariant: 'I11',
    async body(scene) {
      const ref = await scene.say('a');
      await scene.leave(nth(await scene.answer(ref, 'one'), 0));
      await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: true });
      scene.advance(limits.leaseTtlMs + limits.graphTimeoutMs);
      const rescued = await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: false });
      assert.equal(rescued.uncertain, 1);
    },
  },
  {
    name: 'the answer of a process that was thought dead is believed',
    invariant: 'I11',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one', 'two');
      const granted = await scene.leave(nth(sends, 0));
      scene.advance(limits.leaseTtlMs + limits.graphTimeoutMs);
      const rescued = await scene.store.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: false });
      assert.equal(rescued.uncertain, 1);
      const settled = await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual(
        settled.freed.map((each) => each.sendId),
        [nth(sends, 1).sendId],
      );
      assert.deepEqual(
        [(await scene.sendRow(granted.send.sendId)).state, settled.provenDuplicates],
        ['accepted', 0],
      );
    },
  },
  {
    name: 'outside the service window a send is withdrawn and a person asked, without an attempt',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one');
      scene.advance(24 * hourMs - 1);
      const inTime = await scene.say('b', { from: { bsuid: 'US.2' } });
      const other = await scene.answer(inTime, 'two');
      scene.advance(1);
      assert.deepEqual(await outcomes(scene, [...sends, ...other]), ['withdrawn', 'granted']);
      const row = await scene.sendRow(nth(sends, 0).sendId);
      assert.deepEqual([row.state, row.attempts], ['withdrawn', 0]);
      assert.deepEqual(
        (await scene.store.listFlags({ open: true, max: 9 })).map((each) => each.reason),
        ['windowClosed'],
      );
      await scene.assertNothingMissing();
    },
  },
  {
    name: "while Meta's agent owns the chat only an operator's words leave; a message of the customer gives it back",
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one');
      await scene.say('to the other agent', { kind: 'standby' });
      assert.deepEqual(await outcomes(scene, sends), ['withdrawn']);
      assert.deepEqual(
        (await scene.store.listFlags({ open: true, max: 9 })).map((each) => each.reason),
        ['standby'],
      );
      const asked = { by: 'ann', sends: [scene.newSend('hi', { origin: 'operator' })], nowMs: scene.nowMs };
      const { sends: words } = await scene.store.replyAsOperator({ ref, ...asked });
      assert.deepEqual(await outcomes(scene, words), ['granted']);
      const other = await scene.say('b', { from: { bsuid: 'US.9' } });
      await scene.say('to the other agent', { from: { bsuid: 'US.9' }, kind: 'standby' });
      await scene.say('back to you', { from: { bsuid: 'US.9' } });
      assert.deepEqual(await outcomes(scene, await scene.answer(other, 'two')), ['granted']);
    },
  },
  {
    name: 'what opens no service window: an echo, a standby copy, a system message, a group',
    async body(scene) {
      const kinds = ['echo', 'standby', 'system', 'text'] as const;
      for (const [i, kind] of kinds.entries()) {
        const from = { bsuid: `US.${i}` };
        const content = kind === 'text' ? { text: 'x', groupId: 'g' } : { text: 'x' };
        const ref = await scene.say('', { from, kind, content });
        const reply = {
          ref,
          by: 'ann',
          sends: [scene.newSend('hi', { origin: 'operator' })],
          nowMs: scene.nowMs,
        };
        const { sends } = await scene.store.replyAsOperator(reply);
        assert.deepEqual(await outcomes(scene, sends), ['withdrawn'], kind);
      }
    },
  },
  {
    name: 'a send may wait until the one before was delivered, but not for ever',
    invariant: 'I5',
    async body(scene) {
      const ref = await scene.say('a');
      const sends = await scene.answer(ref, 'one', 'two', 'three');
      const patient = { ...wide, waitDeliveredMs: minuteMs };
      const grant = async (index: number) => nth(await scene.grant([nth(sends, index)], patient), 0);
      const leftAtMs = scene.nowMs;
      const wamid = await scene.deliver(nth(sends, 0));
      scene.advance(secondMs);
      await scene.report(scene.status('sent', { wamid }));
      const waits = await grant(1);
      assert.ok(
        waits.outcome === 'wait' && waits.atMs === leftAtMs + minuteMs,
        'a mere "sent" prolongs the wait',
      );
      const { freed } = await scene.report(scene.status('delivered', { wamid }));
      assert.deepEqual(
        freed.map((each) => each.sendId),
        [nth(sends, 1).sendId],
      );
      const second = await grant(1);
      assert.equal(second.outcome, 'granted');
      await scene.settle({ send: nth(sends, 1), attempt: 1 }, accepted('wamid.2'));
      assert.equal((await grant(2)).outcome, 'wait');
      scene.advance(minuteMs);
      assert.equal((await grant(2)).outcome, 'granted');
    },
  },
];
