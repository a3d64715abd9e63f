/** What every way of speaking needs: the number and the contact that were named, the sender's addresses, the update. */
import type { Contact } from '../contacts.ts';
import { digitsOf, isUserId, readContactSpec, visiblePhone, webhookContact } from '../contacts.ts';
import { type JsonObject, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { HistoryMessage } from '../conversations.ts';
import { sampleFile } from '../media/media-shelf.ts';
import type { MetaState, SaidMessage } from '../meta-state.ts';
import { metadataJson } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import { escapedJson, type Update } from './envelope.ts';
import { buildContent, type InboundContent } from './inbound-content.ts';

export function numberOf({ settings }: MetaState, phoneNumberId: unknown): PhoneNumber {
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

/** The contact named by our id, phone or BSUID; a phone or BSUID nobody has becomes a new contact. */
export function contactOf(state: MetaState, key: unknown, nowMs: number): Contact {
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

/** Phone fields are absent, not empty, when they may not be seen. */
export const senderOf = (contact: Contact): JsonObject => {
  const phone = visiblePhone(contact);
  return {
    ...(phone ? { from: phone } : {}),
    ...(contact.userId ? { from_user_id: contact.userId } : {}),
    ...(contact.parentUserId ? { from_parent_user_id: contact.parentUserId } : {}),
  };
};

/** What a type is made of; a file that it names is on the shelf afterwards. */
export function contentOf(
  state: MetaState,
  source: JsonObject,
  from: { contact: Contact; phoneNumberId: string; nowMs: number },
): InboundContent {
  const { ids, media, settings, conversations } = state;
  const { contact, phoneNumberId, nowMs } = from;
  const replyTo = readString(source.replyTo);
  const repliedTo = replyTo === undefined ? undefined : conversations.lookUp(replyTo)?.message.body;
  const content = buildContent(source, {
    ids,
    publicUrl: settings.publicUrl,
    repliedTo,
    phone: contact.phone,
    nowMs,
  });
  const edited = readObject(readObject(content.properties.edit)?.message);
  const holder = edited ?? content.properties;
  const file = readObject(holder[edited ? String(edited.type) : content.type]);
  const mediaId = readString(file?.id);
  const mimeType = readString(file?.mime_type);
  // A file that the phone page put on the shelf itself stays what it is.
  const isKept = mediaId !== undefined && media.find(mediaId, nowMs) !== null;
  if (mediaId && mimeType && !isKept) media.put(mediaId, sampleFile(mimeType), { phoneNumberId, nowMs });
  return content;
}

export type SaidDetails = Pick<HistoryMessage, 'body' | 'replyTo' | 'forwarded' | 'referral'>;

export function inboundHistory(said: SaidMessage, details: SaidDetails): HistoryMessage {
  return {
    wamid: said.wamid,
    direction: 'in',
    atMs: said.atMs,
    type: said.type,
    text: said.text,
    ...details,
    opaque: null,
    status: 'sent',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
  };
}

/** An update about one number; what it is about is laid over. */
export function updateOf(
  number: PhoneNumber,
  more: Pick<Update, 'field' | 'list' | 'item'> & Partial<Update>,
): Update {
  return {
    wabaId: number.wabaId,
    phoneNumberId: number.id,
    subject: { wamid: null, status: null },
    metadata: metadataJson(number),
    contact: null,
    ...more,
  };
}

export const contactJson = (contact: Contact): string => escapedJson(webhookContact(contact));
