/**
 * Readers for JSON that nobody promised a shape: Meta's pages contradict its traffic, fields come and go monthly,
 * numbers arrive as text and text as numbers. Each reader answers `undefined` where it cannot read, and none throws.
 * What passes through here can be stored anywhere: no NUL, no half surrogate pair, no infinite number, no
 * `__proto__` key. To read another shape, add a reader; never read a raw value elsewhere in this folder.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper values are cut in copies. Messages nest about 6 deep; forms of a waFlow may add some. */
const copyDepthMax = 32;
/** Text of a copy that was cut; the body that the caller keeps still has the rest. */
const tooDeep = '[nested too deeply]';
/** wamids have about 60 to 130 characters; a longer id would not fit the index of a store. */
const idCharsMax = 512;
/** Business-scoped ids have at most about 140 characters. */
const addressCharsMax = 256;
const controlCharacter = /\p{Cc}/u;
/** WhatsApp is younger than this; an earlier time is a mistake. */
const earliestMs = Date.UTC(2009, 0, 1);
/** Year 2100: a later time is not in seconds. */
const latestMs = Date.UTC(2100, 0, 1);
/** A message from further ahead would hold its service window open; a clock is not wrong by a day. */
const aheadMsMax = 24 * 60 * 60 * 1_000;

export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** A list, or a single thing where a list was meant; nothing is an empty list. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return cleanText(value);
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** Text that says something. */
export function wordOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text === '' ? undefined : text;
}

/** An opaque id: never empty, never longer than a store can index. */
export function idOf(value: unknown): string | undefined {
  return identifierOf(value, idCharsMax);
}

/**
 * Exactly what came, or nothing: an id that was mended could be another one's, and one of two messages would pass for a
 * repetition. Control characters are in no id of Meta; a number beyond the safe ones has lost digits.
 */
function identifierOf(value: unknown, charsMax: number): string | undefined {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || text === '' || text.length > charsMax) return undefined;
  return text.isWellFormed() && !controlCharacter.test(text) ? text : undefined;
}

/** A phone number without its plus sign, as Meta writes them in messages. */
export function phoneOf(value: unknown): string | undefined {
  const text = addressOf(value);
  if (text?.charCodeAt(0) !== 0x2b) return text;
  return text.length > 1 ? text.slice(1) : undefined;
}

/** A business-scoped user id, or another address of a contact. */
export function addressOf(value: unknown): string | undefined {
  return identifierOf(value, addressCharsMax);
}

export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function flagOf(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

/** Unix seconds, as text or number, in milliseconds; may lie ahead, as expirations do. */
export function instantMsOf(value: unknown): number | undefined {
  const seconds = numberOf(value);
  if (seconds === undefined) return undefined;
  const ms = Math.floor(seconds * 1_000);
  return ms >= earliestMs && ms <= latestMs ? ms : undefined;
}

/** When something happened: a missing or absurd time becomes the time we received it. */
export function happenedAtMsOf(value: unknown, receivedAtMs: number): number {
  const ms = instantMsOf(value);
  return ms === undefined || ms > receivedAtMs + aheadMsMax ? receivedAtMs : ms;
}

/** Sets `target[key]` where there is a value: an absent fact stays an absent key. */
export function put<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value;
}

/** A copy of a value that we pass on without knowing its shape. */
export function plainCopyOf(value: unknown, depthLeft: number = copyDepthMax): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (depthLeft === 0) return tooDeep;
  if (Array.isArray(value)) return value.map((element) => plainCopyOf(element, depthLeft - 1));
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const cleanKey = cleanText(key);
    if (cleanKey !== '__proto__') {
      copy[cleanKey] = plainCopyOf((value as JsonObject)[key], depthLeft - 1);
    }
  }
  return copy;
}

/** JSON text of a parsed value, which is never deeper than printing can go. */
export function jsonTextOf(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

/** Stores refuse NUL and half surrogate pairs; both become the replacement character, as a phone would show them. */
function cleanText(text: string): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
