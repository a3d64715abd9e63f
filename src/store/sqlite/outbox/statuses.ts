/**
 * Delivery statuses, a lane of their own. They match a send by the id we sent along, else by wamid, and may come before
 * the answer of the request. Delivery only moves up; `failed` is a flag that a later `delivered` overrides. A status
 * is also the proof that an uncertain send was accepted, and a second wamid the proof that a customer got it twice. Where it
 * failed since the service window was closed, its template leaves (`late-template.ts`).
 */
import type { InboundStatus } from '#core/model/events.ts';
import { type Delivery, deliveryRank, type SendState } from '#core/model/sends.ts';
import { storableInteger, storableText } from '#core/model/storable.ts';
import type { StatusBatch, StatusesRecorded } from '#core/ports/store.ts';
import type { Context } from '../database/context.ts';
import { raiseFlag } from '../operators/flags.ts';
import { isAboutReplacedWords, sendTemplateAfterFailure } from './late-template.ts';
import { nextOfLane } from './sends.ts';

const columns =
  'send_id, conversation_id, phone_number_id, state, delivery, wamid, second_wamid, first_status_at_ms, why';
const selectById = `SELECT ${columns} FROM send WHERE tenant_id = ? AND send_id = ?`;
/** Index: send_by_wamid. */
const selectByWamid = `SELECT ${columns} FROM send WHERE tenant_id = ? AND wamid = ? AND phone_number_id = ?`;
const insertUnmatched =
  'INSERT INTO status_unmatched (tenant_id, phone_number_id, wamid, status, at_ms, error_code, received_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, phone_number_id, wamid, status) DO NOTHING';
const update = `UPDATE send SET state = ?, delivery = ?, wamid = ?, second_wamid = ?, first_status_at_ms = ?, delivered_at_ms = coalesce(delivered_at_ms, ?),
  error_code = coalesce(?, error_code), why = ?, updated_at_ms = ? WHERE tenant_id = ? AND send_id = ?`;
const touchNumber = `INSERT INTO pace (tenant_id, scope, key, status_at_ms) VALUES (?, 'number', ?, ?)
  ON CONFLICT (tenant_id, scope, key) DO UPDATE SET status_at_ms = max(coalesce(status_at_ms, 0), excluded.status_at_ms)`;

interface SendRow {
  send_id: string;
  conversation_id: string;
  phone_number_id: string;
  state: SendState;
  delivery: Delivery;
  wamid: string | null;
  second_wamid: string | null;
  first_status_at_ms: number | null;
  why: string | null;
}

/** States that a status of this send proves wrong: something of it was accepted. */
const unsettled: ReadonlySet<SendState> = new Set(['queued', 'sending', 'uncertain', 'held']);

export function recordStatuses(context: Context, batch: StatusBatch): StatusesRecorded {
  const recorded: StatusesRecorded = {
    applied: 0,
    duplicates: 0,
    unmatched: 0,
    proven: 0,
    provenSends: [],
    provenDuplicates: 0,
    failed: 0,
    freed: [],
  };
  const numbers = new Map<string, [string, string]>();
  for (const { tenantId, status } of batch.statuses) {
    recordOne(context, tenantId, status, batch.receivedAtMs, recorded);
    numbers.set(`${tenantId}\n${status.phoneNumberId}`, [tenantId, status.phoneNumberId]);
  }
  for (const [tenantId, phoneNumberId] of numbers.values())
    context.db.run(touchNumber, tenantId, phoneNumberId, batch.receivedAtMs);
  return recorded;
}

function recordOne(
  context: Context,
  tenantId: string,
  status: InboundStatus,
  nowMs: number,
  recorded: StatusesRecorded,
): void {
  storableText(status.wamid, 'id in a status');
  storableInteger(status.atMs, 'time of a status');
  const row = find(context, tenantId, status);
  const errorCode = status.errors?.[0]?.code ?? null;
  if (row === undefined) {
    const isNew = context.db.run(
      insertUnmatched,
      tenantId,
      status.phoneNumberId,
      status.wamid,
      status.status,
      status.atMs,
      errorCode,
      nowMs,
    );
    if (isNew > 0) recorded.unmatched += 1;
    else recorded.duplicates += 1;
    return;
  }
  const { wamid } = status;
  const isOfBefore =
    status.status === 'failed' &&
    isAboutReplacedWords(context, { tenantId, sendId: row.send_id }, { errorCode, wamid });
  const after = isOfBefore ? null : applyStatus(row, status);
  if (after === null) {
    recorded.duplicates += 1;
    return;
  }
  const firstAtMs = row.first_status_at_ms ?? nowMs;
  const deliveredAtMs = deliveryRank[after.delivery] >= deliveryRank.delivered ? status.atMs : null;
  context.db.run(
    update,
    after.state,
    after.delivery,
    after.wamid,
    after.secondWamid,
    firstAtMs,
    deliveredAtMs,
    errorCode,
    after.why,
    nowMs,
    tenantId,
    row.send_id,
  );
  recorded.applied += 1;
  let ref = { tenantId, conversationId: row.conversation_id };
  if (unsettled.has(row.state)) {
    recorded.proven += 1;
    recorded.provenSends.push(row.send_id);
  }
  if (after.secondWamid !== row.second_wamid) recorded.provenDuplicates += 1;
  if (after.state === 'failed' && row.state !== 'failed') {
    recorded.failed += 1;
    const lane = sendTemplateAfterFailure(context, { tenantId, sendId: row.send_id }, { errorCode, nowMs });
    if (lane === null)
      raiseFlag(context, ref, 'sendFailed', errorCode === null ? null : String(errorCode), nowMs);
    ref = lane ?? ref;
  }
  if (after.state !== row.state || deliveredAtMs !== null) {
    const next = nextOfLane(context, ref);
    if (next !== undefined) recorded.freed.push(next);
  }
}

function find(context: Context, tenantId: string, status: InboundStatus): SendRow | undefined {
  if (status.opaque?.startsWith('snd_')) {
    const row = context.db.get<SendRow>(selectById, tenantId, status.opaque);
    if (row !== undefined && row.phone_number_id === status.phoneNumberId) return row;
  }
  return context.db.get<SendRow>(selectByWamid, tenantId, status.wamid, status.phoneNumberId);
}

interface AfterStatus {
  state: SendState;
  delivery: Delivery;
  wamid: string;
  secondWamid: string | null;
  why: string | null;
}

/** What a status makes of a send, or null where it says nothing new. */
function applyStatus(row: SendRow, status: InboundStatus): AfterStatus | null {
  const isOther = row.wamid !== null && row.wamid !== status.wamid;
  const secondWamid = isOther ? (row.second_wamid ?? status.wamid) : row.second_wamid;
  const wamid = row.wamid ?? status.wamid;
  const delivery =
    status.status !== 'failed' && deliveryRank[status.status] > deliveryRank[row.delivery]
      ? status.status
      : row.delivery;
  const state = stateAfter(row, status, delivery, isOther);
  const why =
    state === row.state
      ? row.why
      : state === 'failed'
        ? 'reported as failed'
        : row.state === 'failed'
          ? 'delivered after it was reported as failed'
          : null;
  const changed =
    state !== row.state ||
    delivery !== row.delivery ||
    wamid !== row.wamid ||
    secondWamid !== row.second_wamid;
  return changed ? { state, delivery, wamid, secondWamid, why } : null;
}

function stateAfter(row: SendRow, status: InboundStatus, delivery: Delivery, isOther: boolean): SendState {
  const arrived = deliveryRank[delivery] >= deliveryRank.delivered;
  if (status.status === 'failed') {
    const settles = unsettled.has(row.state) || row.state === 'accepted';
    return settles && !arrived && !isOther ? 'failed' : row.state;
  }
  if (unsettled.has(row.state)) return 'accepted';
  return row.state === 'failed' && arrived ? 'accepted' : row.state;
}
