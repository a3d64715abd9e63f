/**
 * Two contacts proved to be one: their conversations on each number become one, in one transaction. The one with the
 * later customer message survives with its snapshot. The other's unconsumed events are appended to it in their order,
 * its unsettled sends keep their order behind the survivor's, its timers are cancelled, its activities come too late.
 * Both fences rise, so a turn that runs on either commits nothing. Where an operator held either, one holds the
 * survivor: the bot must not answer behind a person's back.
 */
import type { Context } from '../database/context.ts';
import { cancelCharges } from '../money/ledger.ts';
import { raiseFlag } from '../operators/flags.ts';
import { fallSilent, withdrawBotSends } from '../operators/holder.ts';

interface ConversationRow {
  conversation_id: string;
  phone_number_id: string;
  position_next: number;
  ordinal_next: number;
  customer_last_at_ms: number | null;
  holder: 'bot' | 'operator';
  seen_through: number;
  fence: number;
}

const columns =
  'conversation_id, phone_number_id, position_next, ordinal_next, customer_last_at_ms, holder, seen_through, fence';
/** Index: conversation_by_contact begins with tenant and number; a contact has one conversation a number. */
const selectOfContact = `SELECT ${columns} FROM conversation WHERE tenant_id = ? AND contact_id = ? AND merged_into IS NULL ORDER BY conversation_id`;
/** Index: event_open. */
const selectOpenPositions =
  'SELECT position FROM event WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL ORDER BY position';
/** Indexes: event_open, event_awaiting. */
const selectWaitingPositions =
  "SELECT position FROM event WHERE tenant_id = ? AND conversation_id = ? AND (end IS NULL OR end = 'awaiting') ORDER BY position";
/** Index: event_open. */
const hasOpen =
  'SELECT 1 AS one FROM event WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL LIMIT 1';
/** What an operator has seen since their last word; a hand-back leaves it to the bot, so it moves, too. */
const selectSeenPositions =
  "SELECT position FROM event WHERE tenant_id = ? AND conversation_id = ? AND end = 'seenByOperator' AND position > ? ORDER BY position";
const moveEvent =
  'UPDATE event SET conversation_id = ?, position = ? WHERE tenant_id = ? AND conversation_id = ? AND position = ?';
/** Timers, results and hand-backs are words to the dialog of the lost conversation, which hears nothing more; what the business told of the customer is not. */
const endInternal =
  "UPDATE event SET end = 'noAnswerNeeded', fence = ? WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL AND class = 'internal' AND kind <> 'business'";
/** What awaited an answer of the lost conversation is asked anew in the surviving one: its activities will not answer it. */
const reopenAwaiting =
  "UPDATE event SET end = NULL, fence = NULL WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting'";
/**
 * The last turn that began paid work which the provider may have been asked for, since the first message that still awaits
 * an answer. Indexes: activity_running, ledger_entry_open, event_by_position, activity_by_id.
 */
const selectPaidFence = `SELECT max(fence) AS fence FROM (
    SELECT a.fence FROM activity a JOIN ledger_entry e ON e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id AND e.state NOT IN ('reserved','refunded')
    WHERE a.tenant_id = ?1 AND a.conversation_id = ?2 AND a.state = 'running'
    UNION ALL SELECT a.fence FROM ledger_entry e JOIN activity a ON a.tenant_id = e.tenant_id AND a.activity_id = e.activity_id
    WHERE e.tenant_id = ?1 AND a.conversation_id = ?2 AND e.state IN ('reserved','calling','uncertain','asking') AND e.state <> 'reserved'
    UNION ALL SELECT a.fence FROM event t JOIN activity a ON a.tenant_id = t.tenant_id AND a.activity_id = json_extract(t.content, '$.activityId')
    JOIN ledger_entry e ON e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id AND e.state NOT IN ('reserved','refunded')
    WHERE t.tenant_id = ?1 AND t.conversation_id = ?2 AND t.kind IN ('activityDone','activityFailed')
    AND t.position > (SELECT min(position) FROM event WHERE tenant_id = ?1 AND conversation_id = ?2 AND end = 'awaiting'))`;
/** Index: event_awaiting. */
const hasAwaited =
  "SELECT 1 AS one FROM event WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting' AND fence <= ? LIMIT 1";
const flagAwaited =
  "UPDATE event SET end = 'flagged', end_ref = ? WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting' AND fence <= ?";
const selectOpenOrdinals =
  "SELECT ordinal FROM send WHERE tenant_id = ? AND conversation_id = ? AND state IN ('queued','sending','uncertain','held') ORDER BY ordinal";
const moveSend =
  'UPDATE send SET conversation_id = ?, ordinal = ? WHERE tenant_id = ? AND conversation_id = ? AND ordinal = ?';
const dropTimers = 'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ?';
const cancelActivities =
  "UPDATE activity SET state = 'cancelled', settled_at_ms = ? WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";
/** A flag that is open on both sides is one: the survivor's counts both, the other is done. */
const addFlags = `UPDATE flag SET count = flag.count + other.count, last_at_ms = max(flag.last_at_ms, other.last_at_ms) FROM flag AS other
  WHERE flag.tenant_id = ?1 AND flag.conversation_id = ?2 AND flag.resolved_at_ms IS NULL
  AND other.tenant_id = ?1 AND other.conversation_id = ?3 AND other.resolved_at_ms IS NULL AND other.reason = flag.reason`;
const resolveDoubledFlags = `UPDATE flag SET resolved_at_ms = ?4, resolved_by = 'a merge: the same flag is open on the other conversation'
  WHERE tenant_id = ?1 AND conversation_id = ?3 AND resolved_at_ms IS NULL
  AND reason IN (SELECT reason FROM flag WHERE tenant_id = ?1 AND conversation_id = ?2 AND resolved_at_ms IS NULL)`;
const moveFlags =
  'UPDATE flag SET conversation_id = ? WHERE tenant_id = ? AND conversation_id = ? AND resolved_at_ms IS NULL';
/** The pair's pace carries what both have taken of it; what only one side remembers is kept. */
const raiseSurvivor = `UPDATE conversation SET contact_id = ?1, fence = conversation.fence + 1, lease_owner = NULL, lease_until_ms = NULL,
    position_next = ?2, ordinal_next = ?3,
    first_open_at_ms = min(coalesce(conversation.first_open_at_ms, lost.first_open_at_ms), coalesce(lost.first_open_at_ms, conversation.first_open_at_ms)),
    customer_last_at_ms = max(coalesce(conversation.customer_last_at_ms, 0), coalesce(lost.customer_last_at_ms, 0)),
    operator_last_at_ms = nullif(max(coalesce(conversation.operator_last_at_ms, 0), coalesce(lost.operator_last_at_ms, 0)), 0),
    fallback_last_at_ms = nullif(max(coalesce(conversation.fallback_last_at_ms, 0), coalesce(lost.fallback_last_at_ms, 0)), 0),
    pair_tat_ms = max(conversation.pair_tat_ms, ?4) + max(lost.pair_tat_ms - ?4, 0),
    pair_failures = max(conversation.pair_failures, lost.pair_failures), pair_until_ms = max(conversation.pair_until_ms, lost.pair_until_ms)
  FROM conversation AS lost
  WHERE conversation.tenant_id = ?5 AND conversation.conversation_id = ?6 AND lost.tenant_id = ?5 AND lost.conversation_id = ?7`;
const setDue = `UPDATE conversation SET due_at_ms = ?3, first_open_at_ms = CASE WHEN ?3 IS NULL THEN NULL ELSE first_open_at_ms END
  WHERE tenant_id = ?1 AND conversation_id = ?2`;
const hold = `UPDATE conversation SET holder = 'operator', held_by = coalesce(conversation.held_by, lost.held_by),
    held_since_ms = coalesce(conversation.held_since_ms, lost.held_since_ms), seen_through = ?, due_at_ms = NULL, first_open_at_ms = NULL
  FROM conversation AS lost WHERE conversation.tenant_id = ? AND conversation.conversation_id = ? AND lost.tenant_id = ? AND lost.conversation_id = ?`;
const retire = `UPDATE conversation SET merged_into = ?, fence = fence + 1, lease_owner = NULL, lease_until_ms = NULL, due_at_ms = NULL
  WHERE tenant_id = ? AND conversation_id = ?`;
/** The stale holder of a conversation that is gone would keep it on the list of idle holds. */
const letGo = "UPDATE conversation SET holder = 'bot' WHERE tenant_id = ? AND conversation_id = ?";
/** Index: conversation_merged. Earlier aliases lead to the survivor in one step. */
const repointAliases = 'UPDATE conversation SET merged_into = ? WHERE tenant_id = ? AND merged_into = ?';
const repoint = 'UPDATE conversation SET contact_id = ? WHERE tenant_id = ? AND conversation_id = ?';
const addCountersSql = `INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used, refused, refused_units, returned, max_last, unit)
  SELECT tenant_id, limit_name, ?, window_start_ms, window_end_ms, used, refused, refused_units, returned, max_last, unit FROM limit_counter WHERE tenant_id = ? AND scope = ?
  ON CONFLICT (tenant_id, limit_name, scope, window_start_ms) DO UPDATE SET used = used + excluded.used, refused = refused + excluded.refused,
  refused_units = refused_units + excluded.refused_units, returned = returned + excluded.returned`;
const deleteCounters = 'DELETE FROM limit_counter WHERE tenant_id = ? AND scope = ?';

/** Merges the conversations of `otherId` into those of `intoId`; returns the conversations that have something to do. */
export function mergeConversations(
  context: Context,
  tenantId: string,
  intoId: string,
  otherId: string,
  nowMs: number,
): string[] {
  const mine = context.db.all<ConversationRow>(selectOfContact, tenantId, intoId);
  const touched: string[] = [];
  for (const other of context.db.all<ConversationRow>(selectOfContact, tenantId, otherId)) {
    const own = mine.find((each) => each.phone_number_id === other.phone_number_id);
    if (own === undefined) {
      context.db.run(repoint, intoId, tenantId, other.conversation_id);
      continue;
    }
    const [survivor, loser] =
      (own.customer_last_at_ms ?? 0) >= (other.customer_last_at_ms ?? 0) ? [own, other] : [other, own];
    absorb(context, tenantId, intoId, survivor, loser, nowMs);
    touched.push(survivor.conversation_id);
  }
  return touched;
}

/** What was counted for one scope counts for the other from now on. */
export function addCounters(context: Context, tenantId: string, fromScope: string, toScope: string): void {
  context.db.run(addCountersSql, toScope, tenantId, fromScope);
  context.db.run(deleteCounters, tenantId, fromScope);
}

function absorb(
  context: Context,
  tenantId: string,
  contactId: string,
  survivor: ConversationRow,
  loser: ConversationRow,
  nowMs: number,
): void {
  const { db } = context;
  const into = survivor.conversation_id;
  const from = loser.conversation_id;
  leavePaidToPerson(context, tenantId, from, nowMs);
  db.run(endInternal, loser.fence, tenantId, from);
  db.run(retire, into, tenantId, from);
  db.run(repointAliases, into, tenantId, from);
  const position = moveEvents(context, tenantId, survivor, loser, nowMs);
  const ordinal = moveSends(context, tenantId, survivor, loser);
  db.run(dropTimers, tenantId, from);
  db.run(cancelActivities, nowMs, tenantId, from);
  cancelCharges(context, { tenantId, conversationId: from }, nowMs);
  db.run(addFlags, tenantId, into, from);
  db.run(resolveDoubledFlags, tenantId, into, from, nowMs);
  db.run(moveFlags, into, tenantId, from);
  addCounters(context, tenantId, from, into);
  db.run(raiseSurvivor, contactId, position, ordinal, nowMs, tenantId, into, from);
  settleHolder(context, tenantId, survivor, loser, nowMs);
}

/**
 * What awaits the result of paid work would be asked anew and paid for a second time (I7), while its first result comes too
 * late for anybody. So it ends here, and a person is asked.
 */
function leavePaidToPerson(context: Context, tenantId: string, conversationId: string, nowMs: number): void {
  const { db } = context;
  const fence = db.get<{ fence: number | null }>(selectPaidFence, tenantId, conversationId)?.fence ?? null;
  if (fence === null || db.get(hasAwaited, tenantId, conversationId, fence) === undefined) return;
  const detail = 'paid work was under way when two contacts proved to be one; its result comes too late';
  const flagId = raiseFlag(context, { tenantId, conversationId }, 'paidWorkCutOff', detail, nowMs);
  db.run(flagAwaited, flagId, tenantId, conversationId, fence);
}

function moveEvents(
  context: Context,
  tenantId: string,
  survivor: ConversationRow,
  loser: ConversationRow,
  nowMs: number,
): number {
  const { db } = context;
  const from = loser.conversation_id;
  const into = survivor.conversation_id;
  let position = survivor.position_next;
  // A hold reaches the survivor: a hand-back leaves to its dialog anew what it was about to answer, so that stands anew, too.
  if (loser.holder === 'operator' && survivor.holder === 'bot') {
    leavePaidToPerson(context, tenantId, into, nowMs);
    for (const row of db.all<{ position: number }>(selectWaitingPositions, tenantId, into))
      db.run(moveEvent, into, position++, tenantId, into, row.position);
  }
  db.run(reopenAwaiting, tenantId, from);
  const open = db.all<{ position: number }>(selectOpenPositions, tenantId, from);
  const seen =
    loser.holder === 'operator'
      ? db.all<{ position: number }>(selectSeenPositions, tenantId, from, loser.seen_through)
      : [];
  for (const row of [...open, ...seen].sort((a, b) => a.position - b.position))
    db.run(moveEvent, into, position++, tenantId, from, row.position);
  return position;
}

function moveSends(
  context: Context,
  tenantId: string,
  survivor: ConversationRow,
  loser: ConversationRow,
): number {
  let ordinal = survivor.ordinal_next;
  for (const row of context.db.all<{ ordinal: number }>(
    selectOpenOrdinals,
    tenantId,
    loser.conversation_id,
  )) {
    context.db.run(
      moveSend,
      survivor.conversation_id,
      ordinal++,
      tenantId,
      loser.conversation_id,
      row.ordinal,
    );
  }
  return ordinal;
}

/** Due at once where the bot holds it and something is open; held where either was. */
function settleHolder(
  context: Context,
  tenantId: string,
  survivor: ConversationRow,
  loser: ConversationRow,
  nowMs: number,
): void {
  const { db } = context;
  const into = survivor.conversation_id;
  if (survivor.holder === 'bot' && loser.holder === 'bot') {
    const isDue = db.get(hasOpen, tenantId, into) !== undefined;
    db.run(setDue, tenantId, into, isDue ? nowMs : null);
    return;
  }
  // Nobody has seen what is open on the other side yet: a hand-back leaves it to the bot.
  const seenThrough = survivor.holder === 'operator' ? survivor.seen_through : survivor.position_next - 1;
  withdrawBotSends(context, { tenantId, conversationId: into }, nowMs);
  fallSilent(context, { tenantId, conversationId: into }, survivor.fence, nowMs);
  db.run(hold, seenThrough, tenantId, into, tenantId, loser.conversation_id);
  db.run(letGo, tenantId, loser.conversation_id);
}
