/**
 * Puts what happened into the envelope in which Meta delivers it, and writes it as Meta does: ASCII only, with other
 * characters as \uXXXX in lower case and slashes escaped, because the signature is made over exactly these bytes.
 * Items of one number and field share a change, and changes of one waba share an entry, so that several items make
 * the kind of batch that Meta sends under load. To deliver another field, make an item with that `field`.
 */
import { signBody } from '#pipeline/webhook/signature.ts';

/** One thing that happened, before it is put into an envelope. */
export interface WebhookItem {
  wabaId: string;
  /** Absent for fields about a waba: their values have no `metadata`. */
  number?: { phoneNumberId: string; displayPhoneNumber: string };
  field: string;
  /** The list of the value that `element` belongs to; without it, `element` is the whole value. */
  list?: string;
  element: Record<string, unknown>;
  /** Who it is about, as an element of the value's `contacts`. */
  contact?: Record<string, unknown>;
  /** `entry.time`, in seconds; only fields about a waba have it. */
  entryTimeS?: number;
}

export interface SignedWebhook {
  body: string;
  headers: { 'content-type': 'application/json'; 'x-hub-signature-256': string };
}

interface Change {
  field: string;
  value: Record<string, unknown>;
}

interface Entry {
  id: string;
  time?: number;
  changes: Change[];
}

/** The body of one delivery that holds all of `items`, in their order. */
export function webhookBody(items: readonly WebhookItem[]): string {
  const entries: Entry[] = [];
  for (const item of items) addToEntry(entryFor(item, entries), item);
  return metaJson({ object: 'whatsapp_business_account', entry: entries });
}

/** `body` with the headers that Meta would send for the app whose secret this is. */
export function signedWebhook(body: string, secret: string): SignedWebhook {
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': signBody(secret, Buffer.from(body, 'utf8')),
    },
  };
}

/** JSON as Meta writes it on the wire. */
export function metaJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('/', '\\/')
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** An entry has one time, so items with different times do not share one. */
function entryFor(item: WebhookItem, entries: Entry[]): Entry {
  const known = entries.find((entry) => entry.id === item.wabaId && entry.time === item.entryTimeS);
  if (known !== undefined) return known;
  const entry: Entry = { id: item.wabaId, changes: [] };
  if (item.entryTimeS !== undefined) entry.time = item.entryTimeS;
  entries.push(entry);
  return entry;
}

function addToEntry(entry: Entry, item: WebhookItem): void {
  if (item.list === undefined) {
    entry.changes.push({ field: item.field, value: item.element });
    return;
  }
  const value = sharedValue(entry, item);
  const inner = item.field === 'standby' ? nestedIn(value) : value;
  if (item.contact !== undefined) addContact(inner, item.contact);
  inner[item.list] = [...elementsOf(inner, item.list), item.element];
}

function sharedValue(entry: Entry, item: WebhookItem): Record<string, unknown> {
  const metadata = {
    display_phone_number: item.number?.displayPhoneNumber,
    phone_number_id: item.number?.phoneNumberId,
  };
  const same = (change: Change) =>
    change.field === item.field && JSON.stringify(change.value.metadata) === JSON.stringify(metadata);
  const known = entry.changes.find(same);
  if (known !== undefined) return known.value;
  const value: Record<string, unknown> = { messaging_product: 'whatsapp', metadata };
  entry.changes.push({ field: item.field, value });
  return value;
}

/** What arrives while another owner holds the conversation lies one level deeper. */
function nestedIn(value: Record<string, unknown>): Record<string, unknown> {
  value.standby ??= {};
  return value.standby as Record<string, unknown>;
}

function addContact(value: Record<string, unknown>, contact: Record<string, unknown>): void {
  const contacts = elementsOf(value, 'contacts');
  const text = JSON.stringify(contact);
  if (!contacts.some((known) => JSON.stringify(known) === text)) value.contacts = [...contacts, contact];
}

function elementsOf(value: Record<string, unknown>, list: string): unknown[] {
  return (value[list] as unknown[] | undefined) ?? [];
}
