/**
 * Contacts speaking. `say` makes a message, puts it into the conversation and the record of everything said, and sends
 * its webhook on its way; `changeAddress` changes a contact's ids and tells it by a system message. What else comes by
 * webhook is beside: echoes and handovers (`echoes.ts`), history (`history-sync.ts`), account-level fields (`notices.ts`).
 */
import type { Contact } from '../contacts.ts';
import { digitsOf, userIdOfPhone, visiblePhone } from '../contacts.ts';
import { type JsonObject, readNumber, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { MetaState, SaidMessage } from '../meta-state.ts';
import { contactPeer, unixSeconds } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import { echo, handOver } from './echoes.ts';
import { escapedJson, fitting } from './envelope.ts';
import { tellHistory } from './history-sync.ts';
import { type InboundContent, UNSUPPORTED_EDIT } from './inbound-content.ts';
import {
  contactJson,
  contactOf,
  contentOf,
  inboundHistory,
  numberOf,
  senderOf,
  updateOf,
} from './inbound-parts.ts';
import { change } from './notices.ts';

const FREE_ENTRY_MS = 72 * 3_600_000;

export interface Inbound {
  say(request: unknown, nowMs: number): SaidMessage;
  echo(request: unknown, nowMs: number): { wamid: string };
  /** Meta's hosted agent takes a conversation, or gives it back; `changed` is false where it was so already. */
  handOver(request: unknown, nowMs: number): { changed: boolean };
  /** The past chats of a number, as a coexistence number shares them. Returns how many webhooks it took. */
  tellHistory(request: unknown, nowMs: number): { webhooks: number };
  changeAddress(request: unknown, nowMs: number): Contact;
  change(request: unknown, nowMs: number): void;
  /** The contact named by our id, phone or BSUID; a phone or BSUID nobody has becomes a new contact. */
  contactOf(key: unknown, nowMs: number): Contact;
  numberOf(phoneNumberId: unknown): PhoneNumber;
}

/** Who wrote the message that is quoted; where the simulator forgot it, the business. */
function quotedFrom(state: MetaState, replyTo: string, number: PhoneNumber, contact: Contact): JsonObject {
  if (state.conversations.lookUp(replyTo)?.message.direction !== 'in') return { from: number.digits };
  const phone = visiblePhone(contact);
  return phone ? { from: phone } : {};
}

function contextOf(state: MetaState, said: JsonObject, number: PhoneNumber, contact: Contact): JsonObject {
  const replyTo = readString(said.replyTo);
  if (said.forwarded === true) return { context: { forwarded: true } };
  if (said.frequentlyForwarded === true) return { context: { frequently_forwarded: true } };
  if (replyTo === undefined) return {};
  const product = readObject(said.product);
  const referred = product && {
    referred_product: {
      catalog_id: readString(product.catalogId) ?? '194836987003835',
      product_retailer_id: readString(product.productRetailerId) ?? 'di9ozbzfi4',
    },
  };
  return { context: { ...quotedFrom(state, replyTo, number, contact), id: replyTo, ...referred } };
}

function referralOf(said: JsonObject): JsonObject | null {
  if (!said.referral) return null;
  const given = readObject(said.referral);
  if (given !== undefined) return given;
  return {
    source_url: 'https://fb.me/3cr4Wqqkv',
    source_id: '120226305854810726',
    source_type: 'ad',
    body: 'Summer Succulents are here!',
    headline: 'Chat with us',
    media_type: 'image',
    image_url: 'https://scontent.xx.fbcdn.net/v/t45.1',
    ctwa_clid: 'Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4',
  };
}

/** Only for businesses that asked for the identity check: whether the keys changed since the customer was confirmed. */
function identityOf(contact: Contact, atMs: number): JsonObject {
  if (contact.identityHash === null) return {};
  const identity = { acknowledged: true, created_timestamp: unixSeconds(atMs), hash: contact.identityHash };
  return { identity };
}

function record(
  state: MetaState,
  number: PhoneNumber,
  said: Omit<SaidMessage, 'index' | 'acknowledgedAtMs'>,
): SaidMessage {
  number.window.take(said.atMs);
  const entry: SaidMessage = { index: state.said.length, ...said, acknowledgedAtMs: null };
  state.said.push(entry);
  return entry;
}

type Told = Pick<InboundContent, 'type' | 'properties'>;

/** What a webhook makes of it, which for edits depends on the number; null: nothing is told. */
function toldAs(state: MetaState, number: PhoneNumber, content: InboundContent): Told | null {
  const isEdit = content.type === 'edit' || content.type === 'revoke';
  if (!isEdit || number.coexistence || state.settings.rules.edits === 'everywhere') return content;
  return content.type === 'edit' ? UNSUPPORTED_EDIT : null;
}

function say(state: MetaState, request: unknown, nowMs: number): SaidMessage {
  const source = readObject(request);
  if (!source) throw new ControlError('Saying needs a JSON object: { phoneNumberId, contact, type, ... }.');
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const replyTo = readString(source.replyTo) ?? null;
  const content = contentOf(state, source, { contact, phoneNumberId: number.id, nowMs });
  const { type, text, properties } = content;
  const told = toldAs(state, number, content);
  const wamid = readString(source.wamid) ?? state.ids.wamid('in', contactPeer(contact));
  const sentAtMs = readNumber(source.timestampMs) ?? nowMs;
  const referral = referralOf(source);
  const message = {
    ...contextOf(state, source, number, contact),
    ...(referral ? { referral } : {}),
    ...senderOf(contact),
    ...(readString(source.groupId) === undefined ? {} : { group_id: source.groupId }),
    id: wamid,
    timestamp: unixSeconds(sentAtMs),
    type: told?.type,
    ...told?.properties,
    ...identityOf(contact, sentAtMs),
  };
  const item = fitting(escapedJson(message));
  const place = { phoneNumberId: number.id, contactId: contact.id, wamid };
  const entry = record(state, number, { ...place, type, text, atMs: nowMs });
  const forwarded = source.forwarded === true || source.frequentlyForwarded === true;
  const details = { body: properties[type] ?? null, replyTo, forwarded, referral };
  const history = inboundHistory(entry, details);
  const conversation = state.conversations.open(number.id, contact.id);
  conversation.lastInboundAtMs = Math.max(conversation.lastInboundAtMs ?? 0, sentAtMs);
  if (referral) conversation.freeEntryUntilMs = nowMs + FREE_ENTRY_MS;
  state.conversations.add(conversation, history);
  state.log.add('said', nowMs, { ...place, type, text, ...details });
  const settled = (ok: boolean, settledAtMs: number): void => {
    if (!ok) return;
    entry.acknowledgedAtMs ??= settledAtMs;
    history.acknowledgedAtMs ??= settledAtMs;
  };
  if (told === null) {
    settled(true, nowMs);
    return entry;
  }
  const update = updateOf(number, {
    field: conversation.isWithAgent ? 'standby' : 'messages',
    subject: { wamid, status: null },
    list: 'messages',
    item,
    contact: contactJson(contact),
    settled,
  });
  state.deliveries.enqueue(update, nowMs);
  return entry;
}

/** A system message stands alone: it has no `contacts`. */
function tellSystem(
  state: MetaState,
  number: PhoneNumber,
  from: { contact: Contact; sender: JsonObject; system: JsonObject; identity?: JsonObject },
  nowMs: number,
): void {
  const wamid = state.ids.wamid('in', contactPeer(from.contact));
  const item = escapedJson({
    ...from.sender,
    id: wamid,
    timestamp: unixSeconds(nowMs),
    type: 'system',
    system: from.system,
    ...from.identity,
  });
  const update = updateOf(number, {
    field: 'messages',
    subject: { wamid, status: null },
    list: 'messages',
    item,
  });
  state.deliveries.enqueue(update, nowMs);
}

interface NewAddress {
  readonly phone: string | null;
  readonly userId: string | null;
  readonly parentUserId: string | null;
}

/** What was asked for; where every contact has a BSUID, a new phone brings a new one by itself. */
function newAddressOf(state: MetaState, source: JsonObject, contact: Contact): NewAddress {
  const phone = readString(source.phone) === undefined ? null : digitsOf(String(source.phone));
  const isDrawn = state.settings.rules.userIds && phone !== null && contact.userId !== null;
  return {
    phone,
    userId: readString(source.userId) ?? (isDrawn ? userIdOfPhone(phone) : null),
    parentUserId: readString(source.parentUserId) ?? null,
  };
}

function changeOfIdentity(state: MetaState, number: PhoneNumber, contact: Contact, nowMs: number): void {
  const system = { body: 'User identity changed', type: 'customer_identity_changed' };
  const identity = identityOf(contact, nowMs);
  tellSystem(state, number, { contact, sender: senderOf(contact), system, identity }, nowMs);
}

function changeAddress(state: MetaState, request: unknown, nowMs: number): Contact {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const identityHash = readString(source.identityHash);
  if (identityHash !== undefined) {
    state.contacts.change(contact, { identityHash });
    state.log.add('contactChanged', nowMs, { contactId: contact.id, change: 'customer_identity_changed' });
    changeOfIdentity(state, number, contact, nowMs);
    return contact;
  }
  const { phone: newPhone, userId: newUserId, parentUserId } = newAddressOf(state, source, contact);
  if (newPhone === null && newUserId === null) {
    throw new ControlError(
      'Changing an address needs a new "phone", a new "userId" or both, or an "identityHash".',
    );
  }
  const isVisible = newPhone !== null && visiblePhone(contact) !== null;
  if (!isVisible && newUserId === null) {
    throw new ControlError('Webhooks do not show this phone, so its change shows only by a new "userId".');
  }
  const from = isVisible ? contact.phone : contact.userId;
  const system = {
    body: `User ${contact.name} changed from ${from} to ${isVisible ? newPhone : newUserId}`,
    ...(isVisible ? { wa_id: newPhone } : {}),
    ...(newUserId ? { user_id: newUserId } : {}),
    ...(newUserId && contact.userId ? { previous_user_id: contact.userId } : {}),
    ...(parentUserId ? { parent_user_id: parentUserId } : {}),
    ...(parentUserId && contact.parentUserId ? { previous_parent_user_id: contact.parentUserId } : {}),
    type: isVisible ? 'user_changed_number' : 'user_changed_user_id',
  };
  tellSystem(state, number, { contact, sender: senderOf(contact), system }, nowMs);
  state.contacts.change(contact, {
    ...(newPhone ? { phone: newPhone } : {}),
    ...(newUserId ? { userId: newUserId } : {}),
    ...(parentUserId ? { parentUserId } : {}),
  });
  state.log.add('contactChanged', nowMs, { contactId: contact.id, change: system.type });
  return contact;
}

export function createInbound(state: MetaState): Inbound {
  return {
    say: (request, nowMs) => say(state, request, nowMs),
    echo: (request, nowMs) => echo(state, request, nowMs),
    handOver: (request, nowMs) => handOver(state, request, nowMs),
    tellHistory: (request, nowMs) => tellHistory(state, request, nowMs),
    changeAddress: (request, nowMs) => changeAddress(state, request, nowMs),
    change: (request, nowMs) => change(state, request, nowMs),
    contactOf: (key, nowMs) => contactOf(state, key, nowMs),
    numberOf: (phoneNumberId) => numberOf(state, phoneNumberId),
  };
}
