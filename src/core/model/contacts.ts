/**
 * Who is who. A contact has an id of ours; phone, business-scoped user id (BSUID) and parent BSUID are addresses that
 * lead to it. Since 2026 a message may carry any subset of them. This decides, from what the addresses lead to now,
 * what the contact is and which addresses to re-point; drivers only look up and write.
 *
 * A BSUID outranks a phone. A known phone with a different BSUID and no announced change is a recycled number: it is
 * re-pointed, nothing is merged. Two contacts are one only when one of them never had a BSUID, or when the customer's
 * change was announced by a system message.
 */
import type { AddressChange, Sender } from './events.ts';

export type AddressKind = 'phone' | 'bsuid' | 'parentBsuid';

export interface Address {
  kind: AddressKind;
  value: string;
}

/** A contact as an address leads to it; `bsuids` are all that lead to it. */
export interface KnownContact {
  contactId: string;
  bsuids: readonly string[];
}

export interface ContactDecision {
  /** The contact, or null where a new one is made. */
  contactId: string | null;
  /** Addresses that lead to the contact from now on. */
  point: Address[];
  /** Contacts that turned out to be the same one. */
  merge: string[];
  /** Contacts that lost their phone to this one. */
  lostPhone: string[];
}

export interface KnownAddresses {
  phone: KnownContact | null;
  bsuid: KnownContact | null;
  parentBsuid: KnownContact | null;
}

/** Decides for an ordinary message. */
export function decideContact(sender: Sender, known: KnownAddresses): ContactDecision {
  const decision: ContactDecision = { contactId: null, point: [], merge: [], lostPhone: [] };
  const main = mainContact(sender, known);
  decision.contactId = main?.contactId ?? null;
  if (sender.bsuid !== undefined && known.bsuid === null)
    decision.point.push({ kind: 'bsuid', value: sender.bsuid });
  if (
    sender.parentBsuid !== undefined &&
    (main === null || known.parentBsuid?.contactId !== main.contactId)
  ) {
    decision.point.push({ kind: 'parentBsuid', value: sender.parentBsuid });
  }
  if (sender.phone === undefined) return decision;
  const phoneOwner = known.phone;
  if (phoneOwner === null) {
    decision.point.push({ kind: 'phone', value: sender.phone });
  } else if (phoneOwner.contactId !== decision.contactId) {
    decision.point.push({ kind: 'phone', value: sender.phone });
    if (phoneOwner.bsuids.length === 0 && decision.contactId !== null)
      decision.merge.push(phoneOwner.contactId);
    else decision.lostPhone.push(phoneOwner.contactId);
  }
  return decision;
}

function mainContact(sender: Sender, known: KnownAddresses): KnownContact | null {
  if (known.bsuid !== null) return known.bsuid;
  if (sender.bsuid === undefined) return known.phone ?? known.parentBsuid;
  if (known.phone !== null && known.phone.bsuids.length === 0) return known.phone;
  if (known.parentBsuid !== null && known.parentBsuid.bsuids.length === 0) return known.parentBsuid;
  return null;
}

export interface KnownChange {
  oldPhone: KnownContact | null;
  oldBsuid: KnownContact | null;
  newPhone: KnownContact | null;
  newBsuid: KnownContact | null;
}

/**
 * The change with what the announcing message itself tells: its sender is the customer as they were known before, so
 * an old phone or id that the change does not name stands there.
 */
export function wholeChange(change: AddressChange, sender: Sender): AddressChange {
  const whole = { ...change };
  if (whole.oldPhone === undefined && sender.phone !== undefined && sender.phone !== change.newPhone)
    whole.oldPhone = sender.phone;
  if (whole.oldBsuid === undefined && sender.bsuid !== undefined && sender.bsuid !== change.newBsuid)
    whole.oldBsuid = sender.bsuid;
  return whole;
}

/** Decides for an announced change of phone or id: the old addresses stay, since messages from them may come late. */
export function decideChange(change: AddressChange, known: KnownChange): ContactDecision {
  const oldPhoneOwner = isSomeoneElse(change, known.oldPhone) ? null : known.oldPhone;
  const newPhoneOwner = isProvenSame(change, known.newPhone) ? known.newPhone : null;
  const same = [known.oldBsuid, oldPhoneOwner, known.newBsuid, newPhoneOwner].filter((each) => each !== null);
  const contactId = same[0]?.contactId ?? null;
  const decision: ContactDecision = { contactId, point: [], merge: [], lostPhone: [] };
  for (const contact of same) {
    if (contact.contactId !== contactId && !decision.merge.includes(contact.contactId))
      decision.merge.push(contact.contactId);
  }
  const point = (kind: AddressKind, value: string | undefined, owner: KnownContact | null) => {
    if (value !== undefined && (owner === null || owner.contactId !== contactId))
      decision.point.push({ kind, value });
  };
  // An old phone that somebody else has by now stays theirs: the number was given away before the news of it came.
  if (known.oldPhone === oldPhoneOwner) point('phone', change.oldPhone, known.oldPhone);
  point('phone', change.newPhone, known.newPhone);
  if (known.newPhone !== null && newPhoneOwner === null && known.newPhone.contactId !== contactId)
    decision.lostPhone.push(known.newPhone.contactId);
  point('bsuid', change.oldBsuid, known.oldBsuid);
  point('bsuid', change.newBsuid, known.newBsuid);
  if (change.newParentBsuid !== undefined)
    decision.point.push({ kind: 'parentBsuid', value: change.newParentBsuid });
  return decision;
}

/** The old phone's contact is the customer, unless it has ids of its own and the change names others. */
function isSomeoneElse(change: AddressChange, owner: KnownContact | null): boolean {
  if (owner === null || owner.bsuids.length === 0) return false;
  const namesAny = change.oldBsuid !== undefined || change.newBsuid !== undefined;
  return namesAny && !isNamed(change, owner);
}

/** The new phone's contact is the customer only if nothing says otherwise: a number is often another's before. */
function isProvenSame(change: AddressChange, owner: KnownContact | null): boolean {
  return owner !== null && (owner.bsuids.length === 0 || isNamed(change, owner));
}

function isNamed(change: AddressChange, owner: KnownContact): boolean {
  return owner.bsuids.some((bsuid) => bsuid === change.oldBsuid || bsuid === change.newBsuid);
}
