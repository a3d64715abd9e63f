/**
 * Activities: started by a committed turn, run by one owner, ended once. Whatever ends later changes nothing.
 */
import assert from 'node:assert/strict';
import { type CaseBody, nth, otherOwner, owner, type Scene, secondMs } from './scene.ts';

function settle(
  scene: Scene,
  ref: { tenantId: string; conversationId: string },
  ownerId: string,
  result: unknown,
) {
  return scene.store.settleActivity({ ref, activityId: 'act_1', ownerId, nowMs: scene.nowMs, result });
}

function fault(scene: Scene, ref: { tenantId: string; conversationId: string }) {
  const late = { code: 'deadline', message: 'too slow' };
  return scene.store.settleActivity({
    ref,
    activityId: 'act_1',
    ownerId: owner,
    nowMs: scene.nowMs,
    fault: late,
  });
}

async function findActivities(scene: Scene, ownerId: string) {
  return (await scene.store.findWork({ ownerId, nowMs: scene.nowMs, max: 10 })).activities;
}

export const activityCases: readonly CaseBody[] = [
  {
    name: 'a result is one event in the mailbox; what comes after it changes nothing',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      const { activities } = await scene.think(ref, 'act_1');
      assert.deepEqual(nth(activities, 0).input, { n: 1 });
      assert.equal(nth(activities, 0).deadlineAtMs, scene.nowMs + 10 * secondMs);
      assert.equal((await settle(scene, ref, owner, { text: 'hi' })).outcome, 'stored');
      assert.equal((await settle(scene, ref, owner, { text: 'again' })).outcome, 'late');
      assert.equal((await fault(scene, ref)).outcome, 'late');
      const taken = await scene.take(ref);
      assert.deepEqual(
        taken.events.map(({ kind, content }) => [kind, content]),
        [['activityDone', { activityId: 'act_1', result: { text: 'hi' } }]],
      );
    },
  },
  {
    name: 'a fault is an event, too, and a result after it changes nothing',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      assert.equal((await fault(scene, ref)).outcome, 'stored');
      assert.equal((await settle(scene, ref, owner, 'x')).outcome, 'late');
      const taken = await scene.take(ref);
      assert.deepEqual(
        taken.events.map(({ kind, content }) => [kind, content.fault]),
        [['activityFailed', { code: 'deadline', message: 'too slow' }]],
      );
    },
  },
  {
    name: 'a cancelled activity settles nothing',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      await scene.say('never mind');
      await scene.commit(await scene.take(ref), { cancelledActivities: ['act_1'] });
      assert.equal((await settle(scene, ref, owner, 'x')).outcome, 'late');
      assert.equal(await scene.takeOutcome(ref), 'empty');
      assert.deepEqual(await findActivities(scene, otherOwner), []);
    },
  },
  {
    name: 'results that come at the same time are one',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      const results = await Promise.all([1, 2, 3].map((n) => settle(scene, ref, owner, n)));
      assert.deepEqual(results.map((each) => each.outcome).sort(), ['late', 'late', 'stored']);
      assert.equal((await scene.take(ref)).events.length, 1);
    },
  },
  {
    name: 'after a crash another owner gets the activity with one fresh deadline; the first owner is too late',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      scene.advance(9 * secondMs);
      await scene.restart(otherOwner);
      const [found] = await findActivities(scene, otherOwner);
      assert.deepEqual([found?.activityId, found?.restarts], ['act_1', 1]);
      assert.deepEqual([found?.deadlineAtMs, found?.input], [scene.nowMs + 10 * secondMs, { n: 1 }]);
      assert.deepEqual(await findActivities(scene, 'own_third'), [], 'one owner runs it');
      assert.equal((await settle(scene, ref, owner, 'old')).outcome, 'late');
      scene.advance(5 * secondMs);
      await scene.restart('own_third');
      const [again] = await findActivities(scene, 'own_third');
      assert.equal(again?.deadlineAtMs, found?.deadlineAtMs, 'a second crash grants no further deadline');
      assert.equal((await settle(scene, ref, 'own_third', 'new')).outcome, 'stored');
      assert.deepEqual(nth((await scene.take(ref, 'own_third')).events, 0).content.result, 'new');
    },
  },
  {
    name: 'an activity whose owner renews its lease is left to it, one that is not renewed is taken over',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      for (let i = 0; i < 5; i++) {
        scene.advance(4 * secondMs);
        await scene.store.renewLeases({ ownerId: owner, nowMs: scene.nowMs });
        const rescued = await scene.store.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: false });
        assert.equal(rescued.activities, 0);
      }
      scene.advance(20 * secondMs);
      const rescued = await scene.store.rescue({ ownerId: otherOwner, nowMs: scene.nowMs, all: false });
      assert.equal(rescued.activities, 1);
      assert.equal((await settle(scene, ref, owner, 'x')).outcome, 'late');
    },
  },
  {
    name: 'an activity whose owner does not know of it runs out, and the same owner may find it again',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_1');
      scene.advance(4 * secondMs);
      await scene.store.renewLeases({ ownerId: owner, nowMs: scene.nowMs, knows: [] });
      scene.advance(20 * secondMs);
      const rescued = await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: false });
      assert.equal(rescued.activities, 1);
      assert.equal((await findActivities(scene, owner)).length, 1);
      await scene.store.rescue({ ownerId: owner, nowMs: scene.nowMs, all: true });
      assert.equal(
        (await settle(scene, ref, owner, 'x')).outcome,
        'stored',
        'its own, where all others are dead',
      );
    },
  },
  {
    name: 'an activity that starts elsewhere has no owner until one finds it',
    async body(scene) {
      const ref = await scene.say('hello');
      const activity = { activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [] };
      await scene.commit(await scene.take(ref), { activities: [activity], runHere: false });
      assert.equal((await settle(scene, ref, owner, 'x')).outcome, 'late', 'nobody runs it yet');
      assert.equal((await findActivities(scene, otherOwner)).length, 1);
      assert.equal((await settle(scene, ref, otherOwner, 'x')).outcome, 'stored');
    },
  },
  {
    name: 'history names the file of a media message, so that an activity can fetch it',
    async body(scene) {
      const media = { mediaId: '1908', mimeType: 'audio/ogg; codecs=opus', sha256: 'c2hh' };
      const ref = await scene.say('', { kind: 'voice', content: { media } });
      await scene.say('and this');
      const taken = await scene.take(ref);
      await scene.commit(taken);
      const history = await scene.store.readHistory({ ref, throughFence: taken.lease.fence, max: 9 });
      assert.deepEqual(
        history.map((entry) => [entry.kind, entry.text, entry.media]),
        [
          ['voice', '[voice]', media],
          ['text', 'and this', undefined],
        ],
      );
    },
  },
  {
    // Simulation seed 101525: of a flood that one answer was for, the model never saw the first messages.
    name: 'history leaves out nothing that awaits its answer, however much it is',
    async body(scene) {
      const ref = await scene.say('answered before');
      await scene.answer(ref, 'yes');
      for (const text of ['a', 'b', 'c', 'd']) {
        await scene.say(text);
        await scene.commit(await scene.take(ref));
      }
      const history = await scene.store.readHistory({ ref, throughFence: 99, max: 1 });
      assert.deepEqual(
        history.map((entry) => entry.text),
        ['yes', 'a', 'b', 'c', 'd'],
      );
    },
  },
  {
    name: 'a hand-back is read with what runs by then, and not with what the take-over ended',
    invariant: 'I8',
    async body(scene) {
      const ref = await scene.say('first');
      await scene.think(ref, 'act_before');
      await scene.store.takeOver({ ref, by: 'ann', nowMs: scene.nowMs });
      await scene.store.handBack({ ref, by: 'ann', nowMs: scene.nowMs });
      const start = { activityId: 'act_since', name: 'reply', input: null, deadlineMs: 1, claims: [] };
      await scene.commit(await scene.take(ref), { activities: [start], consumed: [] });
      const [event] = (await scene.take(ref)).events;
      assert.deepEqual([event?.kind, event?.content.running], ['handedBack', ['act_since']]);
    },
  },
];
