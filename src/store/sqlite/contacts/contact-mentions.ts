/**
 * What names a customer and stands in no mailbox: items and bodies in quarantine, and notices. They are found by the
 * customer's addresses; a number of ours says whose a quarantined item is. Of a body that could not be read nobody knows
 * whose it is, so it counts for each customer whom it names.
 */
import type { InboundMessage, InboundStatus } from '#core/model/events.ts';
import type { Context } from '../database/context.ts';
import type { ContactScope } from './contact-scope.ts';
import { addressesOf } from './contact-scope.ts';

/** Of the tenant, or of nobody: what came by the shared path has no tenant. */
const selectQuarantine = `SELECT q.quarantine_id, q.tenant_id, q.reason, q.phone_number_id, q.item, q.bytes, q.created_at_ms FROM quarantine q
  WHERE q.tenant_id IN (?1, '') AND (q.item IS NOT NULL OR q.bytes IS NOT NULL)
  AND (q.phone_number_id IS NULL OR NOT EXISTS (SELECT 1 FROM phone_number n WHERE n.phone_number_id = q.phone_number_id AND n.tenant_id <> ?1))`;
const selectNotices = `SELECT dedupe_key, field, phone_number_id, at_ms, raw FROM notice WHERE tenant_id = ? AND raw <> '{}'`;

export interface Quarantined {
  quarantineId: string;
  /** Empty where it came by the shared path. */
  tenantId: string;
  reason: string;
  phoneNumberId: string | null;
  createdAtMs: number;
  /** Null of a body, which may be about others, too. */
  item: unknown;
}

export interface NoticeOfContact {
  dedupeKey: string;
  field: string;
  phoneNumberId: string | null;
  atMs: number;
}

export function quarantinedOf(context: Context, scope: ContactScope): Quarantined[] {
  const addresses = addressesOf(context, scope);
  if (addresses.length === 0) return [];
  const rows = context.db.all<{
    quarantine_id: string;
    tenant_id: string;
    reason: string;
    phone_number_id: string | null;
    item: string | null;
    bytes: Uint8Array | null;
    created_at_ms: number;
  }>(selectQuarantine, scope.tenantId);
  return rows.flatMap((row) => {
    const item = row.item === null ? null : (JSON.parse(row.item) as InboundMessage | InboundStatus);
    const isAbout =
      item === null
        ? names(Buffer.from(row.bytes ?? []).toString('latin1'), addresses)
        : isOf(item, addresses);
    if (!isAbout) return [];
    const { quarantine_id: quarantineId, tenant_id: tenantId, reason, phone_number_id: phoneNumberId } = row;
    return [{ quarantineId, tenantId, reason, phoneNumberId, createdAtMs: row.created_at_ms, item }];
  });
}

function isOf(item: InboundMessage | InboundStatus, addresses: readonly string[]): boolean {
  const { phone, bsuid, parentBsuid } = item.type === 'message' ? item.sender : item.recipient;
  return [phone, bsuid, parentBsuid].some((each) => each !== undefined && addresses.includes(each));
}

export function noticesOf(context: Context, scope: ContactScope): NoticeOfContact[] {
  const addresses = addressesOf(context, scope);
  if (addresses.length === 0) return [];
  return context.db
    .all<{ dedupe_key: string; field: string; phone_number_id: string | null; at_ms: number; raw: string }>(
      selectNotices,
      scope.tenantId,
    )
    .filter((row) => names(row.raw, addresses))
    .map((row) => ({
      dedupeKey: row.dedupe_key,
      field: row.field,
      phoneNumberId: row.phone_number_id,
      atMs: row.at_ms,
    }));
}

/** An address as a word of its own: a longer number that holds it is another one. */
function names(text: string, addresses: readonly string[]): boolean {
  return addresses.some((address) => {
    for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1))
      if (!isLetter(text[at - 1]) && !isLetter(text[at + address.length])) return true;
    return false;
  });
}

const isLetter = (char: string | undefined): boolean => char !== undefined && /[A-Za-z0-9]/.test(char);
