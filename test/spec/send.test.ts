/** The page of the send against the store, cell by cell, and against the table in the code. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { InboundStatus } from '#core/model/events.ts';
import { sendTransitions } from '#core/model/sends.ts';
import {
  accepted,
  hourMs,
  nth,
  otherOwner,
  owner,
  secondMs,
  wide,
} from '#testing/store-conformance/scene.ts';
import { readPage } from './page.ts';
import {
  answer,
  closedSocket,
  type Given,
  type Outcome,
  refusal,
  report,
  rowOf,
  type Subject,
  stateOf,
  states,
  verdict,
  waitOver,
  wamid,
  windowClosed,
} from './send-ways.ts';
import { customer, openStage, type Row, type Stage } from './stage.ts';
import { type Lifecycle, Untried, walk, walksEveryStatement } from './walk.ts';

function later(stage: Stage, countsAsAttempt: boolean): Outcome {
  return { kind: 'retryLater', atMs: stage.nowMs, pace: null, countsAsAttempt, errorCode: 130_429 };
}

const refOf = (stage: Stage, subject: Subject) => ({
  tenantId: subject.send.ref.tenantId,
  conversationId: String(rowOf(stage, subject)?.conversation_id ?? subject.send.ref.conversationId),
});

/** As many later sends of the number, of which statuses come, as make silence evidence. */
async function hearOfOthers(stage: Stage) {
  stage.advance(secondMs);
  for (let i = 0; i < limits.uncertainEvidenceSends; i++) {
    const ref = await stage.say('x', { from: { bsuid: `US.later.${i}` } });
    await stage.report(
      stage.status('sent', { wamid: await stage.deliver(nth(await stage.answer(ref, 'y'), 0)) }),
    );
  }
}

/** A send of somebody else on the number comes back: the number is paused. */
async function pauseNumber(stage: Stage) {
  const ref = await stage.say('x', { from: { bsuid: 'US.other' } });
  const granted = await stage.leave(nth(await stage.answer(ref, 'y'), 0));
  const untilMs = stage.nowMs + hourMs;
  const pace = {
    scope: 'number' as const,
    wabaId: 'waba',
    change: 'pause' as const,
    untilMs,
    reason: '131031',
  };
  const outcome = {
    kind: 'retryLater' as const,
    atMs: untilMs,
    pace,
    countsAsAttempt: true,
    errorCode: 131_031,
  };
  await stage.settle(granted, outcome);
}

async function ask(stage: Stage, { send }: Subject, ...expected: string[]) {
  const [granted] = await stage.grant([send], wide, otherOwner);
  expect([...expected, 'gone']).toContain(granted?.outcome);
}

/** By its owner, who never heard of the grant and so wrote nothing. */
async function askInDoubt({ store, nowMs }: Stage, { send }: Subject) {
  await store.grantSends({
    ...{ ownerId: owner, nowMs, sends: [send], inDoubt: [send.sendId] },
    rulesOf: () => wide,
  });
}

/** @throws Untried in states that an accepted attempt ends, so that none is known there. */
function knowsWamid(stage: Stage, subject: Subject): void {
  if (['queued', 'uncertain', 'held'].includes(stateOf(stage, subject)))
    throw new Untried('a known wamid settles the send');
}

const settles = (outcome: Outcome) => ({
  apply: (stage: Stage, subject: Subject) => answer(stage, subject, outcome),
});
const says = (status: InboundStatus['status']) => ({
  apply: (stage: Stage, subject: Subject) => report(stage, subject, status),
});
const decides = (decided: Parameters<typeof verdict>[2]) => ({
  apply: (stage: Stage, subject: Subject) => verdict(stage, subject, decided),
});
const restored = (stage: Stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs });
const dies = (stage: Stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });

/** Twice, since Meta tells things twice; of templates there is one more, or none where a person has the conversation. */
async function failForWindow(stage: Stage, { send }: Subject) {
  const { sendId } = send;
  const templates = () =>
    Number(stage.row("SELECT count(*) AS count FROM send WHERE body LIKE '%come_back%'")?.count);
  const before = templates();
  const status = stage.status('failed', { wamid, opaque: sendId, errors: [{ code: 131_047 }] });
  await stage.report(status);
  await stage.report(status);
  const isReplaced = stage.row(
    "SELECT 1 FROM send WHERE send_id = ? AND why LIKE '%its template was sent%'",
    sendId,
  );
  expect(templates() - before).toBe(isReplaced === undefined ? 0 : 1);
}

const inputs: Lifecycle<Subject, Given>['inputs'] = {
  'slot granted': { apply: (stage, subject) => ask(stage, subject, 'granted') },
  'slot asked again, the answer to the first time was lost': { apply: askInDoubt },
  'slot asked again, the answer to the first time was lost, taken over': {
    given: { takenOver: true },
    apply: askInDoubt,
  },
  'slot refused': [
    {
      async apply(stage, subject) {
        await pauseNumber(stage);
        await ask(stage, subject, 'wait');
      },
    },
    { given: { behind: true }, only: ['queued'], apply: (stage, subject) => ask(stage, subject, 'blocked') },
  ],
  'slot asked, the window is closed, it has a template': {
    given: { template: true },
    async apply(stage, subject) {
      stage.advance(limits.serviceWindowMs);
      await ask(stage, subject, 'granted');
    },
  },
  'slot asked, may never leave': [
    {
      async apply(stage, subject) {
        stage.advance(limits.serviceWindowMs);
        await ask(stage, subject, 'withdrawn');
      },
    },
    {
      async apply(stage, subject) {
        await stage.say('to the other app', { from: customer, kind: 'standby' });
        await ask(stage, subject, 'withdrawn');
      },
    },
  ],
  'answer: accepted': settles(accepted(wamid)),
  'answer: accepted, its failed came before': {
    given: { wamidUnknown: true },
    async apply(stage, subject) {
      await stage.report(stage.status('failed', { wamid: 'wamid.unknown' }));
      await answer(stage, subject, accepted('wamid.unknown'));
    },
  },
  'answer: refused': settles(refusal),
  'answer: refused, the window is closed, it has a template': {
    given: { template: true },
    ...settles(windowClosed),
  },
  'answer: try later': [true, false].map((counts) => ({
    apply: (stage: Stage, subject: Subject) => answer(stage, subject, later(stage, counts)),
  })),
  'answer: try later, taken over': {
    given: { takenOver: true },
    apply: (stage, subject) => answer(stage, subject, later(stage, true)),
  },
  'no answer': settles(closedSocket),
  'any of these, an earlier attempt was accepted': [refusal, closedSocket, 'later' as const].map(
    (outcome) => ({
      given: { earlierAccepted: true as const },
      async apply(stage: Stage, subject: Subject) {
        knowsWamid(stage, subject);
        await answer(stage, subject, outcome === 'later' ? later(stage, true) : outcome);
      },
    }),
  ),
  'process dies': { apply: dies },
  'process dies, an earlier attempt was accepted': {
    given: { earlierAccepted: true },
    async apply(stage, subject) {
      knowsWamid(stage, subject);
      await dies(stage);
    },
  },
  'after a restore': { apply: restored },
  'after a restore, an earlier attempt was accepted': {
    given: { earlierAccepted: true },
    async apply(stage, subject) {
      knowsWamid(stage, subject);
      await restored(stage);
    },
  },
  'status sent': says('sent'),
  'status delivered, read or played': [says('delivered'), says('read'), says('played')],
  'status failed': says('failed'),
  'status failed, the window was closed, it has a template': {
    given: { template: true },
    apply: failForWindow,
  },
  'status failed, the window was closed, it has a template, taken over': {
    given: { template: true, takenOver: true },
    apply: failForWindow,
  },
  'status failed, after delivered': {
    async apply(stage, subject) {
      if (!['accepted', 'refused', 'withdrawn', 'gone'].includes(stateOf(stage, subject)))
        throw new Untried('delivered makes it accepted');
      await report(stage, subject, 'delivered');
      const before = rowOf(stage, subject);
      await report(stage, subject, 'failed');
      expect(rowOf(stage, subject)?.state).toBe(before?.state);
    },
  },
  'status failed, of a second copy': {
    given: { earlierAccepted: true },
    async apply(stage, subject) {
      knowsWamid(stage, subject);
      if (rowOf(stage, subject)?.wamid === null) await answer(stage, subject, accepted(wamid));
      await report(stage, subject, 'failed', 'wamid.second');
    },
  },
  'window runs': {
    apply: (stage) => stage.store.resolveUncertain({ nowMs: stage.nowMs, startedAtMs: 0 }),
  },
  'window over: held': [
    { given: { policy: 'holdForPerson' }, apply: waitOver },
    { given: { policy: 'resendOnEvidence' }, apply: waitOver },
    { given: { policy: 'resendMayRepeat', exhausted: true }, only: ['uncertain'], apply: waitOver },
  ],
  'window over: sent again': [
    { given: { policy: 'resendMayRepeat' }, apply: waitOver },
    {
      given: { policy: 'resendOnEvidence' },
      async apply(stage) {
        await hearOfOthers(stage);
        await waitOver(stage);
      },
    },
  ],
  'window over: sent again, taken over': {
    given: { policy: 'resendMayRepeat', takenOver: true },
    apply: waitOver,
  },
  'window over: dropped': { given: { policy: 'dropMayLose' }, apply: waitOver },
  'person: it was accepted': decides('accepted'),
  'person: send it again': decides('resend'),
  'person: withdraw it': decides('withdraw'),
  'take-over': [
    { apply: (stage, subject) => stage.takeOver(refOf(stage, subject)) },
    { apply: (stage) => stage.echo() },
    { apply: (stage) => stage.merge('survives', true) },
    { apply: (stage) => stage.merge('lost', true) },
  ],
  'take-over, it is an operator’s': {
    given: { origin: 'operator' },
    apply: (stage, subject) => stage.takeOver(refOf(stage, subject)),
  },
  'hand-off by the dialog': {
    async apply(stage, subject) {
      await stage.say('a person, please', { from: customer });
      await stage.turnIfAny(refOf(stage, subject), { handOff: true });
    },
  },
  'hand-back': {
    given: { origin: 'operator' },
    apply: (stage, subject) => stage.handBack(refOf(stage, subject)),
  },
  merge: [{ apply: (stage) => stage.merge('survives') }, { apply: (stage) => stage.merge('lost') }],
  'the contact is erased': { apply: (stage) => stage.erase() },
  retention: { apply: (stage) => stage.retention() },
};

/** Its template stands in the lane now, and did not before. */
function marksOf(before: Row | undefined, after: Row | undefined): string[] {
  const isReplaced = (row: Row | undefined) => String(row?.why).includes('its template was sent');
  return isReplaced(after) && !isReplaced(before) ? ['replaced'] : [];
}

walk<Subject, Given>({ page: 'send', table: 'input', states, inputs, stateOf, rowOf, marksOf });

describe('sends', () => {
  walksEveryStatement('send', ['state', 'conversation_id', 'withdraw_on_return']);

  const table = readPage('send').table('input');
  const rowStates = table.states.filter((state) => state !== 'gone');

  test('the states of the page are those that the schema allows', async () => {
    const stage = openStage();
    expect(stage.allowed('send', 'state')).toEqual(rowStates);
    await stage.close();
  });

  test('the table in the code is that of the page', () => {
    const nexts = (state: string) =>
      table.rows.flatMap(({ cells }) => cells[table.states.indexOf(state)]?.next ?? []);
    const page = Object.fromEntries(
      rowStates.map((state) => [
        state,
        [...new Set(nexts(state))].filter((next) => next !== state && next !== 'gone').sort(),
      ]),
    );
    const code = Object.entries(sendTransitions).map(([state, next]) => [state, [...next].sort()]);
    expect(Object.fromEntries(code)).toEqual(page);
  });
});
