/**
 * What a message says. Every type of Meta's reference has one reader here; a reader that does not find what its type
 * promises answers `undefined`, and the message is kept as `unknown` with its raw JSON, so that a new shape gets the
 * dialog's "I cannot read this" and never an exception.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
 * To add a type: add its kind to the model, its reader here and its row to `readers`.
 */

import { isTooDeep } from '#core/json-depth.ts';
import type {
  AddressChange,
  MediaRef,
  MessageContent,
  MessageKind,
  ProviderError,
} from '#core/model/events.ts';
import {
  addressOf,
  flagOf,
  idOf,
  instantMsOf,
  type JsonObject,
  listOf,
  numberOf,
  objectOf,
  phoneOf,
  plainCopyOf,
  put,
  textOf,
  wordOf,
} from './lenient.ts';

export interface ReadContent {
  kind: MessageKind;
  content: MessageContent;
}

type Reader = (message: JsonObject) => ReadContent | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['text', readText],
  ['image', (message) => readMedia(message, 'image')],
  ['video', (message) => readMedia(message, 'video')],
  ['audio', readAudio],
  ['document', (message) => readMedia(message, 'document')],
  ['sticker', (message) => readMedia(message, 'sticker')],
  ['location', readLocation],
  ['contacts', readContacts],
  ['reaction', readReaction],
  ['interactive', readInteractive],
  ['button', readTemplateButton],
  ['order', readOrder],
  ['edit', readEdit],
  ['revoke', readRevoke],
  ['system', readSystem],
  ['unsupported', readUnsupported],
]);

/** The kind and content of a message element; `unknown` where nothing fits. */
export function contentOf(message: JsonObject): ReadContent {
  const reader = typeof message.type === 'string' ? readers.get(message.type) : undefined;
  const read = reader?.(message) ?? { kind: 'unknown', content: {} };
  addCommon(message, read.content);
  return read;
}

/** What any type may carry beside its own part. */
function addCommon(message: JsonObject, content: MessageContent): void {
  if (message.context !== undefined) put(content, 'context', contextOf(message.context));
  const referral = objectOf(message.referral);
  if (referral !== undefined) content.referral = plainCopyOf(referral) as Record<string, unknown>;
  if (message.errors !== undefined) put(content, 'errors', providerErrorsOf(message.errors));
  put(content, 'groupId', idOf(message.group_id));
  const identity = objectOf(message.identity);
  if (identity !== undefined) {
    content.identity = {};
    put(content.identity, 'acknowledged', flagOf(identity.acknowledged));
    put(content.identity, 'createdAtMs', instantMsOf(identity.created_timestamp));
    put(content.identity, 'hash', wordOf(identity.hash));
  }
}

function contextOf(value: unknown): MessageContent['context'] {
  const element = objectOf(value);
  if (element === undefined) return undefined;
  const context: NonNullable<MessageContent['context']> = {};
  put(context, 'wamid', idOf(element.id));
  put(context, 'from', addressOf(element.from));
  put(context, 'forwarded', flagOf(element.forwarded));
  put(context, 'frequentlyForwarded', flagOf(element.frequently_forwarded));
  const product = objectOf(element.referred_product);
  if (product !== undefined) {
    context.product = {};
    put(context.product, 'catalogId', wordOf(product.catalog_id));
    put(context.product, 'productId', wordOf(product.product_retailer_id));
  }
  return context;
}

/** Errors of a value, a message or a status; an entry without a code is kept under code 0. */
export function providerErrorsOf(value: unknown): ProviderError[] | undefined {
  const errors: ProviderError[] = [];
  for (const element of listOf(value)) {
    const found = objectOf(element);
    if (found === undefined) continue;
    const error: ProviderError = { code: numberOf(found.code) ?? 0 };
    put(error, 'title', wordOf(found.title));
    put(error, 'message', wordOf(found.message));
    put(error, 'details', wordOf(objectOf(found.error_data)?.details) ?? wordOf(found.error_data));
    put(error, 'href', wordOf(found.href));
    errors.push(error);
  }
  return errors.length > 0 ? errors : undefined;
}

function readText(message: JsonObject): ReadContent | undefined {
  const text = textOf(objectOf(message.text)?.body);
  return text === undefined ? undefined : { kind: 'text', content: { text } };
}

/** A recording is `audio` with `voice: true`; a sound file has `voice: false` or nothing. */
function readAudio(message: JsonObject): ReadContent | undefined {
  const read = readMedia(message, 'audio');
  if (read?.kind === 'audio' && flagOf(objectOf(message.audio)?.voice) === true) read.kind = 'voice';
  return read;
}

/** Media that Meta could not take (over 100 MB: 131052) has errors in place of an id. */
function readMedia(
  message: JsonObject,
  kind: 'image' | 'video' | 'audio' | 'document' | 'sticker',
): ReadContent | undefined {
  const element = objectOf(message[kind]);
  const mediaId = idOf(element?.id);
  if (element === undefined || mediaId === undefined) {
    const refused = providerErrorsOf(message.errors) !== undefined;
    return refused ? { kind: 'unsupported', content: { unsupportedType: kind } } : undefined;
  }
  const media: MediaRef = { mediaId, mimeType: wordOf(element.mime_type) ?? 'application/octet-stream' };
  put(media, 'sha256', wordOf(element.sha256));
  put(media, 'url', wordOf(element.url));
  put(media, 'caption', wordOf(element.caption));
  put(media, 'filename', wordOf(element.filename));
  put(media, 'animated', flagOf(element.animated));
  return { kind, content: { media } };
}

function readLocation(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.location);
  const latitude = numberOf(element?.latitude);
  const longitude = numberOf(element?.longitude);
  if (element === undefined || latitude === undefined || longitude === undefined) return undefined;
  const location: NonNullable<MessageContent['location']> = { latitude, longitude };
  put(location, 'name', wordOf(element.name));
  put(location, 'address', wordOf(element.address));
  put(location, 'url', wordOf(element.url));
  return { kind: 'location', content: { location } };
}

/** `origin` says whether we asked for it; it has been printed inside the contacts and beside them. */
function readContacts(message: JsonObject): ReadContent | undefined {
  if (!Array.isArray(message.contacts)) return undefined;
  const contacts = plainCopyOf(message.contacts) as unknown[];
  const origin = wordOf(message.origin);
  if (origin === undefined) return { kind: 'contacts', content: { contacts } };
  const placed = contacts.map((contact) => {
    const known = objectOf(contact);
    return known === undefined ? contact : { origin, ...known };
  });
  return { kind: 'contacts', content: { contacts: placed } };
}

function readReaction(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.reaction);
  const wamid = idOf(element?.message_id);
  if (element === undefined || wamid === undefined) return undefined;
  const reaction: NonNullable<MessageContent['reaction']> = { wamid };
  put(reaction, 'emoji', wordOf(element.emoji));
  return { kind: 'reaction', content: { reaction } };
}

function readInteractive(message: JsonObject): ReadContent | undefined {
  const interactive = objectOf(message.interactive);
  switch (interactive?.type) {
    case 'button_reply':
      return readChoice(interactive.button_reply, 'button');
    case 'list_reply':
      return readChoice(interactive.list_reply, 'listChoice');
    case 'nfm_reply':
      return readWaFlowReply(interactive.nfm_reply);
    case 'call_permission_reply':
      return readCallPermission(interactive.call_permission_reply);
    default:
      return undefined;
  }
}

function readChoice(value: unknown, kind: 'button' | 'listChoice'): ReadContent | undefined {
  const element = objectOf(value);
  const id = wordOf(element?.id);
  if (element === undefined || id === undefined) return undefined;
  const choice: NonNullable<MessageContent['choice']> = { id, title: textOf(element.title) ?? '' };
  put(choice, 'description', wordOf(element.description));
  return { kind, content: { choice } };
}

/** A template's quick reply. Payload and text are equal unless the send set a payload. */
function readTemplateButton(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.button);
  const id = wordOf(element?.payload) ?? wordOf(element?.text);
  if (element === undefined || id === undefined) return undefined;
  return { kind: 'templateButton', content: { choice: { id, title: textOf(element.text) ?? id } } };
}

/** `response_json` is JSON inside text; what is not JSON, or nests deeper than a body may, stays text. */
function readWaFlowReply(value: unknown): ReadContent | undefined {
  const element = objectOf(value);
  if (element?.response_json === undefined) return undefined;
  const response = plainCopyOf(parsedOrText(element.response_json));
  const waFlow: NonNullable<MessageContent['waFlow']> = { response };
  put(waFlow, 'name', wordOf(element.name));
  put(waFlow, 'token', wordOf(objectOf(response)?.flow_token));
  put(waFlow, 'body', wordOf(element.body));
  return { kind: 'waFlowReply', content: { waFlow } };
}

function parsedOrText(value: unknown): unknown {
  if (typeof value !== 'string' || isTooDeep(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function readCallPermission(value: unknown): ReadContent | undefined {
  const element = objectOf(value);
  const response = wordOf(element?.response);
  if (element === undefined || response === undefined) return undefined;
  const callPermission: NonNullable<MessageContent['callPermission']> = { response };
  put(callPermission, 'expiresAtMs', instantMsOf(element.expiration_timestamp));
  put(callPermission, 'source', wordOf(element.response_source));
  return { kind: 'callPermission', content: { callPermission } };
}

function readOrder(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.order);
  if (element === undefined) return undefined;
  const items = listOf(element.product_items).flatMap((value) => {
    const item = objectOf(value);
    if (item === undefined) return [];
    return {
      productId: wordOf(item.product_retailer_id) ?? '',
      quantity: numberOf(item.quantity) ?? 0,
      price: numberOf(item.item_price) ?? 0,
      currency: wordOf(item.currency) ?? '',
    };
  });
  const order: NonNullable<MessageContent['order']> = { catalogId: wordOf(element.catalog_id) ?? '', items };
  put(order, 'text', wordOf(element.text));
  return { kind: 'order', content: { order } };
}

/** The new version has a type and a context of its own; an edit inside an edit is none of Meta's. */
function readEdit(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.edit);
  if (element === undefined) return undefined;
  const content: MessageContent = {};
  put(content, 'originalWamid', idOf(element.original_message_id));
  const edited = objectOf(element.message);
  if (edited !== undefined) {
    const nested = edited.type === 'edit' || edited.type === 'revoke';
    content.edited = nested ? { kind: 'unknown', content: {} } : contentOf(edited);
  }
  return { kind: 'edit', content };
}

function readRevoke(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.revoke);
  if (element === undefined) return undefined;
  const content: MessageContent = {};
  put(content, 'originalWamid', idOf(element.original_message_id));
  return { kind: 'revoke', content };
}

function readSystem(message: JsonObject): ReadContent | undefined {
  const element = objectOf(message.system);
  const type = wordOf(element?.type);
  if (element === undefined || type === undefined) return undefined;
  const system: NonNullable<MessageContent['system']> = { type };
  put(system, 'body', textOf(element.body));
  if (type.includes('changed_number') || type.includes('changed_user_id')) {
    put(system, 'change', addressChangeOf(message, element));
  }
  return { kind: 'system', content: { system } };
}

/**
 * The old address stands in the message, the new one in `system`. Before 2026 only phones changed; versions before
 * v12 wrote `new_wa_id` and `customer`. An old address from the message counts only beside a new one of its sort.
 */
function addressChangeOf(message: JsonObject, system: JsonObject): AddressChange | undefined {
  const change: AddressChange = {};
  put(change, 'newPhone', phoneOf(system.wa_id) ?? phoneOf(system.new_wa_id));
  put(change, 'newBsuid', addressOf(system.user_id));
  put(change, 'newParentBsuid', addressOf(system.parent_user_id));
  if (change.newPhone !== undefined)
    put(change, 'oldPhone', phoneOf(message.from) ?? phoneOf(system.customer));
  const oldBsuid = change.newBsuid === undefined ? undefined : addressOf(message.from_user_id);
  put(change, 'oldBsuid', addressOf(system.previous_user_id) ?? oldBsuid);
  const oldParent = change.newParentBsuid === undefined ? undefined : addressOf(message.from_parent_user_id);
  put(change, 'oldParentBsuid', addressOf(system.previous_parent_user_id) ?? oldParent);
  return Object.keys(change).length > 0 ? change : undefined;
}

/** `unsupported.type` exists since November 2025. */
function readUnsupported(message: JsonObject): ReadContent {
  const content: MessageContent = {};
  put(content, 'unsupportedType', wordOf(objectOf(message.unsupported)?.type));
  return { kind: 'unsupported', content };
}
