/**
 * Reading the body of `POST /{phone_number_id}/messages`: the checks that Meta makes before it accepts, as far as a sender
 * can trip over them. The result is either a refusal (code and details) or the parts the simulator works with.
 * To add a type, write its check in a file beside this one and add it to `CHECKS`.
 */
import { digitsOf, isUserId } from '../contacts.ts';
import { type JsonObject, readObject, readString } from '../control/json-reading.ts';
import type { Check, Findings, MediaUse, Refusal } from './checks.ts';
import { checkContactCards } from './contact-cards.ts';
import { checkInteractive } from './interactive/index.ts';
import { checkLocation } from './location.ts';
import { mediaCheck } from './media.ts';
import { checkReaction } from './reaction.ts';
import { checkTemplateMessage } from './template.ts';
import { checkTextMessage } from './text.ts';

export interface SendBody {
  readonly kind: 'send';
  /** What the sender wrote in `to` or `recipient`. */
  readonly input: string;
  /** Digits of the phone, or null for a send by BSUID. */
  readonly phone: string | null;
  readonly userId: string | null;
  readonly type: string;
  /** The type's own object. */
  readonly content: unknown;
  readonly text: string | null;
  readonly replyTo: string | null;
  readonly opaque: string | null;
  /** Send only to the person with these keys; null: to whoever has the address. */
  readonly identityHash: string | null;
  /** Files named by id; nothing else of a body is looked up. */
  readonly media: readonly MediaUse[];
}

export interface ReadBody {
  readonly kind: 'read';
  readonly wamid: string;
  readonly typing: boolean;
}

export type ParsedBody = SendBody | ReadBody | { readonly kind: 'refused'; readonly refusal: Refusal };

const OPAQUE_CHARS_MAX = 512;

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['text', checkTextMessage],
  ['reaction', checkReaction],
  ['image', mediaCheck('image')],
  ['video', mediaCheck('video')],
  ['document', mediaCheck('document')],
  ['audio', mediaCheck('audio')],
  ['sticker', mediaCheck('sticker')],
  ['location', checkLocation],
  ['interactive', checkInteractive],
  ['template', checkTemplateMessage],
]);

function textOf(type: string, content: unknown): string | null {
  const object = readObject(content) ?? {};
  if (type === 'text') return readString(object.body) ?? null;
  if (type === 'interactive') return readString(readObject(object.body)?.text) ?? null;
  if (type === 'template') return readString(object.name) ?? null;
  if (type === 'reaction') return readString(object.emoji) ?? null;
  if (type === 'location') return readString(object.name) ?? null;
  return readString(object.caption) ?? null;
}

const refused = (code: number, details: string): ParsedBody => ({
  kind: 'refused',
  refusal: { code, details },
});

function parseRead(body: JsonObject): ParsedBody {
  const wamid = readString(body.message_id);
  if (body.status !== 'read') return refused(100, 'Param status must be "read".');
  if (!wamid) return refused(131009, 'message_id is required.');
  const { typing_indicator: typing } = body;
  if (typing !== undefined && readObject(typing)?.type !== 'text') {
    return refused(131009, 'typing_indicator must be { "type": "text" }.');
  }
  return { kind: 'read', wamid, typing: typing !== undefined };
}

type Address = Pick<SendBody, 'phone' | 'userId' | 'input'>;

function parseAddress(body: JsonObject): Address | Refusal {
  const to = typeof body.to === 'number' ? String(body.to) : readString(body.to);
  const recipient = readString(body.recipient);
  const type = body.recipient_type ?? 'individual';
  if (type === 'group') return { code: 131041, details: 'The group is unknown.' };
  if (type !== 'individual') {
    return { code: 100, details: 'Param recipient_type must be one of {individual, group}.' };
  }
  if (to !== undefined) {
    const phone = digitsOf(to);
    const isPhone = /^[+\d\s().-]+$/.test(to) && phone.length >= 5 && phone.length <= 20;
    return isPhone
      ? { phone, userId: null, input: to }
      : { code: 131009, details: 'to must be a phone number with country code.' };
  }
  if (recipient === undefined) return { code: 100, details: 'The parameter to is required.' };
  return isUserId(recipient)
    ? { phone: null, userId: recipient, input: recipient }
    : { code: 131009, details: 'recipient must be a business-scoped user ID.' };
}

function checkContent(type: string, content: unknown, found: Findings): Refusal | null {
  const check = CHECKS.get(type);
  if (!check && type !== 'contacts') {
    return { code: 131051, details: `Message type ${type.slice(0, 40)} is not supported.` };
  }
  if (content === undefined) {
    return { code: 131008, details: `Parameter '${type}' is mandatory for type '${type}'.` };
  }
  if (!check) return checkContactCards(content);
  const object = readObject(content);
  return object ? check(object, found) : { code: 100, details: `Param ${type} must be a JSON object.` };
}

function parseContext(type: string, body: JsonObject): { replyTo: string | null } | Refusal {
  if (body.context === undefined) return { replyTo: null };
  const replyTo = readString(readObject(body.context)?.message_id);
  if (!replyTo) return { code: 100, details: "The parameter context['message_id'] is required." };
  if (type === 'reaction') return { code: 131009, details: 'A reaction does not take a context.' };
  return { replyTo };
}

function parseSend(body: JsonObject): ParsedBody {
  const address = parseAddress(body);
  if ('code' in address) return { kind: 'refused', refusal: address };
  const type = readString(body.type) ?? 'text';
  const found: Findings = { media: [] };
  const wrong = checkContent(type, body[type], found);
  if (wrong) return { kind: 'refused', refusal: wrong };
  const context = parseContext(type, body);
  if ('code' in context) return { kind: 'refused', refusal: context };
  const opaque = body.biz_opaque_callback_data;
  if (opaque !== undefined && (typeof opaque !== 'string' || opaque.length > OPAQUE_CHARS_MAX)) {
    return refused(
      131009,
      `biz_opaque_callback_data must be a string of at most ${OPAQUE_CHARS_MAX} characters.`,
    );
  }
  return {
    kind: 'send',
    ...address,
    type,
    content: body[type],
    text: textOf(type, body[type]),
    replyTo: context.replyTo,
    opaque: opaque ?? null,
    identityHash: readString(body.recipient_identity_key_hash) ?? null,
    media: found.media,
  };
}

export function parseMessageBody(value: unknown): ParsedBody {
  const body = readObject(value);
  if (!body) return refused(100, 'The request body is not a JSON object.');
  if (body.messaging_product !== 'whatsapp') {
    return refused(100, 'The parameter messaging_product is required and must be "whatsapp".');
  }
  return body.status === undefined ? parseSend(body) : parseRead(body);
}
