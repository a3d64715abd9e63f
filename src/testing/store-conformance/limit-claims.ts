/**
 * Limits are judged in the commit: of two turns that want the last unit one gets it, and a refusal takes nothing.
 */
import assert from 'node:assert/strict';
import type { LimitClaim, TakenConversation } from '#core/ports/store.ts';
import { type CaseBody, hourMs, nth, phoneNumber, type Scene } from './scene.ts';

function claim(over: Partial<LimitClaim> = {}): LimitClaim {
  return { limit: 'replies', scope: 'all', windowMs: hourMs, max: 1, amount: 1, ...over };
}

function activity(activityId: string, ...claims: LimitClaim[]) {
  return { activityId, name: 'reply', input: null, deadlineMs: 1_000, claims };
}

async function takeNew(scene: Scene, bsuid: string) {
  return scene.take(await scene.say('hello', { from: { bsuid } }));
}

export const limitCases: readonly CaseBody[] = [
  {
    name: 'of two turns in one group that want the last unit, one gets it; the other keeps its lease and takes nothing',
    invariant: 'I7',
    async body(scene) {
      const taken = [await takeNew(scene, 'US.1'), await takeNew(scene, 'US.2')];
      const commits = taken.map((each, i) =>
        scene.commitOf(each, { activities: [activity(`act_${i}`, claim())] }),
      );
      const results = await Promise.all(commits.map((commit) => scene.store.commitTurn(commit)));
      assert.deepEqual(results.map((each) => each.outcome).sort(), ['committed', 'refused']);
      const loser = results.findIndex((each) => each.outcome === 'refused');
      assert.deepEqual(results[loser], {
        outcome: 'refused',
        refusals: [{ activityId: `act_${loser}`, limit: 'replies' }],
      });
      await scene.commit(nth(taken, loser), { sends: [scene.newSend('too busy')] });
    },
  },
  {
    name: 'a refused turn takes no unit of any limit',
    invariant: 'I7',
    async body(scene) {
      const first = await takeNew(scene, 'US.1');
      const empty = claim({ limit: 'empty', max: 0 });
      const activities = [activity('act_a', claim({ limit: 'wide', max: 1 })), activity('act_b', empty)];
      const refused = await scene.store.commitTurn(scene.commitOf(first, { activities }));
      assert.deepEqual(refused, { outcome: 'refused', refusals: [{ activityId: 'act_b', limit: 'empty' }] });
      await scene.commit(first, { activities: activities.slice(0, 1) });
    },
  },
  {
    name: 'a refused activity does not use up what its neighbour in the turn wants',
    invariant: 'I7',
    async body(scene) {
      const taken = await takeNew(scene, 'US.1');
      const activities = [
        activity('act_a', claim(), claim({ limit: 'empty', max: 0 })),
        activity('act_b', claim()),
      ];
      const refused = await scene.store.commitTurn(scene.commitOf(taken, { activities }));
      assert.deepEqual(refused, { outcome: 'refused', refusals: [{ activityId: 'act_a', limit: 'empty' }] });
      await scene.commit(taken, { activities: activities.slice(1) });
    },
  },
  {
    name: 'claims of one turn on one counter are judged together, other scopes and windows apart',
    invariant: 'I7',
    async body(scene) {
      const taken = await takeNew(scene, 'US.1');
      const both = [
        activity('act_a', claim({ max: 3, amount: 2 })),
        activity('act_b', claim({ max: 3, amount: 2 })),
      ];
      const refused = await scene.store.commitTurn(scene.commitOf(taken, { activities: both }));
      assert.equal(refused.outcome, 'refused');
      const apart = [activity('act_a', claim()), activity('act_b', claim({ scope: 'other' }))];
      await scene.commit(taken, { activities: apart });
      const second = await takeNew(scene, 'US.2');
      const full = scene.commitOf(second, { activities: [activity('act_c', claim())] });
      assert.equal((await scene.store.commitTurn(full)).outcome, 'refused');
      scene.advance(hourMs);
      const later = await scene.take(second.lease.ref);
      await scene.commit(later, { activities: [activity('act_c', claim())] });
    },
  },
  {
    // Simulation seed 100891: what such a turn took was counted for nobody.
    name: 'a turn that was taken before its contact became another counts for the other',
    invariant: 'I7',
    async body(scene) {
      const [byPhone, byId] = [{ phone: '15550001111' }, { bsuid: 'US.1' }];
      await scene.say('by phone', { from: byPhone });
      await scene.say('by id', { from: byId });
      const other = phoneNumber({}, { phoneNumberId: '200' });
      const early = await scene.take(await scene.say('by phone', { from: byPhone, number: other }));
      await scene.append(scene.message('both', { from: { ...byPhone, ...byId } }));
      const commit = (each: TakenConversation) =>
        scene.store.commitTurn(
          scene.commitOf(each, { activities: [activity(scene.id('act'), claim({ scope: each.contactId }))] }),
        );
      assert.equal(
        (await commit(early)).outcome,
        'committed',
        'its conversation has nothing to be merged with',
      );
      const merged = await scene.take(await scene.conversationOf(byId));
      assert.equal((await commit(merged)).outcome, 'refused', 'the customer has had the one reply');
    },
  },
  {
    name: 'what a turn starts and cancels itself reserves nothing and does not run',
    invariant: 'I7',
    async body(scene) {
      const first = await takeNew(scene, 'US.1');
      const parts = {
        activities: [activity('act_a', claim())],
        cancelledActivities: ['act_a'],
        runHere: false,
      };
      assert.deepEqual((await scene.commit(first, parts)).activities, []);
      const work = await scene.store.findWork({ ownerId: 'own_look', nowMs: scene.nowMs, max: 10 });
      assert.deepEqual(work.activities, []);
      await scene.commit(await takeNew(scene, 'US.2'), { activities: [activity('act_b', claim())] });
    },
  },
];
