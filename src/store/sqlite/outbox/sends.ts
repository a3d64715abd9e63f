/**
 * Rows of the outbox: how sends get their place in a conversation's lane, and which one may leave next.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { IfWindowClosed, NewSend, SendBody, SendPriority } from '#core/model/sends.ts';
import type { SendRef } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';

const insert = `INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, priority, origin, body, if_window_closed, quote_wamid, uncertain_policy, fence, created_at_ms, updated_at_ms)
  VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
/** Index: send_open. The first unsettled send of the lane. */
const selectHead = `SELECT send_id, phone_number_id, priority, state FROM send
  WHERE tenant_id = ? AND conversation_id = ? AND state IN ('queued','sending','uncertain') ORDER BY ordinal LIMIT 1`;

const selectLane = `SELECT phone_number_id AS phoneNumberId, ordinal_next AS ordinal, fence
  FROM conversation WHERE tenant_id = ? AND conversation_id = ?`;
const advance =
  'UPDATE conversation SET ordinal_next = ordinal_next + ? WHERE tenant_id = ? AND conversation_id = ?';

/** The answer was taken back and a person has the conversation: their end of the event is the true one. */
const seeAnswered = `UPDATE event SET end = 'seenByOperator' WHERE tenant_id = ?1 AND end = 'answered' AND end_ref = ?3
  AND conversation_id IN (SELECT conversation_id FROM conversation WHERE tenant_id = ?1 AND (conversation_id = ?2 OR merged_into = ?2))`;

/** Graph's code for a service window that is closed. */
export const windowClosedCode = 131047;

export interface SendsToInsert {
  ref: ConversationRef;
  phoneNumberId: string;
  fence: number;
  /** The lane's next ordinal; the caller advances the conversation by the number of sends. */
  ordinal: number;
  sends: NewSend[];
  nowMs: number;
}

export function insertSends(context: Context, input: SendsToInsert): SendRef[] {
  const { ref, phoneNumberId, fence, nowMs } = input;
  return input.sends.map((send, index) => {
    context.db.run(
      insert,
      ref.tenantId,
      send.sendId,
      ref.conversationId,
      phoneNumberId,
      input.ordinal + index,
      send.priority,
      send.origin,
      JSON.stringify(send.body),
      send.ifWindowClosed === undefined ? null : JSON.stringify(send.ifWindowClosed),
      send.quoteWamid ?? null,
      send.uncertainPolicy,
      fence,
      nowMs,
      nowMs,
    );
    return { ref, sendId: send.sendId, phoneNumberId, priority: send.priority };
  });
}

/** Where the next send of a conversation takes its place, outside of a turn's commit. */
export function laneOf(
  context: Context,
  ref: ConversationRef,
): Pick<SendsToInsert, 'phoneNumberId' | 'ordinal' | 'fence'> | undefined {
  return context.db.get(selectLane, ref.tenantId, ref.conversationId);
}

export function advanceLane(context: Context, ref: ConversationRef, by: number): void {
  context.db.run(advance, by, ref.tenantId, ref.conversationId);
}

/** The template leaves instead, also at a later attempt; what was to be quoted may be too old for it. */
const setTemplate = 'UPDATE send SET body = ?, quote_wamid = NULL WHERE tenant_id = ? AND send_id = ?';

/** The template that stands for a send whose service window is closed, or null where there is none (any more). */
export function templateFor(ifWindowClosed: string | null, body: string): SendBody | null {
  if (ifWindowClosed === null || isTemplate(body)) return null;
  const instead = JSON.parse(ifWindowClosed) as IfWindowClosed;
  return instead === 'nothing' ? null : instead;
}

/** Meta takes templates at any time. */
export function isTemplate(body: string): boolean {
  return (JSON.parse(body) as SendBody).type === 'template';
}

export function sendTemplateInstead(
  context: Context,
  { tenantId, sendId }: { tenantId: string; sendId: string },
  template: SendBody,
): void {
  context.db.run(setTemplate, JSON.stringify(template), tenantId, sendId);
}

/** Events that a withdrawn send answered count as seen by the operator who has the conversation. */
export function seeInsteadOfAnswered(context: Context, ref: ConversationRef, sendId: string): void {
  context.db.run(seeAnswered, ref.tenantId, ref.conversationId, sendId);
}

/** The send that may leave next, or undefined where the lane is empty or its head is still unsettled. */
export function nextOfLane(context: Context, ref: ConversationRef): SendRef | undefined {
  const row = context.db.get<{
    send_id: string;
    phone_number_id: string;
    priority: SendPriority;
    state: string;
  }>(selectHead, ref.tenantId, ref.conversationId);
  if (row === undefined || row.state !== 'queued') return undefined;
  return { ref, sendId: row.send_id, phoneNumberId: row.phone_number_id, priority: row.priority };
}
