/**
 * Events of the business' own systems, and the keys with which they come. An event takes its place in the mailbox as an
 * activity's result does; the unique index of dedupe keys makes it one, however often and however many at once it is
 * sent. What was asked for stands beside it, so that a key that is used for something else is told from a repetition.
 */
import { Fault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { showable, storableJson, storableText } from '#core/model/storable.ts';
import type {
  ApiKeyRow,
  BusinessAppended,
  BusinessStore,
  NewBusinessEvent,
} from '#core/ports/store-business.ts';
import { survivingContact, survivorOf } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';
import { appendInternal } from './activities.ts';

type Input<K extends keyof BusinessStore> = Parameters<BusinessStore[K]>[0];

/** Index: event_by_dedupe_key. */
const selectByKey =
  'SELECT conversation_id, position, raw, end FROM event WHERE tenant_id = ? AND dedupe_key = ?';
const keepRequest = 'UPDATE event SET raw = ? WHERE tenant_id = ? AND conversation_id = ? AND position = ?';
const selectConversation =
  'SELECT phone_number_id FROM conversation WHERE tenant_id = ? AND conversation_id = ?';
/** Index: conversation_by_contact. */
const selectOfContact =
  'SELECT conversation_id FROM conversation WHERE tenant_id = ? AND phone_number_id = ? AND contact_id = ? AND merged_into IS NULL';
const selectContact = 'SELECT 1 AS one FROM contact WHERE tenant_id = ? AND contact_id = ?';
const selectAddress =
  'SELECT contact_id FROM contact_address WHERE tenant_id = ? AND waba_id = ? AND kind = ? AND value = ?';

const insertKey =
  'INSERT INTO api_key (tenant_id, key_id, digest, label, created_by, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)';
const countLive = 'SELECT count(*) AS count FROM api_key WHERE tenant_id = ? AND revoked_at_ms IS NULL';
const selectKey = 'SELECT revoked_at_ms FROM api_key WHERE tenant_id = ? AND key_id = ?';
const revokeKey = 'UPDATE api_key SET revoked_at_ms = ? WHERE tenant_id = ? AND key_id = ?';
const noteUse =
  'UPDATE api_key SET last_used_at_ms = ? WHERE tenant_id = ? AND key_id = ? AND coalesce(last_used_at_ms, 0) < ?';
const selectKeys = `SELECT tenant_id AS tenantId, key_id AS keyId, label, created_by AS createdBy, created_at_ms AS createdAtMs,
    last_used_at_ms AS lastUsedAtMs, revoked_at_ms AS revokedAtMs
  FROM api_key WHERE ?1 = '' OR tenant_id = ?1 ORDER BY tenant_id, created_at_ms, key_id LIMIT ?2`;
/** Index: the unique one of digests. A key says itself whose it is, as a phone number id does. */
const selectByDigest =
  'SELECT tenant_id AS tenantId, key_id AS keyId FROM api_key WHERE digest = ? AND revoked_at_ms IS NULL';
const record =
  'INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id, ref) VALUES (?, ?, ?, ?, NULL, ?)';

/** One write a minute is enough to see whether a key is still in use. */
const useNotedEveryMs = 60_000;

export function appendBusiness(context: Context, event: NewBusinessEvent): BusinessAppended {
  const { db } = context;
  const { tenantId, nowMs } = event;
  if (event.keyId !== null) db.run(noteUse, nowMs, tenantId, event.keyId, nowMs - useNotedEveryMs);
  const dedupeKey = storableText(`business:${event.idempotencyKey}`, 'idempotency key of an event');
  const request = storableText(event.request, 'request of an event');
  const known = db.get<{
    conversation_id: string;
    position: number;
    raw: string | null;
    end: string | null;
  }>(selectByKey, tenantId, dedupeKey);
  if (known !== undefined) {
    // Of a contact that was erased nobody knows any more what was asked for; that it was told is known.
    if (known.raw !== null && known.raw !== request) return { outcome: 'otherRequest' };
    const ref = { tenantId, conversationId: known.conversation_id };
    return { outcome: 'duplicate', ref, position: known.position, isOpen: known.end === null };
  }
  const found = find(context, event);
  if ('what' in found) return { outcome: 'unknown', what: found.what };
  const business = { name: event.name, data: event.data };
  storableJson(business, 'data of an event');
  const position = appendInternal(context, found.ref, 'business', dedupeKey, { business }, nowMs);
  if (position === null) return { outcome: 'unknown', what: 'conversation' };
  db.run(keepRequest, request, tenantId, found.ref.conversationId, position);
  return { outcome: 'stored', ref: found.ref, position };
}

type Found = { ref: ConversationRef } | { what: 'contact' | 'conversation' };

/** The conversation, or the one that it lost itself in. */
function find(context: Context, { tenantId, to }: NewBusinessEvent): Found {
  if (to.kind === 'conversation') {
    const ref = survivorOf(context, { tenantId, conversationId: to.conversationId });
    const row = context.db.get<{ phone_number_id: string }>(selectConversation, tenantId, ref.conversationId);
    const isThere =
      row !== undefined && (to.phoneNumberId === null || to.phoneNumberId === row.phone_number_id);
    return isThere ? { ref } : { what: 'conversation' };
  }
  const contactId = contactOf(context, tenantId, to);
  if (contactId === null) return { what: 'contact' };
  const row = context.db.get<{ conversation_id: string }>(
    selectOfContact,
    tenantId,
    to.phoneNumberId,
    contactId,
  );
  return row === undefined
    ? { what: 'conversation' }
    : { ref: { tenantId, conversationId: row.conversation_id } };
}

function contactOf(
  context: Context,
  tenantId: string,
  to: Exclude<NewBusinessEvent['to'], { kind: 'conversation' }>,
): string | null {
  if (to.kind === 'contact') {
    const contactId = survivingContact(context, tenantId, to.contactId);
    return context.db.get(selectContact, tenantId, contactId) === undefined ? null : contactId;
  }
  const row = context.db.get<{ contact_id: string }>(selectAddress, tenantId, to.wabaId, to.kind, to.value);
  return row?.contact_id ?? null;
}

// --- keys ---------------------------------------------------------------------------------------------------------

export function createApiKey(context: Context, input: Input<'createApiKey'>): void {
  const { tenantId, keyId, liveMax, by, nowMs } = input;
  const live = context.db.get<{ count: number }>(countLive, tenantId)?.count ?? 0;
  if (live >= liveMax)
    throw new Fault(
      'conflict',
      `Tenant ${tenantId} has ${live} live keys, and no more than ${liveMax} are needed to change one for another. Revoke one that nobody uses: nightdesk keys list shows when each was last used.`,
    );
  const label = showable(input.label) ?? '';
  context.db.run(insertKey, tenantId, keyId, input.digest, label, showable(by) ?? '', nowMs);
  context.db.run(record, tenantId, nowMs, by, 'createApiKey', keyId);
}

export function revokeApiKey(context: Context, input: Input<'revokeApiKey'>): void {
  const { tenantId, keyId, by, nowMs } = input;
  const row = context.db.get<{ revoked_at_ms: number | null }>(selectKey, tenantId, keyId);
  if (row === undefined) throw new Fault('notFound', `There is no key ${keyId} of tenant ${tenantId}.`);
  if (row.revoked_at_ms !== null) throw new Fault('conflict', `Key ${keyId} was revoked already.`);
  context.db.run(revokeKey, nowMs, tenantId, keyId);
  context.db.run(record, tenantId, nowMs, by, 'revokeApiKey', keyId);
}

export function listApiKeys(context: Context, input: Input<'listApiKeys'>): ApiKeyRow[] {
  return context.db.all<ApiKeyRow>(selectKeys, input.tenantId ?? '', input.max).map((row) => ({ ...row }));
}

export function findApiKey(context: Context, digest: string): { tenantId: string; keyId: string } | null {
  const row = context.db.get<{ tenantId: string; keyId: string }>(selectByDigest, digest);
  return row === undefined ? null : { ...row };
}
