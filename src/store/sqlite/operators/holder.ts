/**
 * Who holds a conversation: the bot or an operator. Taking over raises the fence, so a turn under way commits
 * nothing; it withdraws what the bot has not yet sent and cancels what it has running. Handing back gives the dialog
 * one event and leaves the messages after the operator's last word to the bot. "After" is told by positions and not by
 * clocks: a message of the same millisecond, or after a clock stepped back, must be neither lost nor answered twice.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { Context } from '../database/context.ts';
import { cancelCharges } from '../money/ledger.ts';
import { seeInsteadOfAnswered } from '../outbox/sends.ts';

const selectHolder =
  'SELECT holder, position_next, seen_through, fence FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND merged_into IS NULL';
const setOperator = `UPDATE conversation SET holder = 'operator', held_by = ?, held_since_ms = ?, seen_through = position_next - 1,
  fence = fence + 1, lease_owner = NULL, lease_until_ms = NULL, due_at_ms = NULL, first_open_at_ms = NULL WHERE tenant_id = ? AND conversation_id = ?`;
/** In the place of an operator, where a restore found something open and nobody has looked at it. */
export const unseenHolder = 'nobody yet: the store was restored from a backup';
/** Whoever takes what nobody had seen has seen it from then on. */
const setHeldBy = `UPDATE conversation SET seen_through = iif(held_by = '${unseenHolder}', position_next - 1, seen_through), held_by = ?
  WHERE tenant_id = ? AND conversation_id = ? AND holder = 'operator'`;
const setSeenThrough = 'UPDATE conversation SET seen_through = ? WHERE tenant_id = ? AND conversation_id = ?';
const setBot = `UPDATE conversation SET holder = 'bot', held_by = NULL, held_since_ms = NULL, fence = fence + 1, position_next = ?, due_at_ms = ?, first_open_at_ms = ?
  WHERE tenant_id = ? AND conversation_id = ?`;
const noteWord =
  'UPDATE conversation SET operator_last_at_ms = ?, seen_through = position_next - 1 WHERE tenant_id = ? AND conversation_id = ?';
const selectQueued = `SELECT send_id FROM send WHERE tenant_id = ? AND conversation_id = ? AND state = 'queued' AND origin <> 'operator'`;
const withdrawQueued = `UPDATE send SET state = 'withdrawn', why = 'an operator took over', updated_at_ms = ?
  WHERE tenant_id = ? AND conversation_id = ? AND state = 'queued' AND origin <> 'operator'`;
/** What is on the wire may come back unsent; then it must not leave behind the operator's back. */
const withdrawOnReturn = `UPDATE send SET withdraw_on_return = 1
  WHERE tenant_id = ? AND conversation_id = ? AND state IN ('sending','uncertain') AND origin <> 'operator'`;
const selectRunning =
  "SELECT activity_id FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";
const cancelRunning =
  "UPDATE activity SET state = 'cancelled', settled_at_ms = ? WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";
/** A paid result that no turn has taken is kept, where its activity wants that. */
const keepUnseen = `UPDATE activity SET reuse = 'waiting' WHERE tenant_id = ?1 AND reuse IS NULL AND result IS NOT NULL
  AND activity_id IN (SELECT substr(dedupe_key, length('activity:') + 1) FROM event
    WHERE tenant_id = ?1 AND conversation_id = ?2 AND end IS NULL AND kind = 'activityDone')
  AND EXISTS (SELECT 1 FROM ledger_entry e WHERE e.tenant_id = ?1 AND e.activity_id = activity.activity_id AND e.late = 'reuse')`;
const dropTimers = 'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ?';
/** What the bot had not answered is the operator's from now on. */
const seeAwaiting =
  "UPDATE event SET end = 'seenByOperator' WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting'";
/** A result that no turn has taken comes too late, like that of an activity that still runs: it must not be said after a hand-back. */
const seeOpen = `UPDATE event SET end = CASE class WHEN 'answer' THEN 'seenByOperator' ELSE 'noAnswerNeeded' END, fence = ?
  WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL AND (class <> 'internal' OR kind IN ('activityDone','activityFailed'))`;
const reopenSeen = `UPDATE event SET end = NULL, fence = NULL
  WHERE tenant_id = ? AND conversation_id = ? AND end = 'seenByOperator' AND position > ?`;
const insertHandedBack = `INSERT INTO event (tenant_id, conversation_id, position, kind, class, sent_at_ms, received_at_ms, content)
  VALUES (?, ?, ?, 'handedBack', 'internal', ?, ?, ?)`;

interface HolderRow {
  holder: 'bot' | 'operator';
  position_next: number;
  seen_through: number;
  fence: number;
}

export function holderOf(context: Context, ref: ConversationRef): HolderRow | undefined {
  return context.db.get<HolderRow>(selectHolder, ref.tenantId, ref.conversationId);
}

/** Makes an operator the holder; null where one holds it already or there is no such conversation. */
export function takeOverConversation(
  context: Context,
  ref: ConversationRef,
  by: string,
  nowMs: number,
): { withdrawn: number; cancelled: string[] } | null {
  const row = holderOf(context, ref);
  if (row === undefined) return null;
  const { db } = context;
  const { tenantId, conversationId } = ref;
  if (row.holder === 'operator') {
    db.run(setHeldBy, by, tenantId, conversationId);
    return null;
  }
  const withdrawn = withdrawBotSends(context, ref, nowMs);
  const cancelled = fallSilent(context, ref, row.fence, nowMs);
  db.run(setOperator, by, nowMs, tenantId, conversationId);
  return { withdrawn, cancelled };
}

/**
 * Makes nobody in particular the holder of what the bot holds, after a restore; its sends stay what they are. A hand-back
 * leaves messages from `firstUnanswered` on to the bot, unless somebody takes the conversation or writes in it before.
 */
export function holdUnseen(
  context: Context,
  ref: ConversationRef,
  { firstUnanswered, nowMs }: { firstUnanswered: number; nowMs: number },
): void {
  const row = holderOf(context, ref);
  if (row === undefined || row.holder === 'operator') return;
  const { tenantId, conversationId } = ref;
  fallSilent(context, ref, row.fence, nowMs);
  context.db.run(setOperator, unseenHolder, nowMs, tenantId, conversationId);
  context.db.run(setSeenThrough, Math.max(row.seen_through, firstUnanswered - 1), tenantId, conversationId);
}

/** Takes back what the bot has not sent; what those sends answered is the operator's. Returns how many. */
export function withdrawBotSends(context: Context, ref: ConversationRef, nowMs: number): number {
  const { db } = context;
  const { tenantId, conversationId } = ref;
  for (const send of db.all<{ send_id: string }>(selectQueued, tenantId, conversationId))
    seeInsteadOfAnswered(context, ref, send.send_id);
  db.run(withdrawOnReturn, tenantId, conversationId);
  return db.run(withdrawQueued, nowMs, tenantId, conversationId);
}

/** Ends everything of the bot that is under way; what waited for it is the operator's. Returns cancelled activities. */
export function fallSilent(context: Context, ref: ConversationRef, fence: number, nowMs: number): string[] {
  const { db } = context;
  const { tenantId, conversationId } = ref;
  const cancelled = db.all<{ activity_id: string }>(selectRunning, tenantId, conversationId);
  db.run(cancelRunning, nowMs, tenantId, conversationId);
  cancelCharges(context, ref, nowMs);
  db.run(keepUnseen, tenantId, conversationId);
  db.run(dropTimers, tenantId, conversationId);
  db.run(seeAwaiting, tenantId, conversationId);
  db.run(seeOpen, fence, tenantId, conversationId);
  return cancelled.map((each) => each.activity_id);
}

/** Somebody of the business spoke: what came before has been seen by them. */
export function noteOwnersWord(context: Context, ref: ConversationRef, nowMs: number): void {
  context.db.run(noteWord, nowMs, ref.tenantId, ref.conversationId);
}

/** Gives the conversation back to the bot; null where the bot holds it already. */
export function handBackConversation(
  context: Context,
  ref: ConversationRef,
  transcript: { role: 'customer' | 'operator' | 'bot'; text: string }[],
  nowMs: number,
): { reopened: number } | null {
  const row = holderOf(context, ref);
  if (row === undefined || row.holder === 'bot') return null;
  const { db } = context;
  const reopened = db.run(reopenSeen, ref.tenantId, ref.conversationId, row.seen_through);
  db.run(
    insertHandedBack,
    ref.tenantId,
    ref.conversationId,
    row.position_next,
    nowMs,
    nowMs,
    JSON.stringify({ transcript }),
  );
  db.run(setBot, row.position_next + 1, nowMs, nowMs, ref.tenantId, ref.conversationId);
  return { reopened };
}

/** The dialog itself asks for a person: what it just said still leaves, nothing else of it goes on. */
export function handOffConversation(context: Context, ref: ConversationRef, nowMs: number): string[] {
  const row = holderOf(context, ref);
  if (row === undefined) return [];
  const cancelled = fallSilent(context, ref, row.fence, nowMs);
  context.db.run(setOperator, 'nobody yet: the dialog handed off', nowMs, ref.tenantId, ref.conversationId);
  return cancelled;
}
