/**
 * Turns: how takes and commits travel to the database and back. What the caller knows itself (an activity's input) is not sent
 * back to it. To commit something more, add it to the port, to `encodeCommit` and to `commits.sql`.
 */
import { limits } from '#core/limits.ts';
import type { MailboxEvent } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { showable, storableText } from '#core/model/storable.ts';
import type {
  Lease,
  NewActivity,
  RunnableActivity,
  SendRef,
  Store,
  Taken,
  TurnCommit,
  TurnCommitted,
} from '#core/ports/store.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';
import { encodeSends } from '../outbox/sends.ts';

/** In appended messages, about, with what their callers do at once when they are committed. */
const costs = { take: 2, commitTurn: 4 } as const;

export function turnMethods(db: Database): Pick<Store, 'takeConversations' | 'commitTurn' | 'releaseLease'> {
  const takes = new Group<TakeItem, TakeAnswer>(db, {
    transaction: 'takeConversations',
    function: 'take_conversations',
    shared: () => ({ leaseTtlMs: limits.leaseTtlMs, turnEventsMax: limits.turnEventsMax }),
    costOf: () => costs.take,
  });
  const commits = new Group<CommitItem, CommitAnswer>(db, {
    transaction: 'commitTurn',
    function: 'commit_turns',
    shared: () => ({ leaseTtlMs: limits.leaseTtlMs }),
    costOf: () => costs.commitTurn,
  });
  const releases = new Group<ReleaseItem, null>(db, {
    transaction: 'releaseLease',
    function: 'release_leases',
  });
  return {
    takeConversations: ({ refs, ownerId, nowMs }) =>
      Promise.all(
        refs.map(async (ref) =>
          takenOf({ ref, ownerId, nowMs }, await takes.submit({ ...ref, ownerId, nowMs })),
        ),
      ),
    commitTurn: async (commit) => committedOf(commit, await commits.submit(encodeCommit(commit))),
    releaseLease: async ({ lease: { ref, ...lease }, nowMs }) =>
      void (await releases.submit({ ...ref, ...lease, dueAtMs: nowMs })),
  };
}

interface TakeItem extends ConversationRef {
  ownerId: string;
  nowMs: number;
}

type TakeAnswer =
  | { outcome: 'leased' | 'empty' | 'held' | 'gone' | 'locked' }
  | { outcome: 'notDue'; dueAtMs: number }
  | {
      outcome: 'taken';
      fence: number;
      phoneNumberId: string;
      contactId: string;
      dialogState: string | null;
      lastFallbackAtMs: number | null;
      events: (Omit<MailboxEvent, 'content'> & { content: string })[];
      more: boolean;
      /** What runs in the conversation, where an event tells of a hand-back. */
      running: string[] | null;
    };

function takenOf(
  { ref, ownerId, nowMs }: { ref: ConversationRef; ownerId: string; nowMs: number },
  answer: TakeAnswer,
): Taken {
  if (answer.outcome === 'locked') return { outcome: 'notDue', ref, dueAtMs: nowMs + limits.lockedAgainMs };
  if (answer.outcome === 'notDue') return { outcome: 'notDue', ref, dueAtMs: answer.dueAtMs };
  if (answer.outcome !== 'taken') return { outcome: answer.outcome, ref };
  const { outcome, fence, running, events, ...rest } = answer;
  return {
    outcome,
    lease: { ref, ownerId, fence },
    ...rest,
    events: events.map(({ content, ...event }) => {
      const read = JSON.parse(content) as MailboxEvent['content'];
      return { ...event, content: event.kind === 'handedBack' ? { ...read, running: running ?? [] } : read };
    }),
  };
}

interface ReleaseItem extends ConversationRef, Omit<Lease, 'ref'> {
  dueAtMs: number;
}

/** A list that is empty is left out. */
interface CommitItem extends ConversationRef, Omit<Lease, 'ref'> {
  nowMs: number;
  [part: string]: unknown;
}

/** Throws what cannot be stored before it is in a group with others. */
function encodeCommit(commit: TurnCommit): CommitItem {
  const { ref, ownerId, fence } = commit.lease;
  const { nowMs, dialogState, stateLabel, handOff, fallbackSent, runHere, cancelledActivities } = commit;
  const positions = Map.groupBy(commit.consumed, ({ end }) => end);
  // What a turn starts and cancels itself starts nothing and reserves nothing.
  const started = commit.activities.filter(({ activityId }) => !cancelledActivities.includes(activityId));
  return {
    ...ref,
    ...{ ownerId, fence, nowMs, dialogState, stateLabel, handOff, fallbackSent, runHere },
    consumed: someOf([...positions], ([end, events]) => ({
      end,
      positions: events.map(({ position }) => position),
    })),
    sends: commit.sends.length === 0 ? undefined : encodeSends(commit.sends),
    activities: someOf(started, encodeActivity),
    cancelled: someOf(cancelledActivities, (activityId) => activityId),
    timers: someOf([...new Map(commit.timers.map((each) => [each.timerId, each])).values()], (timer) => ({
      ...timer,
      timerId: storableText(timer.timerId, 'id of a timer'),
    })),
    cancelledTimers: someOf(commit.cancelledTimers, (timerId) => timerId),
    flags: someOf(commit.flags, ({ detail, ...flag }) => ({
      ...flag,
      detail: showable(detail ?? undefined),
    })),
    deadLetters: someOf(commit.deadLetters, ({ fault, ...each }) => ({ ...each, fault: showable(fault) })),
    ends: someOf(commit.ends, (end) => end),
  };
}

function someOf<T, E>(list: readonly T[], encode: (item: T) => E): E[] | undefined {
  return list.length === 0 ? undefined : list.map(encode);
}

/** A limit without an end has no `max` there. */
function encodeActivity({ input, claims, ...activity }: NewActivity) {
  return {
    ...activity,
    input: JSON.stringify(input ?? null),
    claims: claims.map(({ max, scope, limit, ...claim }) => ({
      ...claim,
      scope: storableText(scope, 'scope of a limit'),
      limit: storableText(limit, 'name of a limit'),
      max: Number.isFinite(max) ? max : null,
    })),
  };
}

type CommitAnswer =
  | Exclude<TurnCommitted, { outcome: 'committed' }>
  | {
      outcome: 'committed';
      sends: SendRef[] | null;
      activities?: StartedActivity[] | null;
      dueAtMs?: number | null;
      /** What a hand-off ended beside what the turn itself cancelled. */
      silenced?: string[] | null;
    };

type StartedActivity = Pick<
  RunnableActivity,
  'activityId' | 'phoneNumberId' | 'contactId' | 'deadlineAtMs' | 'restarts'
>;

function committedOf(commit: TurnCommit, answer: CommitAnswer): TurnCommitted {
  if (answer.outcome !== 'committed') return answer;
  const sends = answer.sends ?? [];
  const cancelled = [...new Set([...commit.cancelledActivities, ...(answer.silenced ?? [])])];
  if (commit.handOff)
    return {
      outcome: 'committed',
      ...{ sends, activities: [], cancelled, nextTimerAtMs: null, dueAtMs: null },
    };
  const started = new Map(answer.activities?.map((each) => [each.activityId, each]));
  const { ref, fence } = commit.lease;
  const activities = commit.activities.flatMap<RunnableActivity>((activity) => {
    const row = started.get(activity.activityId);
    if (row === undefined) return [];
    const { name, input, deadlineMs, cost } = activity;
    const charge = cost === undefined ? {} : { charge: { ...cost, isUncertain: false, isOver: false } };
    return [{ ref, ...row, name, input, fence, deadlineMs, ...charge }];
  });
  const nextTimerAtMs =
    commit.timers.length === 0 ? null : Math.min(...commit.timers.map((each) => each.dueAtMs));
  return {
    outcome: 'committed',
    sends,
    activities,
    cancelled,
    nextTimerAtMs,
    dueAtMs: answer.dueAtMs ?? null,
  };
}
