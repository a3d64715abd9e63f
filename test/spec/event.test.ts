/** The page of the event against the store, cell by cell. */
import { describe, expect, test } from 'vitest';
import { answerClassOf, type EventEnd } from '#core/model/events.ts';
import { type CommitParts, minuteMs, nth, otherOwner, owner } from '#testing/store-conformance/scene.ts';
import {
  earlierSend,
  type Given,
  message,
  messageKey,
  openFact,
  openResult,
  progress,
  type Subject,
  tell,
} from './event-ways.ts';
import { readPage } from './page.ts';
import { customer, openStage, type Stage } from './stage.ts';
import {
  type Attempt,
  type Lifecycle,
  Untried,
  type Way,
  walk,
  walksEveryStatement,
  without,
} from './walk.ts';

type To = Way<Subject, Partial<Given>>;

const rowOf = (stage: Stage, { key }: Subject) => stage.row('SELECT * FROM event WHERE dedupe_key = ?', key);

function stateOf(stage: Stage, subject: Subject): string {
  const row = rowOf(stage, subject);
  return row === undefined ? 'gone' : String(row.end ?? 'open');
}

// --- ways into the states -------------------------------------------------------------------------------------------

const open: To = async (stage, given) => {
  if (given.held) throw new Untried('a hold leaves no message open');
  const send = await earlierSend(stage, given);
  if (given.kind === 'internal') return openResult(stage, send);
  if (given.kind === 'business') return openFact(stage, send);
  await stage.append(message(stage, given.kind === 'context' ? 'reaction' : 'text'));
  return { ref: await stage.conversationOf(customer), key: messageKey, send, deadLetterId: 'dlt_none' };
};

/** One turn over the open event that does what `partsOf` says, then a take-over where one is wanted. */
const consumed =
  (partsOf: (stage: Stage) => CommitParts, classes: readonly (Given['kind'] | 'answer')[]): To =>
  async (stage, given) => {
    if (!classes.includes(given.kind ?? 'answer'))
      throw new Untried('only what wants an answer has this end');
    const subject = await open(stage, without(given, 'held'));
    await stage.commit(await stage.take(subject.ref), partsOf(stage));
    if (given.held) await stage.takeOver(subject.ref);
    return subject;
  };

const everything = ['answer', 'context', 'internal', 'business'] as const;
const activity = { activityId: 'act_2', name: 'reply', input: null, deadlineMs: minuteMs, claims: [] };
const through = Number.MAX_SAFE_INTEGER;

const awaiting: To = async (stage, given) => {
  if (given.held) throw new Untried('a hold leaves nothing awaiting');
  return consumed(() => ({ activities: [activity] }), ['answer'])(stage, given);
};

const answered: To = async (stage, given) => {
  if (given.kind) throw new Untried('only what wants an answer gets one');
  const subject = await open(stage, {});
  const sends = await stage.answer(subject.ref, 'an answer');
  await progress(stage, nth(sends, 0), given.send);
  if (given.held) await stage.takeOver(subject.ref);
  return { ...subject, send: nth(sends, 0) };
};

function flagging(stage: Stage): CommitParts {
  const flagId = stage.id('flg');
  return {
    flags: [{ flagId, reason: 'unexpected', detail: null }],
    ends: [{ end: 'flagged', endRef: flagId, through }],
  };
}

const byRule: CommitParts = { ends: [{ end: 'noAnswerNeeded', endRef: 'rule', through }] };

const cost = { currency: 'USD', amountMicros: 1, onUncertain: 'lookup', late: 'discard' } as const;

/** A turn begins paid work, the provider may have been asked, and the conversation is merged away. */
async function losePaidWork(stage: Stage, { ref }: Subject): Promise<void> {
  const paid = { ...activity, activityId: 'act_paid', name: 'draw', cost };
  await stage.say('draw', { from: customer });
  await stage.turnIfAny(ref, { ends: [], activities: [paid] });
  const { nowMs } = stage;
  await stage.store.beginAttempt({ ref, activityId: 'act_paid', ownerId: owner, nowMs });
  await stage.merge('lost');
}

/** The event that stands first is poison. */
function burying(stage: Stage, deadLetterId: string, position: number): CommitParts {
  const { flags } = flagging(stage);
  return {
    consumed: [{ position, end: 'deadLetter' }],
    deadLetters: [{ deadLetterId, position, fault: 'guard threw' }],
    ...(flags === undefined ? {} : { flags }),
  };
}

const deadLetter: To = async (stage, given) => {
  const subject = await open(stage, without(given, 'held'));
  const deadLetterId = stage.id('dlt');
  const position = Number(rowOf(stage, subject)?.position);
  await stage.commit(await stage.take(subject.ref), burying(stage, deadLetterId, position));
  if (given.held) await stage.takeOver(subject.ref);
  return { ...subject, deadLetterId };
};

const seen: To = async (stage, given) => {
  if (given.kind) throw new Untried('an operator sees what wants an answer');
  const send = await earlierSend(stage, given);
  const ref = await stage.say('a person, please', { from: customer });
  await stage.takeOver(ref);
  await stage.append(message(stage));
  if (given.word === 'before') await stage.echo();
  return { ref, key: messageKey, send, deadLetterId: 'dlt_none' };
};

/** Open or awaiting when the operator took over. */
const seenAtTakeOver =
  (from: To): To =>
  async (stage, given) => {
    if (given.kind || given.word === 'after') return seen(stage, given);
    const subject = await from(stage, without(given, 'word', 'held'));
    await stage.takeOver(subject.ref);
    return subject;
  };

const states: Lifecycle<Subject, Given>['states'] = {
  open,
  awaiting,
  answered,
  flagged: consumed(flagging, ['answer']),
  deadLetter,
  seenByOperator: [seen, seenAtTakeOver(open), seenAtTakeOver(awaiting)],
  noAnswerNeeded: consumed(() => byRule, everything),
  gone: async (stage, given) => {
    const subject = await consumed(() => byRule, everything)(stage, given);
    await stage.retention();
    return subject;
  },
};

// --- inputs ---------------------------------------------------------------------------------------------------------

type Try = Attempt<Subject, Partial<Given>>;

/** A turn consumes the event; where it is not open the batch does not hold it, and a turn names it all the same. */
const turn = (end: EventEnd, partsOf: (stage: Stage, position: number) => CommitParts, given = {}): Try => ({
  given,
  async apply(stage, subject) {
    const position = Number(rowOf(stage, subject)?.position ?? 1);
    await stage.say('one more', { from: customer });
    const [taken] = await stage.store.takeConversations({
      refs: [subject.ref],
      ownerId: owner,
      nowMs: stage.nowMs,
    });
    if (taken?.outcome !== 'taken') throw new Untried('an operator holds the conversation');
    const others = taken.events.filter((event) => event.position !== position);
    const parts = partsOf(stage, position);
    await stage.store.commitTurn(
      stage.commitOf(taken, {
        ...parts,
        consumed: [
          ...others.map((event) => ({ position: event.position, end: 'deadLetter' as const })),
          { position, end },
        ],
        deadLetters: [
          ...others.map((event) => ({ deadLetterId: stage.id('dlt'), position: event.position, fault: 'x' })),
          ...(parts.deadLetters ?? []),
        ],
      }),
    );
  },
});

/** A later turn over another message. */
const laterTurn = (partsOf: (stage: Stage) => CommitParts): Try => ({
  async apply(stage, subject) {
    const [taken] = await stage.store.takeConversations({
      refs: [await stage.say('one more', { from: customer })],
      ownerId: owner,
      nowMs: stage.nowMs,
    });
    if (taken?.outcome !== 'taken') return;
    const position = Number(rowOf(stage, subject)?.position ?? 0);
    const others = taken.events.filter((event) => event.position !== position);
    const consumedOthers = others.map((event) => ({ position: event.position, end: 'awaiting' as const }));
    await stage.commit(taken, { ...partsOf(stage), consumed: consumedOthers });
  },
});

const answering = (stage: Stage): CommitParts => {
  const send = stage.newSend('an answer');
  return { sends: [send], ends: [{ end: 'answered', endRef: send.sendId, through }] };
};

const takeOvers: Try[] = [
  { apply: (stage, { ref }) => stage.takeOver(ref) },
  { apply: (stage) => stage.echo() },
  {
    async apply(stage, { ref }) {
      const sends = [stage.newSend('a person here', { origin: 'operator' })];
      await stage.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: stage.nowMs });
    },
  },
];

const handOff: Try = {
  async apply(stage, subject) {
    const ref = await stage.say('a person, please', { from: customer });
    const position = Number(rowOf(stage, subject)?.position ?? 0);
    const [taken] = await stage.store.takeConversations({ refs: [ref], ownerId: owner, nowMs: stage.nowMs });
    if (taken?.outcome !== 'taken') return;
    const others = taken.events.filter((event) => event.position !== position);
    const consumedOthers = others.map((event) => ({ position: event.position, end: 'awaiting' as const }));
    await stage.commit(taken, { consumed: consumedOthers, handOff: true });
  },
};

async function withdraw(stage: Stage, { send }: Subject) {
  if (send === null) throw new Untried('there is no send');
  const { tenantId } = send.ref;
  const verdict = 'withdraw' as const;
  await stage.store.resolveSend({ tenantId, sendId: send.sendId, verdict, by: 'ann', nowMs: stage.nowMs });
}

async function comesBack(stage: Stage, { send }: Subject) {
  if (send === null) throw new Untried('there is no send');
  const later = { kind: 'retryLater' as const, atMs: stage.nowMs, pace: null, countsAsAttempt: true };
  await stage.settle({ send, attempt: 1 }, { ...later, errorCode: 130_429 });
}

/** A copy stands at the end of the mailbox, open, also where an operator holds the conversation. */
async function redrive(stage: Stage, { deadLetterId }: Subject) {
  await stage.store.redriveDeadLetter({ tenantId: 'acme', deadLetterId, by: 'ann', nowMs: stage.nowMs });
  const copy = stage.row('SELECT end FROM event WHERE dedupe_key = ?', `redrive:${deadLetterId}`);
  expect(copy).toEqual({ end: null });
}

const restored: Try = { apply: (stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs }) };

const inputs: Lifecycle<Subject, Given>['inputs'] = {
  'turn: takes it, an activity answers': turn('awaiting', () => ({ activities: [activity] })),
  'turn: answers it': turn('awaiting', answering),
  'turn: flags it': turn('awaiting', flagging),
  'turn: no answer, by a rule': turn('awaiting', () => byRule),
  'turn: it wants no answer': (['context', 'internal', 'business'] as const).map((kind) =>
    turn('noAnswerNeeded', () => ({}), { kind }),
  ),
  'turn: the dialog throws': turn('deadLetter', (stage, position) =>
    burying(stage, stage.id('dlt'), position),
  ),
  'later turn: answers': laterTurn(answering),
  'later turn: flags': laterTurn(flagging),
  'later turn: no answer, by a rule': laterTurn(() => byRule),
  'turn that is not committed': {
    async apply(stage, { ref }) {
      const [taken] = await stage.store.takeConversations({
        refs: [ref],
        ownerId: owner,
        nowMs: stage.nowMs,
      });
      if (taken?.outcome !== 'taken') return;
      await stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });
      const late = await stage.store.commitTurn(stage.commitOf(taken, answering(stage)));
      expect(late).toEqual({ outcome: 'fenceOld' });
    },
  },
  'take-over or hand-off': [...takeOvers, handOff],
  'take-over, a send is queued': [takeOvers[0]!, takeOvers[1]!].map((each) => ({
    ...each,
    given: { send: 'queued' as const },
  })),
  'take-over or hand-off, context kind': [...takeOvers, handOff].map((each) => ({
    ...each,
    given: { kind: 'context' as const },
  })),
  'take-over or hand-off, end of an activity': [...takeOvers, handOff].map((each) => ({
    ...each,
    given: { kind: 'internal' as const },
  })),
  'take-over or hand-off, told by the business': [...takeOvers, handOff].map((each) => ({
    ...each,
    given: { kind: 'business' as const },
  })),
  'hand-back, after the last word': {
    given: { held: true, word: 'after' },
    apply: (stage, { ref }) => stage.handBack(ref),
  },
  'hand-back, before the last word': {
    given: { held: true, word: 'before' },
    apply: (stage, { ref }) => stage.handBack(ref),
  },
  'a send ends badly': {
    given: { send: 'sending' },
    async apply(stage, subject) {
      if (subject.send === null) throw new Untried('there is no send');
      const outcome = { kind: 'refused' as const, errorCode: 131_026, reason: 'undeliverable' };
      await stage.settle({ send: subject.send, attempt: 1 }, outcome);
    },
  },
  'a send is withdrawn by a person': { given: { send: 'uncertain' }, apply: withdraw },
  'a send comes back, taken over': {
    given: { send: 'sending', held: true },
    apply: comesBack,
  },
  'a send comes back, handed back': {
    given: { send: 'sending', held: true, word: 'before' },
    async apply(stage, subject) {
      await stage.handBack(subject.ref);
      await comesBack(stage, subject);
      const flags = await stage.store.listFlags({ open: true, max: 9 });
      expect(flags.map((flag) => flag.reason)).toContain('tookOver');
    },
  },
  'it arrives again': [
    { apply: (stage) => stage.append(message(stage)) },
    {
      given: { kind: 'business' },
      only: ['open', 'deadLetter', 'noAnswerNeeded', 'gone'],
      apply: (stage, { ref }) => tell(stage, ref),
    },
  ],
  'merge, its side is lost': { apply: (stage) => stage.merge('lost') },
  'merge, its side is lost, end of an activity': {
    given: { kind: 'internal' },
    apply: (stage) => stage.merge('lost'),
  },
  'merge, its side is lost, told by the business': {
    given: { kind: 'business' },
    apply: (stage) => stage.merge('lost'),
  },
  'merge, its side is lost, paid work was begun': { apply: losePaidWork },
  'merge, its side survives': { apply: (stage) => stage.merge('survives') },
  'merge, the other side is held': [
    { apply: (stage) => stage.merge('lost', true) },
    { apply: (stage) => stage.merge('survives', true) },
  ],
  'a person redrives it': [
    { apply: redrive },
    { given: { held: true }, only: ['deadLetter'], apply: redrive },
  ],
  'process dies': {
    apply: (stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true }),
  },
  'after a restore': restored,
  'after a restore, context kind': { ...restored, given: { kind: 'context' } },
  'after a restore, end of an activity': { ...restored, given: { kind: 'internal' } },
  'after a restore, told by the business': { ...restored, given: { kind: 'business' } },
  'the contact is erased': [
    { apply: (stage) => stage.erase() },
    ...(['context', 'internal', 'business'] as const).map((kind) => ({
      given: { kind },
      only: ['open', 'noAnswerNeeded'],
      apply: (stage: Stage) => stage.erase(),
    })),
  ],
  'the contact is erased, a send has not left': (['queued', 'sending', 'uncertain'] as const).map((send) => ({
    given: { send },
    apply: (stage) => stage.erase(),
  })),
  retention: { apply: (stage) => stage.retention() },
};

walk<Subject, Given>({ page: 'event', table: 'input', states, inputs, stateOf, rowOf });

describe('events', () => {
  walksEveryStatement('event', ['end', 'conversation_id']);

  test('the ends of the page are those that the schema allows, and the classes those of the code', async () => {
    const stage = openStage();
    const ends = readPage('event')
      .table('input')
      .states.filter((state) => state !== 'open' && state !== 'gone');
    expect(stage.allowed('event', 'end')).toEqual(ends);
    expect(stage.allowed('event', 'class').sort()).toEqual([...new Set(Object.values(answerClassOf))].sort());
    await stage.close();
  });
});
