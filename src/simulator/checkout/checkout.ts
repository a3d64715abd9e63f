/**
 * The look-alike of a payment provider's checkout, in the shape of Stripe's: a shop asks for a page, a customer pays on
 * it, and the shop is told by a signed event, at least once. Pure like the others: answers and events come out, times and
 * ends go in.
 *
 * `POST /v1/checkout/sessions` makes a page (honours `Idempotency-Key`), `GET .../{id}` reads it, `POST .../{id}/expire`
 * ends it, `POST /v1/refunds` gives money back; `/pay/{id}` is the page. Not imitated: customers, stored prices,
 * subscriptions, payment methods, taxes.
 * Source: docs.stripe.com/api/checkout/sessions, docs.stripe.com/api/idempotent_requests.
 */
import { createHash } from 'node:crypto';
import { readString } from '../control/json-reading.ts';
import { ControlError, mergeSettings } from '../control/setting-merge.ts';
import { drawChance, drawChars, drawMs, type Random } from '../draw.ts';
import { createEventLog, type EventLog } from '../events-log.ts';
import { type HttpAnswer, jsonAnswer } from '../graph/graph-errors.ts';
import type { GraphRequest } from '../graph/graph-surface.ts';
import type { WebhookAttempt, WebhookEnd } from '../webhooks/deliveries.ts';
import { checkoutPage } from './checkout-page.ts';
import { readBody, readWanted, type WantedCheckout } from './checkout-reading.ts';
import { type CheckoutSettings, defaultCheckoutSettings } from './checkout-settings.ts';
import { createPaymentEvents, type PaymentEvents } from './payment-events.ts';

export interface Checkout extends WantedCheckout {
  readonly id: string;
  readonly paymentId: string;
  readonly url: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  state: 'open' | 'paid' | 'expired';
  refunded: number;
}

export interface CheckoutStats {
  created: number;
  paid: number;
  expired: number;
  refunded: number;
  /** In the smallest unit, by currency. */
  takings: Record<string, number>;
  events: { inFlight: number; retrying: number };
}

export type CheckoutOutcome = (
  | { readonly kind: 'response'; readonly response: HttpAnswer }
  | { readonly kind: 'lost' }
  | { readonly kind: 'hang' }
) & { readonly delayMs: number };

export interface CheckoutDesk {
  readonly settings: CheckoutSettings;
  set(patch: unknown): CheckoutSettings;
  clear(): CheckoutSettings;
  /** The API and the page. */
  handle(request: GraphRequest, nowMs: number): CheckoutOutcome;
  list(): Checkout[];
  stats(): CheckoutStats;
  /** What a customer does on the page. @throws ControlError where the page is not open. */
  pay(id: string, nowMs: number): Checkout;
  /** The card is refused: the page stays open, the shop is told. */
  decline(id: string, nowMs: number): Checkout;
  expire(id: string, nowMs: number): Checkout;
  retryNow(nowMs: number): number;
  nextDueAtMs(): number | null;
  due(nowMs: number): WebhookAttempt[];
  eventAnswered(deliveryId: string, end: WebhookEnd, nowMs: number): void;
  reset(options?: { everything?: boolean }): void;
}

export const CHECKOUT_API = /^\/v1\/(checkout\/|refunds$)/;
export const CHECKOUT_PAGE = '/pay/';
const CHECKOUTS = '/v1/checkout/sessions';
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const API_VERSION = '2026-10-28.clover';

type FaultName = 'fail' | 'loseAnswer' | 'hang' | 'duplicateEvent' | 'lateEvent' | 'badSignature';

function htmlAnswer(status: number, body: string, headers: Record<string, string> = {}): HttpAnswer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...headers }, body };
}

function errorAnswer(status: number, message: string, param?: string): HttpAnswer {
  const type = status >= 500 ? 'api_error' : 'invalid_request_error';
  return jsonAnswer(status, { error: { type, message, ...(param === undefined ? {} : { param }) } });
}

class Desk implements CheckoutDesk {
  settings: CheckoutSettings = defaultCheckoutSettings();
  readonly #options: Required<CheckoutOptions>;
  readonly #checkouts = new Map<string, Checkout>();
  readonly #kept = new Map<string, { bodyHash: string; response: HttpAnswer }>();
  readonly #events: PaymentEvents;
  #counter = 0;

  constructor(options: CheckoutOptions) {
    this.#options = { log: createEventLog(), ...options };
    this.#events = createPaymentEvents({
      ...{ random: options.random, log: this.#options.log },
      terms: () => ({ ...this.settings, lateMs: this.settings.lateEvent }),
      isFiring: (fault) => this.#fires(fault),
    });
  }

  set(patch: unknown): CheckoutSettings {
    const merged = mergeSettings({
      ...{ current: this.settings, patch },
      ...{ defaults: defaultCheckoutSettings(), path: 'checkout' },
    });
    const { webhookUrl } = merged;
    if (webhookUrl !== null && !(typeof webhookUrl === 'string' && URL.canParse(webhookUrl)))
      throw new ControlError(
        '"checkout.webhookUrl" must be an address, e.g. http://127.0.0.1:3000/payments, or null.',
      );
    this.settings = structuredClone(merged);
    return this.settings;
  }

  clear(): CheckoutSettings {
    this.settings = defaultCheckoutSettings();
    return this.settings;
  }

  handle(request: GraphRequest, nowMs: number): CheckoutOutcome {
    const delayMs = drawMs(this.#options.random, this.settings.latencyMs);
    if (request.path.startsWith(CHECKOUT_PAGE))
      return { kind: 'response', response: this.#page(request, nowMs), delayMs };
    const refusal = this.#refusalOf(request);
    if (refusal) return { kind: 'response', response: refusal, delayMs };
    if (request.method !== 'POST') return { kind: 'response', response: this.#read(request), delayMs };
    if (this.#fires('hang')) return { kind: 'hang', delayMs };
    if (this.#fires('fail'))
      return { kind: 'response', response: errorAnswer(500, 'An error occurred.'), delayMs };
    const response = this.#once(request, () => this.#write(request, nowMs));
    return this.#fires('loseAnswer') ? { kind: 'lost', delayMs } : { kind: 'response', response, delayMs };
  }

  list(): Checkout[] {
    return [...this.#checkouts.values()];
  }

  stats(): CheckoutStats {
    const all = this.list();
    const takings: Record<string, number> = {};
    for (const { state, currency, amount, refunded } of all)
      if (state === 'paid') takings[currency] = (takings[currency] ?? 0) + amount - refunded;
    const count = (state: Checkout['state']): number => all.filter((each) => each.state === state).length;
    return {
      created: all.length,
      paid: count('paid'),
      expired: count('expired'),
      refunded: all.filter(({ refunded }) => refunded > 0).length,
      takings,
      events: this.#events.waiting(),
    };
  }

  pay(id: string, nowMs: number): Checkout {
    const checkout = this.#open(id);
    checkout.state = 'paid';
    const { amount, currency } = checkout;
    this.#options.log.add('checkoutPaid', nowMs, { checkoutId: id, amount, currency });
    this.#tell('checkout.session.completed', this.#describe(checkout), nowMs);
    return checkout;
  }

  decline(id: string, nowMs: number): Checkout {
    const checkout = this.#open(id);
    const { paymentId, amount, currency, metadata } = checkout;
    const reason = { code: 'card_declined', message: 'Your card was declined.' };
    const payment = { id: paymentId, object: 'payment_intent', amount, currency, metadata };
    this.#tell('payment_intent.payment_failed', { ...payment, last_payment_error: reason }, nowMs);
    return checkout;
  }

  expire(id: string, nowMs: number): Checkout {
    const checkout = this.#open(id);
    checkout.state = 'expired';
    this.#options.log.add('checkoutExpired', nowMs, { checkoutId: id });
    this.#tell('checkout.session.expired', this.#describe(checkout), nowMs);
    return checkout;
  }

  retryNow(nowMs: number): number {
    return this.#events.retryNow(nowMs);
  }

  nextDueAtMs(): number | null {
    return this.#events.nextDueAtMs();
  }

  due(nowMs: number): WebhookAttempt[] {
    return this.#events.due(nowMs);
  }

  eventAnswered(deliveryId: string, end: WebhookEnd, nowMs: number): void {
    this.#events.answered(deliveryId, end, nowMs);
  }

  reset(options: { everything?: boolean } = {}): void {
    this.#checkouts.clear();
    this.#kept.clear();
    this.#events.clear();
    if (options.everything) this.clear();
  }

  #open(id: string): Checkout {
    const checkout = this.#checkouts.get(id);
    if (!checkout)
      throw new ControlError(`There is no checkout "${id}". GET /_sim/checkout/list names all.`, 404);
    if (checkout.state === 'open') return checkout;
    throw new ControlError(`The checkout "${id}" is ${checkout.state} already, so nothing was changed.`, 409);
  }

  #fires(name: FaultName): boolean {
    const fault = this.settings[name];
    const isNext = fault.next > 0;
    if (isNext) fault.next -= 1;
    const fired = isNext || drawChance(this.#options.random, fault.rate);
    if (fired) this.#options.log.count(`fault.checkout.${name}`);
    return fired;
  }

  #makeId(prefix: string): string {
    this.#counter += 1;
    return `${prefix}_${drawChars(this.#options.random, ALPHABET, 14)}${String(this.#counter).padStart(6, '0')}`;
  }

  #refusalOf(request: GraphRequest): HttpAnswer | null {
    const { apiKeys } = this.settings;
    const [, scheme = '', given = ''] =
      /^(\w+) (.+)$/.exec(String(request.headers.authorization ?? '')) ?? [];
    const key =
      scheme === 'Basic' ? Buffer.from(given, 'base64').toString('utf8').replace(/:.*$/, '') : given;
    if (key !== '' && (apiKeys.length === 0 || apiKeys.includes(key))) return null;
    return errorAnswer(401, key === '' ? 'You did not provide an API key.' : 'Invalid API Key provided.');
  }

  /** With an `Idempotency-Key`: the same answer to the same request, and a refusal of another. */
  #once(request: GraphRequest, act: () => HttpAnswer): HttpAnswer {
    const key = readString(request.headers['idempotency-key']);
    if (!key) return act();
    const bodyHash = createHash('sha256').update(`${request.path}\n`).update(request.body).digest('hex');
    const kept = this.#kept.get(key);
    if (kept && kept.bodyHash !== bodyHash)
      return errorAnswer(400, 'Keys for idempotent requests can only be used with the same parameters.');
    if (kept)
      return { ...kept.response, headers: { ...kept.response.headers, 'idempotent-replayed': 'true' } };
    const response = act();
    this.#kept.set(key, { bodyHash, response });
    return response;
  }

  #read({ path }: GraphRequest): HttpAnswer {
    const checkout = path.startsWith(`${CHECKOUTS}/`)
      ? this.#checkouts.get(path.slice(CHECKOUTS.length + 1))
      : null;
    if (!checkout) return errorAnswer(404, `There is nothing at ${path}.`);
    return jsonAnswer(200, this.#describe(checkout));
  }

  #write(request: GraphRequest, nowMs: number): HttpAnswer {
    const { path } = request;
    const body = readBody(request.body, String(request.headers['content-type'] ?? ''));
    if (!body) return errorAnswer(400, 'The request body cannot be read.');
    if (path === '/v1/refunds') return this.#refund(body, nowMs);
    const expired = new RegExp(`^${CHECKOUTS}/([^/]+)/expire$`).exec(path)?.[1];
    if (expired !== undefined) {
      try {
        return jsonAnswer(200, this.#describe(this.expire(expired, nowMs)));
      } catch (error) {
        if (error instanceof ControlError)
          return errorAnswer(error.httpStatus === 404 ? 404 : 400, error.message);
        throw error;
      }
    }
    if (path !== CHECKOUTS) return errorAnswer(404, `There is nothing at ${path}.`);
    const wanted = readWanted(body);
    if ('message' in wanted) return errorAnswer(400, wanted.message, wanted.param);
    return jsonAnswer(200, this.#describe(this.#create(wanted, nowMs)));
  }

  #create(wanted: WantedCheckout, nowMs: number): Checkout {
    const id = this.#makeId('cs_test');
    const checkout: Checkout = {
      ...wanted,
      id,
      paymentId: this.#makeId('pi'),
      url: `${this.#options.publicUrl()}${CHECKOUT_PAGE}${id}`,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + this.settings.expireAfterMs,
      state: 'open',
      refunded: 0,
    };
    this.#checkouts.set(id, checkout);
    const { amount, currency, reference } = wanted;
    this.#options.log.add('checkoutCreated', nowMs, { checkoutId: id, amount, currency, reference });
    this.#events.at(checkout.expiresAtMs, (dueAtMs) => {
      if (this.#checkouts.get(id) === checkout && checkout.state === 'open') this.expire(id, dueAtMs);
    });
    return checkout;
  }

  #refund(body: Readonly<Record<string, unknown>>, nowMs: number): HttpAnswer {
    const paymentId = readString(body.payment_intent) ?? '';
    const checkout = this.list().find((each) => each.paymentId === paymentId);
    if (checkout?.state !== 'paid')
      return errorAnswer(404, `There is no payment '${paymentId}' that was paid.`, 'payment_intent');
    const left = checkout.amount - checkout.refunded;
    const amount = body.amount === undefined ? left : Number(body.amount);
    if (!Number.isInteger(amount) || amount < 1 || amount > left)
      return errorAnswer(400, `The amount must be from 1 to what is left of the payment, ${left}.`, 'amount');
    checkout.refunded += amount;
    const { currency } = checkout;
    this.#options.log.add('checkoutRefunded', nowMs, { checkoutId: checkout.id, amount, currency });
    const payment = {
      payment_intent: paymentId,
      amount: checkout.amount,
      amount_refunded: checkout.refunded,
    };
    this.#tell('charge.refunded', { object: 'charge', ...payment, currency }, nowMs);
    const refund = { id: this.#makeId('re'), object: 'refund', amount, currency };
    return jsonAnswer(200, { ...refund, payment_intent: paymentId, status: 'succeeded' });
  }

  #page({ method, path }: GraphRequest, nowMs: number): HttpAnswer {
    const id = path.slice(CHECKOUT_PAGE.length);
    const checkout = this.#checkouts.get(id);
    if (!checkout)
      return htmlAnswer(404, '<!doctype html><title>Checkout</title><p>There is no such page.</p>');
    if (method === 'POST' && checkout.state === 'open') {
      this.pay(id, nowMs);
      return htmlAnswer(303, '', { location: checkout.successUrl ?? path });
    }
    return htmlAnswer(200, checkoutPage(checkout));
  }

  #tell(type: string, object: object, nowMs: number): void {
    const eventId = this.#makeId('evt');
    const event = {
      ...{ id: eventId, object: 'event', api_version: API_VERSION, type, livemode: false },
      created: Math.floor(nowMs / 1_000),
      data: { object },
    };
    this.#events.tell({ eventId, type, body: JSON.stringify(event) }, nowMs);
  }

  #describe(checkout: Checkout): object {
    const { id, paymentId, url, amount, currency, state, reference, metadata } = checkout;
    return {
      ...{ id, object: 'checkout.session', mode: 'payment', livemode: false, currency, metadata },
      url: state === 'open' ? url : null,
      amount_total: amount,
      client_reference_id: reference,
      created: Math.floor(checkout.createdAtMs / 1_000),
      expires_at: Math.floor(checkout.expiresAtMs / 1_000),
      payment_intent: state === 'paid' ? paymentId : null,
      payment_status: state === 'paid' ? 'paid' : 'unpaid',
      status: state === 'paid' ? 'complete' : state,
      success_url: checkout.successUrl,
      cancel_url: checkout.cancelUrl,
    };
  }
}

export interface CheckoutOptions {
  readonly random: Random;
  readonly log?: EventLog;
  /** Where the page is served. */
  readonly publicUrl: () => string;
}

export function createCheckout(options: CheckoutOptions): CheckoutDesk {
  return new Desk(options);
}
