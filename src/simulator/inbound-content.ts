/**
 * The type-specific part of an inbound message: what a contact said, in the shape Meta's webhook gives it.
 * Shapes: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
 * To add a type, add a builder to `BUILDERS`.
 */
import { createHash } from 'node:crypto';
import { webhookError } from './graph-errors.ts';
import { type JsonObject, readArray, readNumber, readObject, readString } from './json-reading.ts';
import { sampleFile } from './media-shelf.ts';
import { ControlError } from './setting-merge.ts';
import type { IdMaker } from './wamid.ts';

/** What a builder may look at besides the request itself. */
export interface ContentSources {
  readonly ids: IdMaker;
  readonly publicUrl: string;
  /** The message that is replied to, if the simulator still knows it: its type's own object. */
  readonly repliedTo: unknown;
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
  const content = {
    ...(address === undefined ? {} : { address }),
    latitude: readNumber(said.latitude) ?? 37.44221496582,
    longitude: readNumber(said.longitude) ?? -122.16165924072,
    ...(name === undefined ? {} : { name }),
  };
  return under('location', content, name ?? null);
};

const contactCards: Builder = (said) => {
  const cards = readArray(said.contacts) ?? [
    {
      name: { first_name: 'Barbara', last_name: 'Johnson', formatted_name: 'Barbara J. Johnson' },
      phones: [{ phone: '+1 (415) 555-0829', wa_id: '14125550829', type: 'MOBILE' }],
    },
  ];
  return under('contacts', cards, null);
};

const reaction: Builder = (said) => {
  const emoji = readString(said.emoji);
  const content = { message_id: need(said, 'messageId'), ...(emoji ? { emoji } : {}) };
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

const edit: Builder = (said) => {
  const text = need(said, 'text');
  const content = {
    original_message_id: need(said, 'originalMessageId'),
    message: { type: 'text', text: { body: text } },
  };
  return under('edit', content, text);
};

const unsupported: Builder = (said) => ({
  type: 'unsupported',
  properties: {
    errors: [
      {
        ...(webhookError(131051) as object),
        title: 'Message type unknown',
        message: 'Message type unknown',
      },
    ],
    unsupported: { type: readString(said.subtype) ?? 'poll_creation' },
  },
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
  image: media('image'),
  video: media('video'),
  audio: media('audio'),
  document: media('document'),
  sticker: media('sticker'),
  location,
  contacts: contactCards,
  reaction,
  order,
  edit,
  revoke: (said) => under('revoke', { original_message_id: need(said, 'originalMessageId') }, null),
  unsupported,
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
