/** The page of the ledger against the table of the core, and against the store, cell by cell. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import {
  type LedgerEvent,
  type LedgerState,
  ledgerEvents,
  ledgerPlaces,
  ledgerStates,
  ledgerTransitions,
  placeOf,
} from '#core/model/ledger.ts';
import type { ChargeEnd } from '#core/ports/store-money.ts';
import { minuteMs, otherOwner, owner } from '#testing/store-conformance/scene.ts';
import { readPage } from './page.ts';
import { customer, openStage, type Stage } from './stage.ts';
import { type Attempt, type Lifecycle, type Way, walk, walksEveryStatement } from './walk.ts';

interface Subject {
  ref: ConversationRef;
}

type To = Way<Subject, object>;

const activityId = 'act_1';
const cost = { currency: 'USD', amountMicros: 100, onUncertain: 'retryWithKey', late: 'discard' } as const;
const claims = [
  { limit: 'starts', scope: '', windowMs: minuteMs, max: 5, amount: 1 },
  { limit: 'money', scope: '', windowMs: minuteMs, max: 500, amount: 100, unit: 'micros' as const },
];

const rowOf = (stage: Stage) => stage.row('SELECT * FROM ledger_entry WHERE activity_id = ?', activityId);
const stateOf = (stage: Stage) => String(rowOf(stage)?.state ?? 'gone');

const attemptOf = (stage: Stage, { ref }: Subject, ownerId: string) => {
  return { ref, activityId, ownerId, nowMs: stage.nowMs };
};
const begin = (stage: Stage, subject: Subject, ownerId: string = owner) =>
  stage.store.beginAttempt(attemptOf(stage, subject, ownerId));
const end = (
  stage: Stage,
  subject: Subject,
  charged: 'no' | 'disproved' | 'maybe',
  ownerId: string = owner,
) => stage.store.endAttempt({ ...attemptOf(stage, subject, ownerId), charged });

/** The activity ends with a result where the money is settled, else with a fault. */
function settle(stage: Stage, subject: Subject, charge: ChargeEnd | null, ownerId: string = owner) {
  const isDone = charge?.kind === 'charged';
  return stage.store.settleActivity({
    ...attemptOf(stage, subject, ownerId),
    ...(isDone ? { result: 'x' } : { fault: { code: 'failed', message: 'failed' } }),
    ...(charge && { charge }),
  });
}

const charged: ChargeEnd = { kind: 'charged', amountMicros: 70 };

const started: To = async (stage) => {
  const ref = await stage.say('hello', { from: customer });
  const activity = { activityId, name: 'draw', input: null, deadlineMs: minuteMs, claims, cost };
  await stage.turn(ref, { activities: [activity] });
  return { ref };
};

const after =
  (...steps: ((stage: Stage, subject: Subject) => Promise<unknown>)[]): To =>
  async (stage) => {
    const subject = await started(stage, {});
    for (const step of steps) await step(stage, subject);
    return subject;
  };

const lost = (stage: Stage, subject: Subject) => end(stage, subject, 'maybe');

const states: Lifecycle<Subject, object>['states'] = {
  reserved: started,
  calling: after(begin),
  uncertain: after(begin, lost),
  asking: after(begin, lost, begin),
  settled: after(begin, (stage, subject) => settle(stage, subject, charged)),
  refunded: after((stage, subject) => settle(stage, subject, null)),
};

async function cancel(stage: Stage) {
  const ref = await stage.say('never mind', { from: customer });
  await stage.turnIfAny(ref, { cancelledActivities: [activityId] });
}

/** Its visit is over, and every sweep finds it and finds nothing out. */
async function lookIntoIt(stage: Stage, subject: Subject) {
  await cancel(stage);
  for (let tries = 0; tries < limits.chargeTriesMax + 2; tries++) {
    stage.advance(limits.chargeBackoffMaxMs);
    const { charges } = await stage.store.findWork({ ownerId: owner, nowMs: stage.nowMs, max: 10 });
    for (const each of charges) await settle(stage, { ref: each.ref }, { kind: 'unknown' });
  }
  return subject;
}

const apply = (fn: (stage: Stage, subject: Subject) => Promise<unknown>): Attempt<Subject, object> => ({
  apply: fn,
});
const ends = (charge: ChargeEnd | null) => apply((stage, subject) => settle(stage, subject, charge));
const attemptEnds = (how: 'no' | 'disproved' | 'maybe') =>
  apply((stage, subject) => end(stage, subject, how));
const rescue = (stage: Stage, all: boolean) =>
  stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all });

const inputs: Lifecycle<Subject, object>['inputs'] = {
  'an attempt begins': apply((stage, subject) => begin(stage, subject)),
  'an attempt ends: not charged': attemptEnds('no'),
  'an attempt ends: nobody knows': attemptEnds('maybe'),
  'an attempt ends: looked up, never charged': attemptEnds('disproved'),
  'the activity ends: charged': ends(charged),
  'the activity ends: not charged': ends({ kind: 'notCharged' }),
  'the activity ends: nobody knows': [ends({ kind: 'unknown' }), ends(null)],
  'the activity ends: looked up, never charged': ends({ kind: 'disproved' }),
  'said by anybody else': [
    apply((stage, subject) => begin(stage, subject, 'own_third')),
    apply((stage, subject) => end(stage, subject, 'no', 'own_third')),
    apply((stage, subject) => settle(stage, subject, charged, 'own_third')),
    apply((stage, subject) => settle(stage, subject, null, 'own_third')),
  ],
  'a turn cancels the activity': apply(cancel),
  'take-over or hand-off': [
    apply((stage, { ref }) => stage.takeOver(ref)),
    apply((stage) => stage.echo()),
    apply(async (stage) => {
      const ref = await stage.say('a person, please', { from: customer });
      await stage.turnIfAny(ref, { handOff: true });
    }),
  ],
  'merge, its side is lost': apply((stage) => stage.merge('lost')),
  'merge, its side survives': apply((stage) => stage.merge('survives')),
  'process dies': apply((stage) => rescue(stage, true)),
  'after a restore': apply((stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs })),
  'rescue, its lease lives': apply(async (stage) => {
    stage.advance(limits.leaseTtlMs - 1);
    await rescue(stage, false);
  }),
  'rescue, its lease ran out': apply(async (stage) => {
    stage.advance(limits.leaseTtlMs);
    await rescue(stage, false);
  }),
  'lease renewed': apply(async (stage) => {
    stage.advance(limits.leaseTtlMs - 1);
    await stage.store.renewLeases({ ownerId: owner, nowMs: stage.nowMs });
    stage.advance(limits.leaseTtlMs - 1);
    await rescue(stage, false);
  }),
  sweep: apply((stage) => stage.store.findWork({ ownerId: otherOwner, nowMs: stage.nowMs, max: 10 })),
  'its visit is over, and it was looked into as often as it may be': apply(lookIntoIt),
  'the contact is erased': apply((stage) => stage.erase()),
  retention: apply((stage) => stage.retention()),
};

walk<Subject, object>({ page: 'ledger', table: 'input', states, inputs, stateOf, rowOf });

describe('the ledger', () => {
  walksEveryStatement('ledger_entry');
  walksEveryStatement('ledger_posting');
  walksEveryStatement('ledger_day');

  test('the page has the transitions of the core', () => {
    const table = readPage('ledger').table('event');
    expect(table.states).toEqual([...ledgerStates]);
    expect(table.rows.map((row) => row.input)).toEqual([...ledgerEvents]);
    for (const { input, cells } of table.rows)
      for (const [index, state] of table.states.entries())
        expect(cells[index]?.next ?? 'never', `${input} in ${state}`).toBe(
          ledgerTransitions[state as LedgerState][input as LedgerEvent],
        );
  });

  test('its states and places are those that the schema allows', async () => {
    const stage = openStage();
    expect(stage.allowed('ledger_entry', 'state')).toEqual([...ledgerStates]);
    expect(stage.allowed('ledger_posting', 'from_place')).toEqual([...ledgerPlaces]);
    expect(Object.keys(placeOf)).toEqual([...ledgerStates]);
    await stage.close();
  });

  test('no posting can be changed or deleted', async () => {
    const stage = openStage();
    await started(stage, {});
    expect(() => stage.row('UPDATE ledger_posting SET amount_micros = 1')).toThrow('never changed');
    expect(() => stage.row('DELETE FROM ledger_posting')).toThrow('never deleted');
    await stage.close();
  });
});
