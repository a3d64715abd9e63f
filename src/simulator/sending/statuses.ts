/**
 * What becomes of an accepted send: sent, delivered, read (played for a voice message), or failed, each after a drawn
 * delay, each its own update. The phone's ticks follow what really happened; the webhook may still be lost or late.
 * Shapes: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status.
 */
import { createHash } from 'node:crypto';
import type { Contact } from '../contacts.ts';
import { visiblePhone, webhookContact } from '../contacts.ts';
import type { HistoryMessage, Tick } from '../conversations.ts';
import { raiseTick } from '../conversations.ts';
import { drawMs } from '../draw.ts';
import { webhookError } from '../graph/graph-errors.ts';
import { escapedJson, type Update } from '../inbound/envelope.ts';
import type { MetaState } from '../meta-state.ts';
import { metadataJson, unixSeconds } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import type { Failure } from './against-state.ts';
import type { SendBody } from './body.ts';

export interface AcceptedForStatus {
  readonly number: PhoneNumber;
  readonly contact: Contact | null;
  readonly body: SendBody;
  /** Service, or the template's. */
  readonly category: string;
  readonly wamid: string;
  readonly history: HistoryMessage | null;
  /** Inside a free entry point (the contact came by an ad). */
  readonly isFreeEntry: boolean;
  /** Fails with this instead of being sent. */
  readonly failure: Failure | null;
  /** The sent status comes at once, and this is told when its webhook was answered or given up. */
  readonly onSentSettled: ((nowMs: number) => void) | null;
}

type Status = Exclude<Tick, 'accepted'>;

const isBefore24 = ({ settings }: MetaState): boolean =>
  Number.parseFloat(settings.rules.webhookVersion.slice(1)) < 24;

const CONVERSATION_MS = 24 * 3_600_000;

/** Webhooks tell it up to v23.0, afterwards only for a free entry point. Its end stands in `sent` alone. */
function conversationOf(send: AcceptedForStatus, status: Status, origin: string, endsAtMs: number): object {
  return {
    id: createHash('md5').update(`${send.number.id} ${send.contact?.id} ${origin}`).digest('hex'),
    ...(status === 'sent' ? { expiration_timestamp: unixSeconds(endsAtMs) } : {}),
    origin: { type: origin },
  };
}

function pricingOf(state: MetaState, send: AcceptedForStatus, status: Status, nowMs: number): object {
  if (send.isFreeEntry) {
    const open = send.contact ? state.conversations.find(send.number.id, send.contact.id) : undefined;
    const conversation = conversationOf(send, status, 'referral_conversion', open?.freeEntryUntilMs ?? nowMs);
    const pricing = {
      billable: false,
      pricing_model: 'PMP',
      type: 'free_entry_point',
      category: 'referral_conversion',
    };
    return { conversation, pricing };
  }
  const { category } = send;
  const pricing = { billable: true, pricing_model: 'PMP', type: 'regular', category };
  return isBefore24(state)
    ? { conversation: conversationOf(send, status, category, nowMs + CONVERSATION_MS), pricing }
    : { pricing };
}

function recipientOf(send: AcceptedForStatus, status: Status): Record<string, unknown> {
  const { contact, body } = send;
  const phone = body.phone ? (contact?.phone ?? body.phone) : contact ? visiblePhone(contact) : null;
  // A failed send to a phone does not tell the BSUID behind it.
  const userId = status === 'failed' ? body.userId : (contact?.userId ?? body.userId);
  const parentUserId = status === 'failed' ? null : contact?.parentUserId;
  return {
    ...(phone ? { recipient_id: phone } : {}),
    ...(userId ? { recipient_user_id: userId } : {}),
    ...(parentUserId ? { recipient_parent_user_id: parentUserId } : {}),
    ...(contact?.identityHash ? { recipient_identity_key_hash: contact.identityHash } : {}),
  };
}

const failedWith = (failure: Failure | null): unknown =>
  webhookError(failure?.code ?? 131000, failure?.details ?? undefined);

function statusItem(state: MetaState, send: AcceptedForStatus, status: Status, nowMs: number): string {
  const isFailed = status === 'failed';
  const hasOpaque = send.body.opaque !== null && (!isFailed || state.settings.rules.opaqueOnFailed);
  return escapedJson({
    id: send.wamid,
    status,
    timestamp: unixSeconds(nowMs),
    ...recipientOf(send, status),
    ...(hasOpaque ? { biz_opaque_callback_data: send.body.opaque } : {}),
    ...(status === 'sent' || status === 'delivered' ? pricingOf(state, send, status, nowMs) : {}),
    ...(isFailed ? { errors: [failedWith(send.failure)] } : {}),
  });
}

function tell(state: MetaState, send: AcceptedForStatus, status: Status, nowMs: number): void {
  const { faults, deliveries, agenda, log } = state;
  const { statusLost, statusLate } = faults.settings;
  const place = { phoneNumberId: send.number.id, contactId: send.contact?.id ?? null };
  const isMeant = statusLost.statuses === null || statusLost.statuses.includes(status);
  if (isMeant && faults.fires(statusLost, send.number.id)) {
    log.add('statusSuppressed', nowMs, { ...place, wamid: send.wamid, status });
    return;
  }
  const onSentSettled = status === 'sent' ? send.onSentSettled : null;
  const update: Update = {
    wabaId: send.number.wabaId,
    phoneNumberId: send.number.id,
    field: 'messages',
    subject: { wamid: send.wamid, status },
    metadata: metadataJson(send.number),
    list: 'statuses',
    item: statusItem(state, send, status, nowMs),
    contact:
      status === 'failed' || !send.contact || isBefore24(state)
        ? null
        : escapedJson(webhookContact(send.contact)),
    ...(onSentSettled ? { settled: (_ok: boolean, settledAtMs: number) => onSentSettled(settledAtMs) } : {}),
  };
  if (faults.fires(statusLate, send.number.id)) {
    const lateMs = drawMs(state.random, statusLate);
    agenda.at(nowMs + lateMs, (lateAtMs) => deliveries.enqueue(update, lateAtMs));
    return;
  }
  deliveries.enqueue(update, nowMs);
}

function happen(state: MetaState, send: AcceptedForStatus, status: Status, nowMs: number): void {
  if (send.history) {
    raiseTick(send.history, status);
    if (status === 'failed') send.history.errorCode = send.failure?.code ?? null;
  }
  state.log.add('status', nowMs, {
    phoneNumberId: send.number.id,
    contactId: send.contact?.id ?? null,
    wamid: send.wamid,
    status,
    code: status === 'failed' ? (send.failure?.code ?? null) : null,
    opaque: send.body.opaque,
  });
  state.log.count(status === 'failed' ? `status.failed.${send.failure?.code}` : `status.${status}`);
  tell(state, send, status, nowMs);
}

/** Sets all statuses of a send into the agenda. */
export function scheduleStatuses(state: MetaState, send: AcceptedForStatus, nowMs: number): void {
  const { random, settings, agenda } = state;
  const { timings } = settings;
  const at = (dueAtMs: number, status: Status): void =>
    agenda.at(dueAtMs, (reachedAtMs) => happen(state, send, status, reachedAtMs));
  if (send.failure !== null) {
    at(nowMs + drawMs(random, timings.failedMs), 'failed');
    return;
  }
  const { contact } = send;
  const receipts = contact?.receipts ?? 'read';
  if (receipts === 'none') return;
  const sentAtMs = send.onSentSettled ? nowMs : nowMs + drawMs(random, contact?.sentMs ?? timings.sentMs);
  at(sentAtMs, 'sent');
  if (receipts === 'sent' || send.body.type === 'reaction') return;
  const deliveredAtMs = sentAtMs + drawMs(random, contact?.deliveredMs ?? timings.deliveredMs);
  at(deliveredAtMs, 'delivered');
  if (receipts === 'delivered') return;
  const readAtMs = deliveredAtMs + drawMs(random, contact?.readMs ?? timings.readMs);
  at(readAtMs, 'read');
  const isVoice = (send.body.content as { voice?: unknown } | undefined)?.voice === true;
  if (send.body.type === 'audio' && isVoice) at(readAtMs + drawMs(random, timings.readMs), 'played');
}
