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
const hexDigits = Buffer.from('0123456789abcdef', 'latin1');

/** Checks `header` (`X-Hub-Signature-256`) against any of several secrets. Empty secrets never match. */
export function verifySignature(request: {
  rawBody: Uint8Array;
  header: string | undefined;
  secrets: readonly string[];
}): SignatureCheck {
  const { rawBody, header, secrets } = request;
  const refused = { ok: false, escapedForm: false, secretIndex: -1 };
  if (typeof header !== 'string' || !headerForm.test(header)) return refused;
  const given = Buffer.from(header.slice(prefixLength), 'hex');
  const direct = matchingSecret(rawBody, given, secrets);
  if (direct !== -1) return { ok: true, escapedForm: false, secretIndex: direct };
  if (isAscii(rawBody)) return refused;
  const escaped = escapedBytes(rawBody, limits.webhookBodyBytesMax);
  const second = escaped === null ? -1 : matchingSecret(escaped, given, secrets);
  return second === -1 ? refused : { ok: true, escapedForm: true, secretIndex: second };
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
 * The body with each UTF-16 unit beyond ASCII as \uXXXX, written in one pass; null where that is longer than `bytesMax`, and
 * where a backslash that is not escaped itself stands before such a unit. The latter is no JSON, yet its escaped form is: it
 * would pass for a signed body in which somebody wrote a backslash and "u00e9".
 */
function escapedBytes(bytes: Uint8Array, bytesMax: number): Buffer | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const escaped = Buffer.allocUnsafe(Math.min(text.length * escapedUnitBytes, bytesMax + escapedUnitBytes));
  let length = 0;
  let isEscape = false;
  for (let i = 0; i < text.length; i++) {
    if (length > bytesMax) return null;
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      isEscape = unit === 0x5c && !isEscape;
      escaped[length++] = unit;
      continue;
    }
    if (isEscape) return null;
    escaped[length++] = 0x5c;
    escaped[length++] = 0x75;
    for (let shift = 12; shift >= 0; shift -= 4) escaped[length++] = hexDigits[(unit >> shift) & 15]!;
  }
  return length > bytesMax ? null : escaped.subarray(0, length);
}
