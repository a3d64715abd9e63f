/**
 * The audit (I9): every acknowledged event ends in exactly one allowed end. An event is missing when it was consumed and
 * nothing says what became of it: it awaits an answer that nobody is making, or its answer did not reach the customer
 * and nobody was asked to help. The same numbers can be had with any SQL client; nothing here repairs anything.
 */
import type { EventEnd } from '#core/model/events.ts';
import type { AuditReport } from '#core/ports/store-operators.ts';
import type { Context } from '../database/context.ts';

const countEnds =
  "SELECT coalesce(end, 'open') AS end, count(*) AS count FROM event WHERE received_at_ms >= ? AND class <> 'internal' GROUP BY 1";
/** Answered, but the answer ended badly and no flag of its conversation was raised since; it may have ended before it was made, by a clock that was set back. */
const selectUnreached = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, coalesce(s.state, 'no such send') AS state FROM event e
  LEFT JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref
  WHERE e.received_at_ms >= ?1 AND e.end = 'answered' AND coalesce(s.state, '') NOT IN ('accepted','queued','sending','uncertain')
  AND NOT EXISTS (SELECT 1 FROM flag f WHERE f.tenant_id = e.tenant_id AND f.last_at_ms >= min(s.created_at_ms, s.updated_at_ms) AND f.conversation_id IN (s.conversation_id,
    (SELECT c.merged_into FROM conversation c WHERE c.tenant_id = s.tenant_id AND c.conversation_id = s.conversation_id)))
  LIMIT 1000`;
const countAnswersUnderWay = `SELECT count(*) AS count FROM event e JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref
  WHERE e.received_at_ms >= ? AND e.end = 'answered' AND s.state IN ('queued','sending','uncertain')`;
/** Awaits, and neither an activity runs for its conversation nor a timer nor an unconsumed event will move it. */
const selectAbandoned = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, 'awaits an answer that nobody is making' AS state FROM event e
  WHERE e.end = 'awaiting' AND e.received_at_ms >= ?1
  AND NOT EXISTS (SELECT 1 FROM activity a WHERE a.tenant_id = e.tenant_id AND a.conversation_id = e.conversation_id AND a.state = 'running')
  AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.tenant_id = e.tenant_id AND t.conversation_id = e.conversation_id)
  AND NOT EXISTS (SELECT 1 FROM event o WHERE o.tenant_id = e.tenant_id AND o.conversation_id = e.conversation_id AND o.end IS NULL)
  LIMIT 1000`;
const selectFlaggedWithout = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, 'flagged, but there is no such flag' AS state FROM event e
  WHERE e.received_at_ms >= ?1 AND e.end = 'flagged'
  AND NOT EXISTS (SELECT 1 FROM flag f WHERE f.tenant_id = e.tenant_id AND f.flag_id = e.end_ref) LIMIT 1000`;
const selectDeadWithout = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, 'a dead letter that nobody can find' AS state FROM event e
  WHERE e.received_at_ms >= ?1 AND e.end = 'deadLetter'
  AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.tenant_id = e.tenant_id AND d.conversation_id = e.conversation_id AND d.position = e.position) LIMIT 1000`;
/** A customer's message may go without an answer only by a rule that says so in its name. */
const selectUndeclared = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, 'wants an answer, and no rule says that it needs none' AS state FROM event e
  WHERE e.received_at_ms >= ?1 AND e.end = 'noAnswerNeeded' AND e.class = 'answer' AND e.end_ref IS NULL LIMIT 1000`;
/** Not consumed, in a mailbox that nobody takes from any more. */
const selectStranded = `SELECT e.tenant_id, e.conversation_id, e.position, e.kind, 'waits in the mailbox of a conversation that was merged away' AS state FROM event e
  JOIN conversation c ON c.tenant_id = e.tenant_id AND c.conversation_id = e.conversation_id
  WHERE e.received_at_ms >= ?1 AND e.end IS NULL AND c.merged_into IS NOT NULL LIMIT 1000`;
const countDuplicates =
  'SELECT count(*) AS count FROM send WHERE second_wamid IS NOT NULL AND created_at_ms >= ?';

/** To look for another hole, add its statement here. */
const holes = [
  selectUnreached,
  selectAbandoned,
  selectFlaggedWithout,
  selectDeadWithout,
  selectUndeclared,
  selectStranded,
];

interface MissingRow {
  tenant_id: string;
  conversation_id: string;
  position: number;
  kind: string;
  state: string;
}

export function audit(context: Context, input: { sinceMs: number; nowMs: number }): AuditReport {
  const { db } = context;
  const byEnd: Record<string, number> = {};
  let events = 0;
  for (const row of db.all<{ end: EventEnd | 'open'; count: number }>(countEnds, input.sinceMs)) {
    byEnd[row.end] = row.count;
    events += row.count;
  }
  const missing = holes.flatMap((sql) => db.all<MissingRow>(sql, input.sinceMs));
  const abandoned = db.all<MissingRow>(selectAbandoned, input.sinceMs).length;
  const answering = db.get<{ count: number }>(countAnswersUnderWay, input.sinceMs)?.count ?? 0;
  return {
    sinceMs: input.sinceMs,
    events,
    byEnd,
    underWay: (byEnd.open ?? 0) + (byEnd.awaiting ?? 0) - abandoned + answering,
    missing: missing.slice(0, 100).map((row) => ({
      tenantId: row.tenant_id,
      conversationId: row.conversation_id,
      position: row.position,
      kind: row.kind,
      why: row.state,
    })),
    missingCount: missing.length,
    provenDuplicates: db.get<{ count: number }>(countDuplicates, input.sinceMs)?.count ?? 0,
  };
}
