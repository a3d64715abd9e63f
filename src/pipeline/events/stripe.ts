/**
 * Events of Stripe, as an adapter: their signature, and what they become. Stripe signs the time and the bytes of the body,
 * with every secret of the endpoint that is live, so a recorded event is worth nothing later and a secret can be changed
 * without a gap. A checkout names its conversation by `client_reference_id`. To add a kind of event, add it to `names`.
 * Source: docs.stripe.com/webhooks/signature, docs.stripe.com/api/checkout/sessions/object.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isTooDeep } from '#core/json-depth.ts';
import { limits } from '#core/limits.ts';

const headerCharsMax = 2_048;
const secondsForm = /^\d{1,12}$/;
const hexForm = /^[\da-f]{64}$/i;

export interface SignedPayment {
  rawBody: Uint8Array;
  /** `Stripe-Signature`. */
  header: string | undefined;
  secrets: readonly string[];
  nowMs: number;
}

/** Whether one of the secrets signed these bytes, lately. Empty secrets never match. */
export function isSignedByStripe({ rawBody, header = '', secrets, nowMs }: SignedPayment): boolean {
  if (header.length > headerCharsMax) return false;
  const parts = header.split(',').map((part) => part.trim().split('='));
  const valuesOf = (name: string) => parts.flatMap(([key, value = '']) => (key === name ? [value] : []));
  const [seconds = '', ...otherTimes] = valuesOf('t');
  if (!secondsForm.test(seconds) || otherTimes.length > 0) return false;
  if (Math.abs(nowMs - Number(seconds) * 1_000) > limits.paymentSignatureToleranceMs) return false;
  const given = valuesOf('v1').flatMap((hex) => (hexForm.test(hex) ? [Buffer.from(hex, 'hex')] : []));
  return secrets
    .filter((secret) => secret !== '')
    .map((secret) => createHmac('sha256', secret).update(`${seconds}.`).update(rawBody).digest())
    .some((made) => given.some((each) => each.length === made.length && timingSafeEqual(each, made)));
}

export type ReadPayment =
  | { kind: 'event'; eventId: string; conversationId: string; name: string; data: Record<string, unknown> }
  /** Signed, and nothing of ours: another type, a checkout of another system, a payment that is still under way. */
  | { kind: 'ignored' }
  | { kind: 'unreadable' };

type Json = Readonly<Record<string, unknown>>;

/** What became of the checkout. `completed` comes also where the money is still under way; then a later event tells. */
const names: Readonly<Record<string, (checkout: Json) => string | null>> = {
  'checkout.session.completed': ({ payment_status: status }) =>
    status === 'unpaid' ? null : 'payment.succeeded',
  'checkout.session.async_payment_succeeded': () => 'payment.succeeded',
  'checkout.session.async_payment_failed': () => 'payment.failed',
  'checkout.session.expired': () => 'payment.expired',
};

/** Ids of conversations as this project makes them; another reference is some other system's. */
const conversationForm = /^cnv_[\da-z]{26}$/;

export function readPayment(rawBody: Uint8Array): ReadPayment {
  const event = objectIn(rawBody);
  const eventId = textOf(event?.id);
  const type = textOf(event?.type);
  if (event === null || eventId === null || type === null) return { kind: 'unreadable' };
  const checkout = objectOf(objectOf(event.data)?.object) ?? {};
  const name = Object.hasOwn(names, type) ? (names[type]?.(checkout) ?? null) : null;
  const conversationId = textOf(checkout.client_reference_id);
  if (name === null || conversationId === null || !conversationForm.test(conversationId))
    return { kind: 'ignored' };
  const data = {
    provider: 'stripe',
    eventId,
    checkoutId: textOf(checkout.id),
    paymentId: textOf(checkout.payment_intent),
    amountMinor: Number.isSafeInteger(checkout.amount_total) ? checkout.amount_total : null,
    currency: textOf(checkout.currency),
    metadata: metadataOf(checkout.metadata),
  };
  return { kind: 'event', eventId, conversationId, name, data };
}

function objectIn(rawBody: Uint8Array): Json | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(rawBody);
    return isTooDeep(text) ? null : objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** Ids of Stripe have at most 255 characters. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 255 ? value : null;
}

/** Stripe keeps pairs of texts. */
function metadataOf(value: unknown): Record<string, string> {
  const pairs = Object.entries(objectOf(value) ?? {}).flatMap(([key, text]): [string, string][] =>
    typeof text === 'string' && key !== '__proto__' ? [[key, text]] : [],
  );
  return Object.fromEntries(pairs);
}
