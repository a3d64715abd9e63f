/**
 * The GET by which Meta checks that a callback address is ours, whenever somebody saves it. The challenge is handed
 * back as it came: it looks like a number and need not be one, and it is never sent as HTML.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint.
 */
import { hash, timingSafeEqual } from 'node:crypto';

export type HandshakeAnswer =
  | { status: 200; body: string; contentType: 'text/plain' }
  | { status: 403; body: string };

const refusal =
  'The verification was refused: hub.mode must be "subscribe", hub.verify_token must be a verify token of this ' +
  'server, and hub.challenge must be present. Compare the token in the App Dashboard with the one configured here.';

/** Several tokens may be live at once: the app's, and those of overrides. Without any token everything is refused. */
export function answerHandshake(
  query: Readonly<Record<string, unknown>>,
  verifyTokens: readonly string[],
): HandshakeAnswer {
  const challenge = query['hub.challenge'];
  const token = query['hub.verify_token'];
  const known = typeof token === 'string' && isOneOf(token, verifyTokens);
  if (query['hub.mode'] !== 'subscribe' || !known || typeof challenge !== 'string' || challenge === '') {
    return { status: 403, body: refusal };
  }
  return { status: 200, body: challenge, contentType: 'text/plain' };
}

/** Compares digests, so that neither the length nor the first wrong character of a token shows in the time taken. */
function isOneOf(given: string, tokens: readonly string[]): boolean {
  const givenDigest = digestOf(given);
  let found = false;
  for (const token of tokens) {
    if (token !== '' && timingSafeEqual(digestOf(token), givenDigest)) found = true;
  }
  return found;
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
