/**
 * The answer of a commit may be lost on its way though it was committed. The same turn is committed again then, and hears what was
 * committed: its owner must run the activities that are its own by then.
 */
import assert from 'node:assert/strict';
import { type CaseBody, otherOwner, owner, secondMs } from './scene.ts';

export const repeatedCommitCases: readonly CaseBody[] = [
  {
    name: 'a commit whose answer was lost is answered again, and writes nothing twice',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      const activity = { activityId: 'act_1', name: 'reply', input: { n: 1 }, deadlineMs: 1, claims: [] };
      const commit = scene.commitOf(taken, {
        sends: [scene.newSend('one'), scene.newSend('two')],
        activities: [activity],
        cancelledActivities: ['act_other'],
        timers: [{ timerId: 'tmr_1', token: 't', dueAtMs: scene.nowMs + secondMs }],
        flags: [{ flagId: scene.id('flg'), reason: 'customerAsked', detail: null }],
      });
      const first = await scene.store.commitTurn(commit);
      assert.equal(first.outcome, 'committed');
      await scene.say('meanwhile');
      const again = await scene.store.commitTurn(commit);
      assert.deepEqual(again, { ...first, dueAtMs: scene.nowMs });
      assert.deepEqual((await scene.store.stats()).sendsByState, { queued: 2 });
      const stolen = { ...commit, lease: { ...commit.lease, ownerId: otherOwner } };
      assert.deepEqual(await scene.store.commitTurn(stolen), { outcome: 'fenceOld' });
      const next = await scene.take(ref);
      const { activityId } = activity;
      await scene.store.settleActivity({ ref, activityId, ownerId: owner, nowMs: scene.nowMs, result: 1 });
      const later = await scene.store.commitTurn(commit);
      assert.ok(later.outcome === 'committed');
      assert.deepEqual(later.activities, [], 'what has ended is not run again');
      await scene.commit(next);
      assert.deepEqual(await scene.store.commitTurn(commit), { outcome: 'fenceOld' });
    },
  },
  {
    name: 'a commit that handed off is answered again with what it ended',
    invariant: 'I4',
    async body(scene) {
      const ref = await scene.say('hello');
      await scene.think(ref, 'act_before');
      await scene.say('a person, please');
      const commit = scene.commitOf(await scene.take(ref), {
        handOff: true,
        sends: [scene.newSend('One moment')],
      });
      const first = await scene.store.commitTurn(commit);
      assert.ok(first.outcome === 'committed');
      assert.deepEqual(first.cancelled, ['act_before']);
      assert.deepEqual(await scene.store.commitTurn(commit), first);
      assert.equal((await scene.store.stats()).held, 1);
    },
  },
];
