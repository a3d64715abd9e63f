/**
 * Delivery statuses: they may come before the answer, out of order, twice and of strangers. Delivery only moves up.
 */
import assert from 'node:assert/strict';
import { accepted, type CaseBody, nth, phoneNumber, type Scene } from './scene.ts';

async function sendOne(scene: Scene) {
  const ref = await scene.say('hello');
  const [send, next] = await scene.answer(ref, 'one', 'two');
  assert.ok(send !== undefined && next !== undefined);
  return { ref, send, next };
}

async function stateOf(scene: Scene, sendId: string): Promise<string[]> {
  const row = await scene.sendRow(sendId);
  return [row.state, row.delivery];
}

export const statusCases: readonly CaseBody[] = [
  {
    name: 'a status with our id before the answer settles the send and frees the lane',
    async body(scene) {
      const { send, next } = await sendOne(scene);
      const granted = await scene.leave(send);
      const status = scene.status('sent', { wamid: 'wamid.1', opaque: send.sendId });
      const recorded = await scene.report(status);
      assert.deepEqual([recorded.applied, recorded.proven], [1, 1]);
      assert.deepEqual(recorded.provenSends, [send.sendId]);
      assert.deepEqual(
        recorded.freed.map((each) => each.sendId),
        [next.sendId],
      );
      const settled = await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual([settled.alreadySettled, settled.provenDuplicates], [1, 0]);
      const row = await scene.sendRow(send.sendId);
      assert.deepEqual([row.state, row.delivery, row.wamid], ['accepted', 'sent', 'wamid.1']);
    },
  },
  {
    name: 'statuses without our id before the answer are applied when it comes',
    async body(scene) {
      const { send } = await sendOne(scene);
      const granted = await scene.leave(send);
      const early = (['delivered', 'sent'] as const).map((each) => scene.status(each, { wamid: 'wamid.1' }));
      const recorded = await scene.report(...early);
      assert.deepEqual([recorded.applied, recorded.unmatched], [0, 2]);
      await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual(await stateOf(scene, send.sendId), ['accepted', 'delivered']);
    },
  },
  {
    name: 'statuses before a late answer that is believed are applied, too',
    invariant: 'I11',
    async body(scene) {
      const { send } = await sendOne(scene);
      const { granted } = await scene.loseSight(send);
      await scene.report(scene.status('delivered', { wamid: 'wamid.1' }));
      await scene.settle(granted, accepted('wamid.1'));
      assert.deepEqual(await stateOf(scene, send.sendId), ['accepted', 'delivered']);
    },
  },
  {
    name: 'a failure before the answer asks for a person when the answer comes',
    invariant: 'I9',
    async body(scene) {
      const { ref, send } = await sendOne(scene);
      const granted = await scene.leave(send);
      await scene.report(scene.status('failed', { wamid: 'wamid.1', errors: [{ code: 131047 }] }));
      const settled = await scene.settle(granted, accepted('wamid.1'));
      assert.equal(settled.flagged, 1);
      assert.deepEqual(await stateOf(scene, send.sendId), ['failed', 'none']);
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.deepEqual(
        [flag?.reason, flag?.conversationId, flag?.detail],
        ['sendFailed', ref.conversationId, '131047'],
      );
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'delivery only moves up, in whatever order statuses come',
    async body(scene) {
      const { send } = await sendOne(scene);
      const wamid = await scene.deliver(send);
      for (const [status, delivery] of [
        ['delivered', 'delivered'],
        ['sent', 'delivered'],
        ['read', 'read'],
        ['delivered', 'read'],
        ['played', 'played'],
        ['read', 'played'],
      ] as const) {
        await scene.report(scene.status(status, { wamid }));
        assert.deepEqual(await stateOf(scene, send.sendId), ['accepted', delivery], `after ${status}`);
      }
    },
  },
  {
    name: 'a status that comes again says nothing new',
    async body(scene) {
      const { send } = await sendOne(scene);
      const wamid = await scene.deliver(send);
      const status = scene.status('delivered', { wamid });
      assert.deepEqual((await scene.report(status, status)).duplicates, 1);
      const again = await scene.report(status);
      assert.deepEqual([again.applied, again.duplicates], [0, 1]);
    },
  },
  {
    name: 'failed asks for a person; a delivered after it overrides, a failed after delivered does not',
    invariant: 'I9',
    async body(scene) {
      const { send, next } = await sendOne(scene);
      const wamid = await scene.deliver(send);
      const failed = scene.status('failed', { wamid, errors: [{ code: 131026 }] });
      assert.equal((await scene.report(failed)).failed, 1);
      assert.deepEqual(await stateOf(scene, send.sendId), ['failed', 'none']);
      assert.equal((await scene.sendRow(send.sendId)).errorCode, 131026);
      assert.equal((await scene.store.listFlags({ open: true, max: 9 })).length, 1);
      assert.equal((await scene.report(failed)).failed, 0, 'a failure is counted once');
      await scene.report(scene.status('delivered', { wamid }));
      assert.deepEqual(await stateOf(scene, send.sendId), ['accepted', 'delivered']);
      const other = await scene.deliver(next);
      await scene.report(scene.status('read', { wamid: other }));
      await scene.report(scene.status('failed', { wamid: other }));
      assert.deepEqual(await stateOf(scene, next.sendId), ['accepted', 'read']);
    },
  },
  {
    name: 'statuses of strangers change nothing and are counted once',
    async body(scene) {
      const { send } = await sendOne(scene);
      const wamid = await scene.deliver(send);
      const foreign = scene.status('failed', { wamid: 'wamid.foreign', opaque: 'another app' });
      const unknownId = scene.status('failed', { wamid: 'wamid.foreign2', opaque: 'snd_unknown' });
      const first = await scene.report(foreign, unknownId);
      assert.deepEqual([first.unmatched, first.applied], [2, 0]);
      assert.equal((await scene.report(foreign)).duplicates, 1);
      const elsewhere = scene.status('failed', { wamid, opaque: send.sendId, phoneNumberId: '200' });
      assert.equal((await scene.report(elsewhere)).applied, 0, 'a status of another number matched');
      assert.deepEqual(await stateOf(scene, send.sendId), ['accepted', 'none']);
    },
  },
  {
    name: 'an address that an answer names leads to the same contact from then on',
    async body(scene) {
      const ref = await scene.say('hello', { from: { phone: '5215550001111' } });
      const [send] = await scene.answer(ref, 'hi');
      const granted = await scene.leave(nth([send!], 0));
      await scene.settle(granted, accepted('wamid.1', '525550001111', 'MX.1'));
      assert.deepEqual(await scene.say('again', { from: { phone: '525550001111' } }), ref);
      assert.deepEqual(await scene.say('and again', { from: { bsuid: 'MX.1' } }), ref);
    },
  },
  {
    name: 'an address that an answer names and that somebody else has stays theirs',
    async body(scene) {
      const other = await scene.say('hi', { from: { phone: '525550001111', bsuid: 'MX.2' } });
      const ref = await scene.say('hello', { from: { phone: '5215550001111', bsuid: 'MX.1' } });
      const [send] = await scene.answer(ref, 'hi');
      await scene.settle(await scene.leave(nth([send!], 0)), accepted('wamid.1', '525550001111', 'MX.2'));
      assert.deepEqual(await scene.conversationOf({ phone: '525550001111' }), other);
      assert.deepEqual(await scene.conversationOf({ bsuid: 'MX.2' }), other);
    },
  },
  {
    name: 'statuses do not wait for messages: both lanes are served while one is full',
    async body(scene) {
      const { send } = await sendOne(scene);
      const wamid = await scene.deliver(send);
      const number = phoneNumber();
      const appends = Array.from({ length: 600 }, (_, i) => scene.appendTo(number, scene.message(`m${i}`)));
      let done = 0;
      for (const each of appends) void each.then(() => done++);
      await scene.report(scene.status('delivered', { wamid }));
      assert.ok(done < appends.length, 'the status waited behind every message');
      await Promise.all(appends);
    },
  },
];
