/**
 * Activities that a turn starts and cancels. A start whose paid result is there already, made for an earlier visit that
 * was over when it came, is given that result at once and costs nothing. Every other one is written with what it reserves.
 */
import { limits } from '#core/limits.ts';
import type { NewActivity, RunnableActivity, TurnCommit } from '#core/ports/store.ts';
import { survivingContact } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';
import { appendInternal } from '../mailbox/activities.ts';
import { cancelCharges, reserve } from './ledger.ts';
import { presentClaims, takenAt } from './limits.ts';

const insertActivity = `INSERT INTO activity (tenant_id, activity_id, conversation_id, name, input, state, owner_id, lease_until_ms, deadline_ms, deadline_at_ms, fence, created_at_ms, settled_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const cancelActivity =
  "UPDATE activity SET state = 'cancelled', settled_at_ms = ? WHERE tenant_id = ? AND activity_id = ? AND state = 'running'";
/** Done, and its visit ends without having seen the result. Index: activity_by_id. */
const keepUnseen = `UPDATE activity SET reuse = 'waiting' WHERE tenant_id = ?1 AND activity_id = ?2 AND state = 'done' AND result IS NOT NULL AND reuse IS NULL
  AND EXISTS (SELECT 1 FROM ledger_entry e WHERE e.tenant_id = ?1 AND e.activity_id = ?2 AND e.late = 'reuse')`;
/** Index: activity_reusable. What waits is small: each is one customer's. */
const selectReusable = `SELECT a.activity_id, a.result, e.contact_id FROM activity a
  JOIN ledger_entry e ON e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id AND e.state = 'settled'
  WHERE a.tenant_id = ? AND a.name = ? AND a.reuse = 'waiting' AND a.input = ? ORDER BY a.created_at_ms`;
const useResult =
  "UPDATE activity SET reuse = 'used' WHERE tenant_id = ? AND activity_id = ? AND reuse = 'waiting'";

/** What a turn starts: with what it claims and costs, or with a result that was paid for before. */
export interface Starts {
  charged: NewActivity[];
  reused: { activity: NewActivity; from: string; result: unknown }[];
}

/** What a turn starts and cancels itself starts nothing and reserves nothing. */
export function startsOf(context: Context, commit: TurnCommit, contactId: string): Starts {
  const { tenantId } = commit.lease.ref;
  const starts: Starts = { charged: [], reused: [] };
  for (const activity of commit.activities) {
    if (commit.cancelledActivities.includes(activity.activityId)) continue;
    const taken = new Set(starts.reused.map((each) => each.from));
    const found = reusable(context, tenantId, contactId, activity, taken);
    if (found !== undefined)
      starts.reused.push({ activity, from: found.activity_id, result: JSON.parse(found.result) });
    else starts.charged.push({ ...activity, claims: presentClaims(context, tenantId, activity.claims) });
  }
  return starts;
}

interface ReusableRow {
  activity_id: string;
  result: string;
  contact_id: string;
}

function reusable(
  context: Context,
  tenantId: string,
  contactId: string,
  activity: NewActivity,
  taken: ReadonlySet<string>,
): ReusableRow | undefined {
  if (activity.cost?.late !== 'reuse') return undefined;
  const contact = survivingContact(context, tenantId, contactId);
  return context.db
    .all<ReusableRow>(selectReusable, tenantId, activity.name, inputText(activity))
    .find(
      (row) => !taken.has(row.activity_id) && survivingContact(context, tenantId, row.contact_id) === contact,
    );
}

const inputText = ({ input }: NewActivity) => JSON.stringify(input ?? null);

export function writeStarts(
  context: Context,
  commit: TurnCommit,
  { charged, reused }: Starts,
  row: { phone_number_id: string; contact_id: string },
): RunnableActivity[] {
  const { nowMs } = commit;
  const { ref } = commit.lease;
  for (const { activity, from, result } of reused) {
    insert(context, commit, activity, 'done');
    context.db.run(useResult, ref.tenantId, from);
    const { activityId } = activity;
    appendInternal(context, ref, 'activityDone', `activity:${activityId}`, { activityId, result }, nowMs);
  }
  return charged.map((activity) => {
    insert(context, commit, activity, 'running');
    const { cost, claims, activityId, name } = activity;
    const ownerId = commit.runHere ? commit.lease.ownerId : null;
    const contactId = row.contact_id;
    if (cost !== undefined)
      reserve(context, {
        ...{ ref, activityId, contactId, activity: name, cost, ownerId, nowMs },
        claims: takenAt(claims, nowMs),
      });
    return runnableOf(commit, activity, row);
  });
}

/** What the owner of a turn is given to run. */
export function runnableOf(
  { lease, nowMs }: TurnCommit,
  { activityId, name, input, deadlineMs, cost }: NewActivity,
  row: { phone_number_id: string; contact_id: string },
): RunnableActivity {
  return {
    ref: lease.ref,
    activityId,
    name,
    input,
    phoneNumberId: row.phone_number_id,
    contactId: row.contact_id,
    fence: lease.fence,
    deadlineMs,
    deadlineAtMs: nowMs + deadlineMs,
    restarts: 0,
    ...(cost === undefined ? {} : { charge: { ...cost, isUncertain: false, isOver: false } }),
  };
}

function insert(
  context: Context,
  commit: TurnCommit,
  activity: NewActivity,
  state: 'running' | 'done',
): void {
  const { ref, fence, ownerId } = commit.lease;
  const isHere = commit.runHere && state === 'running';
  context.db.run(
    insertActivity,
    ref.tenantId,
    activity.activityId,
    ref.conversationId,
    activity.name,
    inputText(activity),
    state,
    isHere ? ownerId : null,
    isHere ? commit.nowMs + limits.leaseTtlMs : null,
    activity.deadlineMs,
    commit.nowMs + activity.deadlineMs,
    fence,
    commit.nowMs,
    state === 'running' ? null : commit.nowMs,
  );
}

/** A request of paid work that is under way goes on: what it costs is seen when it ends. */
export function cancelActivities(context: Context, commit: TurnCommit): void {
  const { tenantId } = commit.lease.ref;
  for (const activityId of commit.cancelledActivities) {
    context.db.run(cancelActivity, commit.nowMs, tenantId, activityId);
    context.db.run(keepUnseen, tenantId, activityId);
  }
  if (commit.cancelledActivities.length > 0) cancelCharges(context, commit.lease.ref, commit.nowMs);
}
