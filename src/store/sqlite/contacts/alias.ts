/**
 * Conversations that were merged away stay as rows that name their survivor, so an old reference (on a screen, in a
 * flag, in a dead letter) still leads somewhere. A merge re-points earlier aliases too: one step is always enough.
 * A conversation whose contact was erased names itself: it leads nowhere, and like any other alias it has no mailbox that
 * somebody takes from or appends to.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { Context } from '../database/context.ts';

const selectMergedInto =
  'SELECT merged_into FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND merged_into IS NOT NULL';

const selectContactMergedInto =
  'SELECT merged_into FROM contact WHERE tenant_id = ? AND contact_id = ? AND merged_into IS NOT NULL';

/** The conversation itself, or the one that it was merged into. */
export function survivorOf(context: Context, ref: ConversationRef): ConversationRef {
  const row = context.db.get<{ merged_into: string }>(selectMergedInto, ref.tenantId, ref.conversationId);
  return row === undefined ? ref : { tenantId: ref.tenantId, conversationId: row.merged_into };
}

/** The contact itself, or the one that it became by one merge or several; what is no contact stays what it is. */
export function survivingContact(context: Context, tenantId: string, contactId: string): string {
  for (let id = contactId; ; ) {
    const row = context.db.get<{ merged_into: string }>(selectContactMergedInto, tenantId, id);
    if (row === undefined) return id;
    id = row.merged_into;
  }
}
