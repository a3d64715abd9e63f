/**
 * The type-specific part of an inbound message: what a contact said, in the shape Meta's webhook gives it.
 * Shapes: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
 * To add a type, add a builder to `BUILDERS`.
 */
import { createHash } from 'node:crypto';
import { type JsonObject, readArray, readNumber, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import { sampleFile } from '../media/media-shelf.ts';
import type { IdMaker } from '../wamid.ts';

/** What a builder may look at besides the request itself. */
export interface ContentSources {
  readonly ids: IdMaker;
  readonly publicUrl: string;
  /** The message that is replied to, if the simulator still knows it: its type's own object. */
  readonly repliedTo: unknown;
  /** The speaker's phone, for an answer to a request for it. */
  readonly phone: string | null;
  readonly nowMs: number;
}

export interface InboundContent {
  /** Meta's `type`. */
  readonly type: string;
  /** The properties of the message besides the common ones. */
  readonly properties: JsonObject;
  readonly text: string | null;
}

type Builder = (said: JsonObject, sources: ContentSources) => InboundContent;

function need(said: JsonObject, key: string): string {
  const value = readString(said[key]);
  if (value === undefined) throw new ControlError(`Saying "${String(said.type)}" needs a string "${key}".`);
  return value;
}

const under = (type: string, content: unknown, text: string | null): InboundContent => ({
  type,
  properties: { [type]: content },
  text,
});

const MIME_TYPES: Readonly<Record<string, string>> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/ogg; codecs=opus',
  document: 'application/pdf',
  sticker: 'image/webp',
};

function media(type: string): Builder {
  return (said, { ids, publicUrl }) => {
    const id = readString(said.mediaId) ?? ids.mediaId();
    const caption = readString(said.caption);
    const isVoice = said.voice !== false;
    const mimeType = readString(said.mimeType) ?? MIME_TYPES[type] ?? 'application/octet-stream';
    const content = {
      ...(caption === undefined ? {} : { caption }),
      ...(type === 'document' ? { filename: readString(said.filename) ?? 'document.pdf' } : {}),
      mime_type: mimeType,
      sha256:
        readString(said.sha256) ?? createHash('sha256').update(sampleFile(mimeType).bytes).digest('base64'),
      id,
      url: `${publicUrl}/whatsapp_business/attachments/?mid=${id}`,
      ...(type === 'audio' ? { voice: isVoice } : {}),
      ...(type === 'sticker' ? { animated: said.animated === true } : {}),
    };
    return under(type, content, caption ?? null);
  };
}

/** The title of a button or row of the message that was replied to, so that a page need send only the id. */
function offered(repliedTo: unknown, id: string): { title: string; description?: string } | undefined {
  const action = readObject(readObject(repliedTo)?.action);
  for (const each of readArray(action?.buttons) ?? []) {
    const reply = readObject(readObject(each)?.reply);
    if (reply?.id === id) return { title: String(reply.title) };
  }
  for (const section of readArray(action?.sections) ?? []) {
    for (const each of readArray(readObject(section)?.rows) ?? []) {
      const row = readObject(each);
      if (row?.id !== id) continue;
      const description = readString(row.description);
      return { title: String(row.title), ...(description === undefined ? {} : { description }) };
    }
  }
  return undefined;
}

const buttonReply: Builder = (said, { repliedTo }) => {
  const id = need(said, 'id');
  const title = readString(said.title) ?? offered(repliedTo, id)?.title ?? id;
  return under('interactive', { type: 'button_reply', button_reply: { id, title } }, title);
};

const listReply: Builder = (said, { repliedTo }) => {
  const id = need(said, 'id');
  const row = offered(repliedTo, id);
  const title = readString(said.title) ?? row?.title ?? id;
  const description = readString(said.description) ?? row?.description;
  const reply = { id, title, ...(description === undefined ? {} : { description }) };
  return under('interactive', { type: 'list_reply', list_reply: reply }, title);
};

const location: Builder = (said) => {
  const name = readString(said.name);
  const address = readString(said.address);
  const url = readString(said.url);
  const content = {
    ...(address === undefined ? {} : { address }),
    latitude: readNumber(said.latitude) ?? 37.44221496582,
    longitude: readNumber(said.longitude) ?? -122.16165924072,
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url }),
  };
  return under('location', content, name ?? null);
};

const contactCards: Builder = (said) => {
  const cards = readArray(said.contacts) ?? [
    {
      name: { first_name: 'Barbara', last_name: 'Johnson', formatted_name: 'Barbara J. Johnson' },
      org: { company: 'Social Tsunami' },
      phones: [{ phone: '+1 (415) 555-0829', wa_id: '14125550829', type: 'MOBILE' }],
    },
  ];
  return under('contacts', cards, null);
};

/** The answer to `request_contact_info`, or to a template's button for it: the contact's own phone. */
const contactInfo: Builder = (said, { phone }) => {
  const digits = readString(said.phone)?.replace(/\D/g, '') ?? phone;
  if (digits === null)
    throw new ControlError('This contact has no phone that it could share: give a "phone".');
  const card = { origin: 'contact_request', phones: [{ phone: `+${digits}`, wa_id: digits, type: 'CELL' }] };
  return under('contacts', [card], null);
};

const waFlowReply: Builder = (said) => {
  const answers = readObject(said.response) ?? { flow_token: 'unused' };
  // Built-in ones (an address, a payment) come without a body: null.
  const body = said.body === null ? null : (readString(said.body) ?? 'Sent');
  const reply = {
    response_json: JSON.stringify(answers),
    ...(body === null ? {} : { body }),
    name: readString(said.name) ?? 'flow',
  };
  return under('interactive', { type: 'nfm_reply', nfm_reply: reply }, body);
};

const CALL_PERMISSION_MS = 7 * 24 * 3_600_000;

const callPermission: Builder = (said, { nowMs }) => {
  const isAccepted = said.accept !== false;
  const reply = {
    response: isAccepted ? 'accept' : 'reject',
    ...(isAccepted ? { expiration_timestamp: Math.floor((nowMs + CALL_PERMISSION_MS) / 1_000) } : {}),
    response_source: 'user_action',
  };
  return under('interactive', { type: 'call_permission_reply', call_permission_reply: reply }, null);
};

const reaction: Builder = (said) => {
  const emoji = readString(said.emoji);
  // Taken back: no emoji at all; an empty one, as in older traffic, only where it is asked for by name.
  const isEmptyGiven = emoji === '' && said.emptyEmoji === true;
  const content = { message_id: need(said, 'messageId'), ...(emoji || isEmptyGiven ? { emoji } : {}) };
  return under('reaction', content, emoji ?? null);
};

const order: Builder = (said) => {
  const text = readString(said.text);
  const content = {
    catalog_id: readString(said.catalogId) ?? '194836987003835',
    ...(text === undefined ? {} : { text }),
    product_items: readArray(said.productItems) ?? [
      { product_retailer_id: 'di9ozbzfi4', quantity: 2, item_price: 30, currency: 'USD' },
    ],
  };
  return under('order', content, text ?? null);
};

/** A text, or with `editedType` a file with another caption. Coexistence numbers only; elsewhere Meta has no support. */
const edit: Builder = (said, sources) => {
  const editedType = readString(said.editedType) ?? 'text';
  const contextId = readString(said.contextId);
  if (editedType === 'edit' || editedType === 'revoke') {
    throw new ControlError(`"editedType" is what the message is, for example "text" or "image".`);
  }
  const edited = buildContent({ ...said, type: editedType }, sources);
  const content = {
    original_message_id: need(said, 'originalMessageId'),
    message: {
      ...(contextId === undefined ? {} : { context: { id: contextId } }),
      type: edited.type,
      ...edited.properties,
    },
  };
  return under('edit', content, edited.text);
};

const errorOf = (code: number, words: string, details: string) => ({
  code,
  title: words,
  message: words,
  error_data: { details },
});

function unsupportedOf(subtype: string | null): InboundContent {
  const error = errorOf(131051, 'Message type unknown', 'Message type is currently not supported.');
  return {
    type: 'unsupported',
    properties: { errors: [error], ...(subtype === null ? {} : { unsupported: { type: subtype } }) },
    text: null,
  };
}

const unsupported: Builder = (said) =>
  unsupportedOf(said.subtype === null ? null : (readString(said.subtype) ?? 'poll_creation'));

/** What a number without coexistence gets of an edit. */
export const UNSUPPORTED_EDIT = unsupportedOf('edit');

/** A file above 100 MB, which Meta does not hand on. */
const mediaTooLarge: Builder = () => ({
  type: 'unsupported',
  properties: { errors: [errorOf(131052, 'Media file size too big.', 'Media file size too big.')] },
  text: null,
});

const templateButton: Builder = (said) => {
  const text = need(said, 'text');
  return under('button', { payload: readString(said.payload) ?? text, text }, text);
};

const BUILDERS: Readonly<Record<string, Builder>> = {
  text: (said) => under('text', { body: need(said, 'text') }, need(said, 'text')),
  buttonReply,
  listReply,
  templateButton,
  waFlowReply,
  callPermission,
  image: media('image'),
  video: media('video'),
  audio: media('audio'),
  document: media('document'),
  sticker: media('sticker'),
  location,
  contacts: contactCards,
  contactInfo,
  reaction,
  order,
  edit,
  revoke: (said) => under('revoke', { original_message_id: need(said, 'originalMessageId') }, null),
  unsupported,
  mediaTooLarge,
  /** A type of the future: `typeName` names it. */
  unknown: (said) =>
    under(readString(said.typeName) ?? 'hologram', readObject(said.content) ?? { id: '1' }, null),
};

export const SAYABLE_TYPES: readonly string[] = Object.keys(BUILDERS);

export function buildContent(said: JsonObject, sources: ContentSources): InboundContent {
  const type = readString(said.type) ?? 'text';
  const builder = Object.hasOwn(BUILDERS, type) ? BUILDERS[type] : undefined;
  if (!builder) {
    throw new ControlError(`A contact cannot say "${type}". Known types: ${SAYABLE_TYPES.join(', ')}.`);
  }
  return builder({ ...said, type }, sources);
}
