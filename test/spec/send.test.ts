/** The page of the send against the store, cell by cell, and against the table in the code. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { InboundStatus } from '#core/model/events.ts';
import { sendTransitions, type UncertainPolicy } from '#core/model/sends.ts';
import type { SendRef, SendSettlement } from '#core/ports/store.ts';
import {
  accepted,
  hourMs,
  minuteMs,
  nth,
  otherOwner,
  secondMs,
  wide,
} from '#testing/store-conformance/scene.ts';
import { readPage } from './page.ts';
import { customer, openStage, type Stage } from './stage.ts';
import { type Lifecycle, Untried, type Way, walk, walksEveryStatement } from './walk.ts';

interface Subject {
  send: SendRef;
}

interface Given {
  origin: 'operator';
  policy: UncertainPolicy;
  /** As often as a send is tried at most. */
  exhausted: true;
  /** An earlier attempt proved accepted while a later one is on the wire. */
  earlierAccepted: true;
  /** No status and no answer has named a wamid. */
  wamidUnknown: true;
  takenOver: true;
  /** An earlier send of the lane is not settled. */
  behind: true;
}

type To = Way<Subject, Partial<Given>>;
type Outcome = SendSettlement['outcome'];

const wamid = 'wamid.first';
const closedSocket: Outcome = { kind: 'uncertain', why: 'socket closed', windowMs: minuteMs, errorCode: null };
const refusal: Outcome = { kind: 'refused', errorCode: 131_026, reason: 'undeliverable' };

function later(stage: Stage, countsAsAttempt: boolean): Outcome {
  return { kind: 'retryLater', atMs: stage.nowMs, pace: null, countsAsAttempt, errorCode: 130_429 };
}

const rowOf = (stage: Stage, { send }: Subject) =>
  stage.row('SELECT * FROM send WHERE send_id = ?', send.sendId);

const refOf = (stage: Stage, subject: Subject) => ({
  tenantId: subject.send.ref.tenantId,
  conversationId: String(rowOf(stage, subject)?.conversation_id ?? subject.send.ref.conversationId),
});

/** The answer of the newest attempt; of a send that was never tried, that of an attempt nobody knows of. */
function answer(stage: Stage, subject: Subject, outcome: Outcome) {
  const attempt = Math.max(1, Number(rowOf(stage, subject)?.attempts ?? 1));
  return stage.settle({ send: subject.send, attempt }, outcome);
}

function report(stage: Stage, { send }: Subject, status: InboundStatus['status'], of = wamid) {
  return stage.report(stage.status(status, { wamid: of, opaque: send.sendId, errors: [{ code: 131_026 }] }));
}

function verdict(stage: Stage, { send }: Subject, decided: 'accepted' | 'resend' | 'withdraw') {
  const { tenantId } = send.ref;
  return stage.store.resolveSend({
    tenantId,
    sendId: send.sendId,
    verdict: decided,
    by: 'ann',
    nowMs: stage.nowMs,
  });
}

/** The window and the cap are over. */
async function waitOver(stage: Stage) {
  stage.advance(limits.uncertainCapMs + minuteMs);
  await stage.store.resolveUncertain({ nowMs: stage.nowMs, startedAtMs: 0 });
}

/** As many later sends of the number, of which statuses come, as make silence evidence. */
async function hearOfOthers(stage: Stage) {
  stage.advance(secondMs);
  for (let i = 0; i < limits.uncertainEvidenceSends; i++) {
    const ref = await stage.say('x', { from: { bsuid: `US.later.${i}` } });
    await stage.report(stage.status('sent', { wamid: await stage.deliver(nth(await stage.answer(ref, 'y'), 0)) }));
  }
}

/** A send of somebody else on the number comes back: the number is paused. */
async function pauseNumber(stage: Stage) {
  const ref = await stage.say('x', { from: { bsuid: 'US.other' } });
  const granted = await stage.leave(nth(await stage.answer(ref, 'y'), 0));
  const untilMs = stage.nowMs + hourMs;
  const pace = { scope: 'number' as const, wabaId: 'waba', change: 'pause' as const, untilMs, reason: '131031' };
  const outcome = { kind: 'retryLater' as const, atMs: untilMs, pace, countsAsAttempt: true, errorCode: 131_031 };
  await stage.settle(granted, outcome);
}

async function ask(stage: Stage, { send }: Subject, ...expected: string[]) {
  const [granted] = await stage.grant([send], wide, otherOwner);
  expect([...expected, 'gone']).toContain(granted?.outcome);
}

// --- ways into the states -------------------------------------------------------------------------------------------

const queue: To = async (stage, { origin, policy = 'holdForPerson', behind }) => {
  const ref = await stage.say('hello', { from: customer });
  const send = stage.newSend('an answer', { origin: origin ?? 'dialog', uncertainPolicy: policy });
  const sends = behind ? [stage.newSend('the one before'), send] : [send];
  if (origin === undefined) return { send: nth(await stage.answer(ref, ...sends), sends.length - 1) };
  const replied = await stage.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: stage.nowMs });
  return { send: nth(replied.sends, sends.length - 1) };
};

const fresh: To = async (stage, given) => {
  if (given.takenOver) throw new Untried('a take-over withdraws what is queued');
  return queue(stage, given);
};

/** An attempt of which nobody knew, sent again. */
const again: To = async (stage, given) => {
  const subject = await fresh(stage, given);
  const attempts = given.exhausted ? limits.sendAttemptsMax - 1 : 1;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await stage.loseSight(subject.send);
    await verdict(stage, subject, 'resend');
  }
  return subject;
};

const onTheWire =
  (from: To): To =>
  async (stage, given) => {
    const subject = await from(stage, { ...given, takenOver: undefined } as Partial<Given>);
    await stage.leave(subject.send);
    if (given.takenOver) await stage.takeOver(subject.send.ref);
    return subject;
  };

/** The second attempt; an earlier one may prove accepted meanwhile. */
const secondTry: To = async (stage, given) => {
  const subject = await onTheWire(again)(stage, given);
  if (given.earlierAccepted) await stage.settle({ send: subject.send, attempt: 1 }, accepted(wamid));
  return subject;
};

const lostSight: To = async (stage, given) => {
  const subject = await onTheWire(given.exhausted ? again : queue)(stage, given);
  await answer(stage, subject, closedSocket);
  return subject;
};

const rescued: To = async (stage, given) => {
  const subject = await onTheWire(given.exhausted ? again : queue)(stage, given);
  await stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });
  return subject;
};

/** From on the wire by an answer, or by something else. */
const after =
  (end: (stage: Stage, subject: Subject) => Promise<unknown>): To =>
  async (stage, given) => {
    const subject = await onTheWire(queue)(stage, given);
    await end(stage, subject);
    return subject;
  };

const provenByPerson: To = async (stage, given) => {
  const subject = await lostSight(stage, given);
  await verdict(stage, subject, 'accepted');
  return subject;
};

const held: To = async (stage, given) => {
  const subject = await lostSight(stage, { ...given, policy: 'holdForPerson' });
  await waitOver(stage);
  return subject;
};

const withdrawnByPerson: To = async (stage, given) => {
  const subject = await lostSight(stage, given);
  await verdict(stage, subject, 'withdraw');
  return subject;
};

const withdrawnByTakeOver: To = async (stage, { origin, ...given }) => {
  const subject = await queue(stage, given);
  await stage.takeOver(subject.send.ref);
  return subject;
};

const unless =
  (what: keyof Given, ...ways: To[]): To[] =>
  ways.map((way) => async (stage, given) => {
    if (given[what]) throw new Untried(`there is no ${what} here`);
    return way(stage, given);
  });

const byAnswer = after((stage, subject) => answer(stage, subject, accepted(wamid)));
const byStatus = after((stage, subject) => report(stage, subject, 'sent'));

const states: Lifecycle<Subject, Given>['states'] = {
  queued: [fresh, again],
  sending: [(stage, given) => (given.earlierAccepted ? secondTry : onTheWire(queue))(stage, given), secondTry],
  uncertain: [lostSight, rescued],
  accepted: [
    (stage, given) => (given.wamidUnknown ? provenByPerson : byAnswer)(stage, given),
    (stage, given) => (given.wamidUnknown ? provenByPerson : byStatus)(stage, given),
  ],
  refused: after((stage, subject) => answer(stage, subject, refusal)),
  failed: unless(
    'wamidUnknown',
    after((stage, subject) => report(stage, subject, 'failed')),
  ),
  held,
  withdrawn: [withdrawnByTakeOver, withdrawnByPerson],
  gone: async (stage, given) => {
    const subject = await byAnswer(stage, given);
    await stage.retention();
    return subject;
  },
};

/** @throws Untried in states that an accepted attempt ends, so that none is known there. */
function knowsWamid(stage: Stage, subject: Subject): void {
  if (['queued', 'uncertain', 'held'].includes(stateOf(stage, subject)))
    throw new Untried('a known wamid settles the send');
}

// --- inputs ---------------------------------------------------------------------------------------------------------

const settles = (outcome: Outcome) => ({ apply: (stage: Stage, subject: Subject) => answer(stage, subject, outcome) });
const says = (status: InboundStatus['status']) => ({
  apply: (stage: Stage, subject: Subject) => report(stage, subject, status),
});
const decides = (decided: Parameters<typeof verdict>[2]) => ({
  apply: (stage: Stage, subject: Subject) => verdict(stage, subject, decided),
});
const dies = (stage: Stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });

const inputs: Lifecycle<Subject, Given>['inputs'] = {
  'slot granted': { apply: (stage, subject) => ask(stage, subject, 'granted') },
  'slot refused': [
    {
      async apply(stage, subject) {
        await pauseNumber(stage);
        await ask(stage, subject, 'wait');
      },
    },
    { given: { behind: true }, only: ['queued'], apply: (stage, subject) => ask(stage, subject, 'blocked') },
  ],
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
  'answer: try later': [true, false].map((counts) => ({
    apply: (stage: Stage, subject: Subject) => answer(stage, subject, later(stage, counts)),
  })),
  'answer: try later, taken over': {
    given: { takenOver: true },
    apply: (stage, subject) => answer(stage, subject, later(stage, true)),
  },
  'no answer': settles(closedSocket),
  'any of these, an earlier attempt was accepted': [refusal, closedSocket, 'later' as const].map((outcome) => ({
    given: { earlierAccepted: true as const },
    async apply(stage: Stage, subject: Subject) {
      knowsWamid(stage, subject);
      await answer(stage, subject, outcome === 'later' ? later(stage, true) : outcome);
    },
  })),
  'process dies': { apply: dies },
  'process dies, an earlier attempt was accepted': {
    given: { earlierAccepted: true },
    async apply(stage, subject) {
      knowsWamid(stage, subject);
      await dies(stage);
    },
  },
  'status sent': says('sent'),
  'status delivered, read or played': [says('delivered'), says('read'), says('played')],
  'status failed': says('failed'),
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
      await answer(stage, subject, accepted(wamid));
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
  retention: { apply: (stage) => stage.retention() },
};

function stateOf(stage: Stage, subject: Subject): string {
  return String(rowOf(stage, subject)?.state ?? 'gone');
}

walk<Subject, Given>({ page: 'send', table: 'input', states, inputs, stateOf, rowOf });

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
