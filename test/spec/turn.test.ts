/** The page of the turn against the store, cell by cell; `^` is a fence that rose. */
import { describe, expect } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Lease, TurnCommit } from '#core/ports/store.ts';
import {
  type CommitParts,
  minuteMs,
  otherOwner,
  owner,
  phoneNumber,
} from '#testing/store-conformance/scene.ts';
import { customer, type Stage } from './stage.ts';
import { type Attempt, type Lifecycle, type Way, walk, walksEveryStatement } from './walk.ts';

interface Subject {
  ref: ConversationRef;
  /** Of the turn that runs or that ran last. */
  lease: Lease;
}

interface Given {
  /** What comes while the turn runs: nothing, a message, a message that has its quiet time. Absent: any of them. */
  meanwhile: 'nothing' | 'message' | 'quiet';
}

type To = Way<Subject, Partial<Given>>;

const activityId = 'act_1';
/** Longer than a lease, so that one can end within the other. */
const quiet = phoneNumber({ quietMs: minuteMs, quietMaxMs: 5 * minuteMs });

const rowOf = (stage: Stage, { ref }: Subject) => stage.conversation(ref);

function stateOf(stage: Stage, { ref }: Subject): string {
  const row = stage.conversation(ref);
  if (row === undefined) return 'missing';
  if (row.merged_into !== null) return 'merged';
  if (row.holder === 'operator') return 'held';
  if (row.lease_owner !== null) return Number(row.lease_until_ms) > stage.nowMs ? 'leased' : 'expired';
  const open = stage.row('SELECT 1 FROM event WHERE conversation_id = ? AND end IS NULL', ref.conversationId);
  // A due time that is left over would make the next message skip its quiet time.
  if (open === undefined) return row.due_at_ms === null ? 'idle' : 'idle, but due';
  return row.due_at_ms !== null && Number(row.due_at_ms) > stage.nowMs ? 'later' : 'due';
}

// --- ways into the states -------------------------------------------------------------------------------------------

/** A turn has run; the activity that it started still runs. */
const idle: To = async (stage) => {
  const ref = await stage.say('hello', { from: customer });
  const taken = await stage.take(ref);
  const activity = { activityId, name: 'x', input: null, deadlineMs: minuteMs, claims: [] };
  await stage.commit(taken, { activities: [activity], ends: byRule });
  return { ref, lease: taken.lease };
};

const byRule = [{ end: 'noAnswerNeeded' as const, endRef: 'rule', through: Number.MAX_SAFE_INTEGER }];

const due: To = async (stage) => {
  const subject = await idle(stage, {});
  await stage.say('open', { from: customer });
  return subject;
};

const quietFor: To = async (stage) => {
  const subject = await idle(stage, {});
  await stage.say('open', { from: customer, number: quiet });
  return subject;
};

const leasedWhile =
  (meanwhile: Given['meanwhile']): To =>
  async (stage) => {
    const { ref } = await due(stage, {});
    const { lease } = await stage.take(ref);
    if (meanwhile !== 'nothing')
      await stage.say('meanwhile', { from: customer, ...(meanwhile === 'quiet' ? { number: quiet } : {}) });
    return { ref, lease };
  };

const anyway = ['nothing', 'message', 'quiet'] as const;

/** The ways of which the input names one, or all. */
const leased = anyway.map(
  (meanwhile): To =>
    (stage, given) =>
      leasedWhile(given.meanwhile ?? meanwhile)(stage, given),
);

const expired = leased.map(
  (way): To =>
    async (stage, given) => {
      const subject = await way(stage, given);
      stage.advance(limits.leaseTtlMs);
      return subject;
    },
);

const then =
  (from: To, next: (stage: Stage, subject: Subject) => Promise<unknown>): To =>
  async (stage, given) => {
    const subject = await from(stage, given);
    await next(stage, subject);
    return subject;
  };

const giveBack = (stage: Stage, lease: Lease, inMs = 0) =>
  stage.store.releaseLease({ lease, nowMs: stage.nowMs + inMs });
const dies = (stage: Stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: true });
const busy = leasedWhile('nothing');

const states: Lifecycle<Subject, Given>['states'] = {
  idle,
  later: [quietFor, then(busy, (stage, { lease }) => giveBack(stage, lease, limits.sweepEveryMs))],
  due: [due, then(busy, (stage, { lease }) => giveBack(stage, lease)), then(busy, dies)],
  leased,
  expired,
  held: [
    then(idle, (stage, { ref }) => stage.takeOver(ref)),
    then(busy, (stage, { ref }) => stage.takeOver(ref)),
  ],
  merged: [then(idle, (stage) => stage.merge('lost')), then(busy, (stage) => stage.merge('lost'))],
};

// --- inputs ---------------------------------------------------------------------------------------------------------

type Try = Attempt<Subject, Partial<Given>>;

/** A commit that ends what the turn took: the one event behind which `meanwhile` may have come. */
function commitUnder(stage: Stage, { ref, lease }: Subject, parts: CommitParts | Parts): TurnCommit {
  const turn = { outcome: 'taken' as const, phoneNumberId: '100', contactId: '', dialogState: null };
  const taken = { ...turn, lease, lastFallbackAtMs: null, events: [], more: false };
  const sql = 'SELECT min(position) AS first FROM event WHERE conversation_id = ? AND end IS NULL';
  const position = Number(stage.row(sql, ref.conversationId)?.first ?? 1);
  const more = typeof parts === 'function' ? parts(position) : parts;
  return stage.commitOf(taken, { consumed: [{ position, end: 'awaiting' }], ends: byRule, ...more });
}

/** For the event at the position that the turn took. */
type Parts = (position: number) => CommitParts;

/** The dialog threw. */
const poison: Parts = (position) => ({
  consumed: [{ position, end: 'deadLetter' }],
  deadLetters: [{ deadLetterId: 'dlt_1', position, fault: 'guard threw' }],
  flags: [{ flagId: 'flg_1', reason: 'deadLetter', detail: null }],
});

/** What a commit under the subject's lease hears: that of a turn that was committed already hears it again, and writes nothing. */
function heard(stage: Stage, subject: Subject, outcome = 'committed'): string {
  const row = rowOf(stage, subject);
  const { fence, ownerId } = subject.lease;
  if (row === undefined || row.merged_into !== null) return 'fenceOld';
  if (row.fence === fence && row.lease_owner === ownerId) return outcome;
  return row.committed_fence === fence && row.committed_by === ownerId ? 'committed' : 'fenceOld';
}

/** Commits under the subject's lease, which only a conversation that is leased or expired still honours. */
const commits = (
  meanwhile: Given['meanwhile'],
  parts: CommitParts | Parts = {},
  outcome = 'committed',
): Try => ({
  given: { meanwhile },
  async apply(stage, subject) {
    const expected = heard(stage, subject, outcome);
    const committed = await stage.store.commitTurn(commitUnder(stage, subject, parts));
    expect(committed.outcome).toBe(expected);
  },
});

/** One part of the commit cannot be written: the id of its send is taken. */
const fails: Try = {
  given: { meanwhile: 'nothing' },
  async apply(stage, subject) {
    const send = stage.newSend('twice');
    const commit = commitUnder(stage, subject, { sends: [send, send] });
    if (['leased', 'expired'].includes(stateOf(stage, subject)))
      await expect(stage.store.commitTurn(commit)).rejects.toThrow();
    else expect((await stage.store.commitTurn(commit)).outcome).toBe(heard(stage, subject));
  },
};

/** What the owner of an earlier turn and another owner try with a lease that is not the newest. */
const stale: Try[] = [
  (lease: Lease): Lease => ({ ...lease, fence: lease.fence - 1 }),
  (lease: Lease): Lease => ({ ...lease, ownerId: otherOwner }),
].map((changed) => ({
  async apply(stage, { ref, lease }) {
    const subject = { ref, lease: changed(lease) };
    const commit = commitUnder(stage, subject, { sends: [stage.newSend('late')] });
    expect((await stage.store.commitTurn(commit)).outcome).toBe(heard(stage, subject));
    await giveBack(stage, changed(lease));
    expect((await stage.store.stats()).sendsByState).toEqual({});
  },
}));

const claim = { limit: 'replies', scope: 'x', windowMs: minuteMs, max: 0, amount: 1 };
const overLimit: CommitParts = {
  activities: [{ activityId: 'act_2', name: 'x', input: null, deadlineMs: 1, claims: [claim] }],
};

/** What taking a conversation says in each state. */
const outcomes: Readonly<Record<string, string>> = {
  idle: 'empty',
  later: 'notDue',
  due: 'taken',
  leased: 'leased',
  expired: 'taken',
  held: 'held',
  merged: 'gone',
};

/** What no wake announced is found: where something is open and nobody runs it. */
async function sweep(stage: Stage, subject: Subject) {
  const state = stateOf(stage, subject);
  const found = await stage.store.findWork({ ownerId: 'own_look', nowMs: stage.nowMs, max: 9 });
  const listed = found.conversations.find((each) => each.ref.conversationId === subject.ref.conversationId);
  expect(listed !== undefined).toBe(['later', 'due', 'expired'].includes(state));
  if (listed !== undefined) expect(listed.dueAtMs > stage.nowMs).toBe(state === 'later');
}

const inputs: Lifecycle<Subject, Given>['inputs'] = {
  message: { apply: (stage) => stage.say('one more', { from: customer }) },
  'message, with a quiet time': {
    apply: (stage) => stage.say('one more', { from: customer, number: quiet }),
  },
  'end of an activity': {
    apply: (stage, { ref }) =>
      stage.store.settleActivity({ ref, activityId, ownerId: owner, nowMs: stage.nowMs, result: 1 }),
  },
  'time passes': {
    async apply(stage) {
      stage.advance(minuteMs);
    },
  },
  sweep: { apply: sweep },
  take: {
    async apply(stage, subject) {
      const expected = outcomes[stateOf(stage, subject)];
      expect(await stage.takeOutcome(subject.ref, otherOwner)).toBe(expected);
    },
  },
  'commit, nothing is left': commits('nothing'),
  'commit, a message is left': commits('message'),
  'commit, a message in its quiet time is left': commits('quiet'),
  'commit with a dead letter': commits('nothing', poison),
  'commit with a hand-off': anyway.map((meanwhile) => commits(meanwhile, { handOff: true })),
  'commit, refused by a limit': commits('nothing', overLimit, 'refused'),
  'commit that cannot be written': fails,
  'commit or give-back, old fence or owner': stale,
  'given back': { apply: (stage, { lease }) => giveBack(stage, lease) },
  'given back, for later': {
    given: { meanwhile: 'nothing' },
    apply: (stage, { lease }) => giveBack(stage, lease, limits.sweepEveryMs),
  },
  'process dies': { apply: dies },
  'after a restore': { apply: (stage) => stage.store.holdAfterRestore({ nowMs: stage.nowMs }) },
  'rescue of what ran out': {
    apply: (stage) => stage.store.rescue({ ownerId: otherOwner, nowMs: stage.nowMs, all: false }),
  },
  'take-over': [{ apply: (stage, { ref }) => stage.takeOver(ref) }, { apply: (stage) => stage.echo() }],
  'hand-back': { apply: (stage, { ref }) => stage.handBack(ref) },
  'merge, its side survives': { apply: (stage) => stage.merge('survives') },
  'merge, its side is lost': { apply: (stage) => stage.merge('lost') },
  'merge, the other side is held': { apply: (stage) => stage.merge('survives', true) },
  'the contact is erased': { apply: (stage) => stage.erase() },
};

function marksOf(before: ReturnType<typeof rowOf>, after: ReturnType<typeof rowOf>): string[] {
  expect(Number(after?.fence)).toBeGreaterThanOrEqual(Number(before?.fence));
  return Number(after?.fence) > Number(before?.fence) ? ['^'] : [];
}

walk<Subject, Given>({ page: 'turn', table: 'input', states, inputs, stateOf, rowOf, marksOf });

describe('turns', () => {
  walksEveryStatement('conversation', [
    'fence',
    'lease_owner',
    'lease_until_ms',
    'due_at_ms',
    'holder',
    'merged_into',
  ]);
});
