/**
 * What others say in the business's name, and who holds a conversation. A coexistence number's owner answers on their own
 * phone (`smb_message_echoes`), another app of the business answers (`message_echoes`), or Meta's hosted agent does
 * (`standby`). While the agent holds a conversation, what the contact says comes as `standby` as well, until it is handed
 * over (`messaging_handovers`) or the business sends a service message, which takes control without a webhook.
 * Sources: .../whatsapp/webhooks/reference/smb_message_echoes and .../standby; the nesting of standby as measured by others.
 */
import type { Contact } from '../contacts.ts';
import { visiblePhone } from '../contacts.ts';
import { type JsonObject, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { HistoryMessage } from '../conversations.ts';
import type { MetaState, SaidMessage } from '../meta-state.ts';
import { contactPeer, unixSeconds } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import { escapedJson } from './envelope.ts';
import { contactOf, contentOf, inboundHistory, numberOf, updateOf } from './inbound-parts.ts';

const FIELDS = { owner: 'smb_message_echoes', app: 'message_echoes', agent: 'standby' } as const;
type Speaker = keyof typeof FIELDS;

function speakerOf(source: JsonObject): Speaker {
  const by = readString(source.by) ?? 'owner';
  if (Object.hasOwn(FIELDS, by)) return by as Speaker;
  throw new ControlError(`An echo is "by" one of ${Object.keys(FIELDS).join(', ')}, not "${by}".`);
}

interface Echoed {
  readonly wamid: string;
  readonly type: string;
  readonly properties: JsonObject;
}

/** As the owner's phone or another app tells it. */
function plainEcho(number: PhoneNumber, contact: Contact, echoed: Echoed, nowMs: number): JsonObject {
  const phone = visiblePhone(contact);
  return {
    from: number.digits,
    ...(phone ? { to: phone } : {}),
    ...(contact.userId ? { to_user_id: contact.userId } : {}),
    id: echoed.wamid,
    timestamp: unixSeconds(nowMs),
    type: echoed.type,
    ...echoed.properties,
  };
}

/** As the hosted agent's messages are told: the body as it was sent, under `message`. */
function agentEcho(contact: Contact, echoed: Echoed, nowMs: number): JsonObject {
  const phone = visiblePhone(contact);
  const message = {
    messaging_product: 'whatsapp',
    ...(phone ? { to: phone } : {}),
    ...(contact.userId ? { recipient: contact.userId } : {}),
    type: echoed.type,
    ...echoed.properties,
  };
  return { id: echoed.wamid, timestamp: unixSeconds(nowMs), message };
}

export function echo(state: MetaState, request: unknown, nowMs: number): { wamid: string } {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const by = speakerOf(source);
  const said = { text: '', ...source };
  const content = contentOf(state, said, { contact, phoneNumberId: number.id, nowMs });
  const { type, text, properties } = content;
  const wamid = state.ids.wamid('out', contactPeer(contact));
  const echoed = { wamid, type, properties };
  const place = { phoneNumberId: number.id, contactId: contact.id, wamid, type, text };
  const body = properties[type] ?? null;
  const like: SaidMessage = { ...place, index: -1, atMs: nowMs, acknowledgedAtMs: null };
  const history: HistoryMessage = {
    ...inboundHistory(like, { body, replyTo: null, forwarded: false, referral: null }),
    direction: 'out',
    status: 'delivered',
  };
  state.conversations.add(state.conversations.open(number.id, contact.id), history);
  state.log.add('echoed', nowMs, { ...place, body });
  const item = by === 'agent' ? agentEcho(contact, echoed, nowMs) : plainEcho(number, contact, echoed, nowMs);
  const update = updateOf(number, {
    field: FIELDS[by],
    subject: { wamid, status: null },
    list: 'message_echoes',
    item: escapedJson(item),
  });
  state.deliveries.enqueue(update, nowMs);
  return { wamid };
}

function tellPassed(state: MetaState, number: PhoneNumber, contact: Contact, nowMs: number): void {
  const phone = visiblePhone(contact);
  const item = escapedJson({
    type: 'control_passed',
    sender: {
      ...(phone ? { phone_number: phone } : {}),
      ...(contact.userId ? { user_id: contact.userId } : {}),
    },
    recipient: { phone_number_id: number.id, display_phone_number: number.digits },
    control_passed: { previous_owner_app_role: 'meta_business_agent' },
  });
  const update = updateOf(number, { field: 'messaging_handovers', metadata: null, list: null, item });
  state.deliveries.enqueue(update, nowMs);
}

/** To "agent": nothing is told, `standby` begins. To "app": the handover is told. */
export function handOver(state: MetaState, request: unknown, nowMs: number): { changed: boolean } {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  if (source.to !== 'agent' && source.to !== 'app') {
    throw new ControlError(
      'A handover needs "to": "agent" (Meta\'s hosted agent) or "app" (this business\'s app).',
    );
  }
  const conversation = state.conversations.open(number.id, contact.id);
  const isWithAgent = source.to === 'agent';
  if (conversation.isWithAgent === isWithAgent) return { changed: false };
  conversation.isWithAgent = isWithAgent;
  if (!isWithAgent) tellPassed(state, number, contact, nowMs);
  return { changed: true };
}
