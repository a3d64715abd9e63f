/**
 * A send was accepted: its statuses may have been faster than the answer and are applied now, the answer may name
 * another address of the customer, and the pair's backing off is over.
 */
import { type Delivery, deliveryRank } from '#core/model/sends.ts';
import type { SendRef, SendSettlement, SendsSettled } from '#core/ports/store.ts';
import { pointAddress } from '../contacts/contacts.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { sendTemplateAfterFailure } from './late-template.ts';

export type Answer = Extract<SendSettlement['outcome'], { kind: 'accepted' }>;

const setAccepted =
  "UPDATE send SET state = 'accepted', wamid = coalesce(wamid, ?), error_code = NULL, why = NULL, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const selectUnmatched =
  'SELECT status, at_ms, error_code FROM status_unmatched WHERE tenant_id = ? AND phone_number_id = ? AND wamid = ?';
const deleteUnmatched =
  'DELETE FROM status_unmatched WHERE tenant_id = ? AND phone_number_id = ? AND wamid = ?';
const setDelivery =
  'UPDATE send SET delivery = ?, first_status_at_ms = coalesce(first_status_at_ms, ?) WHERE tenant_id = ? AND send_id = ?';
const setFailed =
  "UPDATE send SET state = 'failed', error_code = ?, why = 'reported as failed', updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?";
const selectAddress =
  'SELECT 1 AS one FROM contact_address WHERE tenant_id = ? AND waba_id = ? AND kind = ? AND value = ?';
const setBsuid = 'UPDATE contact SET bsuid = ? WHERE tenant_id = ? AND contact_id = ? AND bsuid IS NULL';
/** Not of a contact that was erased: an address that the answer names must lead to it no more. */
const selectPair = `SELECT c.pair_failures, c.pair_until_ms, c.waba_id, c.contact_id, k.phone, k.bsuid FROM conversation c
  LEFT JOIN contact k ON k.tenant_id = c.tenant_id AND k.contact_id = c.contact_id WHERE c.tenant_id = ? AND c.conversation_id = ? AND c.merged_into IS NOT c.conversation_id`;
const setPair =
  'UPDATE conversation SET pair_failures = ?, pair_until_ms = ? WHERE tenant_id = ? AND conversation_id = ?';

/** Accepted, and what follows: early statuses, other addresses that the answer names, an end to the pair's backing off. */
export function accept(
  context: Context,
  send: SendRef,
  wamid: string,
  answer: Answer | null,
  nowMs: number,
  settled: SendsSettled,
): void {
  const { tenantId, conversationId } = send.ref;
  context.db.run(setAccepted, wamid, nowMs, tenantId, send.sendId);
  applyEarlyStatuses(context, send, wamid, nowMs, settled);
  if (answer === null) return;
  const pair = context.db.get<PairRow>(selectPair, tenantId, conversationId);
  if (pair === undefined) return;
  if (pair.pair_failures > 0) context.db.run(setPair, 0, 0, tenantId, conversationId);
  learnAddresses(context, tenantId, pair, answer, nowMs);
}

function applyEarlyStatuses(
  context: Context,
  send: SendRef,
  wamid: string,
  nowMs: number,
  settled: SendsSettled,
): void {
  const { db } = context;
  const { tenantId } = send.ref;
  const early = db.all<{ status: string; at_ms: number; error_code: number | null }>(
    selectUnmatched,
    tenantId,
    send.phoneNumberId,
    wamid,
  );
  if (early.length === 0) return;
  const delivery = early.reduce<Delivery>(
    (best, each) =>
      isDelivery(each.status) && deliveryRank[each.status] > deliveryRank[best] ? each.status : best,
    'none',
  );
  db.run(setDelivery, delivery, early[0]?.at_ms ?? nowMs, tenantId, send.sendId);
  const failed = early.find((each) => each.status === 'failed');
  if (failed !== undefined && deliveryRank[delivery] < deliveryRank.delivered) {
    const { error_code: errorCode } = failed;
    db.run(setFailed, errorCode, nowMs, tenantId, send.sendId);
    if (sendTemplateAfterFailure(context, { tenantId, sendId: send.sendId }, { errorCode, nowMs }) === null) {
      raiseFlag(context, send.ref, 'sendFailed', errorCode === null ? null : String(errorCode), nowMs);
      settled.flagged += 1;
    }
  }
  db.run(deleteUnmatched, tenantId, send.phoneNumberId, wamid);
}

interface PairRow {
  pair_failures: number;
  pair_until_ms: number;
  waba_id: string;
  contact_id: string;
  phone: string | null;
  bsuid: string | null;
}

/** An address that the answer names and that leads nowhere yet leads to this contact; a second id is somebody else's. */
function learnAddresses(
  context: Context,
  tenantId: string,
  pair: PairRow,
  { waId, bsuid }: Answer,
  nowMs: number,
): void {
  const { db } = context;
  const at = { tenantId, wabaId: pair.waba_id };
  const isKnown = (kind: string, value: string) =>
    db.get(selectAddress, tenantId, pair.waba_id, kind, value) !== undefined;
  if (waId?.isWellFormed() && waId !== pair.phone && !isKnown('phone', waId))
    pointAddress(context, at, { kind: 'phone', value: waId }, pair.contact_id, nowMs);
  if (bsuid?.isWellFormed() && pair.bsuid === null && !isKnown('bsuid', bsuid)) {
    pointAddress(context, at, { kind: 'bsuid', value: bsuid }, pair.contact_id, nowMs);
    db.run(setBsuid, bsuid, tenantId, pair.contact_id);
  }
}

function isDelivery(status: string): status is Delivery {
  return status in deliveryRank;
}
