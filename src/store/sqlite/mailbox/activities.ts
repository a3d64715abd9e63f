/**
 * Ends of activities, and timers. Both become events in the mailbox, once: an activity that is no longer running
 * (cancelled, or taken by another owner after a crash) settles nothing, its result comes too late.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { ActivityOutcome, ActivitySettled } from '#core/ports/store.ts';
import type { BudgetAlert } from '#core/ports/store-money.ts';
import type { Context } from '../database/context.ts';
import { alertsOf, spentOfDay } from '../money/budget.ts';
import { openEntry, settleCharge } from '../money/ledger.ts';

/** The result stays with the activity of paid work as long as the activity does. */
const keepResult = 'UPDATE activity SET result = ?, reuse = ? WHERE tenant_id = ? AND activity_id = ?';
const selectActivity = `SELECT a.conversation_id, a.state, a.owner_id, coalesce(c.merged_into = c.conversation_id, 0) AS is_erased FROM activity a
  LEFT JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id WHERE a.tenant_id = ? AND a.activity_id = ?`;
const settle =
  'UPDATE activity SET state = ?, fault = ?, owner_id = NULL, lease_until_ms = NULL, settled_at_ms = ? WHERE tenant_id = ? AND activity_id = ?';
const takePosition = `UPDATE conversation SET position_next = position_next + 1, due_at_ms = min(coalesce(due_at_ms, ?), ?), first_open_at_ms = coalesce(first_open_at_ms, ?)
  WHERE tenant_id = ? AND conversation_id = ? AND merged_into IS NULL RETURNING position_next - 1 AS position`;
const insertEvent = `INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, sent_at_ms, received_at_ms, content)
  VALUES (?, ?, ?, ?, ?, 'internal', ?, ?, ?)`;
const addUsage = `INSERT INTO usage_day (tenant_id, day, model, calls, input_tokens, output_tokens) VALUES (?, ?, ?, 1, ?, ?)
  ON CONFLICT (tenant_id, day, model) DO UPDATE SET calls = calls + 1, input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens`;
/** Index: timer_by_due. */
const selectDueTimers =
  'SELECT tenant_id, conversation_id, timer_id, token FROM timer WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?';
const selectNextTimer = 'SELECT min(due_at_ms) AS due_at_ms FROM timer';
const deleteTimer = 'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ? AND timer_id = ?';

/** Puts an event of our own making into a mailbox; returns its position, or null where the conversation is gone. */
export function appendInternal(
  context: Context,
  ref: ConversationRef,
  kind: string,
  dedupeKey: string | null,
  content: unknown,
  nowMs: number,
): number | null {
  const row = context.db.get<{ position: number }>(
    takePosition,
    nowMs,
    nowMs,
    nowMs,
    ref.tenantId,
    ref.conversationId,
  );
  if (row === undefined) return null;
  context.db.run(
    insertEvent,
    ref.tenantId,
    ref.conversationId,
    row.position,
    dedupeKey,
    kind,
    nowMs,
    nowMs,
    JSON.stringify(content),
  );
  return row.position;
}

export function settleActivity(context: Context, outcome: ActivityOutcome): ActivitySettled {
  const { db } = context;
  const { tenantId } = outcome.ref;
  const { activityId, nowMs } = outcome;
  if (outcome.usage !== undefined) {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    db.run(
      addUsage,
      tenantId,
      day,
      outcome.usage.model,
      outcome.usage.inputTokens,
      outcome.usage.outputTokens,
    );
  }
  const row = db.get<ActivityRow>(selectActivity, tenantId, activityId);
  const alerts = settleMoney(context, outcome, row);
  if (row === undefined || row.state !== 'running' || row.owner_id !== outcome.ownerId)
    return { outcome: 'late', ...alerts };
  const failed = outcome.fault !== undefined;
  db.run(
    settle,
    failed ? 'failed' : 'done',
    failed ? JSON.stringify(outcome.fault) : null,
    nowMs,
    tenantId,
    activityId,
  );
  const content = failed ? { activityId, fault: outcome.fault } : { activityId, result: outcome.result };
  const position = appendInternal(
    context,
    { tenantId, conversationId: row.conversation_id },
    failed ? 'activityFailed' : 'activityDone',
    `activity:${activityId}`,
    content,
    nowMs,
  );
  return position === null ? { outcome: 'late', ...alerts } : { outcome: 'stored', position, ...alerts };
}

interface ActivityRow {
  conversation_id: string;
  state: string;
  owner_id: string | null;
  is_erased: number;
}

/** The entry of paid work ends with it, whether somebody still waits for its result or not; the result is kept, unless its contact was erased. */
function settleMoney(
  context: Context,
  outcome: ActivityOutcome,
  activity: ActivityRow | undefined,
): { alerts?: BudgetAlert[] } {
  const { activityId, ownerId } = outcome;
  const { tenantId } = outcome.ref;
  const entry = openEntry(context, tenantId, activityId);
  if (activity === undefined || entry?.owner_id !== ownerId) return {};
  const { day } = entry;
  const before = spentOfDay(context, tenantId, day, outcome.budget);
  const isWaitedFor = activity.state === 'running' && activity.owner_id === ownerId;
  settleCharge(context, entry, outcome);
  if (outcome.charge?.kind === 'charged' && outcome.result !== undefined && activity.is_erased === 0) {
    const reuse = !isWaitedFor && entry.late === 'reuse' ? 'waiting' : null;
    context.db.run(keepResult, JSON.stringify(outcome.result), reuse, tenantId, activityId);
  }
  return alertsOf(context, { tenantId, day, before }, outcome.budget);
}

export function fireTimers(
  context: Context,
  input: { nowMs: number; max: number },
): { wakes: ConversationRef[]; nextTimerAtMs: number | null } {
  const wakes: ConversationRef[] = [];
  for (const row of context.db.all<{
    tenant_id: string;
    conversation_id: string;
    timer_id: string;
    token: string;
  }>(selectDueTimers, input.nowMs, input.max)) {
    const ref = { tenantId: row.tenant_id, conversationId: row.conversation_id };
    context.db.run(deleteTimer, row.tenant_id, row.conversation_id, row.timer_id);
    const content = { timerId: row.timer_id, timerToken: row.token };
    // Taken and appended in one commit, so it needs no dedupe key: one that repeats would stop every timer behind it.
    if (appendInternal(context, ref, 'timer', null, content, input.nowMs) !== null) wakes.push(ref);
  }
  const next = context.db.get<{ due_at_ms: number | null }>(selectNextTimer);
  return { wakes, nextTimerAtMs: next?.due_at_ms ?? null };
}
