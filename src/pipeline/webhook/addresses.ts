/**
 * Who a message or a status is about. The addresses stand in the element itself and once more in the value's
 * `contacts`, which pair with elements by phone or business-scoped id and never by position (batches mix people).
 * Since 2026 the phone may be absent, `failed` statuses and system messages have no contacts at all.
 * To read another address, add it to the function of the element it stands in.
 */
import type { Sender } from '#core/model/events.ts';
import { addressOf, type JsonObject, listOf, objectOf, phoneOf, put, wordOf } from './lenient.ts';

/** Brazil and Mexico insert a digit before the subscriber's part, which has at least this many. */
const sameTailDigits = 7;

/** The contacts of one value, indexed only where there is more than one to choose from. */
export interface ContactBook {
  only: Sender | undefined;
  byAddress: ReadonlyMap<string, Sender> | undefined;
  /** The value tells of one thing, so its only contact is whom that is about. */
  isOfOne: boolean;
}

const noContacts: ContactBook = { only: undefined, byAddress: undefined, isOfOne: false };

/** Lists of a value whose elements are each about somebody. */
const personalLists = ['messages', 'message_echoes', 'statuses', 'calls', 'user_preferences'];

export function contactsOf(value: JsonObject): ContactBook {
  const elements = listOf(value.contacts);
  if (elements.length === 0) return noContacts;
  const told = personalLists.reduce((sum, key) => sum + listOf(value[key]).length, 0);
  const isOfOne = told <= 1;
  if (elements.length === 1) return { only: contactOf(elements[0]), byAddress: undefined, isOfOne };
  const byAddress = new Map<string, Sender>();
  for (const element of elements) {
    const contact = contactOf(element);
    if (contact?.phone !== undefined) byAddress.set(`phone ${contact.phone}`, contact);
    if (contact?.bsuid !== undefined) byAddress.set(`bsuid ${contact.bsuid}`, contact);
  }
  return { only: undefined, byAddress, isOfOne };
}

function contactOf(element: unknown): Sender | undefined {
  const contact = objectOf(element);
  if (contact === undefined) return undefined;
  const profile = objectOf(contact.profile);
  const sender: Sender = {};
  put(sender, 'phone', phoneOf(contact.wa_id));
  put(sender, 'bsuid', addressOf(contact.user_id));
  put(sender, 'parentBsuid', addressOf(contact.parent_user_id));
  put(sender, 'username', usernameOf(profile?.username));
  put(sender, 'name', wordOf(profile?.name));
  put(sender, 'identityKeyHash', wordOf(contact.identity_key_hash));
  return sender;
}

/** The customer that wrote `message`. A system message about a changed id may only name the earlier one. */
export function writerOf(message: JsonObject, contacts: ContactBook): Sender {
  const sender: Sender = {};
  put(sender, 'phone', phoneOf(message.from));
  put(sender, 'bsuid', addressOf(message.from_user_id) ?? earlierBsuidOf(message));
  put(sender, 'parentBsuid', addressOf(message.from_parent_user_id));
  return completed(sender, contacts);
}

function earlierBsuidOf(message: JsonObject): string | undefined {
  return message.type === 'system' ? addressOf(objectOf(message.system)?.previous_user_id) : undefined;
}

/** The customer that the business wrote to, in an echo. */
export function addresseeOf(echo: JsonObject, contacts: ContactBook): Sender {
  const sender: Sender = {};
  put(sender, 'phone', phoneOf(echo.to));
  put(sender, 'bsuid', addressOf(echo.to_user_id) ?? addressOf(echo.recipient));
  put(sender, 'parentBsuid', addressOf(echo.to_parent_user_id));
  return completed(sender, contacts);
}

/** The customer that a status is about; of a group's message, the participant. */
export function recipientOf(status: JsonObject, contacts: ContactBook): Sender {
  const recipient: Sender = {};
  if (status.recipient_type === 'group') {
    put(recipient, 'phone', phoneOf(status.recipient_participant_id));
    put(recipient, 'bsuid', addressOf(status.recipient_participant_user_id));
    put(recipient, 'parentBsuid', addressOf(status.recipient_participant_parent_user_id));
  } else {
    put(recipient, 'phone', phoneOf(status.recipient_id));
    put(recipient, 'bsuid', addressOf(status.recipient_user_id));
    put(recipient, 'parentBsuid', parentRecipientOf(status));
  }
  put(recipient, 'identityKeyHash', wordOf(status.recipient_identity_key_hash));
  return completed(recipient, contacts);
}

/** Renamed by Meta on 2026-05-05; older webhook versions keep the old name. */
function parentRecipientOf(status: JsonObject): string | undefined {
  return addressOf(status.recipient_parent_user_id) ?? addressOf(status.parent_recipient_user_id);
}

/** The customer that an element of `user_preferences` or `calls` names. */
export function namedIn(element: JsonObject, contacts: ContactBook): Sender | undefined {
  const outgoing = element.direction === 'BUSINESS_INITIATED';
  const sender: Sender = {};
  put(sender, 'phone', phoneOf(element.wa_id ?? (outgoing ? element.to : element.from)));
  put(sender, 'bsuid', addressOf(element.user_id ?? (outgoing ? element.to_user_id : element.from_user_id)));
  put(sender, 'parentBsuid', addressOf(element.parent_user_id ?? element.from_parent_user_id));
  const whole = completed(sender, contacts);
  return hasAddress(whole) ? whole : undefined;
}

export function hasAddress(sender: Sender): boolean {
  return sender.phone !== undefined || sender.bsuid !== undefined;
}

/**
 * Adds what the paired contact knows. The only contact of a value that tells of one thing is taken without a match, too,
 * unless an address says that it is someone else. In a batch it may be another customer's: a system message has none.
 */
function completed(sender: Sender, contacts: ContactBook): Sender {
  const contact = contacts.only ?? pairedContact(sender, contacts.byAddress);
  if (contact === undefined || isSomeoneElse(sender, contact)) return sender;
  if (!contacts.isOfOne && !sharesKind(sender, contact)) return sender;
  if (sender.phone === undefined) put(sender, 'phone', contact.phone);
  if (sender.bsuid === undefined) put(sender, 'bsuid', contact.bsuid);
  if (sender.parentBsuid === undefined) put(sender, 'parentBsuid', contact.parentBsuid);
  if (sender.identityKeyHash === undefined) put(sender, 'identityKeyHash', contact.identityKeyHash);
  put(sender, 'username', contact.username);
  put(sender, 'name', contact.name);
  return sender;
}

/** A business-scoped id decides. Without one, phones do: some countries write a number with or without a digit in it. */
function isSomeoneElse(sender: Sender, contact: Sender): boolean {
  if (sender.bsuid !== undefined && contact.bsuid !== undefined) return sender.bsuid !== contact.bsuid;
  if (sender.phone === undefined || contact.phone === undefined) return false;
  return sender.phone.slice(-sameTailDigits) !== contact.phone.slice(-sameTailDigits);
}

/** Both name an address of one kind, so that it can be told whether they are the same. */
function sharesKind(sender: Sender, contact: Sender): boolean {
  return (
    (sender.bsuid !== undefined && contact.bsuid !== undefined) ||
    (sender.phone !== undefined && contact.phone !== undefined)
  );
}

function pairedContact(sender: Sender, byAddress: ContactBook['byAddress']): Sender | undefined {
  if (byAddress === undefined) return undefined;
  const byBsuid = sender.bsuid === undefined ? undefined : byAddress.get(`bsuid ${sender.bsuid}`);
  if (byBsuid !== undefined || sender.phone === undefined) return byBsuid;
  return byAddress.get(`phone ${sender.phone}`);
}

/** Printed with and without a leading `@`; compared without. */
function usernameOf(value: unknown): string | undefined {
  const username = wordOf(value);
  return username?.startsWith('@') ? wordOf(username.slice(1)) : username;
}
