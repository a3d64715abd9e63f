/**
 * What was said: customers' messages and our sends of one conversation, in the order of turns. A model never sees a
 * message that is still in the mailbox, nor a send that was taken back.
 */
import type { MessageContent } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendBody, SendState } from '#core/model/sends.ts';
import { wordsOfSend } from '#core/model/words-of-send.ts';
import type { HistoryEntry, HistoryQuery } from '#core/ports/store.ts';
import type { TranscriptLine } from '#core/ports/store-operators.ts';
import { survivorOf } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';

/** Index: event_by_position, read backwards. */
const selectEvents = `SELECT position, fence, kind, received_at_ms, content, end FROM event
  WHERE tenant_id = ? AND conversation_id = ? AND (class = 'answer' OR kind = 'echo') AND end IS NOT NULL AND fence <= ? ORDER BY position DESC LIMIT ?`;
/** Index: send_by_ordinal, read backwards. */
const selectSends = `SELECT ordinal, fence, origin, state, created_at_ms, body FROM send
  WHERE tenant_id = ? AND conversation_id = ? AND state NOT IN ('withdrawn','refused') AND fence <= ? ORDER BY ordinal DESC LIMIT ?`;
/** Index: event_awaiting. */
const countAwaiting = `SELECT count(*) AS count FROM event WHERE tenant_id = ? AND conversation_id = ? AND end = 'awaiting'`;
/** Indexes: conversation_merged, then as above. People read what was said before a merge, too. */
const wholeLife = `conversation_id IN (SELECT conversation_id FROM conversation WHERE tenant_id = ?1 AND (conversation_id = ?2 OR merged_into = ?2))`;
const selectAllEvents = `SELECT kind, received_at_ms, content FROM event WHERE tenant_id = ?1 AND ${wholeLife}
  AND (class = 'answer' OR kind = 'echo') ORDER BY received_at_ms DESC, position DESC LIMIT ?3`;
const selectAllSends = `SELECT origin, state, delivery, created_at_ms, body FROM send WHERE tenant_id = ?1 AND ${wholeLife} ORDER BY created_at_ms DESC, ordinal DESC LIMIT ?3`;

/** An echo is what the owner wrote on their phone. */
function writerOf(kind: string): 'customer' | 'operator' {
  return kind === 'echo' ? 'operator' : 'customer';
}

/** The words of a message, or what stands for them. */
export function wordsOf(kind: string, content: MessageContent): string {
  if (content.text !== undefined) return content.text;
  if (content.choice !== undefined) return content.choice.title;
  if (content.media?.caption !== undefined) return `[${kind}] ${content.media.caption}`;
  if (content.location !== undefined)
    return `[location] ${content.location.name ?? ''} ${content.location.latitude}, ${content.location.longitude}`;
  if (content.order !== undefined)
    return `[order of ${content.order.items.length} items] ${content.order.text ?? ''}`;
  return `[${kind}]`;
}

const wordsOfStored = (json: string): string => wordsOfSend(JSON.parse(json) as SendBody);

export function readHistory(context: Context, query: HistoryQuery): HistoryEntry[] {
  const { tenantId, conversationId } = query.ref;
  const awaiting = context.db.get<{ count: number }>(countAwaiting, tenantId, conversationId)?.count ?? 0;
  const max = query.max + awaiting;
  const events = context.db
    .all<{
      position: number;
      fence: number;
      kind: string;
      received_at_ms: number;
      content: string;
      end: string;
    }>(selectEvents, tenantId, conversationId, query.throughFence, max)
    .map<HistoryEntry>((row) => {
      const content = JSON.parse(row.content) as MessageContent;
      return {
        role: writerOf(row.kind),
        fence: row.fence,
        position: row.position,
        atMs: row.received_at_ms,
        kind: row.kind,
        text: wordsOf(row.kind, content),
        ...(content.media === undefined ? {} : { media: content.media }),
        seen: row.end === 'seenByOperator',
      };
    });
  const sends = context.db
    .all<{ ordinal: number; fence: number; origin: string; created_at_ms: number; body: string }>(
      selectSends,
      tenantId,
      conversationId,
      query.throughFence,
      max,
    )
    .map<HistoryEntry>((row) => ({
      role: row.origin === 'operator' ? 'operator' : 'bot',
      fence: row.fence,
      position: null,
      atMs: row.created_at_ms,
      kind: 'send',
      text: wordsOfStored(row.body),
      seen: false,
    }));
  const held = new Set(
    [...events, ...sends].filter((each) => each.role === 'operator').map((each) => each.fence),
  );
  // By turn; a turn's sends answer its events, so they come after them. Under one hold people spoke by turns: by time.
  const withinTurn = (a: HistoryEntry, b: HistoryEntry) =>
    held.has(a.fence) ? a.atMs - b.atMs : Number(a.position === null) - Number(b.position === null);
  return [...events.reverse(), ...sends.reverse()]
    .sort((a, b) => a.fence - b.fence || withinTurn(a, b))
    .slice(-max);
}

export function readTranscript(
  context: Context,
  input: { ref: ConversationRef; max: number },
): TranscriptLine[] {
  const { tenantId, conversationId } = survivorOf(context, input.ref);
  const events = context.db
    .all<{ kind: string; received_at_ms: number; content: string }>(
      selectAllEvents,
      tenantId,
      conversationId,
      input.max,
    )
    .map<TranscriptLine>((row) => ({
      role: writerOf(row.kind),
      atMs: row.received_at_ms,
      kind: row.kind,
      text: wordsOf(row.kind, JSON.parse(row.content) as MessageContent),
      state: null,
    }));
  const sends = context.db
    .all<{ origin: string; state: SendState; delivery: string; created_at_ms: number; body: string }>(
      selectAllSends,
      tenantId,
      conversationId,
      input.max,
    )
    .map<TranscriptLine>((row) => ({
      role: row.origin === 'operator' ? 'operator' : 'bot',
      atMs: row.created_at_ms,
      kind: 'send',
      text: wordsOfStored(row.body),
      state: row.delivery === 'none' ? row.state : row.delivery,
    }));
  return [...events.reverse(), ...sends.reverse()].sort((a, b) => a.atMs - b.atMs).slice(-input.max);
}
