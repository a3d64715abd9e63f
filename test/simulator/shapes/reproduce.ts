/**
 * Making the simulator say what a recorded webhook says: the same kind, from a contact with the same addresses, with the
 * same optional parts. What it cannot produce is told with the reason.
 */
import { createVirtualMeta, type VirtualMeta } from '../virtual-meta.ts';

export type Json = { readonly [key: string]: unknown };

export interface RecordedChange {
  readonly field: string;
  readonly value: Json;
}

/** The change that the simulator makes of it, or why there is none. */
export type Reproduction = { readonly produced: unknown } | { readonly cannot: string };

const PHONE = '16505551234';
const NUMBER = { id: '106540352242922', wabaId: '102290129340398', displayNumber: '+1 555 078 3881' };

export const objectIn = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Only the entries that have a value. */
const given = (source: Json): Json =>
  Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined));

interface Scene {
  readonly virtual: VirtualMeta;
  readonly contact: Json;
  readonly at: { phoneNumberId: string; contact: unknown };
}

/** A contact that shows the addresses which the element and the contacts beside it show. */
function contactLike(element: Json, contacts: readonly unknown[]): Json {
  const beside = objectIn(contacts[0]);
  const profile = objectIn(beside.profile);
  const phone = element.from ?? element.recipient_id ?? element.to ?? beside.wa_id ?? element.wa_id;
  const userId = element.from_user_id ?? element.recipient_user_id ?? element.to_user_id ?? beside.user_id;
  const parentUserId =
    element.from_parent_user_id ?? element.recipient_parent_user_id ?? beside.parent_user_id;
  return given({
    name: text(profile.name),
    username: text(profile.username),
    phone: phone === undefined && userId !== undefined ? undefined : PHONE,
    userId: userId === undefined ? undefined : 'US.13491208655302741918',
    parentUserId: parentUserId === undefined ? undefined : 'US.ENT.11815799212886844830',
    identityHash: beside.identity_key_hash ?? objectIn(element.identity).hash,
  });
}

function setScene(element: Json, contacts: readonly unknown[], setup: Json = {}): Scene {
  const virtual = createVirtualMeta({ phoneNumbers: [NUMBER], ...setup });
  const contact = contactLike(element, contacts);
  return { virtual, contact, at: { phoneNumberId: NUMBER.id, contact } };
}

function firstChange(virtual: VirtualMeta, field: string): unknown {
  virtual.run(0);
  for (const { text: body } of virtual.received) {
    const { entry } = JSON.parse(body) as { entry: Array<{ changes: RecordedChange[] }> };
    const found = entry.flatMap(({ changes }) => changes).find((change) => change.field === field);
    if (found) return found;
  }
  throw new Error(`The simulator made no "${field}".`);
}

/** What to say for a message of this type, besides what all types share; null: it cannot be said. */
const SAYINGS: Readonly<Record<string, (part: Json, message: Json) => Json | null>> = {
  text: () => ({ type: 'text', text: 'hi' }),
  image: (part) => mediaSaying('image', part),
  video: (part) => mediaSaying('video', part),
  audio: (part) => mediaSaying('audio', part),
  document: (part) => mediaSaying('document', part),
  sticker: (part) => mediaSaying('sticker', part),
  location: (part) => ({
    ...given({ name: part.name, address: part.address, url: part.url }),
    type: 'location',
  }),
  contacts: (_part, { contacts }) => ({ type: 'contacts', contacts }),
  reaction: ({ emoji }) => ({ type: 'reaction', messageId: 'wamid.X', emoji, emptyEmoji: true }),
  button: () => ({ type: 'templateButton', text: 'Stop', payload: 'STOP' }),
  interactive: interactiveSaying,
  order: (part) => ({ type: 'order', ...given({ text: part.text }) }),
  edit: editSaying,
  revoke: () => ({ type: 'revoke', originalMessageId: 'wamid.X' }),
  unsupported: (_part, message) => unsupportedSaying(message),
};

const mediaSaying = (type: string, part: Json): Json => ({ type, ...given({ caption: part.caption }) });

function interactiveSaying(part: Json): Json | null {
  const description = objectIn(part.list_reply).description;
  if (part.type === 'button_reply') return { type: 'buttonReply', id: 'yes', title: 'Yes' };
  if (part.type === 'list_reply')
    return { type: 'listReply', id: 'a', title: 'A', ...given({ description }) };
  if (part.type === 'nfm_reply') {
    const { name, body } = objectIn(part.nfm_reply);
    return { type: 'waFlowReply', name, body: body ?? null };
  }
  return part.type === 'call_permission_reply' ? { type: 'callPermission' } : null;
}

function editSaying(part: Json): Json | null {
  const message = objectIn(part.message);
  const type = text(message.type) ?? 'text';
  const saying = SAYINGS[type]?.(objectIn(message[type]), message) ?? null;
  if (saying === null || type === 'edit') return null;
  const contextId = objectIn(message.context).id;
  return { ...saying, ...given({ contextId }), type: 'edit', editedType: type, originalMessageId: 'wamid.X' };
}

function unsupportedSaying({ errors, unsupported }: Json): Json {
  const isTooLarge = objectIn(listIn(errors)[0]).code === 131052;
  return isTooLarge
    ? { type: 'mediaTooLarge' }
    : { type: 'unsupported', subtype: unsupported ? 'edit' : null };
}

function shared(message: Json): Json {
  const context = objectIn(message.context);
  return given({
    replyTo: context.id === undefined ? undefined : 'wamid.X',
    forwarded: context.forwarded,
    frequentlyForwarded: context.frequently_forwarded,
    product: context.referred_product === undefined ? undefined : {},
    referral: message.referral,
    groupId: message.group_id,
  });
}

function reproduceSystem(message: Json, field: string): Reproduction {
  const system = objectIn(message.system);
  const { virtual, at } = setScene(message, []);
  const isIdentity = system.type === 'customer_identity_changed';
  const change = {
    phone: system.wa_id === undefined ? undefined : '12195555358',
    userId: system.user_id === undefined ? undefined : 'US.98765432109876543210',
    parentUserId: system.parent_user_id === undefined ? undefined : 'US.ENT.2',
  };
  const asked = isIdentity ? { identityHash: 'a new hash' } : given(change);
  if (Object.keys(asked).length === 0) return { cannot: 'message system before 2023' };
  virtual.meta.inbound.changeAddress({ ...at, ...asked }, virtual.nowMs);
  return { produced: firstChange(virtual, field) };
}

function reproduceMessage(message: Json, contacts: readonly unknown[], field: string): Reproduction {
  const type = text(message.type) ?? '';
  if (type === 'system') return reproduceSystem(message, field);
  const saying = SAYINGS[type]?.(objectIn(message[type]), message) ?? null;
  if (saying === null) return { cannot: `message ${type}` };
  const { virtual, at } = setScene(message, contacts);
  if (field === 'standby') virtual.meta.inbound.handOver({ ...at, to: 'agent' }, virtual.nowMs);
  virtual.meta.inbound.say({ ...at, ...shared(message), ...saying }, virtual.nowMs);
  return { produced: firstChange(virtual, field) };
}

function reproduceStatus(status: Json, contacts: readonly unknown[]): Reproduction {
  if (status.recipient_type === 'group') return { cannot: 'status group' };
  if (status.type === 'call' || status.status !== String(status.status).toLowerCase()) {
    return { cannot: 'status call' };
  }
  const isFreeEntry = objectIn(status.pricing).type === 'free_entry_point';
  const isOld = status.conversation !== undefined && !isFreeEntry;
  const rules = { webhookVersion: isOld ? 'v23.0' : 'v26.0' };
  const { virtual, at, contact } = setScene(status, contacts, { rules });
  virtual.meta.inbound.say({ ...at, text: 'hi', ...(isFreeEntry ? { referral: true } : {}) }, virtual.nowMs);
  virtual.run(0);
  virtual.received.length = 0;
  const code = objectIn(listIn(status.errors)[0]).code;
  if (status.status === 'failed') {
    virtual.meta.faults.set({ failAfterAccept: { next: 1, code: Number(code) } });
  }
  const address = contact.phone ? { to: undefined } : { to: undefined, recipient: contact.userId };
  virtual.sendText('hello', {
    ...(contact.phone ? {} : address),
    ...given({ biz_opaque_callback_data: status.biz_opaque_callback_data }),
    ...(status.status === 'played'
      ? { type: 'audio', audio: { link: 'https://x.test/a.ogg', voice: true } }
      : {}),
  });
  virtual.run(3_600_000);
  const found = virtual.received.map(({ text: body }) => JSON.parse(body) as { entry: Json[] });
  const changes = found.flatMap(({ entry }) => entry.flatMap(({ changes: each }) => listIn(each)));
  const produced = changes.find(
    (change) => objectIn(listIn(objectIn(objectIn(change).value).statuses)[0]).status === status.status,
  );
  return produced ? { produced } : { cannot: `status ${String(status.status)}` };
}

function reproduceEcho(echo: Json, field: string): Reproduction {
  const inner = field === 'standby' ? objectIn(echo.message) : echo;
  const type = text(inner.type) ?? '';
  const saying = SAYINGS[type]?.(objectIn(inner[type]), inner) ?? null;
  if (saying === null) return { cannot: `echo ${type}` };
  const addresses = given({ to: inner.to, to_user_id: inner.to_user_id ?? inner.recipient });
  const { virtual, at } = setScene(addresses, []);
  const by = field === 'standby' ? 'agent' : field === 'message_echoes' ? 'app' : 'owner';
  virtual.meta.inbound.echo({ ...at, by, ...saying }, virtual.nowMs);
  return { produced: firstChange(virtual, field) };
}

/** A chat with what the recorded one holds, shared. */
function reproduceHistory(value: Json): Reproduction {
  const media = objectIn(listIn(value.messages)[0]);
  const part = objectIn(listIn(value.history)[0]);
  const chats = listIn(part.threads).flatMap((chat) => listIn(objectIn(chat).messages).map(objectIn));
  const isTold = (from: Json): boolean => from.from_user_id !== undefined;
  const sender = chats.find(isTold) ?? media;
  const { virtual, at } = setScene(sender, listIn(value.contacts));
  if (listIn(part.errors).length > 0) {
    virtual.meta.inbound.tellHistory({ phoneNumberId: NUMBER.id, declined: true }, virtual.nowMs);
    return { produced: firstChange(virtual, 'history') };
  }
  const type = text(media.type) ?? 'image';
  const saying = SAYINGS[type]?.(objectIn(media[type]), media) ?? { type };
  virtual.meta.inbound.say({ ...at, text: 'hi' }, virtual.nowMs);
  virtual.meta.inbound.say({ ...at, ...saying }, virtual.nowMs);
  virtual.run(60_000);
  virtual.received.length = 0;
  virtual.meta.inbound.tellHistory({ phoneNumberId: NUMBER.id }, virtual.nowMs);
  virtual.run(0);
  const changes = virtual.received.flatMap(({ text: body }) =>
    (JSON.parse(body) as { entry: Array<{ changes: RecordedChange[] }> }).entry.flatMap(
      (each) => each.changes,
    ),
  );
  return {
    produced: changes.find((change) => (change.value.messages !== undefined) === (media.id !== undefined)),
  };
}

function reproduceNotice({ field, value }: RecordedChange): Reproduction {
  const listed = listIn(value.user_preferences ?? value.calls ?? value.state_sync).map(objectIn)[0] ?? {};
  const book = objectIn(listed.contact);
  const { virtual, at } = setScene(
    { ...listed, wa_id: listed.wa_id ?? book.phone_number },
    listIn(value.contacts),
  );
  const code = objectIn(listIn(value.errors)[0]).code;
  const event = value.event ?? listed.event;
  const done = value.previous_category === undefined ? undefined : true;
  const asked = given({ event, action: listed.action, choice: listed.value, code, done });
  virtual.meta.inbound.change({ ...at, field, ...asked }, virtual.nowMs);
  return { produced: firstChange(virtual, field) };
}

const LISTS = ['messages', 'statuses', 'message_echoes'] as const;

const isOf = (element: Json, contact: unknown): boolean => {
  const { wa_id: phone, user_id: userId } = objectIn(contact);
  const addresses = [element.from, element.recipient_id, element.recipient_participant_id].map(String);
  const userIds = [element.from_user_id, element.recipient_user_id, element.recipient_participant_user_id];
  return addresses.includes(String(phone)) || (userId !== undefined && userIds.includes(userId));
};

/** A change for each message, status and echo in it, with the contacts that are its own. */
export function cut(change: RecordedChange): RecordedChange[] {
  const { field } = change;
  const value = objectIn(change.value);
  const isNested = field === 'standby';
  const holder = isNested ? objectIn(value.standby) : value;
  const elements = LISTS.flatMap((list) => listIn(holder[list]).map((element) => ({ list, element })));
  if (elements.length <= 1) return [{ field, value }];
  const { messages: _m, statuses: _s, message_echoes: _e, contacts, ...rest } = holder;
  return elements.map(({ list, element }) => {
    const own = listIn(contacts).filter((contact) => isOf(objectIn(element), contact));
    const part = { ...rest, ...(own.length > 0 ? { contacts: own } : {}), [list]: [element] };
    return { field, value: isNested ? { ...value, standby: part } : part };
  });
}

/** Reproduces what is in a change that was cut. */
export function reproduce(change: RecordedChange, knownNotices: readonly string[]): Reproduction {
  const { field, value } = change;
  const holder = field === 'standby' ? objectIn(value.standby) : value;
  const contacts = listIn(holder.contacts);
  const [message, status, echo] = [holder.messages, holder.statuses, holder.message_echoes].map((list) =>
    listIn(list).map(objectIn),
  );
  if (field === 'history') return reproduceHistory(value);
  if (field === 'messaging_handovers') {
    const { sender } = value;
    const addresses = { wa_id: objectIn(sender).phone_number, to_user_id: objectIn(sender).user_id };
    const { virtual, at } = setScene(given(addresses), []);
    virtual.meta.inbound.handOver({ ...at, to: 'agent' }, virtual.nowMs);
    virtual.meta.inbound.handOver({ ...at, to: 'app' }, virtual.nowMs);
    return { produced: firstChange(virtual, field) };
  }
  const isOfMessages = field === 'messages' || field === 'standby';
  if (message?.[0] && !isOfMessages) return { cannot: `field ${field}` };
  if (message?.[0]) return reproduceMessage(message[0], contacts, field);
  if (status?.[0]) {
    return field === 'standby' ? { cannot: 'status standby' } : reproduceStatus(status[0], contacts);
  }
  if (echo?.[0]) return reproduceEcho(echo[0], field);
  const isMisnamed = value.new_quality_score !== undefined && field !== 'message_template_quality_update';
  if (isMisnamed) return { cannot: 'field under another name' };
  return knownNotices.includes(field) ? reproduceNotice(change) : { cannot: `field ${field}` };
}
