/**
 * Pruning deletes what is old and finished, nothing else, and gets past what it must keep.
 */
import assert from 'node:assert/strict';
import type { CaseBody } from './scene.ts';
import { dayMs, hourMs, nth, owner, type Scene } from './scene.ts';

async function pruneAll(scene: Scene, maxRows = 100): Promise<number> {
  const settings = { nowMs: scene.nowMs, retentionMs: 30 * dayMs, dedupeKeepMs: 9 * dayMs, maxRows };
  let removed = 0;
  for (let idle = 0; idle < 20; ) {
    const step = await scene.store.prune(settings);
    assert.ok(step <= maxRows, `a step of pruning removed ${step} rows, more than ${maxRows}`);
    removed += step;
    idle = step === 0 ? idle + 1 : 0;
  }
  return removed;
}

export const retentionCases: readonly CaseBody[] = [
  {
    name: 'what is unfinished is never pruned, however old',
    invariant: 'I9',
    async body(scene) {
      const said = async (bsuid: string) => scene.say('x', { from: { bsuid } });
      const open = await said('US.open');
      await scene.think(await said('US.awaiting'), 'act_1');
      const queued = await scene.answer(await said('US.queued'), 'y');
      const sending = await scene.answer(await said('US.sending'), 'y');
      await scene.leave(nth(sending, 0));
      const uncertain = await scene.answer(await said('US.uncertain'), 'y');
      await scene.loseSight(nth(uncertain, 0));
      const timers = [{ timerId: 't', token: '1', dueAtMs: scene.nowMs + 400 * dayMs }];
      const flags = [{ flagId: 'flg_1', reason: 'customerAsked' as const, detail: null }];
      await scene.commit(await scene.take(await said('US.flag')), { timers, flags });
      const bytes = new TextEncoder().encode('{');
      const item = {
        reason: 'unreadable' as const,
        tenantId: 'acme',
        phoneNumberId: null,
        item: null,
        bytes,
      };
      await scene.store.append(scene.batch({ quarantine: [item] }));
      scene.advance(365 * dayMs);
      await pruneAll(scene);
      assert.equal((await scene.take(open)).events.length, 1);
      const states = await Promise.all(
        [queued, sending, uncertain].map((each) => scene.sendRow(nth(each, 0).sendId)),
      );
      assert.deepEqual(
        states.map((row) => row.state),
        ['queued', 'sending', 'uncertain'],
      );
      const stats = await scene.store.stats();
      assert.deepEqual([stats.awaiting, stats.flagsOpen, stats.quarantineOpen], [2, 1, 1]);
      const activity = { tenantId: 'acme', conversationId: 'x' };
      const settled = await scene.store.settleActivity({
        ref: activity,
        activityId: 'act_1',
        ownerId: owner,
        nowMs: scene.nowMs,
        result: 1,
      });
      assert.equal(settled.outcome, 'stored');
      scene.advance(36 * dayMs);
      assert.equal((await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 })).wakes.length, 1);
    },
  },
  {
    name: 'what is finished goes when it is past its age, not before, and leaves nothing behind to audit',
    async body(scene) {
      const ref = await scene.say('x');
      const [send] = await scene.answer(ref, 'y');
      await scene.deliver(send!);
      scene.advance(30 * dayMs - hourMs);
      await pruneAll(scene);
      assert.equal((await scene.audit()).events, 1);
      assert.equal((await scene.sendRow(send!.sendId)).state, 'accepted');
      scene.advance(2 * hourMs);
      assert.ok((await pruneAll(scene)) >= 2);
      assert.equal((await scene.audit()).events, 0);
      assert.equal((await scene.store.listSends({ states: ['accepted'], max: 9 })).length, 0);
      assert.deepEqual(await scene.store.readTranscript({ ref, max: 9 }), []);
      await scene.assertNothingMissing();
    },
  },
  {
    name: 'what must be kept does not hide what can go',
    async body(scene) {
      for (let i = 0; i < 7; i++) await scene.say('never taken', { from: { bsuid: `US.${i}` } });
      const ref = await scene.say('x', { from: { bsuid: 'US.done' } });
      const [send] = await scene.answer(ref, 'y');
      await scene.deliver(send!);
      scene.advance(40 * dayMs);
      await pruneAll(scene, 2);
      const report = await scene.audit();
      assert.deepEqual(report.byEnd, { open: 7 });
    },
  },
  {
    name: 'a step goes from table to table until it is full, so one that is not has found all',
    async body(scene) {
      const [send] = await scene.answer(await scene.say('x'), 'y');
      await scene.deliver(send!);
      scene.advance(40 * dayMs);
      const ages = { nowMs: scene.nowMs, retentionMs: 30 * dayMs, dedupeKeepMs: 9 * dayMs };
      assert.ok((await scene.store.prune({ ...ages, maxRows: 100 })) >= 2);
      assert.equal(await scene.store.prune({ ...ages, maxRows: 100 }), 0);
    },
  },
  {
    name: 'a counter lives as long as its window',
    invariant: 'I7',
    async body(scene) {
      const claims = [{ limit: 'year', scope: 's', windowMs: 1_000 * dayMs, max: 1, amount: 1 }];
      const start = async (bsuid: string, activityId: string) => {
        const taken = await scene.take(await scene.say('x', { from: { bsuid } }));
        const activities = [{ activityId, name: 'x', input: null, deadlineMs: 1, claims }];
        return (await scene.store.commitTurn(scene.commitOf(taken, { activities }))).outcome;
      };
      const intoWindowMs = scene.nowMs % (1_000 * dayMs);
      scene.advance(1_000 * dayMs - intoWindowMs);
      assert.equal(await start('US.1', 'act_1'), 'committed');
      scene.advance(90 * dayMs);
      await pruneAll(scene);
      assert.equal(await start('US.2', 'act_2'), 'refused');
    },
  },
];
