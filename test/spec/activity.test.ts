/** The page of the activity against the store, cell by cell. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { minuteMs, otherOwner, owner } from '#testing/store-conformance/scene.ts';
import { readPage } from './page.ts';
import { customer, openStage, type Stage } from './stage.ts';
import { type Lifecycle, type Way, walk, walksEveryStatement } from './walk.ts';

interface Subject {
  ref: ConversationRef;
}

type To = Way<Subject, object>;

const activityId = 'act_1';

const rowOf = (stage: Stage) => stage.row('SELECT * FROM activity WHERE activity_id = ?', activityId);

function stateOf(stage: Stage): string {
  const row = rowOf(stage);
  if (row === undefined) return 'gone';
  return row.state === 'running' && row.owner_id === null ? 'unowned' : String(row.state);
}

/** Its owner says how it ended; of one that nobody owns any more, the owner that it had. */
function settle(stage: Stage, { ref }: Subject, ownerId: string, end: { result?: unknown; fault?: boolean }) {
  const fault = end.fault ? { fault: { code: 'deadline', message: 'too slow' } } : { result: end.result };
  return stage.store.settleActivity({ ref, activityId, ownerId, nowMs: stage.nowMs, ...fault });
}

const started =
  (runHere: boolean): To =>
  async (stage) => {
    const ref = await stage.say('hello', { from: customer });
    const activity = { activityId, name: 'reply', input: null, deadlineMs: minuteMs, claims: [] };
    await stage.turn(ref, { activities: [activity], runHere });
    return { ref };
  };

const rescued: To = async (stage) => {
  const subject = await started(true)(stage, {});
  await dies(stage);
  return subject;
};

const found: To = async (stage) => {
  const subject = await rescued(stage, {});
  await sweep(stage, owner);
  return subject;
};

const then =
  (end: (stage: Stage, subject: Subject) => Promise<unknown>): To =>
  async (stage) => {
    const subject = await started(true)(stage, {});
    await end(stage, subject);
    return subject;
  };

const dies = (stage: Stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });
const sweep = (stage: Stage, ownerId: string) =>
  stage.store.findWork({ ownerId, nowMs: stage.nowMs, max: 10 });

/** The dialog has left the state that started it. */
async function cancel(stage: Stage) {
  const ref = await stage.say('never mind', { from: customer });
  await stage.turnIfAny(ref, { cancelledActivities: [activityId] });
}

const states: Lifecycle<Subject, object>['states'] = {
  unowned: [started(false), rescued],
  running: [started(true), found],
  done: then((stage, subject) => settle(stage, subject, owner, { result: 'x' })),
  failed: then((stage, subject) => settle(stage, subject, owner, { fault: true })),
  cancelled: [then(cancel), then((stage, { ref }) => stage.takeOver(ref))],
  gone: then(async (stage, subject) => {
    await settle(stage, subject, owner, { result: 'x' });
    await stage.turn(subject.ref);
    await stage.retention();
  }),
};

const inputs: Lifecycle<Subject, object>['inputs'] = {
  sweep: { apply: (stage) => sweep(stage, otherOwner) },
  'result, from its owner': { apply: (stage, subject) => settle(stage, subject, owner, { result: 'x' }) },
  'fault or deadline, from its owner': {
    apply: (stage, subject) => settle(stage, subject, owner, { fault: true }),
  },
  'result or fault, from anybody else': [{ result: 'x' }, { fault: true }].map((end) => ({
    async apply(stage: Stage, subject: Subject) {
      expect(await settle(stage, subject, 'own_third', end)).toEqual({ outcome: 'late' });
    },
  })),
  'a turn cancels it': { apply: cancel },
  'take-over or hand-off': [
    { apply: (stage, { ref }) => stage.takeOver(ref) },
    { apply: (stage) => stage.echo() },
    {
      async apply(stage) {
        const ref = await stage.say('a person, please', { from: customer });
        await stage.turnIfAny(ref, { handOff: true });
      },
    },
  ],
  'hand-back': {
    async apply(stage, { ref }) {
      if (stage.conversation(ref)?.holder === 'operator') await stage.handBack(ref);
    },
  },
  'merge, its side is lost': { apply: (stage) => stage.merge('lost') },
  'merge, its side survives': { apply: (stage) => stage.merge('survives') },
  'merge, the other side is held': [
    { apply: (stage) => stage.merge('survives', true) },
    { apply: (stage) => stage.merge('lost', true) },
  ],
  'process dies': { apply: dies },
  'after a restore': { apply: (stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs }) },
  'rescue, its lease lives': {
    async apply(stage) {
      stage.advance(limits.leaseTtlMs - 1);
      await stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: false });
    },
  },
  'rescue, its lease ran out': {
    async apply(stage) {
      stage.advance(limits.leaseTtlMs);
      await stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: false });
    },
  },
  'lease renewed': {
    async apply(stage) {
      stage.advance(limits.leaseTtlMs - 1);
      await stage.store.renewLeases({ ownerId: owner, nowMs: stage.nowMs });
      stage.advance(limits.leaseTtlMs - 1);
      await stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: false });
    },
  },
  'the contact is erased': { apply: (stage) => stage.erase() },
  retention: { apply: (stage) => stage.retention() },
};

walk<Subject, object>({ page: 'activity', table: 'input', states, inputs, stateOf, rowOf });

describe('activities', () => {
  walksEveryStatement('activity', ['state', 'owner_id', 'lease_until_ms', 'restarts']);

  test('the states of the page are those that the schema allows, and that without an owner', async () => {
    const stage = openStage();
    const rowStates = readPage('activity')
      .table('input')
      .states.filter((state) => state !== 'gone');
    expect(['unowned', ...stage.allowed('activity', 'state')]).toEqual(rowStates);
    await stage.close();
  });
});
