/**
 * Turns: take a conversation under a lease with a new fence, and commit what the turn made of its events, all or
 * nothing, only under the newest fence. Limits are judged inside the commit, before anything of it is written; a
 * refusal commits nothing and leaves the lease, so that the turn can be run again with the refusals.
 */
import { limits } from '#core/limits.ts';
import type { MailboxEvent } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendRef, Taken, TurnCommit, TurnCommitted } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { judgeClaims } from '../money/limits.ts';
import { cancelActivities, runnableOf, startsOf, writeStarts } from '../money/starts.ts';
import { raiseFlag } from '../operators/flags.ts';
import { handOffConversation } from '../operators/holder.ts';
import { insertSends } from '../outbox/sends.ts';

const selectForTake = `SELECT phone_number_id, contact_id, fence, lease_owner, lease_until_ms, due_at_ms, first_open_at_ms, dialog_state, holder, fallback_last_at_ms
  FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND merged_into IS NULL`;
/** Index: event_open. */
const selectOpen = `SELECT position, kind, wamid, sent_at_ms, received_at_ms, content FROM event
  WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL ORDER BY position LIMIT ?`;
const lease = `UPDATE conversation SET fence = ?, lease_owner = ?, lease_until_ms = ?, due_at_ms = NULL, first_open_at_ms = CASE WHEN ? THEN first_open_at_ms END
  WHERE tenant_id = ? AND conversation_id = ?`;
const selectForCommit =
  'SELECT fence, lease_owner, phone_number_id, contact_id, ordinal_next, due_at_ms, held_since_ms, committed_fence, committed_by FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND merged_into IS NULL';
const consume =
  'UPDATE event SET end = ?, fence = ? WHERE tenant_id = ? AND conversation_id = ? AND position = ? AND end IS NULL';
/** Index: event_awaiting. */
const endAwaiting = `UPDATE event SET end = ?, end_ref = ?
  WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting' AND position <= ? AND position NOT IN (SELECT value FROM json_each(?))`;
const upsertTimer = `INSERT INTO timer (tenant_id, conversation_id, timer_id, token, due_at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, conversation_id, timer_id) DO UPDATE SET token = excluded.token, due_at_ms = excluded.due_at_ms`;
const deleteTimer = 'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ? AND timer_id = ?';
const insertDeadLetter =
  'INSERT INTO dead_letter (tenant_id, dead_letter_id, conversation_id, position, fault, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)';
const hasOpen =
  'SELECT 1 AS one FROM event WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL LIMIT 1';
const finish = `UPDATE conversation SET dialog_state = ?, state_label = ?, due_at_ms = ?, first_open_at_ms = CASE WHEN ? IS NULL THEN NULL ELSE first_open_at_ms END,
  lease_owner = NULL, lease_until_ms = NULL, ordinal_next = ?, committed_fence = ?, committed_by = ?,
  fallback_last_at_ms = coalesce(?, fallback_last_at_ms) WHERE tenant_id = ? AND conversation_id = ?`;
/** What was taken was due: a message that came since may have a quiet time, the others do not wait for it. */
const giveBack = `UPDATE conversation SET lease_owner = NULL, lease_until_ms = NULL, due_at_ms = min(coalesce(due_at_ms, ?), ?)
  WHERE tenant_id = ? AND conversation_id = ? AND fence = ? AND lease_owner = ?`;

/** What a turn sent. Index: send_by_ordinal. */
const selectSends =
  "SELECT send_id, phone_number_id, priority FROM send WHERE tenant_id = ? AND conversation_id = ? AND fence = ? AND origin <> 'operator' ORDER BY ordinal";
/** What a turn started and its owner is to run. Index: activity_running. */
const selectStarted =
  "SELECT activity_id, deadline_at_ms, restarts FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'running' AND fence = ? AND owner_id IS ?";
/** What a hand-off cancelled. Index: activity_ended. */
const selectSilenced =
  "SELECT activity_id FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'cancelled' AND settled_at_ms >= ?";
/** Index: activity_running. */
const selectRunning =
  "SELECT activity_id FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";

interface ConversationRow {
  phone_number_id: string;
  contact_id: string;
  fence: number;
  lease_owner: string | null;
  lease_until_ms: number | null;
  due_at_ms: number | null;
  first_open_at_ms: number | null;
  dialog_state: string | null;
  holder: 'bot' | 'operator';
  fallback_last_at_ms: number | null;
}

interface CommitRow {
  fence: number;
  lease_owner: string | null;
  phone_number_id: string;
  contact_id: string;
  ordinal_next: number;
  due_at_ms: number | null;
  held_since_ms: number | null;
  committed_fence: number | null;
  committed_by: string | null;
}

interface RunningRow {
  activity_id: string;
  deadline_at_ms: number;
  restarts: number;
}

interface EventRow {
  position: number;
  kind: MailboxEvent['kind'];
  wamid: string | null;
  sent_at_ms: number;
  received_at_ms: number;
  content: string;
}

export function takeConversation(
  context: Context,
  ref: ConversationRef,
  ownerId: string,
  nowMs: number,
): Taken {
  const { db } = context;
  const row = db.get<ConversationRow>(selectForTake, ref.tenantId, ref.conversationId);
  if (row === undefined) return { outcome: 'gone', ref };
  if (row.holder === 'operator') return { outcome: 'held', ref };
  if (row.lease_owner !== null && (row.lease_until_ms ?? 0) > nowMs) return { outcome: 'leased', ref };
  // What opened in the future did so before the clock was set back: it has been quiet for long enough.
  const clockWasSetBack = (row.first_open_at_ms ?? 0) > nowMs;
  // A lease that ran out holds events that were due; a later one's quiet time does not put them off.
  if (row.lease_owner === null && row.due_at_ms !== null && row.due_at_ms > nowMs && !clockWasSetBack)
    return { outcome: 'notDue', ref, dueAtMs: row.due_at_ms };
  const open = db.all<EventRow>(selectOpen, ref.tenantId, ref.conversationId, limits.turnEventsMax + 1);
  if (open.length === 0) return { outcome: 'empty', ref };
  const more = open.length > limits.turnEventsMax;
  const fence = row.fence + 1;
  db.run(lease, fence, ownerId, nowMs + limits.leaseTtlMs, more ? 1 : 0, ref.tenantId, ref.conversationId);
  return {
    outcome: 'taken',
    lease: { ref, ownerId, fence },
    phoneNumberId: row.phone_number_id,
    contactId: row.contact_id,
    dialogState: row.dialog_state,
    lastFallbackAtMs: row.fallback_last_at_ms,
    events: open.slice(0, limits.turnEventsMax).map((each) => ({
      position: each.position,
      kind: each.kind,
      wamid: each.wamid,
      sentAtMs: each.sent_at_ms,
      receivedAtMs: each.received_at_ms,
      content: contentOf(context, ref, each),
    })),
    more,
  };
}

/** A hand-back is read with what runs by then: earlier turns than this one may have started it since. */
function contentOf(
  { db }: Context,
  ref: ConversationRef,
  { kind, content }: EventRow,
): MailboxEvent['content'] {
  const read = JSON.parse(content) as MailboxEvent['content'];
  if (kind !== 'handedBack') return read;
  const running = db.all<{ activity_id: string }>(selectRunning, ref.tenantId, ref.conversationId);
  return { ...read, running: running.map(({ activity_id: activityId }) => activityId) };
}

export function commitTurn(context: Context, commit: TurnCommit): TurnCommitted {
  const { db } = context;
  const { ref, fence, ownerId } = commit.lease;
  const row = db.get<CommitRow>(selectForCommit, ref.tenantId, ref.conversationId);
  if (row === undefined) return { outcome: 'fenceOld' };
  if (row.fence !== fence || row.lease_owner !== ownerId) return committedBefore(context, commit, row);
  const starts = startsOf(context, commit, row.contact_id);
  const refusals = judgeClaims(context, ref.tenantId, starts.charged, commit.nowMs);
  if (refusals.length > 0) return { outcome: 'refused', refusals };
  consumeEvents(context, commit);
  const sends = insertSends(context, {
    ref,
    phoneNumberId: row.phone_number_id,
    fence,
    ordinal: row.ordinal_next,
    sends: commit.sends,
    nowMs: commit.nowMs,
  });
  const activities = writeStarts(context, commit, starts, row);
  cancelActivities(context, commit);
  writeTimers(context, commit);
  writeFlagsAndEnds(context, commit);
  const more = db.get(hasOpen, ref.tenantId, ref.conversationId) !== undefined;
  const dueAtMs = more ? (row.due_at_ms ?? commit.nowMs) : null;
  db.run(
    finish,
    commit.dialogState,
    commit.stateLabel,
    dueAtMs,
    dueAtMs,
    row.ordinal_next + commit.sends.length,
    fence,
    ownerId,
    commit.fallbackSent ? commit.nowMs : null,
    ref.tenantId,
    ref.conversationId,
  );
  const { cancelledActivities: cancelled } = commit;
  if (commit.handOff) {
    const silenced = handOffConversation(context, ref, commit.nowMs);
    const all = [...new Set([...cancelled, ...silenced])];
    return {
      outcome: 'committed',
      sends,
      activities: [],
      cancelled: all,
      nextTimerAtMs: null,
      dueAtMs: null,
    };
  }
  return {
    outcome: 'committed',
    ...{ sends, activities, cancelled, nextTimerAtMs: firstTimer(commit), dueAtMs },
  };
}

function firstTimer({ timers }: TurnCommit): number | null {
  return timers.length === 0 ? null : Math.min(...timers.map((each) => each.dueAtMs));
}

/**
 * The answer of a commit may be lost though it was committed; then the same turn is committed again, and its owner must hear
 * what was: the activities that it owns would be run by nobody. Nothing is written twice.
 */
function committedBefore({ db }: Context, commit: TurnCommit, row: CommitRow): TurnCommitted {
  const { ref, fence, ownerId } = commit.lease;
  if (row.committed_fence !== fence || row.committed_by !== ownerId) return { outcome: 'fenceOld' };
  const of = [ref.tenantId, ref.conversationId] as const;
  const sends = db
    .all<{ send_id: string; phone_number_id: string; priority: SendRef['priority'] }>(
      selectSends,
      ...of,
      fence,
    )
    .map((each) => ({
      ref,
      sendId: each.send_id,
      phoneNumberId: each.phone_number_id,
      priority: each.priority,
    }));
  const running = db.all<RunningRow>(selectStarted, ...of, fence, commit.runHere ? ownerId : null);
  const rows = new Map(running.map((each) => [each.activity_id, each]));
  const activities = commit.activities.flatMap((activity) => {
    const started = rows.get(activity.activityId);
    if (started === undefined) return [];
    const { deadline_at_ms: deadlineAtMs, restarts } = started;
    return [{ ...runnableOf(commit, activity, row), deadlineAtMs, restarts }];
  });
  const silenced = commit.handOff
    ? db.all<{ activity_id: string }>(selectSilenced, ...of, row.held_since_ms)
    : [];
  const cancelled = [
    ...new Set([...commit.cancelledActivities, ...silenced.map((each) => each.activity_id)]),
  ];
  const nextTimerAtMs = commit.handOff ? null : firstTimer(commit);
  return {
    outcome: 'committed',
    ...{ sends, activities, cancelled, nextTimerAtMs, dueAtMs: row.due_at_ms },
  };
}

/** Under the newest fence every event of the batch is still open; one that is not was consumed twice by a bug. */
function consumeEvents(context: Context, commit: TurnCommit): void {
  const { ref, fence } = commit.lease;
  for (const { position, end } of commit.consumed) {
    if (context.db.run(consume, end, fence, ref.tenantId, ref.conversationId, position) === 1) continue;
    throw new Error(
      `A turn consumed event ${position} of conversation ${ref.conversationId}, which is not open. Nothing was committed; this is a bug of the turn.`,
    );
  }
  for (const each of commit.deadLetters)
    context.db.run(
      insertDeadLetter,
      ref.tenantId,
      each.deadLetterId,
      ref.conversationId,
      each.position,
      each.fault,
      commit.nowMs,
    );
}

function writeTimers(context: Context, commit: TurnCommit): void {
  const { ref } = commit.lease;
  for (const timerId of commit.cancelledTimers)
    context.db.run(deleteTimer, ref.tenantId, ref.conversationId, timerId);
  for (const timer of commit.timers)
    context.db.run(upsertTimer, ref.tenantId, ref.conversationId, timer.timerId, timer.token, timer.dueAtMs);
}

function writeFlagsAndEnds(context: Context, commit: TurnCommit): void {
  const { ref } = commit.lease;
  const open = new Map<string, string>();
  for (const flag of commit.flags)
    open.set(flag.flagId, raiseFlag(context, ref, flag.reason, flag.detail, commit.nowMs, flag.flagId));
  for (const each of commit.ends)
    context.db.run(
      endAwaiting,
      each.end,
      open.get(each.endRef) ?? each.endRef,
      ref.tenantId,
      ref.conversationId,
      each.through,
      JSON.stringify(each.unseen ?? []),
    );
}

export function releaseLease(
  context: Context,
  input: { lease: { ref: ConversationRef; ownerId: string; fence: number }; nowMs: number },
): void {
  const { ref, ownerId, fence } = input.lease;
  context.db.run(giveBack, input.nowMs, input.nowMs, ref.tenantId, ref.conversationId, fence, ownerId);
}
