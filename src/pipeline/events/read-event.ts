/**
 * The body of `POST /events`: read strictly, since whoever writes it can mend it, and told what is wrong by the name of
 * the field. Nothing of what it says is quoted. What was asked for is also given as one text in which keys stand in order:
 * the same request is the same text, however it was written. To add a field, add it here and to docs/reference/events.md.
 */
import { isTooDeep } from '#core/json-depth.ts';
import { KnownError } from '#core/model/faults.ts';

export interface ReadEvent {
  phoneNumberId: string | null;
  to:
    | { kind: 'conversation'; conversationId: string }
    | { kind: 'contact'; contactId: string }
    | { kind: 'phone' | 'bsuid'; value: string };
  name: string;
  data: unknown;
  /** The whole request in canonical form. */
  request: string;
}

/** A body that cannot be an event; the message names the field and what it should be. */
export class BadEvent extends KnownError {
  override readonly name = 'BadEvent';
}

type Json = Readonly<Record<string, unknown>>;

const fields = new Set(['phoneNumberId', 'contact', 'conversationId', 'name', 'data']);
const nameForm = /^[A-Za-z][\w-]*(\.[\w-]+)*$/;
const nameCharsMax = 64;
const idForm = /^[\w.-]{1,64}$/;
const bsuidCharsMax = 256;
/** As people write numbers; the longest of the world has 15 digits. */
const phoneForm = /^\+?[\d ().-]{4,40}$/;
const phoneDigits = { min: 4, max: 15 };

/** @throws BadEvent */
export function readEvent(rawBody: Uint8Array): ReadEvent {
  const body = parse(rawBody);
  const unknown = Object.keys(body).filter((key) => !fields.has(key)).length;
  if (unknown > 0)
    throw new BadEvent(
      `The body has ${unknown} field${unknown === 1 ? '' : 's'} that nobody reads. It may have ${[...fields].join(', ')}.`,
    );
  const event = {
    phoneNumberId: phoneNumberIdOf(body),
    to: addresseeOf(body),
    name: eventNameOf(body.name),
    data: body.data ?? null,
  };
  if (event.to.kind !== 'conversation' && event.phoneNumberId === null)
    throw new BadEvent(
      '"phoneNumberId" is missing: a contact has one conversation on each of your numbers. Name the number, or the conversation by "conversationId".',
    );
  return { ...event, request: canonicalOf(event) };
}

function parse(rawBody: Uint8Array): Json {
  const asJson = 'The body must be a JSON object in UTF-8.';
  let body: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(rawBody);
    if (isTooDeep(text))
      throw new BadEvent('The body nests too deeply. Send ids and amounts, not documents.');
    body = JSON.parse(text);
  } catch (error) {
    throw error instanceof BadEvent ? error : new BadEvent(asJson);
  }
  if (!isObject(body)) throw new BadEvent(asJson);
  return body;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function phoneNumberIdOf({ phoneNumberId }: Json): string | null {
  if (phoneNumberId === undefined) return null;
  if (typeof phoneNumberId === 'string' && /^\d{1,32}$/.test(phoneNumberId)) return phoneNumberId;
  throw new BadEvent(
    '"phoneNumberId" must be the number’s id at Meta, as text: digits, not the phone number itself.',
  );
}

function addresseeOf({ contact, conversationId }: Json): ReadEvent['to'] {
  if ((contact === undefined) === (conversationId === undefined))
    throw new BadEvent('Name who the event is for: either "conversationId" or "contact".');
  if (conversationId !== undefined)
    return { kind: 'conversation', conversationId: idOf(conversationId, 'conversationId') };
  const [only, ...more] = isObject(contact) ? Object.entries(contact) : [];
  const [kind, value] = only ?? [];
  if (more.length === 0 && kind === 'contactId')
    return { kind: 'contact', contactId: idOf(value, 'contact.contactId') };
  if (more.length === 0 && kind === 'phone') return { kind, value: phoneOf(value) };
  if (more.length === 0 && kind === 'bsuid') return { kind, value: bsuidOf(value) };
  throw new BadEvent('"contact" must be an object with one of "contactId", "phone" and "bsuid".');
}

function idOf(value: unknown, field: string): string {
  if (typeof value === 'string' && idForm.test(value)) return value;
  throw new BadEvent(`"${field}" must be an id as Nightdesk gives them: letters, digits and underscores.`);
}

/** Digits alone, as Meta writes them. */
function phoneOf(value: unknown): string {
  const digits = typeof value === 'string' && phoneForm.test(value) ? value.replaceAll(/\D/g, '') : '';
  if (digits.length >= phoneDigits.min && digits.length <= phoneDigits.max) return digits;
  throw new BadEvent(
    '"contact.phone" must be a phone number with its country code, as text, e.g. "+1 555 000 1111".',
  );
}

function bsuidOf(value: unknown): string {
  const isId =
    typeof value === 'string' &&
    value !== '' &&
    value.length <= bsuidCharsMax &&
    !/[\p{Cc}\p{Cs}]/u.test(value);
  if (isId) return value;
  throw new BadEvent(
    '"contact.bsuid" must be the business-scoped user id as Meta’s webhooks have it, as text.',
  );
}

function eventNameOf(name: unknown): string {
  if (typeof name === 'string' && name.length <= nameCharsMax && nameForm.test(name)) return name;
  throw new BadEvent(
    `"name" must be words of letters, digits, "_" and "-" with dots between them, at most ${nameCharsMax} characters, e.g. "payment.succeeded".`,
  );
}

/**
 * JSON in which keys stand in order.
 * @throws BadEvent where a value would not be the same after it was stored
 */
export function canonicalOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalOf).join(',')}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).sort();
    if (keys.includes('__proto__'))
      throw new BadEvent('"data" has a key __proto__, which no program should read.');
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalOf(value[key])}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new BadEvent('"data" has a number that is out of range. Send large numbers as text.');
  return JSON.stringify(value) ?? 'null';
}
