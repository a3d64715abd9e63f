/**
 * The people with phones. A contact has our own id, which never changes, and the addresses Meta shows for it: a phone
 * (possibly hidden, as for people with a username), a business-scoped user id (BSUID), a parent one, a username.
 * Changing a number really changes the addresses: sends to the old ones then reach nobody.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids.
 */
import { createHash } from 'node:crypto';
import { readNumber, readObject, readString } from './control/json-reading.ts';
import { ControlError } from './control/setting-merge.ts';
import type { RangeMs } from './draw.ts';

export type Receipts = 'none' | 'sent' | 'delivered' | 'read';

export interface Contact {
  readonly id: string;
  name: string;
  phone: string | null;
  /** The phone exists, but webhooks do not show it. */
  phoneHidden: boolean;
  userId: string | null;
  parentUserId: string | null;
  username: string | null;
  /** Names the keys of the contact's phone; webhooks carry it where it is set (Meta's identity check). */
  identityHash: string | null;
  /** How far delivery statuses go for this contact: a switched-off phone is "sent". */
  receipts: Receipts;
  /** Every send to this contact fails with this code; null: none does. */
  failCode: number | null;
  /** Null: the simulator's timings. */
  sentMs: RangeMs | null;
  deliveredMs: RangeMs | null;
  readMs: RangeMs | null;
}

export interface ContactSpec {
  readonly id?: string;
  readonly name?: string;
  readonly phone?: string | null;
  readonly phoneHidden?: boolean;
  readonly userId?: string | null;
  readonly parentUserId?: string | null;
  readonly username?: string | null;
  readonly identityHash?: string | null;
  readonly receipts?: Receipts;
  readonly failCode?: number | null;
  readonly sentMs?: RangeMs | null;
  readonly deliveredMs?: RangeMs | null;
  readonly readMs?: RangeMs | null;
}

export interface ContactBook {
  create(spec: ContactSpec): Contact;
  change(contact: Contact, spec: ContactSpec): Contact;
  get(id: string): Contact | undefined;
  byPhone(digits: string): Contact | undefined;
  byUserId(userId: string): Contact | undefined;
  /** Our id, phone or BSUID. */
  find(key: string): Contact | undefined;
  list(): Contact[];
  clear(): void;
}

const RECEIPTS = new Set<string>(['none', 'sent', 'delivered', 'read']);
const BSUID = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

export const isUserId = (text: string): boolean => BSUID.test(text);

/** The BSUID of a phone, always the same one: chance would make two runs differ. */
export function userIdOfPhone(digits: string): string {
  const number = BigInt(`0x${createHash('sha256').update(`portfolio ${digits}`).digest('hex').slice(0, 16)}`);
  return `US.${String(number).padStart(20, '1')}`;
}

export const digitsOf = (text: string): string => text.replace(/\D/g, '');

function readRange(value: unknown, key: string): RangeMs | null {
  if (value === null) return null;
  const range = readObject(value);
  const minMs = readNumber(range?.minMs);
  const maxMs = readNumber(range?.maxMs);
  if (minMs === undefined || maxMs === undefined) {
    throw new ControlError(`A contact's "${key}" must be { "minMs": number, "maxMs": number } or null.`);
  }
  return { minMs, maxMs };
}

/** Reads what a person or test gave; only fields that were given are in the result. */
export function readContactSpec(value: unknown): ContactSpec {
  const given = readObject(value);
  if (!given)
    throw new ControlError('A contact must be a JSON object, for example { "phone": "16505551234" }.');
  const spec: Record<string, unknown> = {};
  for (const key of ['id', 'name', 'phone', 'userId', 'parentUserId', 'username', 'identityHash'] as const) {
    if (given[key] === undefined) continue;
    if (given[key] !== null && typeof given[key] !== 'string') {
      throw new ControlError(`A contact's "${key}" must be a string.`);
    }
    spec[key] = given[key];
  }
  if (typeof spec.phone === 'string') spec.phone = digitsOf(spec.phone);
  if (typeof spec.userId === 'string' && !isUserId(spec.userId)) {
    throw new ControlError('A contact\'s "userId" must look like US.13491208655302741918.');
  }
  if (given.phoneHidden !== undefined) spec.phoneHidden = given.phoneHidden === true;
  if (given.receipts !== undefined) {
    if (!RECEIPTS.has(readString(given.receipts) ?? '')) {
      throw new ControlError(`A contact's "receipts" must be one of ${[...RECEIPTS].join(', ')}.`);
    }
    spec.receipts = given.receipts;
  }
  if (given.failCode !== undefined) spec.failCode = readNumber(given.failCode) ?? null;
  for (const key of ['sentMs', 'deliveredMs', 'readMs'] as const) {
    if (given[key] !== undefined) spec[key] = readRange(given[key], key);
  }
  return spec as ContactSpec;
}

export interface ContactBookOptions {
  /** Whether a contact that is made with a phone only has a BSUID as well. */
  readonly givesUserIds?: () => boolean;
}

export function createContactBook({ givesUserIds = () => false }: ContactBookOptions = {}): ContactBook {
  const byId = new Map<string, Contact>();
  const byPhone = new Map<string, Contact>();
  const byUserId = new Map<string, Contact>();
  let counter = 0;

  const index = (contact: Contact): void => {
    if (contact.phone) byPhone.set(contact.phone, contact);
    if (contact.userId) byUserId.set(contact.userId, contact);
  };
  const unindex = (contact: Contact): void => {
    if (contact.phone && byPhone.get(contact.phone) === contact) byPhone.delete(contact.phone);
    if (contact.userId && byUserId.get(contact.userId) === contact) byUserId.delete(contact.userId);
  };

  const book: ContactBook = {
    create(spec) {
      if (!spec.phone && !spec.userId) {
        throw new ControlError(
          'A contact needs a phone or a userId (BSUID); with neither nobody can reach it.',
        );
      }
      counter += 1;
      const id = spec.id ?? `contact_${counter}`;
      if (byId.has(id)) throw new ControlError(`There is already a contact "${id}".`, 409);
      const isGiven = spec.userId === undefined && spec.phone && givesUserIds();
      const contact: Contact = {
        id,
        name: spec.name ?? `Contact ${counter}`,
        phone: spec.phone ?? null,
        phoneHidden: spec.phoneHidden ?? false,
        userId: isGiven ? userIdOfPhone(spec.phone ?? '') : (spec.userId ?? null),
        parentUserId: spec.parentUserId ?? null,
        username: spec.username ?? null,
        identityHash: spec.identityHash ?? null,
        receipts: spec.receipts ?? 'read',
        failCode: spec.failCode ?? null,
        sentMs: spec.sentMs ?? null,
        deliveredMs: spec.deliveredMs ?? null,
        readMs: spec.readMs ?? null,
      };
      byId.set(id, contact);
      index(contact);
      return contact;
    },
    change(contact, spec) {
      unindex(contact);
      const { id: _id, ...changes } = spec;
      Object.assign(contact, changes);
      index(contact);
      return contact;
    },
    get: (id) => byId.get(id),
    byPhone: (digits) => byPhone.get(digits),
    byUserId: (userId) => byUserId.get(userId),
    find: (key) => byId.get(key) ?? byUserId.get(key) ?? byPhone.get(digitsOf(key)),
    list: () => [...byId.values()],
    clear() {
      byId.clear();
      byPhone.clear();
      byUserId.clear();
    },
  };
  return book;
}

export const visiblePhone = (contact: Contact): string | null => (contact.phoneHidden ? null : contact.phone);

/** The element of a webhook's `contacts[]`: phone fields are absent, not empty, when they may not be seen. */
export function webhookContact(contact: Contact): Record<string, unknown> {
  const phone = visiblePhone(contact);
  return {
    profile: { name: contact.name, ...(contact.username ? { username: contact.username } : {}) },
    ...(phone ? { wa_id: phone } : {}),
    ...(contact.userId ? { user_id: contact.userId } : {}),
    ...(contact.parentUserId ? { parent_user_id: contact.parentUserId } : {}),
    ...(contact.identityHash ? { identity_key_hash: contact.identityHash } : {}),
  };
}
