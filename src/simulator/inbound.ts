/**
 * Contacts speaking. `say` makes a message, puts it into the conversation and the record of everything said, and sends
 * its webhook on its way; `changeAddress` changes a contact's ids and tells it by a system message; `echo` is the
 * owner of a coexistence number answering by hand; `change` is any account-level field.
 */
import type { Contact } from './contacts.ts';
import { digitsOf, isUserId, readContactSpec, visiblePhone, webhookContact } from './contacts.ts';
import type { HistoryMessage } from './conversations.ts';
import { escapedJson, type Update } from './envelope.ts';
import { buildContent, type InboundContent } from './inbound-content.ts';
import { type JsonObject, readNumber, readObject, readString } from './json-reading.ts';
import { sampleFile } from './media-shelf.ts';
import type { MetaState, SaidMessage } from './meta-state.ts';
import { contactPeer, metadataJson, unixSeconds } from './meta-state.ts';
import { ControlError } from './setting-merge.ts';
import type { PhoneNumber } from './settings.ts';

const FREE_ENTRY_MS = 72 * 3_600_000;

export interface Inbound {
  say(request: unknown, nowMs: number): SaidMessage;
  echo(request: unknown, nowMs: number): { wamid: string };
  changeAddress(request: unknown, nowMs: number): Contact;
  change(request: unknown, nowMs: number): void;
  /** The contact named by our id, phone or BSUID; a phone or BSUID nobody has becomes a new contact. */
  contactOf(key: unknown, nowMs: number): Contact;
  numberOf(phoneNumberId: unknown): PhoneNumber;
}

function contextOf(said: JsonObject, number: PhoneNumber): JsonObject {
  const replyTo = readString(said.replyTo);
  if (said.forwarded === true) return { context: { forwarded: true } };
  if (said.frequentlyForwarded === true) return { context: { frequently_forwarded: true } };
  return replyTo === undefined ? {} : { context: { from: number.digits, id: replyTo } };
}

function referralOf(said: JsonObject): JsonObject {
  if (!said.referral) return {};
  const referral = readObject(said.referral) ?? {
    source_url: 'https://fb.me/3cr4Wqqkv',
    source_id: '120226305854810726',
    source_type: 'ad',
    body: 'Summer Succulents are here!',
    headline: 'Chat with us',
    media_type: 'image',
    image_url: 'https://scontent.xx.fbcdn.net/v/t45.1',
    ctwa_clid: 'Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4',
  };
  return { referral };
}

const senderOf = (contact: Contact): JsonObject => {
  const phone = visiblePhone(contact);
  return {
    ...(phone ? { from: phone } : {}),
    ...(contact.userId ? { from_user_id: contact.userId } : {}),
    ...(contact.parentUserId ? { from_parent_user_id: contact.parentUserId } : {}),
  };
};

function inboundHistory(said: SaidMessage, body: unknown, replyTo: string | null): HistoryMessage {
  return {
    wamid: said.wamid,
    direction: 'in',
    atMs: said.atMs,
    type: said.type,
    text: said.text,
    body,
    replyTo,
    opaque: null,
    status: 'sent',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
  };
}

function messageUpdate(
  number: PhoneNumber,
  wamid: string,
  message: JsonObject,
  contact: Contact | null,
): Update {
  return {
    wabaId: number.wabaId,
    phoneNumberId: number.id,
    field: 'messages',
    subject: { wamid, status: null },
    metadata: metadataJson(number),
    list: 'messages',
    item: escapedJson(message),
    contact: contact ? escapedJson(webhookContact(contact)) : null,
  };
}

function numberOf({ settings }: MetaState, phoneNumberId: unknown): PhoneNumber {
  const number = settings.phoneNumbers.get(readString(phoneNumberId) ?? '');
  if (!number) {
    throw new ControlError(
      `There is no phone number "${String(phoneNumberId)}" here. Add it by POST /_sim/setup.`,
      404,
    );
  }
  return number;
}

function create({ contacts, log }: MetaState, spec: JsonObject, nowMs: number): Contact {
  const contact = contacts.create(readContactSpec(spec));
  log.add('contactCreated', nowMs, { contactId: contact.id, name: contact.name });
  return contact;
}

function contactOf(state: MetaState, key: unknown, nowMs: number): Contact {
  const spec = readObject(key);
  const name = readString(key) ?? readString(spec?.id) ?? readString(spec?.userId) ?? readString(spec?.phone);
  if (name === undefined) throw new ControlError('"contact" must be a contact\'s id, phone or BSUID.');
  const found = state.contacts.find(name);
  if (found) return found;
  if (spec) return create(state, spec, nowMs);
  if (isUserId(name)) return create(state, { userId: name }, nowMs);
  if (/^[+\d\s()-]+$/.test(name) && digitsOf(name).length >= 5) return create(state, { phone: name }, nowMs);
  throw new ControlError(`There is no contact "${name}". Create it by POST /_sim/contacts.`, 404);
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

function contentOf(state: MetaState, source: JsonObject, replyTo: string | null): InboundContent {
  const { ids, media, settings, conversations } = state;
  const repliedTo = replyTo === null ? undefined : conversations.lookUp(replyTo)?.message.body;
  const content = buildContent(source, { ids, publicUrl: settings.publicUrl, repliedTo });
  const file = readObject(content.properties[content.type]);
  const mediaId = readString(file?.id);
  const mimeType = readString(file?.mime_type);
  if (mediaId && mimeType) media.put(mediaId, sampleFile(mimeType));
  return content;
}

function say(state: MetaState, request: unknown, nowMs: number): SaidMessage {
  const source = readObject(request);
  if (!source) throw new ControlError('Saying needs a JSON object: { phoneNumberId, contact, type, ... }.');
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const replyTo = readString(source.replyTo) ?? null;
  const { type, text, properties } = contentOf(state, source, replyTo);
  const wamid = readString(source.wamid) ?? state.ids.wamid('in', contactPeer(contact));
  const sentAtMs = readNumber(source.timestampMs) ?? nowMs;
  const message = {
    ...contextOf(source, number),
    ...referralOf(source),
    ...senderOf(contact),
    ...(readString(source.groupId) === undefined ? {} : { group_id: source.groupId }),
    id: wamid,
    timestamp: unixSeconds(sentAtMs),
    type,
    ...properties,
  };
  const place = { phoneNumberId: number.id, contactId: contact.id, wamid };
  const entry = record(state, number, { ...place, type, text, atMs: nowMs });
  const body = properties[type] ?? null;
  const history = inboundHistory(entry, body, replyTo);
  const conversation = state.conversations.open(number.id, contact.id);
  conversation.lastInboundAtMs = Math.max(conversation.lastInboundAtMs ?? 0, sentAtMs);
  if (source.referral) conversation.freeEntryUntilMs = nowMs + FREE_ENTRY_MS;
  state.conversations.add(conversation, history);
  state.log.add('said', nowMs, { ...place, type, text, body, replyTo });
  const settled = (ok: boolean, settledAtMs: number): void => {
    if (!ok) return;
    entry.acknowledgedAtMs ??= settledAtMs;
    history.acknowledgedAtMs ??= settledAtMs;
  };
  state.deliveries.enqueue({ ...messageUpdate(number, wamid, message, contact), settled }, nowMs);
  return entry;
}

function echo(state: MetaState, request: unknown, nowMs: number): { wamid: string } {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const text = readString(source.text) ?? '';
  const wamid = state.ids.wamid('out', contactPeer(contact));
  const phone = visiblePhone(contact);
  const item = escapedJson({
    from: number.digits,
    ...(phone ? { to: phone } : {}),
    ...(contact.userId ? { to_user_id: contact.userId } : {}),
    id: wamid,
    timestamp: unixSeconds(nowMs),
    type: 'text',
    text: { body: text },
  });
  const place = { phoneNumberId: number.id, contactId: contact.id, wamid, type: 'text', text };
  const body = { body: text };
  const like: SaidMessage = { ...place, index: -1, atMs: nowMs, acknowledgedAtMs: null };
  const history: HistoryMessage = { ...inboundHistory(like, body, null), direction: 'out' };
  state.conversations.add(state.conversations.open(number.id, contact.id), history);
  state.log.add('echoed', nowMs, { ...place, body });
  const update = messageUpdate(number, wamid, {}, null);
  state.deliveries.enqueue({ ...update, field: 'smb_message_echoes', list: 'message_echoes', item }, nowMs);
  return { wamid };
}

function changeAddress(state: MetaState, request: unknown, nowMs: number): Contact {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  const contact = contactOf(state, source.contact, nowMs);
  const newPhone = readString(source.phone) === undefined ? null : digitsOf(String(source.phone));
  const newUserId = readString(source.userId) ?? null;
  if (newPhone === null && newUserId === null) {
    throw new ControlError('Changing an address needs a new "phone", a new "userId" or both.');
  }
  const before = { ...contact };
  const isVisible = newPhone !== null && visiblePhone(contact) !== null;
  if (!isVisible && newUserId === null) {
    throw new ControlError('Webhooks do not show this phone, so its change shows only by a new "userId".');
  }
  const from = isVisible ? before.phone : before.userId;
  const system = {
    body: `User ${contact.name} changed from ${from} to ${isVisible ? newPhone : newUserId}`,
    ...(isVisible ? { wa_id: newPhone } : {}),
    ...(newUserId ? { user_id: newUserId } : {}),
    ...(newUserId && before.userId ? { previous_user_id: before.userId } : {}),
    type: isVisible ? 'user_changed_number' : 'user_changed_user_id',
  };
  const wamid = state.ids.wamid('in', contactPeer(contact));
  const message = {
    ...senderOf(contact),
    id: wamid,
    timestamp: unixSeconds(nowMs),
    type: 'system',
    system,
  };
  state.contacts.change(contact, {
    ...(newPhone ? { phone: newPhone } : {}),
    ...(newUserId ? { userId: newUserId } : {}),
  });
  state.log.add('contactChanged', nowMs, { contactId: contact.id, change: system.type });
  state.deliveries.enqueue(messageUpdate(number, wamid, message, null), nowMs);
  return contact;
}

function change(state: MetaState, request: unknown, nowMs: number): void {
  const source = readObject(request) ?? {};
  const field = readString(source.field);
  const value = readObject(source.value);
  if (!field || !value) {
    throw new ControlError('A change needs "wabaId", a string "field" and an object "value".');
  }
  const phoneNumberId = readString(source.phoneNumberId) ?? null;
  const wabaId = readString(source.wabaId) ?? numberOf(state, phoneNumberId).wabaId;
  state.deliveries.enqueue(
    {
      wabaId,
      phoneNumberId,
      field,
      subject: { wamid: null, status: null },
      metadata: null,
      list: null,
      item: escapedJson(value),
      contact: null,
    },
    nowMs,
  );
}

export function createInbound(state: MetaState): Inbound {
  return {
    say: (request, nowMs) => say(state, request, nowMs),
    echo: (request, nowMs) => echo(state, request, nowMs),
    changeAddress: (request, nowMs) => changeAddress(state, request, nowMs),
    change: (request, nowMs) => change(state, request, nowMs),
    contactOf: (key, nowMs) => contactOf(state, key, nowMs),
    numberOf: (phoneNumberId) => numberOf(state, phoneNumberId),
  };
}
