/**
 * Repair: what a crash left behind is taken over, what no wake announced is found, what is old enough is deleted.
 * None of it is on the hot path. On one file the new owner takes everything at once, since the old one is dead.
 */
import { limits } from '#core/limits.ts';
import type { SendPriority } from '#core/model/sends.ts';
import type { Rescued, RunnableActivity, SendRef, Work, WorkKind } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { openChargeOf, openEntry, rescueCharges } from '../money/ledger.ts';

/** What was taken was due, and is again at once: no quiet time of a later message puts it off. */
const freeLeases = `UPDATE conversation SET lease_owner = NULL, lease_until_ms = NULL, fence = fence + 1, due_at_ms = min(coalesce(due_at_ms, ?), ?)
  WHERE lease_owner IS NOT NULL AND (? = 1 OR lease_until_ms <= ?)`;
/**
 * A crash grants one fresh deadline; an activity that was interrupted before keeps the one it has. By its lease the caller's own is
 * freed, too: the answer that gave it more may have been lost. All at once: everybody else's.
 */
const freeActivities = `UPDATE activity SET owner_id = NULL, lease_until_ms = NULL, restarts = restarts + 1,
  deadline_at_ms = CASE restarts WHEN 0 THEN ? + deadline_ms ELSE deadline_at_ms END
  WHERE state = 'running' AND owner_id IS NOT NULL AND iif(?, owner_id <> ?, lease_until_ms <= ?)`;
const sendingToUncertain = `UPDATE send SET state = CASE WHEN wamid IS NULL THEN 'uncertain' ELSE 'accepted' END, uncertain_since_ms = ?, uncertain_window_ms = ?,
  why = 'the process died while it was sent', updated_at_ms = ?
  WHERE state = 'sending' AND iif(?, owner_id <> ?, sending_at_ms <= ?)`;
/** Index: ledger_entry_open. */
const renewCharges =
  "UPDATE ledger_entry SET lease_until_ms = ?1 WHERE state IN ('reserved','calling','uncertain','asking') AND owner_id = ?2 AND (?3 IS NULL OR activity_id IN (SELECT value FROM json_each(?3)))";
const renewActivities =
  "UPDATE activity SET lease_until_ms = ?1 WHERE state = 'running' AND owner_id = ?2 AND (?3 IS NULL OR activity_id IN (SELECT value FROM json_each(?3)))";
/** Owned are a running activity, and the open entry of one that is over. */
const selectLost = `SELECT value AS activity_id FROM json_each(?1) WHERE value NOT IN (
    SELECT activity_id FROM activity WHERE state = 'running' AND owner_id = ?2 UNION ALL
    SELECT activity_id FROM ledger_entry WHERE state IN ('reserved','calling','uncertain','asking') AND owner_id = ?2)`;
/**
 * Index: event_open; what is open is small. Round robin over tenants: a flood of one must not hide another's single message.
 * What opened in the future did so before the clock was set back: it waits for no quiet time of that clock.
 */
const selectConversations = `SELECT tenant_id, conversation_id, due_at_ms FROM (
    SELECT tenant_id, conversation_id, due_at_ms, row_number() OVER (PARTITION BY tenant_id ORDER BY due_at_ms) AS nth
    FROM (SELECT c.tenant_id, c.conversation_id,
        iif(c.lease_owner IS NULL AND coalesce(c.first_open_at_ms, 0) <= ?1, coalesce(c.due_at_ms, 0), 0) AS due_at_ms
      FROM (SELECT DISTINCT tenant_id, conversation_id FROM event WHERE end IS NULL) e
      JOIN conversation c ON c.tenant_id = e.tenant_id AND c.conversation_id = e.conversation_id
      WHERE c.holder = 'bot' AND c.merged_into IS NULL AND (c.lease_owner IS NULL OR c.lease_until_ms <= ?1)))
  ORDER BY nth, due_at_ms LIMIT ?2`;
/** Index: activity_running. */
const selectActivities = `SELECT a.tenant_id, a.activity_id, a.conversation_id, a.name, a.input, a.fence, a.deadline_ms, a.deadline_at_ms, a.restarts, c.phone_number_id, c.contact_id
  FROM activity a JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id
  WHERE a.state = 'running' AND a.owner_id IS NULL
  ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.created_at_ms), a.created_at_ms LIMIT ?`;
/** Index: ledger_entry_open. Activities that are over, whose cost nobody knows yet. */
const selectCharges = `SELECT a.tenant_id, a.activity_id, a.conversation_id, a.name, a.input, a.fence, ?1 AS deadline_ms, ?2 + ?1 AS deadline_at_ms, a.restarts, c.phone_number_id, c.contact_id
  FROM ledger_entry e JOIN activity a ON a.tenant_id = e.tenant_id AND a.activity_id = e.activity_id AND a.state <> 'running'
  JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id
  WHERE e.state IN ('reserved','calling','uncertain','asking') AND e.state = 'uncertain' AND e.owner_id IS NULL AND e.next_at_ms <= ?2
  ORDER BY row_number() OVER (PARTITION BY e.tenant_id ORDER BY e.next_at_ms), e.next_at_ms LIMIT ?3`;
/** Index: ledger_entry_open. */
const ownCharge =
  "UPDATE ledger_entry SET owner_id = ?, lease_until_ms = ? WHERE tenant_id = ? AND activity_id = ? AND state IN ('reserved','calling','uncertain','asking')";
const ownActivity =
  'UPDATE activity SET owner_id = ?, lease_until_ms = ? WHERE tenant_id = ? AND activity_id = ?';
/** Index: send_open. The head of each lane, if it may leave. */
const selectSends = `SELECT s.tenant_id, s.send_id, s.conversation_id, s.phone_number_id, s.priority FROM send s
  WHERE s.state IN ('queued','sending','uncertain') AND s.state = 'queued' AND NOT EXISTS (SELECT 1 FROM send b WHERE b.tenant_id = s.tenant_id
    AND b.conversation_id = s.conversation_id AND b.state IN ('queued','sending','uncertain') AND b.ordinal < s.ordinal)
  ORDER BY row_number() OVER (PARTITION BY s.tenant_id ORDER BY s.created_at_ms), s.created_at_ms LIMIT ?`;
const selectNextTimer = 'SELECT min(due_at_ms) AS at_ms FROM timer';
const selectTenantsVersion = `SELECT (SELECT count(*) || '/' || coalesce(sum(updated_at_ms), 0) FROM tenant)
  || ' ' || (SELECT count(*) || '/' || coalesce(sum(updated_at_ms), 0) FROM phone_number) AS version`;
const selectFirstUncertain =
  "SELECT min(uncertain_since_ms + uncertain_window_ms) AS at_ms FROM send WHERE state = 'uncertain'";

export function rescue(context: Context, input: { ownerId: string; nowMs: number; all: boolean }): Rescued {
  const { db } = context;
  const all = input.all ? 1 : 0;
  const oldestMs = input.nowMs - limits.leaseTtlMs - limits.graphTimeoutMs;
  return {
    conversations: db.run(freeLeases, input.nowMs, input.nowMs, all, input.nowMs),
    activities: db.run(freeActivities, input.nowMs, all, input.ownerId, input.nowMs),
    charges: rescueCharges(context, input),
    uncertain: db.run(
      sendingToUncertain,
      input.nowMs,
      limits.uncertainWindowMs,
      input.nowMs,
      all,
      input.ownerId,
      oldestMs,
    ),
  };
}

export function renewLeases(
  { db }: Context,
  input: { ownerId: string; nowMs: number; knows?: readonly string[] },
): { lost: string[] } {
  const untilMs = input.nowMs + limits.leaseTtlMs;
  const knows = input.knows === undefined ? null : JSON.stringify(input.knows);
  db.run(renewActivities, untilMs, input.ownerId, knows);
  db.run(renewCharges, untilMs, input.ownerId, knows);
  const lost = knows === null ? [] : db.all<{ activity_id: string }>(selectLost, knows, input.ownerId);
  return { lost: lost.map((row) => row.activity_id) };
}

/** What is there to do; activities without an owner become the caller's. */
export function findWork(
  context: Context,
  input: { ownerId: string; nowMs: number; max: number; only?: readonly WorkKind[] },
): Work {
  const { db } = context;
  const wants = (kind: WorkKind) => input.only === undefined || input.only.includes(kind);
  return {
    conversations: wants('conversations') ? dueConversations(context, input) : [],
    activities: wants('activities') ? ownActivities(context, input) : [],
    charges: wants('activities') ? ownCharges(context, input) : [],
    sends: wants('sends') ? firstSends(context, input) : [],
    nextTimerAtMs: db.get<{ at_ms: number | null }>(selectNextTimer)?.at_ms ?? null,
    nextUncertainAtMs: db.get<{ at_ms: number | null }>(selectFirstUncertain)?.at_ms ?? null,
    tenantsVersion: db.get<{ version: string }>(selectTenantsVersion)?.version ?? '',
  };
}

function dueConversations({ db }: Context, input: { nowMs: number; max: number }): Work['conversations'] {
  return db
    .all<{ tenant_id: string; conversation_id: string; due_at_ms: number }>(
      selectConversations,
      input.nowMs,
      input.max,
    )
    .map((row) => ({
      ref: { tenantId: row.tenant_id, conversationId: row.conversation_id },
      dueAtMs: row.due_at_ms,
    }));
}

function firstSends({ db }: Context, { max }: { max: number }): SendRef[] {
  return db
    .all<{
      tenant_id: string;
      send_id: string;
      conversation_id: string;
      phone_number_id: string;
      priority: SendPriority;
    }>(selectSends, max)
    .map((row) => ({
      ref: { tenantId: row.tenant_id, conversationId: row.conversation_id },
      sendId: row.send_id,
      phoneNumberId: row.phone_number_id,
      priority: row.priority,
    }));
}

interface ActivityRow {
  tenant_id: string;
  activity_id: string;
  conversation_id: string;
  name: string;
  input: string;
  fence: number;
  deadline_ms: number;
  deadline_at_ms: number;
  restarts: number;
  phone_number_id: string;
  contact_id: string;
}

function ownActivities(
  context: Context,
  input: { ownerId: string; nowMs: number; max: number },
): RunnableActivity[] {
  const leaseUntilMs = input.nowMs + limits.leaseTtlMs;
  return context.db.all<ActivityRow>(selectActivities, input.max).map((row) => {
    context.db.run(ownActivity, input.ownerId, leaseUntilMs, row.tenant_id, row.activity_id);
    return runnable(context, row, input.ownerId, leaseUntilMs, false);
  });
}

function ownCharges(
  context: Context,
  input: { ownerId: string; nowMs: number; max: number },
): RunnableActivity[] {
  return context.db
    .all<ActivityRow>(selectCharges, limits.chargeTryTimeoutMs, input.nowMs, limits.chargesInFlightMax)
    .map((row) => runnable(context, row, input.ownerId, input.nowMs + limits.leaseTtlMs, true));
}

/** What somebody is given to run, with its open entry, which becomes theirs, too. */
function runnable(
  context: Context,
  row: ActivityRow,
  ownerId: string,
  leaseUntilMs: number,
  isOver: boolean,
): RunnableActivity {
  const entry = openEntry(context, row.tenant_id, row.activity_id);
  if (entry !== undefined) context.db.run(ownCharge, ownerId, leaseUntilMs, row.tenant_id, row.activity_id);
  return {
    ref: { tenantId: row.tenant_id, conversationId: row.conversation_id },
    activityId: row.activity_id,
    name: row.name,
    input: JSON.parse(row.input) as unknown,
    phoneNumberId: row.phone_number_id,
    contactId: row.contact_id,
    fence: row.fence,
    deadlineMs: row.deadline_ms,
    deadlineAtMs: row.deadline_at_ms,
    restarts: row.restarts,
    ...(entry === undefined ? {} : { charge: openChargeOf(entry, isOver) }),
  };
}
