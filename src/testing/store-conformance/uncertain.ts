/**
 * Sends of which nobody knows whether they were accepted: each is resolved in bounded time, by evidence or by its policy.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import { isFault } from '#core/model/faults.ts';
import type { UncertainPolicy } from '#core/model/sends.ts';
import type { SendRef } from '#core/ports/store.ts';
import { accepted, type CaseBody, minuteMs, nth, otherOwner, type Scene, secondMs } from './scene.ts';

async function uncertainSend(scene: Scene, uncertainPolicy: UncertainPolicy, windowMs = minuteMs) {
  const ref = await scene.say('hello');
  const [send, next] = await scene.answer(ref, scene.newSend('one', { uncertainPolicy }), 'two');
  assert.ok(send !== undefined && next !== undefined);
  const { granted } = await scene.loseSight(send, windowMs);
  return { ref, send, next, granted };
}

function resolve(scene: Scene, startedAtMs = 0) {
  return scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs });
}

/** A status of somebody else's message on the number: the way that statuses come is open. */
function foreignStatus(scene: Scene) {
  return scene.report(scene.status('read', { wamid: `wamid.foreign.${scene.nowMs}` }));
}

/** Another customer's send leaves now; `heard` says whether a status of it comes. */
async function laterSend(scene: Scene, index: number, heard: boolean): Promise<void> {
  scene.advance(secondMs);
  const ref = await scene.say('x', { from: { bsuid: `US.later.${index}` } });
  const [send] = await scene.answer(ref, 'y');
  const wamid = await scene.deliver(nth([send!], 0));
  if (heard) await scene.report(scene.status('sent', { wamid }));
}

async function state(scene: Scene, send: SendRef): Promise<string> {
  return (await scene.sendRow(send.sendId)).state;
}

/** After its window, with statuses arriving. */
async function waitOut(scene: Scene): Promise<void> {
  scene.advance(minuteMs);
  await foreignStatus(scene);
}

export const uncertainCases: readonly CaseBody[] = [
  {
    name: 'an uncertain send holds its lane for its window, then goes to a person and frees it',
    invariant: 'I11',
    async body(scene) {
      const { ref, send, next } = await uncertainSend(scene, 'holdForPerson');
      const untilMs = scene.nowMs + minuteMs;
      assert.equal((await scene.grant([next]))[0]?.outcome, 'blocked');
      scene.advance(minuteMs - 1);
      await foreignStatus(scene);
      assert.equal((await resolve(scene)).nextAtMs, untilMs);
      scene.advance(1);
      await foreignStatus(scene);
      const resolved = await resolve(scene);
      assert.deepEqual([resolved.held, resolved.resent, resolved.nextAtMs], [1, [], null]);
      assert.deepEqual([resolved.heldSends, resolved.droppedSends], [[send.sendId], []]);
      assert.deepEqual(
        resolved.freed.map((each) => each.sendId),
        [next.sendId],
      );
      assert.equal(await state(scene, send), 'held');
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.deepEqual([flag?.reason, flag?.conversationId], ['sendUncertain', ref.conversationId]);
      assert.equal((await scene.grant([next]))[0]?.outcome, 'granted');
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'the window runs only while statuses of the number arrive; the cap ends it',
    invariant: 'I11',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'holdForPerson');
      const capAtMs = scene.nowMs + limits.uncertainCapMs;
      await foreignStatus(scene);
      scene.advance(2 * minuteMs);
      const early = await resolve(scene);
      assert.deepEqual([early.held, early.nextAtMs !== null && early.nextAtMs <= capAtMs], [0, true]);
      await scene.report(scene.status('read', { wamid: 'wamid.else', phoneNumberId: '200' }));
      assert.equal((await resolve(scene)).held, 0, 'statuses of another number say nothing');
      scene.advance(capAtMs - scene.nowMs - 1);
      assert.equal((await resolve(scene)).held, 0);
      scene.advance(1);
      assert.equal((await resolve(scene)).held, 1);
      assert.equal(await state(scene, send), 'held');
    },
  },
  {
    name: 'a shorter window of an error is kept, and a restart grants a new one',
    invariant: 'I11',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'holdForPerson', 10 * secondMs);
      scene.advance(10 * minuteMs);
      await scene.restart();
      const startedAtMs = scene.nowMs;
      await foreignStatus(scene);
      assert.equal((await resolve(scene, startedAtMs)).nextAtMs, startedAtMs + 10 * secondMs);
      scene.advance(9 * secondMs);
      await scene.report(scene.status('sent', { wamid: 'wamid.1', opaque: send.sendId }));
      assert.equal(await state(scene, send), 'accepted', 'the status came late, not never');
      scene.advance(minuteMs);
      assert.deepEqual((await resolve(scene, startedAtMs)).held, 0);
    },
  },
  {
    name: 'a send that a crash interrupted gets the whole window from the start of the new process',
    invariant: 'I11',
    async body(scene) {
      const ref = await scene.say('hello');
      const [send] = await scene.answer(ref, 'one');
      await scene.leave(nth([send!], 0));
      scene.advance(10 * minuteMs);
      await scene.restart();
      const startedAtMs = scene.nowMs;
      await foreignStatus(scene);
      assert.equal((await resolve(scene, startedAtMs)).nextAtMs, startedAtMs + limits.uncertainWindowMs);
      scene.advance(limits.uncertainWindowMs);
      await foreignStatus(scene);
      assert.equal((await resolve(scene, startedAtMs)).held, 1);
    },
  },
  {
    name: 'resendOnEvidence: three later sends that were heard of, while this one was not, are evidence',
    invariant: 'I11',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'resendOnEvidence');
      for (let i = 0; i < limits.uncertainEvidenceSends; i++) await laterSend(scene, i, true);
      await waitOut(scene);
      const resolved = await resolve(scene);
      assert.deepEqual(
        resolved.resent.map((each) => each.sendId),
        [send.sendId],
      );
      assert.equal((await scene.leave(send)).attempt, 2);
    },
  },
  {
    name: 'resendOnEvidence: two are too few, and sends that nobody heard of or that left before do not count',
    invariant: 'I11',
    async body(scene) {
      await laterSend(scene, 10, true);
      await laterSend(scene, 11, true);
      scene.advance(secondMs);
      const { send } = await uncertainSend(scene, 'resendOnEvidence');
      for (let i = 0; i < limits.uncertainEvidenceSends - 1; i++) await laterSend(scene, i, true);
      await laterSend(scene, 5, false);
      await waitOut(scene);
      assert.deepEqual([(await resolve(scene)).held, await state(scene, send)], [1, 'held']);
    },
  },
  {
    name: 'the wait for evidence is not shorter for a call that was held up and tells an older time',
    invariant: 'I11',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'holdForPerson', 10 * secondMs);
      const lateMs = scene.nowMs - 12 * secondMs;
      await scene.store.resolveUncertain({ nowMs: lateMs, startedAtMs: 0 });
      scene.advance(secondMs);
      await foreignStatus(scene);
      assert.deepEqual([(await resolve(scene)).held, await state(scene, send)], [0, 'uncertain']);
    },
  },
  {
    name: 'resendOnEvidence: what left before is no evidence, also where the clock was set back since',
    invariant: 'I11',
    async body(scene) {
      const ref = await scene.say('hello');
      const [send] = await scene.answer(ref, scene.newSend('one', { uncertainPolicy: 'resendOnEvidence' }));
      assert.ok(send !== undefined);
      for (let i = 0; i < limits.uncertainEvidenceSends; i++) await laterSend(scene, i, true);
      scene.advance(-10 * secondMs);
      await scene.loseSight(send, minuteMs);
      await waitOut(scene);
      assert.deepEqual([(await resolve(scene)).held, await state(scene, send)], [1, 'held']);
    },
  },
  {
    name: 'resendMayRepeat sends again, but not for ever',
    invariant: 'I11',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'resendMayRepeat');
      let attempts = 1;
      for (;;) {
        await waitOut(scene);
        const resolved = await resolve(scene);
        if (resolved.resent.length === 0) break;
        attempts += 1;
        assert.ok(attempts <= limits.sendAttemptsMax, 'a send is repeated without end');
        await scene.loseSight(send);
      }
      assert.deepEqual([attempts, await state(scene, send)], [limits.sendAttemptsMax, 'held']);
    },
  },
  {
    name: 'dropMayLose gives up, visibly',
    invariant: 'I11',
    async body(scene) {
      const { send, next } = await uncertainSend(scene, 'dropMayLose');
      await waitOut(scene);
      const resolved = await resolve(scene);
      assert.deepEqual([resolved.dropped, resolved.freed.map((each) => each.sendId)], [1, [next.sendId]]);
      assert.deepEqual([resolved.heldSends, resolved.droppedSends], [[], [send.sendId]]);
      assert.equal(await state(scene, send), 'withdrawn');
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'a status with our id proves an uncertain send accepted and frees the lane; so does the answer itself',
    invariant: 'I11',
    async body(scene) {
      const { send, next } = await uncertainSend(scene, 'holdForPerson');
      const recorded = await scene.report(
        scene.status('delivered', { wamid: 'wamid.1', opaque: send.sendId }),
      );
      assert.deepEqual([recorded.proven, recorded.freed.map((each) => each.sendId)], [1, [next.sendId]]);
      assert.equal(await state(scene, send), 'accepted');
      const { granted } = await scene.loseSight(next);
      await scene.settle(granted, accepted('wamid.2'));
      assert.equal(await state(scene, next), 'accepted');
      await waitOut(scene);
      assert.deepEqual((await resolve(scene)).held, 0);
    },
  },
  {
    name: 'an uncertain send whose wamid is known is resolved by a status that carries only the wamid',
    invariant: 'I11',
    async body(scene) {
      const { send, granted } = await uncertainSend(scene, 'resendMayRepeat');
      await waitOut(scene);
      await resolve(scene);
      await scene.leave(send);
      await scene.settle(granted, accepted('wamid.first'));
      await scene.restart();
      await scene.report(scene.status('delivered', { wamid: 'wamid.first' }));
      const row = await scene.sendRow(send.sendId);
      assert.deepEqual([row.state, row.delivery, row.wamid], ['accepted', 'delivered', 'wamid.first']);
    },
  },
  ...(['answers', 'statuses', 'an answer and statuses'] as const).map(
    (by): CaseBody => ({
      name: `a proven duplicate is counted once, told by ${by}`,
      invariant: 'I11',
      async body(scene) {
        const { send, granted } = await uncertainSend(scene, 'resendMayRepeat');
        await waitOut(scene);
        await resolve(scene);
        const second = await scene.leave(send);
        let proven = 0;
        const answer = async (of: typeof granted, wamid: string) => {
          proven += (await scene.settle(of, accepted(wamid))).provenDuplicates;
        };
        const hear = async (wamid: string) => {
          proven += (await scene.report(scene.status('sent', { wamid, opaque: send.sendId })))
            .provenDuplicates;
          proven += (await scene.report(scene.status('delivered', { wamid, opaque: send.sendId })))
            .provenDuplicates;
        };
        if (by !== 'statuses') await answer(granted, 'wamid.1');
        if (by !== 'answers') await hear('wamid.1');
        if (by !== 'answers') await hear('wamid.2');
        if (by !== 'statuses') await answer(second, 'wamid.2');
        if (by !== 'statuses') await answer(second, 'wamid.2');
        assert.equal(proven, 1);
        assert.equal((await scene.audit()).provenDuplicates, 1);
        assert.equal(await state(scene, send), 'accepted');
      },
    }),
  ),
  {
    name: 'an attempt that fails after an earlier one proved accepted does not make the send fail or leave again',
    invariant: 'I11',
    async body(scene) {
      const { send, granted } = await uncertainSend(scene, 'resendMayRepeat');
      await waitOut(scene);
      await resolve(scene);
      const second = await scene.leave(send);
      await scene.settle(granted, accepted('wamid.1'));
      await scene.settle(second, { kind: 'refused', errorCode: 131000, reason: 'x' });
      const row = await scene.sendRow(send.sendId);
      assert.deepEqual([row.state, row.wamid], ['accepted', 'wamid.1']);
      assert.deepEqual(await scene.store.listFlags({ open: true, max: 9 }), []);
    },
  },
  {
    name: 'a person decides about a held send: accepted, again or not at all',
    invariant: 'I11',
    async body(scene) {
      const states = { accepted: 'accepted', resend: 'queued', withdraw: 'withdrawn' } as const;
      for (const verdict of ['accepted', 'resend', 'withdraw'] as const) {
        const ref = await scene.say('hello', { from: { bsuid: `US.${verdict}` } });
        const [send] = await scene.answer(ref, scene.newSend('one'));
        await scene.loseSight(nth([send!], 0));
        await waitOut(scene);
        await resolve(scene);
        const input = { tenantId: 'acme', sendId: send!.sendId, verdict, by: 'ann', nowMs: scene.nowMs };
        const freed = await scene.store.resolveSend(input);
        assert.equal(await state(scene, send!), states[verdict]);
        assert.deepEqual(
          freed.map((each) => each.sendId),
          verdict === 'resend' ? [send!.sendId] : [],
        );
        if (verdict !== 'resend')
          await assert.rejects(scene.store.resolveSend(input), (error) => isFault(error, 'conflict'));
        const foreign = { ...input, tenantId: 'zoo' };
        await assert.rejects(scene.store.resolveSend(foreign), (error) => isFault(error, 'notFound'));
      }
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'an answer after a person said accepted names the wamid: a failed that came before it counts',
    invariant: 'I9',
    async body(scene) {
      const { send, granted } = await uncertainSend(scene, 'holdForPerson');
      const verdict = { tenantId: 'acme', sendId: send.sendId, verdict: 'accepted' as const, by: 'ann' };
      await scene.store.resolveSend({ ...verdict, nowMs: scene.nowMs });
      await scene.report(scene.status('failed', { wamid: 'wamid.late' }));
      await scene.settle(granted, accepted('wamid.late'));
      assert.equal(await state(scene, send), 'failed');
      const [flag] = await scene.store.listFlags({ open: true, max: 9 });
      assert.equal(flag?.reason, 'sendFailed');
    },
  },
  {
    name: 'a person who withdraws a send that is still uncertain leaves no hole',
    invariant: 'I9',
    async body(scene) {
      const { send } = await uncertainSend(scene, 'holdForPerson');
      const input = {
        tenantId: 'acme',
        sendId: send.sendId,
        verdict: 'withdraw' as const,
        by: 'ann',
        nowMs: scene.nowMs,
      };
      await scene.store.resolveSend(input);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'the next look at what is uncertain is known to a sweep',
    invariant: 'I11',
    async body(scene) {
      await uncertainSend(scene, 'holdForPerson');
      const work = await scene.store.findWork({ ownerId: otherOwner, nowMs: scene.nowMs, max: 10 });
      assert.equal(work.nextUncertainAtMs, scene.nowMs + minuteMs);
      assert.deepEqual(work.sends, [], 'a blocked lane has nothing to send');
    },
  },
];
