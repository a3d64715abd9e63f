/**
 * Sends of which nobody knows whether they were accepted. Each waits for a status that carries its id: for its window,
 * which counts only while statuses of its number arrive and starts anew with the process, or until the cap. Then its
 * policy decides. Silence is evidence only when at least three sends of the same number that left later have been heard of.
 */
import { limits } from '#core/limits.ts';
import type { SendPriority, UncertainPolicy } from '#core/model/sends.ts';
import type { SendRef, UncertainResolved } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { nextOfLane, seeInsteadOfAnswered } from './sends.ts';

/** Index: send_uncertain. */
const selectUncertain = `SELECT rowid AS row_id, tenant_id, send_id, conversation_id, phone_number_id, priority, uncertain_policy, uncertain_since_ms, uncertain_window_ms, granted_nth, attempts, withdraw_on_return
  FROM send WHERE state = 'uncertain' ORDER BY uncertain_since_ms LIMIT 500`;
const selectStatusAt = "SELECT status_at_ms FROM pace WHERE tenant_id = ? AND scope = 'number' AND key = ?";
/** Rows are made in the order of time, so later sends stand behind this row; three are enough. */
const countHeardOf = `SELECT count(*) AS heard FROM (SELECT 1 FROM send WHERE rowid > ? AND tenant_id = ? AND phone_number_id = ?
  AND granted_nth > ? AND first_status_at_ms IS NOT NULL LIMIT ?)`;
/** A wait that began in the future did so before the clock was set back: it begins anew, so that it stays bounded. */
const beginAnew =
  "UPDATE send SET uncertain_since_ms = ?1 WHERE state = 'uncertain' AND uncertain_since_ms > ?1 + ?2";
const setState =
  'UPDATE send SET state = ?, not_before_ms = 0, why = coalesce(?, why), updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?';

interface UncertainRow {
  row_id: number;
  tenant_id: string;
  send_id: string;
  conversation_id: string;
  phone_number_id: string;
  priority: SendPriority;
  uncertain_policy: UncertainPolicy;
  uncertain_since_ms: number;
  uncertain_window_ms: number;
  granted_nth: number | null;
  attempts: number;
  withdraw_on_return: number;
}

export function resolveUncertain(
  context: Context,
  input: { nowMs: number; startedAtMs: number },
): UncertainResolved {
  const resolved: UncertainResolved = {
    accepted: 0,
    resent: [],
    held: 0,
    dropped: 0,
    heldSends: [],
    droppedSends: [],
    freed: [],
    nextAtMs: null,
  };
  context.db.run(beginAnew, input.nowMs, limits.clockSetBackMinMs);
  const startedAtMs = input.startedAtMs > input.nowMs ? 0 : input.startedAtMs;
  for (const row of context.db.all<UncertainRow>(selectUncertain)) {
    const lookAgainAtMs = waitsUntil(context, row, { nowMs: input.nowMs, startedAtMs });
    if (lookAgainAtMs === null) decide(context, row, input.nowMs, resolved);
    else resolved.nextAtMs = Math.min(resolved.nextAtMs ?? lookAgainAtMs, lookAgainAtMs);
  }
  return resolved;
}

/** When to look again, or null when the wait is over. */
function waitsUntil(
  context: Context,
  row: UncertainRow,
  { nowMs, startedAtMs }: { nowMs: number; startedAtMs: number },
): number | null {
  const sinceMs = Math.max(row.uncertain_since_ms, startedAtMs);
  const windowEndsAtMs = sinceMs + row.uncertain_window_ms;
  if (nowMs < windowEndsAtMs) return windowEndsAtMs;
  const capEndsAtMs = Math.max(row.uncertain_since_ms + limits.uncertainCapMs, windowEndsAtMs);
  if (nowMs >= capEndsAtMs) return null;
  const statusAtMs =
    context.db.get<{ status_at_ms: number | null }>(selectStatusAt, row.tenant_id, row.phone_number_id)
      ?.status_at_ms ?? 0;
  // Statuses that arrive after the window's end prove that the way they come was open.
  return statusAtMs >= windowEndsAtMs ? null : Math.min(capEndsAtMs, nowMs + limits.sweepEveryMs);
}

function decide(context: Context, row: UncertainRow, nowMs: number, resolved: UncertainResolved): void {
  const ref = { tenantId: row.tenant_id, conversationId: row.conversation_id };
  const send: SendRef = {
    ref,
    sendId: row.send_id,
    phoneNumberId: row.phone_number_id,
    priority: row.priority,
  };
  const verdict = verdictOf(context, row);
  if (verdict === 'resend') {
    context.db.run(setState, 'queued', null, nowMs, row.tenant_id, row.send_id);
    resolved.resent.push(send);
    return;
  }
  const why = whys[verdict];
  if (verdict === 'withdraw') seeInsteadOfAnswered(context, ref, row.send_id);
  context.db.run(setState, verdict === 'hold' ? 'held' : 'withdrawn', why, nowMs, row.tenant_id, row.send_id);
  raiseFlag(context, ref, 'sendUncertain', why, nowMs);
  if (verdict === 'hold') {
    resolved.held += 1;
    resolved.heldSends.push(row.send_id);
  } else {
    resolved.dropped += 1;
    resolved.droppedSends.push(row.send_id);
  }
  const next = nextOfLane(context, ref);
  if (next !== undefined) resolved.freed.push(next);
}

type Verdict = 'resend' | 'hold' | 'drop' | 'withdraw';

const whys: Readonly<Record<Exclude<Verdict, 'resend'>, string>> = {
  hold: 'nobody knows whether it was accepted',
  drop: 'dropped: nobody knows whether it was accepted',
  withdraw: 'it was taken back meanwhile; nobody knows whether it was accepted',
};

/** A resend is bounded like any other attempt, and never happens behind the back of an operator who took over. */
function verdictOf(context: Context, row: UncertainRow): Verdict {
  const verdict = verdictOfPolicy(context, row);
  if (verdict !== 'resend') return verdict;
  if (row.withdraw_on_return === 1) return 'withdraw';
  return row.attempts >= limits.sendAttemptsMax ? 'hold' : 'resend';
}

function verdictOfPolicy(context: Context, row: UncertainRow): 'resend' | 'hold' | 'drop' {
  switch (row.uncertain_policy) {
    case 'resendMayRepeat':
      return 'resend';
    case 'dropMayLose':
      return 'drop';
    case 'holdForPerson':
      return 'hold';
    case 'resendOnEvidence': {
      const heard =
        context.db.get<{ heard: number }>(
          countHeardOf,
          row.row_id,
          row.tenant_id,
          row.phone_number_id,
          row.granted_nth ?? 0,
          limits.uncertainEvidenceSends,
        )?.heard ?? 0;
      return heard >= limits.uncertainEvidenceSends ? 'resend' : 'hold';
    }
  }
}
