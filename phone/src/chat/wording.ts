/** How times, names and messages are put into words. */
import type { Contact } from '../data/control.ts';
import type { Message } from '../data/history.ts';
import { readList, readObject, readText } from './reading.ts';

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'short' });
const dayMs = 86_400_000;

export const timeOf = (atMs: number): string => clock.format(atMs);
export const exactTimeOf = (atMs: number): string => clockWithSeconds.format(atMs);

export function dayKeyOf(atMs: number): string {
  const day = new Date(atMs);
  return `${day.getFullYear()}-${day.getMonth()}-${day.getDate()}`;
}

function daysBetween(atMs: number, nowMs: number): number {
  return Math.round((new Date(nowMs).setHours(0, 0, 0, 0) - new Date(atMs).setHours(0, 0, 0, 0)) / dayMs);
}

export function dayOf(atMs: number, nowMs: number): string {
  const daysAgo = daysBetween(atMs, nowMs);
  if (daysAgo <= 0) return 'Today';
  if (daysAgo === 1) return 'Yesterday';
  return daysAgo < 7 ? weekday.format(atMs) : date.format(atMs);
}

/** As the chat list says it: a time today, a day before. */
export function whenOf(atMs: number, nowMs: number): string {
  const daysAgo = daysBetween(atMs, nowMs);
  if (daysAgo <= 0) return timeOf(atMs);
  if (daysAgo === 1) return 'Yesterday';
  return daysAgo < 7 ? weekday.format(atMs) : shortDate.format(atMs);
}

export function durationOf(tookMs: number): string {
  if (tookMs < 1_000) return `${Math.max(0, Math.round(tookMs))} ms`;
  if (tookMs < 60_000) return `${(tookMs / 1_000).toFixed(1)} s`;
  return `${Math.floor(tookMs / 60_000)} min ${Math.round((tookMs % 60_000) / 1_000)} s`;
}

/** Minutes and seconds, as under a voice note. */
export function lengthOf(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase();
}

const coloursMax = 6;

/** The same text always has the same number. */
export function hashOf(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  return sum;
}

export const colourOf = (name: string): string => String(hashOf(name) % coloursMax);

/** How a customer can be told from others besides the name. */
export function addressOf({ phone, phoneHidden, username, userId }: Contact): string {
  if (phone && !phoneHidden) return `+${phone}`;
  return username ? `@${username}` : (userId ?? '');
}

const typeNames: Readonly<Record<string, string>> = {
  image: 'Photo',
  video: 'Video',
  audio: 'Voice message',
  document: 'Document',
  sticker: 'Sticker',
  location: 'Location',
  contacts: 'Contact card',
  template: 'Template',
  reaction: 'Reaction',
  order: 'Order',
  unsupported: 'A message of a kind that cannot be shown',
};

/** The text of an interactive message or of what was tapped. */
export function interactiveText(body: unknown): string {
  const content = readObject(body);
  const reply = readObject(content.button_reply ?? content.list_reply);
  return readText(readObject(content.body).text) ?? readText(reply.title) ?? '';
}

/** One line that says what the message is: for the chat list, quotes and screen readers. */
export function wordsOf({ type, text, body }: Message): string {
  if (type === 'text' || type === 'button') return text ?? '';
  if (type === 'interactive') return text ?? interactiveText(body);
  const content = readObject(body);
  const cards = readList(body);
  const detail = [
    readText(content.caption),
    readText(content.filename),
    readText(content.name),
    readText(readObject(readObject(cards[0]).name).formatted_name),
    readText(content.emoji),
    text,
  ].find((each) => each !== undefined && each !== null && each !== '');
  const kind = typeNames[type] ?? `A message of type ${type}`;
  return detail ? `${kind}: ${detail}` : kind;
}

export type TickName = 'clock' | 'sent' | 'delivered' | 'read' | 'failed';

const outboundLabels = { sent: 'Sent', delivered: 'Delivered', read: 'Read' } as const;

/** The ticks under a message, of either side, and what they mean in words. */
export function tickOf(message: Message): { tick: TickName; label: string } {
  if (message.pending === 'refused') return { tick: 'failed', label: 'Not sent' };
  if (message.pending) return { tick: 'clock', label: 'Sending' };
  if (message.direction === 'in') {
    if (message.readAtMs !== null) return { tick: 'read', label: 'Read by the business' };
    if (message.acknowledgedAtMs !== null) return { tick: 'delivered', label: 'Received by the business' };
    return { tick: 'sent', label: 'Sent, not received by the business yet' };
  }
  if (message.status === 'accepted') return { tick: 'clock', label: 'Accepted' };
  if (message.status === 'failed') {
    return { tick: 'failed', label: `Not delivered, error ${message.errorCode}` };
  }
  if (message.status === 'played') return { tick: 'read', label: 'Played' };
  return { tick: message.status, label: outboundLabels[message.status] };
}

/** What a failed status means for who sees it, by Meta's code. */
const reasons: Readonly<Record<number, string>> = {
  130429: 'the number sent too much at once',
  130472: 'Meta holds this customer back from marketing messages, as an experiment',
  131000: 'something went wrong at Meta',
  131021: 'sender and recipient are the same number',
  131026: 'this customer cannot be reached on WhatsApp',
  131031: 'the business is locked',
  131042: 'the business has a problem with paying',
  131047: 'more than 24 hours since the customer wrote; only a template may be sent',
  131048: 'too many customers blocked or reported this number',
  131049: 'Meta chose not to deliver it, to keep the customer’s inbox healthy',
  131050: 'the customer does not want marketing messages of this business',
  131051: 'a type of message that is not supported',
  131052: 'the customer’s file could not be downloaded',
  131053: 'the file could not be used',
  131056: 'too many messages to this one customer in a short time',
  132000: 'the template’s parameters do not fit',
  132001: 'there is no such template in this language',
  132015: 'the template is paused',
  132016: 'the template is disabled',
};

export function failureOf({ errorCode }: Message): string {
  const reason = errorCode === null ? undefined : reasons[errorCode];
  return reason
    ? `Not delivered (${errorCode}): ${reason}.`
    : `Not delivered: error ${errorCode ?? 'unknown'}.`;
}
