/**
 * A send on the stage: the ways into each of its states, and what may be said about it from outside. To add a state, add
 * its ways here; the page, the schema and the table in the code must name it, too.
 */
import { limits } from '#core/limits.ts';
import type { InboundStatus } from '#core/model/events.ts';
import type { TemplateBody } from '#core/model/send-bodies.ts';
import type { UncertainPolicy } from '#core/model/sends.ts';
import type { SendRef, SendSettlement } from '#core/ports/store.ts';
import { accepted, minuteMs, nth, otherOwner } from '#testing/store-conformance/scene.ts';
import { customer, type Stage } from './stage.ts';
import { type Lifecycle, Untried, type Way, without } from './walk.ts';

export interface Subject {
  send: SendRef;
}

export interface Given {
  origin: 'operator';
  policy: UncertainPolicy;
  /** As often as a send is tried at most. */
  exhausted: true;
  /** An earlier attempt proved accepted while a later one is on the wire. */
  earlierAccepted: true;
  /** No status and no answer has named a wamid. */
  wamidUnknown: true;
  takenOver: true;
  /** What leaves where the service window is closed. */
  template: true;
  /** An earlier send of the lane is not settled. */
  behind: true;
}

type To = Way<Subject, Partial<Given>>;
export type Outcome = SendSettlement['outcome'];

export const wamid = 'wamid.first';
export const closedSocket: Outcome = {
  kind: 'uncertain',
  why: 'socket closed',
  windowMs: minuteMs,
  errorCode: null,
};
export const refusal: Outcome = { kind: 'refused', errorCode: 131_026, reason: 'undeliverable' };

export const windowClosed: Outcome = { ...refusal, errorCode: 131_047, reason: 'window closed' };
const comeBack: TemplateBody = {
  type: 'template',
  template: { name: 'come_back', language: { code: 'es' } },
};

export const rowOf = (stage: Stage, { send }: Subject) =>
  stage.row('SELECT * FROM send WHERE send_id = ?', send.sendId);

export function stateOf(stage: Stage, subject: Subject): string {
  return String(rowOf(stage, subject)?.state ?? 'gone');
}

/** The answer of the newest attempt; of a send that was never tried, that of an attempt nobody knows of. */
export function answer(stage: Stage, subject: Subject, outcome: Outcome) {
  const attempt = Math.max(1, Number(rowOf(stage, subject)?.attempts ?? 1));
  return stage.settle({ send: subject.send, attempt }, outcome);
}

export function report(stage: Stage, { send }: Subject, status: InboundStatus['status'], of = wamid) {
  return stage.report(stage.status(status, { wamid: of, opaque: send.sendId, errors: [{ code: 131_026 }] }));
}

export function verdict(stage: Stage, { send }: Subject, decided: 'accepted' | 'resend' | 'withdraw') {
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
export async function waitOver(stage: Stage) {
  stage.advance(limits.uncertainCapMs + minuteMs);
  await stage.store.resolveUncertain({ nowMs: stage.nowMs, startedAtMs: 0 });
}

const queue: To = async (stage, { origin, policy = 'holdForPerson', behind, template }) => {
  const ref = await stage.say('hello', { from: customer });
  const send = stage.newSend('an answer', {
    origin: origin ?? 'dialog',
    uncertainPolicy: policy,
    ...(template && { ifWindowClosed: comeBack }),
  });
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
  if (given.behind) return subject;
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
    const subject = await from(stage, without(given, 'takenOver'));
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

const unless = (what: keyof Given, ...ways: To[]): To[] =>
  ways.map((way) => async (stage, given) => {
    if (given[what]) throw new Untried(`there is no ${what} here`);
    return way(stage, given);
  });

const byAnswer = after((stage, subject) => answer(stage, subject, accepted(wamid)));
const byStatus = after((stage, subject) => report(stage, subject, 'sent'));

export const states: Lifecycle<Subject, Given>['states'] = {
  queued: [fresh, again],
  sending: [
    (stage, given) => (given.earlierAccepted ? secondTry : onTheWire(queue))(stage, given),
    secondTry,
  ],
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
