/**
 * The audit finds every hole that a bug could make, and none in what goes well.
 */
import assert from 'node:assert/strict';
import type { TakenConversation, TurnCommit } from '#core/ports/store.ts';
import { accepted, answerKinds, type CaseBody, minuteMs, nth, owner } from './scene.ts';

/** Plants what a buggy turn could commit, and expects the audit to name exactly that event. */
function hole(name: string, plant: (taken: TakenConversation) => Partial<TurnCommit>): CaseBody {
  return {
    name: `the audit finds ${name}`,
    invariant: 'I9',
    async body(scene) {
      const healthy = await scene.say('fine', { from: { bsuid: 'US.healthy' } });
      const [send] = await scene.answer(healthy, 'hi');
      await scene.deliver(send!);
      const ref = await scene.say('hello');
      const taken = await scene.take(ref);
      await scene.commit(taken, plant(taken));
      const report = await scene.audit();
      assert.equal(report.missingCount, 1);
      const { tenantId, conversationId, position, kind } = nth(report.missing, 0);
      assert.deepEqual({ tenantId, conversationId, position, kind }, { ...ref, position: 1, kind: 'text' });
      assert.equal(report.events, 2);
    },
  };
}

function endAs(end: TurnCommit['ends'][number]['end'], endRef: string): Partial<TurnCommit> {
  return { ends: [{ end, endRef, through: 99 }] };
}

export const auditCases: readonly CaseBody[] = [
  hole('an answer that nobody is making', () => ({})),
  hole('an answer by a send that does not exist', () => endAs('answered', 'snd_none')),
  hole('a flag that does not exist', () => endAs('flagged', 'flg_none')),
  hole('an event called flagged without a flag', (taken) => ({
    consumed: taken.events.map(({ position }) => ({ position, end: 'flagged' as const })),
  })),
  hole('a dead letter that nobody can find', (taken) => ({
    consumed: taken.events.map(({ position }) => ({ position, end: 'deadLetter' as const })),
  })),
  hole('silence without a rule', (taken) => ({
    consumed: taken.events.map(({ position }) => ({ position, end: 'noAnswerNeeded' as const })),
  })),
  hole('an activity that was cancelled and leaves its question behind', () => ({
    activities: [{ activityId: 'act_1', name: 'reply', input: null, deadlineMs: 1, claims: [] }],
    cancelledActivities: ['act_1'],
  })),
  {
    name: 'no hole is found while an answer is being made or sent; it is under way',
    invariant: 'I9',
    async body(scene) {
      const underWay = async (expected: number) => {
        const report = await scene.audit();
        assert.deepEqual([report.underWay, report.missing], [expected, []]);
      };
      const ref = await scene.say('hello');
      await underWay(1);
      await scene.think(ref, 'act_1');
      await underWay(1);
      const done = { ref, activityId: 'act_1', ownerId: owner, nowMs: scene.nowMs, result: 'x' };
      await scene.store.settleActivity(done);
      await underWay(1);
      const taken = await scene.take(ref);
      const send = scene.newSend('hi');
      const { sends } = await scene.commit(taken, { sends: [send], ...endAs('answered', send.sendId) });
      await underWay(1);
      const { granted } = await scene.loseSight(nth(sends, 0));
      await underWay(1);
      await scene.settle(granted, accepted('wamid.1'));
      await underWay(0);
      assert.deepEqual((await scene.audit()).byEnd, { answered: 1 });
    },
  },
  {
    name: 'a flag counts for an answer that ended badly, also where the clock was set back in between',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('hello');
      const sends = await scene.answer(ref, 'hi');
      const granted = await scene.leave(nth(sends, 0));
      scene.advance(-minuteMs);
      await scene.settle(granted, { kind: 'refused', errorCode: 131_026, reason: 'no such customer' });
      assert.deepEqual((await scene.audit()).missing, []);
    },
  },
  {
    name: 'every kind that wants an answer can be answered, flagged or declared, and none is missing',
    invariant: 'I9',
    async body(scene) {
      for (const kind of answerKinds) {
        const ref = await scene.say('x', { kind, from: { bsuid: `US.${kind}` } });
        const taken = await scene.take(ref);
        const flagId = scene.id('flg');
        const flags = [{ flagId, reason: 'cannotRead' as const, detail: null }];
        const parts =
          kind === 'text'
            ? endAs('noAnswerNeeded', 'byRuleOfTheDialog')
            : { flags, ...endAs('flagged', flagId) };
        await scene.commit(taken, parts);
      }
      const report = await scene.audit();
      assert.deepEqual(report.byEnd, { flagged: answerKinds.length - 1, noAnswerNeeded: 1 });
      assert.deepEqual([report.missing, report.underWay], [[], 0]);
    },
  },
  {
    name: 'the audit looks only at its time and counts what is internal to nobody',
    invariant: 'I9',
    async body(scene) {
      const ref = await scene.say('old');
      await scene.commit(await scene.take(ref), {
        timers: [{ timerId: 't', token: '1', dueAtMs: scene.nowMs }],
      });
      await scene.store.fireTimers({ nowMs: scene.nowMs, max: 9 });
      await scene.commit(await scene.take(ref));
      assert.deepEqual([(await scene.audit()).missingCount, (await scene.audit()).events], [1, 1]);
      const later = await scene.store.audit({ sinceMs: scene.nowMs + 1, nowMs: scene.nowMs });
      assert.deepEqual([later.missingCount, later.events], [0, 0]);
    },
  },
];
