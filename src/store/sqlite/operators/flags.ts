/**
 * A flag asks for a person. A conversation has at most one open flag of each reason; a repeat counts on it.
 */
import type { FlagReason } from '#core/model/effects.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { survivorOf } from '../contacts/alias.ts';
import { type Context, newId } from '../database/context.ts';

/** Index: flag_open. */
const selectOpen =
  'SELECT flag_id FROM flag WHERE tenant_id = ? AND conversation_id = ? AND reason = ? AND resolved_at_ms IS NULL';
/** A clock may have been set back: a flag is not older than a send that it may be about, or the audit would not count it. */
const selectLastSend = `SELECT max(created_at_ms) AS at_ms FROM send WHERE tenant_id = ?1 AND conversation_id IN
  (SELECT conversation_id FROM conversation WHERE tenant_id = ?1 AND (conversation_id = ?2 OR merged_into = ?2))`;
const bump =
  'UPDATE flag SET count = count + 1, last_at_ms = max(last_at_ms, ?), detail = coalesce(?, detail) WHERE tenant_id = ? AND flag_id = ?';
const insert =
  'INSERT INTO flag (tenant_id, flag_id, conversation_id, reason, detail, created_at_ms, last_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)';

/** Raises a flag, or counts on the open one; returns its id. On a conversation that was merged away: on its survivor. */
export function raiseFlag(
  context: Context,
  ref: ConversationRef,
  reason: FlagReason,
  detail: string | null,
  nowMs: number,
  flagId?: string,
): string {
  const { tenantId, conversationId } = survivorOf(context, ref);
  const lastSend = context.db.get<{ at_ms: number | null }>(selectLastSend, tenantId, conversationId);
  const atMs = Math.max(nowMs, lastSend?.at_ms ?? 0);
  const open = context.db.get<{ flag_id: string }>(selectOpen, tenantId, conversationId, reason);
  if (open !== undefined) {
    context.db.run(bump, atMs, detail, tenantId, open.flag_id);
    return open.flag_id;
  }
  const id = flagId ?? newId(context, 'flg', nowMs);
  context.db.run(insert, tenantId, id, conversationId, reason, detail, atMs, atMs);
  return id;
}
