/**
 * Finds or makes the contact and the conversation of a message, re-points addresses and merges contacts that prove
 * to be one. Runs inside the append's transaction, so no other writer can stand between look-up and write.
 */
import {
  type Address,
  type AddressKind,
  type ContactDecision,
  decideChange,
  decideContact,
  type KnownContact,
  wholeChange,
} from '#core/model/contacts.ts';
import type { AddressChange, Sender } from '#core/model/events.ts';
import { showable, storableText } from '#core/model/storable.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';
import { type Context, newId } from '../database/context.ts';
import { addCounters, mergeConversations } from './merge.ts';

const selectAddress =
  'SELECT contact_id FROM contact_address WHERE tenant_id = ? AND waba_id = ? AND kind = ? AND value = ?';
const selectBsuids =
  "SELECT value FROM contact_address WHERE tenant_id = ? AND contact_id = ? AND kind = 'bsuid'";
const upsertAddress = `INSERT INTO contact_address (tenant_id, waba_id, kind, value, contact_id, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, waba_id, kind, value) DO UPDATE SET contact_id = excluded.contact_id`;
const insertContact =
  'INSERT INTO contact (tenant_id, contact_id, name, username, phone, bsuid, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)';
const selectContact =
  'SELECT name, username, phone, bsuid FROM contact WHERE tenant_id = ? AND contact_id = ?';
const updateContact =
  'UPDATE contact SET name = coalesce(?, name), username = coalesce(?, username), phone = coalesce(?, phone), bsuid = coalesce(?, bsuid) WHERE tenant_id = ? AND contact_id = ?';
const losePhone = 'UPDATE contact SET phone = NULL WHERE tenant_id = ? AND contact_id = ? AND phone = ?';
const repointAddresses = 'UPDATE contact_address SET contact_id = ? WHERE tenant_id = ? AND contact_id = ?';
const markMerged = 'UPDATE contact SET merged_into = ? WHERE tenant_id = ? AND contact_id = ?';
/** What only the other contact was known by is not forgotten. */
const fillFromMerged = `UPDATE contact SET name = coalesce(contact.name, other.name), username = coalesce(contact.username, other.username),
    phone = coalesce(contact.phone, other.phone), bsuid = coalesce(contact.bsuid, other.bsuid)
  FROM contact AS other WHERE other.tenant_id = ? AND other.contact_id = ? AND contact.tenant_id = ? AND contact.contact_id = ?`;
const selectConversation =
  'SELECT conversation_id FROM conversation WHERE tenant_id = ? AND phone_number_id = ? AND contact_id = ? AND merged_into IS NULL';
const insertConversation =
  'INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)';

function lookUp(
  context: Context,
  number: PhoneNumber,
  kind: AddressKind,
  value: string | undefined,
  withBsuids: boolean,
): KnownContact | null {
  if (value === undefined) return null;
  const row = context.db.get<{ contact_id: string }>(
    selectAddress,
    number.tenantId,
    number.wabaId,
    kind,
    storableText(value, 'address of a customer'),
  );
  if (row === undefined) return null;
  const bsuids = withBsuids
    ? context.db
        .all<{ value: string }>(selectBsuids, number.tenantId, row.contact_id)
        .map((each) => each.value)
    : [];
  return { contactId: row.contact_id, bsuids };
}

export interface ContactOfMessage {
  contactId: string;
  /** Conversations that lost themselves in others by a merge. */
  merged: string[];
}

/** The contact of an ordinary message; makes, re-points and merges as decided. */
export function contactOf(
  context: Context,
  number: PhoneNumber,
  sender: Sender,
  nowMs: number,
): ContactOfMessage {
  const bsuid = lookUp(context, number, 'bsuid', sender.bsuid, false);
  let phone = lookUp(context, number, 'phone', sender.phone, sender.bsuid !== undefined && bsuid === null);
  if (phone !== null && bsuid !== null && phone.contactId !== bsuid.contactId)
    phone = { ...phone, bsuids: bsuidsOf(context, number, phone.contactId) };
  const parentBsuid = lookUp(context, number, 'parentBsuid', sender.parentBsuid, bsuid === null);
  const decision = decideContact(sender, { phone, bsuid, parentBsuid });
  return carryOut(context, number, decision, sender, nowMs);
}

function bsuidsOf(context: Context, number: PhoneNumber, contactId: string): string[] {
  return context.db
    .all<{ value: string }>(selectBsuids, number.tenantId, contactId)
    .map((each) => each.value);
}

/** The contact whose change of address a system message announces. */
export function contactOfChange(
  context: Context,
  number: PhoneNumber,
  change: AddressChange,
  sender: Sender,
  nowMs: number,
): ContactOfMessage {
  const whole = wholeChange(change, sender);
  const decision = decideChange(whole, {
    oldPhone: lookUp(context, number, 'phone', whole.oldPhone, true),
    oldBsuid: lookUp(context, number, 'bsuid', whole.oldBsuid, true),
    newPhone: lookUp(context, number, 'phone', whole.newPhone, true),
    newBsuid: lookUp(context, number, 'bsuid', whole.newBsuid, true),
  });
  const latest: Sender = { ...sender };
  if (change.newPhone !== undefined) latest.phone = change.newPhone;
  if (change.newBsuid !== undefined) latest.bsuid = change.newBsuid;
  return carryOut(context, number, decision, latest, nowMs);
}

function carryOut(
  context: Context,
  number: PhoneNumber,
  decision: ContactDecision,
  sender: Sender,
  nowMs: number,
): ContactOfMessage {
  const { tenantId } = number;
  let contactId = decision.contactId;
  if (contactId === null) {
    contactId = newId(context, 'ctc', nowMs);
    context.db.run(
      insertContact,
      tenantId,
      contactId,
      showable(sender.name),
      showable(sender.username),
      sender.phone ?? null,
      sender.bsuid ?? null,
      nowMs,
    );
  } else {
    refresh(context, tenantId, contactId, sender);
  }
  for (const loser of decision.lostPhone) context.db.run(losePhone, tenantId, loser, sender.phone ?? null);
  const merged = decision.merge.flatMap((other) => mergeContacts(context, tenantId, contactId, other, nowMs));
  for (const address of decision.point) pointAddress(context, number, address, contactId, nowMs);
  return { contactId, merged };
}

function refresh(context: Context, tenantId: string, contactId: string, sender: Sender): void {
  const row = context.db.get<{
    name: string | null;
    username: string | null;
    phone: string | null;
    bsuid: string | null;
  }>(selectContact, tenantId, contactId);
  if (row === undefined) return;
  const differs = (given: string | undefined, stored: string | null) =>
    given !== undefined && given !== stored;
  if (
    differs(sender.name, row.name) ||
    differs(sender.username, row.username) ||
    differs(sender.phone, row.phone) ||
    differs(sender.bsuid, row.bsuid)
  ) {
    context.db.run(
      updateContact,
      showable(sender.name),
      showable(sender.username),
      sender.phone ?? null,
      sender.bsuid ?? null,
      tenantId,
      contactId,
    );
  }
}

export function pointAddress(
  context: Context,
  at: { tenantId: string; wabaId: string },
  address: Address,
  contactId: string,
  nowMs: number,
): void {
  const value = storableText(address.value, 'address of a customer');
  context.db.run(upsertAddress, at.tenantId, at.wabaId, address.kind, value, contactId, nowMs);
}

function mergeContacts(
  context: Context,
  tenantId: string,
  intoId: string,
  otherId: string,
  nowMs: number,
): string[] {
  context.db.run(repointAddresses, intoId, tenantId, otherId);
  context.db.run(markMerged, intoId, tenantId, otherId);
  context.db.run(fillFromMerged, tenantId, otherId, tenantId, intoId);
  addCounters(context, tenantId, otherId, intoId);
  return mergeConversations(context, tenantId, intoId, otherId, nowMs);
}

/** The conversation of a contact on a number, made if there is none. */
export function conversationOf(
  context: Context,
  number: PhoneNumber,
  contactId: string,
  nowMs: number,
): string {
  const row = context.db.get<{ conversation_id: string }>(
    selectConversation,
    number.tenantId,
    number.phoneNumberId,
    contactId,
  );
  if (row !== undefined) return row.conversation_id;
  const conversationId = newId(context, 'cnv', nowMs);
  context.db.run(
    insertConversation,
    number.tenantId,
    conversationId,
    number.phoneNumberId,
    number.wabaId,
    contactId,
    nowMs,
  );
  return conversationId;
}
