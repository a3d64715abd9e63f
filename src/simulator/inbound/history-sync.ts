/**
 * The past chats of a coexistence number, as its owner shares them once: webhooks of field `history` in three phases by
 * age (to a day, to 90 days, to 180), each cut into chunks, oldest phase last. Media come as placeholders first and as
 * messages of their own afterwards. A bot must never answer any of it.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history.
 */
import type { Contact } from '../contacts.ts';
import { visiblePhone } from '../contacts.ts';
import { type JsonObject, readNumber, readObject } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { HistoryMessage } from '../conversations.ts';
import type { MetaState } from '../meta-state.ts';
import { unixSeconds } from '../meta-state.ts';
import type { PhoneNumber } from '../settings.ts';
import { escapedJson } from './envelope.ts';
import { contactJson, numberOf, senderOf, updateOf } from './inbound-parts.ts';

const DAY_MS = 24 * 3_600_000;
/** Upper age of each phase. */
const PHASES_MS = [DAY_MS, 90 * DAY_MS, 180 * DAY_MS];
/** Older files are told by their placeholders only. */
const MEDIA_AGE_MAX_MS = 14 * DAY_MS;
/** Well under the 3 MB of a webhook, whatever the messages hold. */
const CHUNK_BYTES_MAX = 1_000_000;
const MEDIA_TYPES = new Set(['image', 'video', 'audio', 'document', 'sticker']);

interface Past {
  readonly contact: Contact;
  readonly message: HistoryMessage;
  readonly json: JsonObject;
}

function statusOf({ direction, status, readAtMs }: HistoryMessage): string {
  if (direction === 'in') return readAtMs === null ? 'DELIVERED' : 'READ';
  return status === 'failed' ? 'ERROR' : status === 'accepted' ? 'PENDING' : status.toUpperCase();
}

function pastJson(number: PhoneNumber, contact: Contact, message: HistoryMessage): JsonObject {
  const isMedia = MEDIA_TYPES.has(message.type);
  const sender = message.direction === 'in' ? senderOf(contact) : { from: number.digits };
  return {
    ...sender,
    id: message.wamid,
    timestamp: unixSeconds(message.atMs),
    type: isMedia ? 'media_placeholder' : message.type,
    ...(isMedia ? {} : { [message.type]: message.body }),
    history_context: { status: statusOf(message) },
  };
}

function pastOf(state: MetaState, number: PhoneNumber): Past[] {
  const past: Past[] = [];
  for (const { phoneNumberId, contactId, messages } of state.conversations.list()) {
    const contact = state.contacts.get(contactId);
    if (phoneNumberId !== number.id || !contact) continue;
    for (const message of messages) past.push({ contact, message, json: pastJson(number, contact, message) });
  }
  return past;
}

/** Runs of messages of one phase that fit a webhook. */
function chunksOf(past: readonly Past[], messagesMax: number): Past[][] {
  const chunks: Past[][] = [];
  let bytes = 0;
  for (const each of past) {
    const size = escapedJson(each.json).length;
    const chunk = chunks.at(-1);
    if (chunk && chunk.length < messagesMax && bytes + size <= CHUNK_BYTES_MAX) {
      chunk.push(each);
      bytes += size;
    } else {
      chunks.push([each]);
      bytes = size;
    }
  }
  return chunks;
}

/** Each contact's part of a chunk, under the name Meta gives a chat. */
function chatsOf(chunk: readonly Past[]): JsonObject[] {
  return [...Map.groupBy(chunk, ({ contact }) => contact)].map(([contact, part]) => ({
    id: visiblePhone(contact) ?? contact.userId ?? contact.id,
    messages: part.map(({ json }) => json),
  }));
}

function tellDeclined(state: MetaState, number: PhoneNumber, nowMs: number): number {
  const words = 'History sharing is turned off by the business';
  const error = {
    code: 2593109,
    title: words,
    message: words,
    error_data: { details: `${words}.` },
  };
  const item = escapedJson({ errors: [error] });
  state.deliveries.enqueue(updateOf(number, { field: 'history', list: 'history', item }), nowMs);
  return 1;
}

function tellMedia(state: MetaState, number: PhoneNumber, past: readonly Past[], nowMs: number): number {
  const isTold = ({ message }: Past): boolean =>
    MEDIA_TYPES.has(message.type) && nowMs - message.atMs <= MEDIA_AGE_MAX_MS;
  const media = past.filter(isTold);
  for (const { contact, message } of media) {
    const item = escapedJson({
      ...(message.direction === 'in' ? senderOf(contact) : { from: number.digits }),
      id: message.wamid,
      timestamp: unixSeconds(message.atMs),
      type: message.type,
      [message.type]: message.body,
    });
    const update = updateOf(number, {
      field: 'history',
      list: 'messages',
      item,
      contact: contactJson(contact),
    });
    state.deliveries.enqueue(update, nowMs);
  }
  return media.length;
}

/** `{ phoneNumberId, messagesMax?, declined? }`; `declined` tells that the owner does not share. */
export function tellHistory(state: MetaState, request: unknown, nowMs: number): { webhooks: number } {
  const source = readObject(request) ?? {};
  const number = numberOf(state, source.phoneNumberId);
  if (source.declined === true) return { webhooks: tellDeclined(state, number, nowMs) };
  const messagesMax = readNumber(source.messagesMax) ?? 500;
  if (messagesMax < 1) throw new ControlError('"messagesMax" must be at least 1.');
  const past = pastOf(state, number);
  const phased = PHASES_MS.map((ageMaxMs, phase) => {
    const ageMinMs = PHASES_MS[phase - 1] ?? Number.NEGATIVE_INFINITY;
    const isIn = (ageMs: number): boolean => ageMs > ageMinMs && ageMs <= ageMaxMs;
    return chunksOf(
      past.filter(({ message }) => isIn(nowMs - message.atMs)),
      messagesMax,
    );
  });
  const total = phased.reduce((sum, chunks) => sum + chunks.length, 0);
  let told = 0;
  for (const [phase, chunks] of phased.entries()) {
    for (const [index, chunk] of chunks.entries()) {
      told += 1;
      const metadata = { phase, chunk_order: index + 1, progress: Math.floor((100 * told) / total) };
      const chats = chatsOf(chunk);
      const item = escapedJson({ metadata, threads: chats });
      state.deliveries.enqueue(updateOf(number, { field: 'history', list: 'history', item }), nowMs);
    }
  }
  return { webhooks: told + tellMedia(state, number, past, nowMs) };
}
