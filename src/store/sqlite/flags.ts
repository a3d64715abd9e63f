/**
 * A flag asks for a person. A conversation has at most one open flag of each reason; a repeat counts on it.
 */
import type { FlagReason } from '#core/model/effects.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { survivorOf } from './alias.ts';
import { type Context, newId } from './context.ts';

/** Index: flag_open. */
const selectOpen =
  'SELECT flag_id FROM flag WHERE tenant_id = ? AND conversation_id = ? AND reason = ? AND resolved_at_ms IS NULL';
const bump =
  'UPDATE flag SET count = count + 1, last_at_ms = ?, detail = coalesce(?, detail) WHERE tenant_id = ? AND flag_id = ?';
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
  const open = context.db.get<{ flag_id: string }>(selectOpen, tenantId, conversationId, reason);
  if (open !== undefined) {
    context.db.run(bump, nowMs, detail, tenantId, open.flag_id);
    return open.flag_id;
  }
  const id = flagId ?? newId(context, 'flg', nowMs);
  context.db.run(insert, tenantId, id, conversationId, reason, detail, nowMs, nowMs);
  return id;
}
