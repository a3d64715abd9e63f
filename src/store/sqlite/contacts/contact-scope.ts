/**
 * All that belongs to one customer: the contact that an id or an address leads to, those that it took in by merges, their
 * conversations on every number of the tenant, and their addresses.
 */
import type { ContactStore } from '#core/ports/store-contacts.ts';
import type { Context } from '../database/context.ts';
import { survivingContact } from './alias.ts';

type Input<K extends keyof ContactStore> = Parameters<ContactStore[K]>[0];

const selectContact = 'SELECT 1 AS one FROM contact WHERE tenant_id = ? AND contact_id = ?';
/** By the primary key: from one waba of the tenant to the next, a few steps in all. */
const selectByAddress = `WITH RECURSIVE waba(id) AS (SELECT min(waba_id) FROM contact_address WHERE tenant_id = ?1
    UNION ALL SELECT (SELECT min(waba_id) FROM contact_address WHERE tenant_id = ?1 AND waba_id > waba.id) FROM waba WHERE waba.id IS NOT NULL)
  SELECT DISTINCT a.contact_id FROM waba CROSS JOIN contact_address a ON a.tenant_id = ?1 AND a.waba_id = waba.id
    AND a.kind IN ('phone','bsuid','parentBsuid') AND a.value = ?2 ORDER BY a.contact_id`;
/** Index: contact_merged. */
const selectAllIds = `WITH RECURSIVE one(contact_id) AS (
    SELECT ?2 UNION SELECT c.contact_id FROM one CROSS JOIN contact c INDEXED BY contact_merged
      ON c.tenant_id = ?1 AND c.merged_into = one.contact_id)
  SELECT contact_id FROM one ORDER BY contact_id`;
/** Index: conversation_of_contact. */
const selectConversations =
  'SELECT conversation_id FROM conversation WHERE tenant_id = ? AND contact_id = ? ORDER BY conversation_id';
/** Index: contact_address_by_contact. */
const selectAddresses = `SELECT value FROM contact_address WHERE tenant_id = ?1 AND contact_id = ?2
  UNION SELECT phone FROM contact WHERE tenant_id = ?1 AND contact_id = ?2 AND phone IS NOT NULL
  UNION SELECT bsuid FROM contact WHERE tenant_id = ?1 AND contact_id = ?2 AND bsuid IS NOT NULL`;

export interface ContactScope {
  tenantId: string;
  /** The contact that is left after merges. */
  contactId: string;
  contactIds: string[];
  conversationIds: string[];
}

export function findContacts(context: Context, { tenantId, contact }: Input<'findContacts'>): string[] {
  if (context.db.get(selectContact, tenantId, contact) !== undefined)
    return [survivingContact(context, tenantId, contact)];
  for (const address of [contact, digitsOf(contact)]) {
    const rows = context.db.all<{ contact_id: string }>(selectByAddress, tenantId, address);
    if (rows.length > 0) return rows.map((row) => row.contact_id);
  }
  return [];
}

/** A phone as Meta writes it, whatever a person puts between its digits. */
const digitsOf = (phone: string): string => phone.replace(/[+ ()./-]/g, '');

export function scopeOf(context: Context, tenantId: string, anyId: string): ContactScope {
  const contactId = survivingContact(context, tenantId, anyId);
  const contactIds = context.db
    .all<{ contact_id: string }>(selectAllIds, tenantId, contactId)
    .map((row) => row.contact_id);
  const conversationIds = contactIds.flatMap((id) =>
    context.db
      .all<{ conversation_id: string }>(selectConversations, tenantId, id)
      .map((row) => row.conversation_id),
  );
  return { tenantId, contactId, contactIds, conversationIds: [...new Set(conversationIds)].sort() };
}

export function addressesOf(context: Context, { tenantId, contactIds }: ContactScope): string[] {
  const values = contactIds.flatMap((id) =>
    context.db.all<{ value: string }>(selectAddresses, tenantId, id).map((row) => row.value),
  );
  return [...new Set(values)];
}
