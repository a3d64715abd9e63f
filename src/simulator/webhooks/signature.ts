/**
 * The bytes Meta signs. The webhook body is JSON in which every character above 0x7e is written as \uXXXX in lowercase
 * hex and "/" as "\/"; the HMAC is made over exactly those bytes and exactly those bytes go over the wire. Whoever
 * verifies a re-serialised body therefore fails here as they would at Meta (see "Validate payloads" on
 * developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
 */
import { createHmac } from 'node:crypto';

const NEEDS_ESCAPE = /[\x7f-\uffff/]/;
const ESCAPED = /[\x7f-\uffff/]/g;

function escapeChar(char: string): string {
  if (char === '/') return '\\/';
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** JSON in Meta's escaped form. Pure ASCII, so the string's length is its length in bytes. */
export function stringifyLikeMeta(value: unknown): string {
  const plain = JSON.stringify(value);
  return NEEDS_ESCAPE.test(plain) ? plain.replace(ESCAPED, escapeChar) : plain;
}

/** The value of `X-Hub-Signature-256` for these bytes. */
export function signBody(appSecret: string, body: Uint8Array | string): string {
  return `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`;
}
