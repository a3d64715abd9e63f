/**
 * What the checks of all message types share: how a refusal looks, and the few questions they ask of a value. A missing
 * parameter is 131008, a wrong one 131009; only text and what belongs to every message answer with Graph's own 100.
 * Lengths are counted in code points: Meta does not say in what it counts, and the server is final.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages.
 */
import { type JsonObject, readObject, readString } from '../control/json-reading.ts';

export interface Refusal {
  readonly code: number;
  /** Empty: the words of Meta's table. */
  readonly details: string;
  readonly httpStatus?: number;
  readonly message?: string;
  readonly subcode?: number;
}

export type MediaKind = 'image' | 'video' | 'audio' | 'document' | 'sticker';

/** A file that a message names by its id, so that it must lie on the sending number's shelf. */
export interface MediaUse {
  /** Where it stands in the body, as Graph writes paths: image['id']. */
  readonly path: string;
  readonly kind: MediaKind;
  readonly id: string;
}

/** What a check comes across and only the state can judge. */
export interface Findings {
  readonly media: MediaUse[];
}

export type Check = (content: JsonObject, found: Findings) => Refusal | null;

export const invalid = (details: string): Refusal => ({ code: 131009, details });
export const missing = (path: string): Refusal => ({
  code: 131008,
  details: `Parameter '${path}' is required.`,
});

export function isLongerThan(text: string, charsMax: number): boolean {
  // There are never more code points than units, so most texts are not taken apart.
  return text.length > charsMax && [...text].length > charsMax;
}

export function checkText(value: unknown, path: string, charsMax: number): Refusal | null {
  if (value === undefined || value === null) return missing(path);
  const text = readString(value);
  if (text === undefined || text.trim() === '') return invalid(`${path} must be a non-empty string.`);
  return isLongerThan(text, charsMax)
    ? invalid(`${path} length invalid. Min length: 1, Max length: ${charsMax}.`)
    : null;
}

export function checkOptionalText(value: unknown, path: string, charsMax: number): Refusal | null {
  return value === undefined ? null : checkText(value, path, charsMax);
}

export function checkUrl(value: unknown, path: string): Refusal | null {
  const wrong = checkText(value, path, 2_000);
  if (wrong) return wrong;
  const url = URL.parse(String(value));
  const isWeb = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
  return isWeb ? null : invalid(`${path} must be an http or https URL.`);
}

export function checkOneOf(value: unknown, path: string, allowed: readonly string[]): Refusal | null {
  if (value === undefined) return missing(path);
  const isKnown = typeof value === 'string' && allowed.includes(value);
  return isKnown ? null : invalid(`${path} must be one of {${allowed.join(', ')}}.`);
}

export function checkUnique(values: readonly unknown[], what: string): Refusal | null {
  return new Set(values).size < values.length ? invalid(`${what} must be unique.`) : null;
}

/** The parameters of an `action`: an empty object where there are none. */
export const parametersOf = (action: JsonObject): JsonObject => readObject(action.parameters) ?? {};
