/**
 * Meta may accept a send and say afterwards, by a status, that the service window was closed. Then what the send has for that
 * case leaves after all: its template, as a send of its own at the end of the lane. The failed one stays what it is, so
 * that a status that comes again finds nothing left to do.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendOrigin, SendPriority, UncertainPolicy } from '#core/model/sends.ts';
import { survivorOf } from '../contacts/alias.ts';
import { type Context, newId } from '../database/context.ts';
import { holderOf } from '../operators/holder.ts';
import { advanceLane, insertSends, isTemplate, laneOf, templateFor, windowClosedCode } from './sends.ts';

const selectSend = `SELECT conversation_id, ordinal, priority, origin, body, if_window_closed, uncertain_policy, withdraw_on_return
  FROM send WHERE tenant_id = ? AND send_id = ?`;
const selectWords = 'SELECT body, if_window_closed, wamid FROM send WHERE tenant_id = ? AND send_id = ?';
/** Index: send_by_ordinal. */
const selectBefore =
  'SELECT state, why FROM send WHERE tenant_id = ? AND conversation_id = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT 1';
const setWhy = 'UPDATE send SET why = ? WHERE tenant_id = ? AND send_id = ?';
/** What the failed one was the answer to is answered by the template. */
const answerBy = `UPDATE event SET end_ref = ?4 WHERE tenant_id = ?1 AND end = 'answered' AND end_ref = ?3
  AND conversation_id IN (SELECT conversation_id FROM conversation WHERE tenant_id = ?1 AND (conversation_id = ?2 OR merged_into = ?2))`;

const replaced = 'the service window was closed; its template was sent after it';
const stoodFor = 'the service window was closed; a template was sent for all of it';

interface SendRow {
  conversation_id: string;
  ordinal: number;
  priority: SendPriority;
  origin: SendOrigin;
  body: string;
  if_window_closed: string | null;
  uncertain_policy: UncertainPolicy;
  withdraw_on_return: number;
}

/**
 * To be called in the commit in which a send becomes failed. Returns the lane that the template, or the one of the part
 * before, leaves by; null where there is none and a person must be asked: also where one has the conversation already.
 */
export function sendTemplateAfterFailure(
  context: Context,
  { tenantId, sendId }: { tenantId: string; sendId: string },
  { errorCode, nowMs }: { errorCode: number | null; nowMs: number },
): ConversationRef | null {
  if (errorCode !== windowClosedCode) return null;
  const row = context.db.get<SendRow>(selectSend, tenantId, sendId);
  if (row === undefined || row.if_window_closed === null || row.withdraw_on_return === 1) return null;
  const ref = survivorOf(context, { tenantId, conversationId: row.conversation_id });
  if (holderOf(context, ref)?.holder !== 'bot') return null;
  const template = templateFor(row.if_window_closed, row.body);
  if (template === null) {
    if (!isStoodFor(context, tenantId, row)) return null;
    context.db.run(setWhy, stoodFor, tenantId, sendId);
    return ref;
  }
  const lane = laneOf(context, ref);
  if (lane === undefined) return null;
  const { priority, origin, uncertain_policy: uncertainPolicy } = row;
  const send = { sendId: newId(context, 'snd', nowMs), body: template, priority, origin, uncertainPolicy };
  insertSends(context, { ref, ...lane, sends: [send], nowMs });
  advanceLane(context, ref, 1);
  context.db.run(setWhy, replaced, tenantId, sendId);
  context.db.run(answerBy, tenantId, ref.conversationId, sendId, send.sendId);
  return ref;
}

/**
 * Whether the words of a send are meant whose template has taken their place already: an attempt of which nobody knew failed
 * after all. A template itself never fails so.
 */
export function isAboutReplacedWords(
  context: Context,
  { tenantId, sendId }: { tenantId: string; sendId: string },
  { errorCode, wamid }: { errorCode: number | null; wamid: string },
): boolean {
  if (errorCode !== windowClosedCode) return false;
  const row = context.db.get<{ body: string; if_window_closed: string | null; wamid: string | null }>(
    selectWords,
    tenantId,
    sendId,
  );
  return row !== undefined && row.if_window_closed !== null && row.wamid !== wamid && isTemplate(row.body);
}

/** The part before was replaced by its template, or was stood for itself. */
function isStoodFor(context: Context, tenantId: string, row: SendRow): boolean {
  if (row.if_window_closed !== '"nothing"') return false;
  const before = context.db.get<{ state: string; why: string | null }>(
    selectBefore,
    tenantId,
    row.conversation_id,
    row.ordinal,
  );
  return before?.state === 'failed' && (before.why === replaced || before.why === stoodFor);
}
