/**
 * The one way in. For each message of a webhook body: its dedupe key is claimed by the event's unique index, its
 * contact and conversation are found or made, its position is taken from the conversation's row, the event stands in
 * the mailbox and the conversation is due. A duplicate changes nothing and wakes again if its event is unconsumed.
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { answerClassOf, type InboundMessage, messageKeyOf } from '#core/model/events.ts';
import { showable, storableInteger, storableJson, storableText } from '#core/model/storable.ts';
import { debitInbound } from '#core/pacing/gcra.ts';
import type { AppendBatch, Appended, AppendMessage, QuarantineItem } from '#core/ports/store.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';
import { contactOf, contactOfChange, conversationOf } from '../contacts/contacts.ts';
import { type Context, newId } from '../database/context.ts';
import { noteOwnersWord, takeOverConversation } from '../operators/holder.ts';

/** Index: event_by_dedupe_key. */
const selectByKey = 'SELECT conversation_id, end FROM event WHERE tenant_id = ? AND dedupe_key = ?';
const selectDue = 'SELECT due_at_ms FROM conversation WHERE tenant_id = ? AND conversation_id = ?';
const selectForAppend =
  'SELECT position_next, due_at_ms, first_open_at_ms, holder, fence FROM conversation WHERE tenant_id = ? AND conversation_id = ?';
const insertEvent = `INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, wamid, sent_at_ms, received_at_ms, content, raw, end, fence)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const advance = `UPDATE conversation SET position_next = ?, due_at_ms = ?, first_open_at_ms = ?,
  customer_last_at_ms = max(coalesce(customer_last_at_ms, 0), ?), standby = coalesce(?, standby) WHERE tenant_id = ? AND conversation_id = ?`;
const selectPace =
  "SELECT tat_ms, inbound_tat_ms FROM pace WHERE tenant_id = ? AND scope = 'number' AND key = ?";
const upsertPace = `INSERT INTO pace (tenant_id, scope, key, tat_ms, inbound_tat_ms) VALUES (?, 'number', ?, ?, ?)
  ON CONFLICT (tenant_id, scope, key) DO UPDATE SET tat_ms = excluded.tat_ms, inbound_tat_ms = excluded.inbound_tat_ms`;
const insertNotice =
  'INSERT INTO notice (tenant_id, dedupe_key, field, phone_number_id, alert, at_ms, received_at_ms, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, dedupe_key) DO NOTHING';
const insertQuarantine = `INSERT INTO quarantine (tenant_id, quarantine_id, reason, phone_number_id, item, bytes, dedupe_key, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, dedupe_key) DO UPDATE SET count = count + 1`;

export function append(context: Context, batch: AppendBatch): Appended {
  const appended: Appended = {
    wakes: [],
    stored: 0,
    duplicates: 0,
    duplicateWamids: [],
    quarantined: 0,
    merged: [],
    tookOver: [],
    cancelled: [],
  };
  for (const each of batch.messages) appendMessage(context, each, batch.receivedAtMs, appended);
  for (const { tenantId, notice } of batch.notices) {
    const isNew = context.db.run(
      insertNotice,
      tenantId,
      storableText(notice.dedupeKey, 'key of a notice'),
      storableText(notice.field, 'field of a notice'),
      notice.phoneNumberId ?? null,
      notice.alert ? 1 : 0,
      storableInteger(notice.atMs, 'time of a notice'),
      batch.receivedAtMs,
      storableText(notice.raw, 'raw form of a notice'),
    );
    if (isNew > 0) appended.stored += 1;
    else appended.duplicates += 1;
  }
  for (const item of batch.quarantine) {
    quarantine(context, item, batch.receivedAtMs);
    appended.quarantined += 1;
  }
  return appended;
}

function appendMessage(
  context: Context,
  { number, message }: AppendMessage,
  nowMs: number,
  appended: Appended,
): void {
  const { tenantId } = number;
  const key = storableText(messageKeyOf(message), 'id of a message');
  const known = context.db.get<{ conversation_id: string; end: string | null }>(selectByKey, tenantId, key);
  if (known !== undefined) {
    appended.duplicates += 1;
    appended.duplicateWamids.push(message.wamid);
    if (known.end !== null) return;
    const row = context.db.get<{ due_at_ms: number | null }>(selectDue, tenantId, known.conversation_id);
    appended.wakes.push({
      ref: { tenantId, conversationId: known.conversation_id },
      dueAtMs: row?.due_at_ms ?? nowMs,
    });
    return;
  }
  const change = message.content.system?.change;
  const { contactId, merged } =
    change === undefined
      ? contactOf(context, number, message.sender, nowMs)
      : contactOfChange(context, number, change, message.sender, nowMs);
  for (const conversationId of merged) {
    appended.merged.push({ tenantId, conversationId });
    appended.wakes.push({ ref: { tenantId, conversationId }, dueAtMs: nowMs });
  }
  const conversationId = conversationOf(context, number, contactId, nowMs);
  const dueAtMs = insert(context, number, conversationId, message, key, nowMs);
  debit(context, number, nowMs);
  appended.stored += 1;
  if (message.kind === 'echo' && message.content.groupId === undefined) {
    const ref = { tenantId, conversationId };
    const taken = takeOverConversation(context, ref, 'the owner, on their phone', nowMs);
    if (taken !== null) {
      appended.tookOver.push(ref);
      appended.cancelled.push(...taken.cancelled);
    }
    noteOwnersWord(context, ref, nowMs);
    return;
  }
  if (dueAtMs !== null) appended.wakes.push({ ref: { tenantId, conversationId }, dueAtMs });
}

/** Writes the event; returns when the conversation is due, or null where an operator holds it and has seen it so. */
function insert(
  context: Context,
  number: PhoneNumber,
  conversationId: string,
  message: InboundMessage,
  key: string,
  nowMs: number,
): number | null {
  const { db } = context;
  const { tenantId } = number;
  const row = db.get<{
    position_next: number;
    due_at_ms: number | null;
    first_open_at_ms: number | null;
    holder: string;
    fence: number;
  }>(selectForAppend, tenantId, conversationId);
  if (row === undefined)
    throw new Error(
      `Conversation ${conversationId} of tenant ${tenantId} is not there although it was just found.`,
    );
  const answerClass = answerClassFor(message);
  const held = row.holder === 'operator';
  const seen = held ? (answerClass === 'answer' ? 'seenByOperator' : 'noAnswerNeeded') : null;
  db.run(
    insertEvent,
    tenantId,
    conversationId,
    row.position_next,
    key,
    message.kind,
    answerClass,
    message.wamid,
    storableInteger(message.sentAtMs, 'time of a message'),
    nowMs,
    storableJson(message.content, 'content of a message'),
    storableText(message.raw, 'raw form of a message'),
    seen,
    held ? row.fence : null,
  );
  const dueAtMs = held ? row.due_at_ms : dueOf(number, row.due_at_ms, row.first_open_at_ms, nowMs);
  const opensWindow =
    message.content.groupId === undefined &&
    message.kind !== 'echo' &&
    message.kind !== 'standby' &&
    message.kind !== 'system';
  db.run(
    advance,
    row.position_next + 1,
    dueAtMs,
    held ? row.first_open_at_ms : (row.first_open_at_ms ?? nowMs),
    opensWindow ? message.sentAtMs : 0,
    // Meta tells who owns the customer's chat by the field a message comes in.
    message.kind === 'standby' ? 1 : opensWindow ? 0 : null,
    tenantId,
    conversationId,
  );
  return held ? null : dueAtMs;
}

/** A group's messages are stored and not answered, whatever their kind. */
function answerClassFor(message: InboundMessage): (typeof answerClassOf)[keyof typeof answerClassOf] {
  return message.content.groupId === undefined ? answerClassOf[message.kind] : 'never';
}

/** Quiet time: due when the customer has paused for `quietMs`, at most `quietMaxMs` after the first message. */
function dueOf(
  number: PhoneNumber,
  dueAtMs: number | null,
  firstOpenAtMs: number | null,
  nowMs: number,
): number {
  const quietMs = number.settings.quietMs ?? 0;
  if (quietMs === 0) return nowMs;
  const firstAtMs = firstOpenAtMs ?? nowMs;
  const quietUntilMs = Math.min(
    nowMs + quietMs,
    firstAtMs + (number.settings.quietMaxMs ?? limits.quietMaxMs),
  );
  // A due time in the past is work that is due already, such as an activity's result; it is not put off.
  return dueAtMs !== null && dueAtMs <= nowMs ? dueAtMs : quietUntilMs;
}

/** A message in takes a part of the number's throughput, at most half of it. */
function debit(context: Context, number: PhoneNumber, nowMs: number): void {
  const row = context.db.get<{ tat_ms: number; inbound_tat_ms: number }>(
    selectPace,
    number.tenantId,
    number.phoneNumberId,
  );
  const state = {
    perSecond: number.sendsPerSecondMax,
    tatMs: row?.tat_ms ?? 0,
    inboundTatMs: row?.inbound_tat_ms ?? 0,
  };
  const next = debitInbound(state, nowMs);
  if (row !== undefined && next.tatMs === state.tatMs && next.inboundTatMs === state.inboundTatMs) return;
  context.db.run(upsertPace, number.tenantId, number.phoneNumberId, next.tatMs, next.inboundTatMs);
}

function quarantine(context: Context, item: QuarantineItem, nowMs: number): void {
  const json = item.item === null ? null : storableJson(item.item, 'quarantined item');
  const key = createHash('sha256')
    .update(json ?? item.bytes ?? '')
    .digest('hex')
    .slice(0, 32);
  context.db.run(
    insertQuarantine,
    item.tenantId,
    newId(context, 'qrt', nowMs),
    item.reason,
    showable(item.phoneNumberId ?? undefined),
    json,
    item.bytes,
    key,
    nowMs,
  );
}
