/**
 * Reading the body of `POST /{phone_number_id}/messages`: the checks Meta makes before it accepts, as far as a sender can
 * trip over them. The result is either a refusal (code and details) or the parts the simulator works with.
 * Limits: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages and the page of each
 * type. To add a type, add its check to `CHECKS`.
 */
import { digitsOf, isUserId } from './contacts.ts';
import { type JsonObject, readArray, readNumber, readObject, readString } from './json-reading.ts';

export interface Refusal {
  readonly code: number;
  readonly details: string;
  readonly httpStatus?: number;
  readonly message?: string;
  readonly subcode?: number;
}

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
}

export interface ReadBody {
  readonly kind: 'read';
  readonly wamid: string;
  readonly typing: boolean;
}

export type ParsedBody = SendBody | ReadBody | { readonly kind: 'refused'; readonly refusal: Refusal };

const OPAQUE_CHARS_MAX = 512;

const lengthOf = (text: string): number => [...text].length;

function checkText(value: unknown, path: string, charsMax: number): string | null {
  const text = readString(value);
  if (text === undefined || text.trim() === '') return `${path} is required and must be a non-empty string.`;
  return lengthOf(text) > charsMax ? `${path} must be at most ${charsMax} characters long.` : null;
}

function checkMedia(content: JsonObject, type: string, hasCaption: boolean): string | null {
  if (!readString(content.id) && !readString(content.link)) return `${type} needs an "id" or a "link".`;
  if (content.caption === undefined) return null;
  if (!hasCaption) return `${type} does not take a caption.`;
  return lengthOf(readString(content.caption) ?? '') > 1_024
    ? `${type}.caption must be at most 1024 characters long.`
    : null;
}

function checkButtons(action: JsonObject): string | null {
  const buttons = readArray(action.buttons) ?? [];
  if (buttons.length < 1 || buttons.length > 3) return 'interactive.action.buttons must hold 1 to 3 buttons.';
  const ids = new Set<string>();
  const titles = new Set<string>();
  for (const each of buttons) {
    const reply = readObject(readObject(each)?.reply) ?? {};
    const wrong =
      checkText(reply.id, 'button reply id', 256) ?? checkText(reply.title, 'button reply title', 20);
    if (wrong) return wrong;
    ids.add(String(reply.id));
    titles.add(String(reply.title));
  }
  return ids.size < buttons.length || titles.size < buttons.length
    ? 'Button ids and titles must be unique.'
    : null;
}

function checkSections(action: JsonObject): string | null {
  const sections = readArray(action.sections) ?? [];
  const wrongButton = checkText(action.button, 'interactive.action.button', 20);
  if (wrongButton) return wrongButton;
  if (sections.length < 1 || sections.length > 10)
    return 'interactive.action.sections must hold 1 to 10 sections.';
  const ids = new Set<string>();
  let rowCount = 0;
  for (const each of sections) {
    const section = readObject(each) ?? {};
    if (sections.length > 1 || section.title !== undefined) {
      const wrong = checkText(section.title, 'section title', 24);
      if (wrong) return wrong;
    }
    for (const rowValue of readArray(section.rows) ?? []) {
      const row = readObject(rowValue) ?? {};
      rowCount += 1;
      ids.add(String(row.id));
      const wrong =
        checkText(row.id, 'row id', 200) ??
        checkText(row.title, 'row title', 24) ??
        (row.description === undefined ? null : checkText(row.description, 'row description', 72));
      if (wrong) return wrong;
    }
  }
  if (rowCount < 1 || rowCount > 10) return 'The sections must hold 1 to 10 rows in total.';
  return ids.size < rowCount ? 'Row ids must be unique.' : null;
}

function checkInteractive(content: JsonObject): string | null {
  const type = readString(content.type);
  const action = readObject(content.action);
  if (!type) return 'interactive.type is required.';
  if (!action) return 'interactive.action is required.';
  const needsBody = type !== 'product';
  const bodyMax = type === 'list' ? 4_096 : 1_024;
  const wrongBody = needsBody
    ? checkText(readObject(content.body)?.text, 'interactive.body.text', bodyMax)
    : null;
  if (wrongBody) return wrongBody;
  const footer = readObject(content.footer);
  const wrongFooter = footer ? checkText(footer.text, 'interactive.footer.text', 60) : null;
  if (wrongFooter) return wrongFooter;
  if (type === 'button') return checkButtons(action);
  if (type === 'list') return checkSections(action);
  if (type === 'cta_url') {
    const parameters = readObject(action.parameters) ?? {};
    return (
      checkText(parameters.display_text, 'interactive.action.parameters.display_text', 20) ??
      checkText(parameters.url, 'interactive.action.parameters.url', 2_000)
    );
  }
  return null;
}

function checkLocation(content: JsonObject): string | null {
  const isNumeric = (value: unknown): boolean =>
    readNumber(value) !== undefined || (typeof value === 'string' && Number.isFinite(Number(value)));
  return isNumeric(content.latitude) && isNumeric(content.longitude)
    ? null
    : 'location.latitude and location.longitude must be numbers.';
}

const CHECKS: Readonly<Record<string, (content: JsonObject) => string | null>> = {
  text: (content) => checkText(content.body, 'text.body', 4_096),
  reaction: (content) =>
    checkText(content.message_id, 'reaction.message_id', 512) ??
    (readString(content.emoji) === undefined ? 'reaction.emoji is required.' : null),
  image: (content) => checkMedia(content, 'image', true),
  video: (content) => checkMedia(content, 'video', true),
  document: (content) => checkMedia(content, 'document', true),
  audio: (content) => checkMedia(content, 'audio', false),
  sticker: (content) => checkMedia(content, 'sticker', false),
  location: checkLocation,
  interactive: checkInteractive,
  template: (content) =>
    checkText(content.name, 'template.name', 512) ??
    checkText(readObject(content.language)?.code, 'template.language.code', 15),
};

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
  return { kind: 'read', wamid, typing: readObject(body.typing_indicator)?.type === 'text' };
}

function parseAddress(
  body: JsonObject,
): { phone: string | null; userId: string | null; input: string } | Refusal {
  const to = readString(body.to);
  const recipient = readString(body.recipient);
  if (body.recipient_type === 'group') return { code: 131041, details: 'The group is unknown.' };
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

function checkContent(type: string, content: unknown): Refusal | null {
  if (type === 'contacts') {
    const cards = readArray(content);
    const isGood = cards && cards.length > 0 && cards.every((card) => readObject(readObject(card)?.name));
    return isGood
      ? null
      : { code: 131009, details: 'contacts must be a non-empty list of cards with a name.' };
  }
  const check = CHECKS[type];
  if (!check) return { code: 131051, details: `Message type ${type.slice(0, 40)} is not supported.` };
  const object = readObject(content);
  if (!object) return { code: 131008, details: `Parameter '${type}' is mandatory for type '${type}'.` };
  const wrong = check(object);
  return wrong === null ? null : { code: type === 'text' ? 100 : 131009, details: wrong };
}

export function parseMessageBody(value: unknown): ParsedBody {
  const body = readObject(value);
  if (!body) return refused(100, 'The request body is not a JSON object.');
  if (body.messaging_product !== 'whatsapp') {
    return refused(100, 'The parameter messaging_product is required and must be "whatsapp".');
  }
  if (body.status !== undefined) return parseRead(body);
  const address = parseAddress(body);
  if ('code' in address) return { kind: 'refused', refusal: address };
  const type = readString(body.type) ?? 'text';
  const wrong = checkContent(type, body[type]);
  if (wrong) return { kind: 'refused', refusal: wrong };
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
    replyTo: readString(readObject(body.context)?.message_id) ?? null,
    opaque: opaque ?? null,
  };
}
