/**
 * Proof that a body comes from Meta: HMAC-SHA256 over the bytes as they came, keyed with the app's secret. Meta signs
 * the body with every non-ASCII character written as \uXXXX, and sends it so; a proxy that un-escapes it breaks the
 * signature, so a body with non-ASCII bytes gets a second try in the escaped form, and the caller is told. Anyone may
 * make us try, so an escaped form longer than Meta's maximum, which Meta cannot have signed, is not tried.
 * Source: developers.facebook.com/docs/graph-api/webhooks/getting-started.
 */
import { isAscii } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { limits } from '#core/limits.ts';

export interface SignatureCheck {
  ok: boolean;
  /** True where only the escaped form matched: something between Meta and us rewrites bodies. */
  escapedForm: boolean;
  /** Which secret matched, so that the end of a rotation can be seen; -1 where none did. */
  secretIndex: number;
}

const headerForm = /^sha256=[0-9a-f]{64}$/i;
const prefixLength = 'sha256='.length;
/** Of one \uXXXX. */
const escapedUnitBytes = 6;
const backslash = 0x5c;
const hexDigits = Buffer.from('0123456789abcdef', 'latin1');

export interface SignedRequest {
  rawBody: Uint8Array;
  /** `X-Hub-Signature-256`. */
  header: string | undefined;
  /** Empty ones never match. */
  secrets: readonly string[];
}

const refused: SignatureCheck = { ok: false, escapedForm: false, secretIndex: -1 };

/** Checks the header against any of several secrets, in both forms. Takes about 10 ms for each 1 MB that does not match. */
export function verifySignature(request: SignedRequest): SignatureCheck {
  const direct = verifyAsItCame(request);
  return direct.ok ? direct : verifyEscaped(request);
}

/** The first half of `verifySignature`. */
export function verifyAsItCame({ rawBody, header, secrets }: SignedRequest): SignatureCheck {
  const given = givenBy(header);
  const secretIndex = given === null ? -1 : matchingSecret(rawBody, given, secrets);
  return secretIndex === -1 ? refused : { ok: true, escapedForm: false, secretIndex };
}

/** The second half, for what the first refused. */
export function verifyEscaped({ rawBody, header, secrets }: SignedRequest): SignatureCheck {
  const given = givenBy(header);
  if (given === null || isAscii(rawBody)) return refused;
  const escaped = escapedBytes(rawBody, limits.webhookBodyBytesMax);
  const secretIndex = escaped === null ? -1 : matchingSecret(escaped, given, secrets);
  return secretIndex === -1 ? refused : { ok: true, escapedForm: true, secretIndex };
}

function givenBy(header: string | undefined): Buffer | null {
  if (typeof header !== 'string' || !headerForm.test(header)) return null;
  return Buffer.from(header.slice(prefixLength), 'hex');
}

/** The header value for `bytes`, for tests and simulators. */
export function signBody(secret: string, bytes: Uint8Array): string {
  return `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;
}

function matchingSecret(bytes: Uint8Array, given: Buffer, secrets: readonly string[]): number {
  for (const [index, secret] of secrets.entries()) {
    if (secret === '') continue;
    const made = createHmac('sha256', secret).update(bytes).digest();
    if (made.length === given.length && timingSafeEqual(made, given)) return index;
  }
  return -1;
}

/**
 * The body with each UTF-16 unit beyond ASCII as \uXXXX; null where that is longer than `bytesMax`, and where a backslash
 * that is not escaped itself stands before such a unit. The latter is no JSON, yet its escaped form is: it would pass for a
 * signed body in which somebody wrote a backslash and "u00e9". ASCII is copied in runs, since a large body is mostly that.
 */
function escapedBytes(bytes: Uint8Array, bytesMax: number): Buffer | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const escaped = Buffer.allocUnsafe(Math.min(text.length * escapedUnitBytes, bytesMax + escapedUnitBytes));
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const end = endOfAscii(text, at);
    if (length + end - at > bytesMax) return null;
    if (end < text.length && endsInEscape(text, at, end)) return null;
    length = writeAscii(escaped, length, text, at, end);
    for (at = end; at < text.length && text.charCodeAt(at) >= 0x80; at++) {
      if (length > bytesMax) return null;
      length = writeUnit(escaped, length, text.charCodeAt(at));
    }
  }
  return length > bytesMax ? null : escaped.subarray(0, length);
}

function endOfAscii(text: string, begin: number): number {
  let end = begin;
  while (end < text.length && text.charCodeAt(end) < 0x80) end++;
  return end;
}

/** Whether an odd number of backslashes stands before `end`. */
function endsInEscape(text: string, begin: number, end: number): boolean {
  let from = end;
  while (from > begin && text.charCodeAt(from - 1) === backslash) from--;
  return (end - from) % 2 === 1;
}

/** From here on a call to the platform is quicker than a loop. */
const longRunChars = 16;

function writeAscii(into: Buffer, at: number, text: string, begin: number, end: number): number {
  if (end - begin >= longRunChars) return at + into.write(text.substring(begin, end), at, 'latin1');
  for (let from = begin; from < end; from++) into[at + from - begin] = text.charCodeAt(from);
  return at + end - begin;
}

function writeUnit(into: Buffer, at: number, unit: number): number {
  into[at] = backslash;
  into[at + 1] = 0x75;
  into[at + 2] = hexDigits[unit >> 12]!;
  into[at + 3] = hexDigits[(unit >> 8) & 15]!;
  into[at + 4] = hexDigits[(unit >> 4) & 15]!;
  into[at + 5] = hexDigits[unit & 15]!;
  return at + escapedUnitBytes;
}
