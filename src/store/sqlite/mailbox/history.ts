/**
 * What was said: customers' messages and our sends of one conversation, in the order of turns. A model never sees a
 * message that is still in the mailbox, nor a send that was taken back.
 */
import {
  type HistoryEventRow,
  type HistorySendRow,
  historyOf,
  type TranscriptEventRow,
  type TranscriptSendRow,
  transcriptOf,
} from '#core/history.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { HistoryEntry, HistoryQuery } from '#core/ports/store.ts';
import type { TranscriptLine } from '#core/ports/store-operators.ts';
import { survivorOf } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';

/** Index: event_by_position, read backwards. */
const selectEvents = `SELECT position, fence, kind, received_at_ms AS receivedAtMs, content, end AS ending FROM event
  WHERE tenant_id = ? AND conversation_id = ? AND (class = 'answer' OR kind = 'echo') AND end IS NOT NULL AND fence <= ? ORDER BY position DESC LIMIT ?`;
/** Index: send_by_ordinal, read backwards. */
const selectSends = `SELECT fence, origin, created_at_ms AS createdAtMs, body FROM send
  WHERE tenant_id = ? AND conversation_id = ? AND state NOT IN ('withdrawn','refused') AND fence <= ? ORDER BY ordinal DESC LIMIT ?`;
/** Index: event_awaiting. */
const countAwaiting = `SELECT count(*) AS count FROM event WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting'`;
/** Indexes: conversation_merged, then as above. People read what was said before a merge, too. */
const wholeLife = `conversation_id IN (SELECT conversation_id FROM conversation WHERE tenant_id = ?1 AND (conversation_id = ?2 OR merged_into = ?2))`;
const selectAllEvents = `SELECT kind, received_at_ms AS receivedAtMs, content FROM event WHERE tenant_id = ?1 AND ${wholeLife}
  AND (class = 'answer' OR kind = 'echo') ORDER BY received_at_ms DESC, position DESC LIMIT ?3`;
const selectAllSends = `SELECT origin, state, delivery, created_at_ms AS createdAtMs, body FROM send
  WHERE tenant_id = ?1 AND ${wholeLife} ORDER BY created_at_ms DESC, ordinal DESC LIMIT ?3`;

export function readHistory({ db }: Context, query: HistoryQuery): HistoryEntry[] {
  const { tenantId, conversationId } = query.ref;
  const awaiting = db.get<{ count: number }>(countAwaiting, tenantId, conversationId)?.count ?? 0;
  const max = query.max + awaiting;
  const given = [tenantId, conversationId, query.throughFence, max] as const;
  const events = db.all<HistoryEventRow>(selectEvents, ...given);
  return historyOf({ events, sends: db.all<HistorySendRow>(selectSends, ...given), max });
}

export function readTranscript(
  context: Context,
  input: { ref: ConversationRef; max: number },
): TranscriptLine[] {
  const { tenantId, conversationId } = survivorOf(context, input.ref);
  const { db } = context;
  const events = db.all<TranscriptEventRow>(selectAllEvents, tenantId, conversationId, input.max);
  const sends = db.all<TranscriptSendRow>(selectAllSends, tenantId, conversationId, input.max);
  return transcriptOf({ events, sends, max: input.max });
}
