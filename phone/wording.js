/** How times, names and messages that are not plain text are put into words. */

/** @typedef {import('./api.js').Message} Message */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });

export const timeOf = (/** @type {number} */ atMs) => clock.format(atMs);
export const exactTimeOf = (/** @type {number} */ atMs) => clockWithSeconds.format(atMs);

/** @param {number} atMs */
export function dayKeyOf(atMs) {
  const day = new Date(atMs);
  return `${day.getFullYear()}-${day.getMonth()}-${day.getDate()}`;
}

/** @param {number} atMs */
export function dayOf(atMs) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const daysAgo = Math.round((midnight - new Date(atMs).setHours(0, 0, 0, 0)) / 86_400_000);
  if (daysAgo <= 0) return 'Today';
  if (daysAgo === 1) return 'Yesterday';
  return daysAgo < 7 ? weekday.format(atMs) : date.format(atMs);
}

/** @param {number} tookMs */
export function durationOf(tookMs) {
  if (tookMs < 1_000) return `${Math.max(0, Math.round(tookMs))} ms`;
  if (tookMs < 60_000) return `${(tookMs / 1_000).toFixed(1)} s`;
  return `${Math.floor(tookMs / 60_000)} min ${Math.round((tookMs % 60_000) / 1_000)} s`;
}

/** @param {string} name */
export function initialsOf(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase();
}

const coloursMax = 6;

/**
 * The same name always has the same colour.
 * @param {string} name
 */
export function colourOf(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9_973;
  return sum % coloursMax;
}

/**
 * @param {unknown} value
 * @returns {Record<string, any>}
 */
const object = (value) => (typeof value === 'object' && value !== null ? value : {});

/** @type {Record<string, string>} */
const typeNames = {
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

/**
 * The words in the bubble: the text, or what the message is.
 * @param {Message} message
 */
export function wordsOf({ type, text, body }) {
  if (type === 'text' || type === 'interactive' || type === 'button') return text ?? '';
  const { caption, name, emoji } = object(body);
  const detail = [text, caption, emoji, type === 'template' ? name : null].find(
    (each) => typeof each === 'string',
  );
  const kind = typeNames[type] ?? `A message of type ${type}`;
  return detail ? `${kind}: ${detail}` : kind;
}

/**
 * What a customer may tap under a message.
 * @param {Message} message
 * @returns {{ type: 'buttonReply' | 'listReply', id: string, title: string, description?: string }[]}
 */
export function choicesOf({ type, direction, body }) {
  if (type !== 'interactive' || direction === 'in') return [];
  const action = object(object(body).action);
  const list = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.map(object) : []);
  const buttons = list(action.buttons).map(({ reply }) => ({
    type: /** @type {const} */ ('buttonReply'),
    id: String(object(reply).id ?? ''),
    title: String(object(reply).title ?? ''),
  }));
  const rows = list(action.sections)
    .flatMap(({ rows }) => list(rows))
    .map(({ id, title, description }) => ({
      type: /** @type {const} */ ('listReply'),
      id: String(id ?? ''),
      title: String(title ?? ''),
      ...(typeof description === 'string' ? { description } : {}),
    }));
  return [...buttons, ...rows];
}
