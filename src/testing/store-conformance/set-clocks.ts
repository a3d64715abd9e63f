/**
 * A clock of the day that is set back by hours: what waits for seconds must not wait for hours, and nothing is forgotten.
 */
import assert from 'node:assert/strict';
import { limits } from '#core/limits.ts';
import { accepted, type CaseBody, hourMs, minuteMs, nth, phoneNumber, secondMs, wide } from './scene.ts';

export const setClockCases: readonly CaseBody[] = [
  {
    name: 'a quiet time that began before the clock was set back is over',
    async body(scene) {
      const ref = await scene.say('hello', { number: phoneNumber({ quietMs: 3 * secondMs }) });
      assert.equal(await scene.takeOutcome(ref), 'notDue');
      scene.advance(-hourMs);
      assert.equal((await scene.take(ref)).events.length, 1);
    },
  },
  {
    name: 'a sweep wakes at once what began its quiet time before the clock was set back',
    async body(scene) {
      const ref = await scene.say('hello', { number: phoneNumber({ quietMs: 3 * secondMs }) });
      const dueOf = async () => {
        const work = await scene.store.findWork({ ownerId: 'own_sweep', nowMs: scene.nowMs, max: 10 });
        return work.conversations.map(({ ref: { conversationId }, dueAtMs }) => ({
          conversationId,
          dueAtMs,
        }));
      };
      const { conversationId } = ref;
      assert.deepEqual(await dueOf(), [{ conversationId, dueAtMs: scene.nowMs + 3 * secondMs }]);
      scene.advance(-hourMs);
      assert.deepEqual(await dueOf(), [{ conversationId, dueAtMs: 0 }]);
    },
  },
  {
    name: 'a send that waits for its next attempt leaves when the clock was set back',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'one');
      const granted = await scene.leave(nth(sends, 0));
      const later = { kind: 'retryLater' as const, atMs: scene.nowMs + minuteMs, pace: null };
      await scene.settle(granted, { ...later, countsAsAttempt: true, errorCode: null });
      assert.equal((await scene.grant(sends))[0]?.outcome, 'wait');
      scene.advance(-hourMs);
      assert.equal((await scene.leave(nth(sends, 0))).attempt, 2);
    },
  },
  {
    name: 'a send that waits for the one before to be delivered leaves when the clock was set back',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'one', 'two');
      await scene.settle(await scene.leave(nth(sends, 0)), accepted('wamid.out.1'));
      const patient = { ...wide, waitDeliveredMs: minuteMs };
      assert.equal((await scene.grant([nth(sends, 1)], patient))[0]?.outcome, 'wait');
      scene.advance(-hourMs);
      assert.equal((await scene.grant([nth(sends, 1)], patient))[0]?.outcome, 'granted');
    },
  },
  {
    name: 'an uncertain send is resolved in bounded time although the clock was set back, and a person is asked',
    invariant: 'I11',
    async body(scene) {
      const startedAtMs = scene.nowMs - secondMs;
      const ref = await scene.say('hello');
      const [send] = await scene.answer(ref, scene.newSend('one', { uncertainPolicy: 'holdForPerson' }));
      assert.ok(send !== undefined);
      await scene.loseSight(send, minuteMs);
      scene.advance(-hourMs);
      const resolve = () => scene.store.resolveUncertain({ nowMs: scene.nowMs, startedAtMs });
      assert.equal((await resolve()).nextAtMs, scene.nowMs + minuteMs);
      scene.advance(limits.uncertainCapMs);
      assert.equal((await resolve()).held, 1);
      assert.equal((await scene.sendRow(send.sendId)).state, 'held');
      await scene.assertNothingMissing();
    },
  },
];
