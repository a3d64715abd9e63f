/**
 * Telling a shop that it was paid: each event is posted until it is answered 2xx, at least once, first soon, then ever more
 * rarely, for three days. Each attempt is signed anew, with its own time: `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`.
 * Source: docs.stripe.com/webhooks#verify-manually.
 */
import { createHmac } from 'node:crypto';
import { createAgenda } from '../agenda.ts';
import { drawMs, type Random } from '../draw.ts';
import type { EventLog } from '../events-log.ts';
import type { WebhookAttempt, WebhookEnd } from '../webhooks/deliveries.ts';

export interface PaymentEvent {
  readonly eventId: string;
  readonly type: string;
  readonly body: string;
}

export interface PaymentEventsOptions {
  readonly random: Random;
  readonly log: EventLog;
  /** Asked at each attempt, since all of it may change meanwhile. */
  readonly terms: () => PaymentTerms;
  readonly isFiring: (fault: 'duplicateEvent' | 'lateEvent' | 'badSignature') => boolean;
}

export interface PaymentTerms {
  readonly webhookUrl: string | null;
  readonly webhookSecret: string;
  readonly eventRetryFirstMs: number;
  readonly eventRetryFactor: number;
  readonly eventRetryForMs: number;
  readonly lateMs: { readonly minMs: number; readonly maxMs: number };
}

interface Open {
  readonly event: PaymentEvent;
  readonly firstAtMs: number;
  attempts: number;
  retryAtMs: number | null;
}

export interface PaymentEvents {
  tell(event: PaymentEvent, nowMs: number): void;
  answered(deliveryId: string, end: WebhookEnd, nowMs: number): void;
  retryNow(nowMs: number): number;
  at(dueAtMs: number, action: (nowMs: number) => void): void;
  nextDueAtMs(): number | null;
  due(nowMs: number): WebhookAttempt[];
  waiting(): { inFlight: number; retrying: number };
  clear(): void;
}

export function signPayment(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

class Events implements PaymentEvents {
  readonly #options: PaymentEventsOptions;
  readonly #agenda = createAgenda();
  readonly #open = new Map<string, Open>();
  #effects: WebhookAttempt[] = [];
  #counter = 0;

  constructor(options: PaymentEventsOptions) {
    this.#options = options;
  }

  tell(event: PaymentEvent, nowMs: number): void {
    const { random, terms, isFiring } = this.#options;
    const lateMs = isFiring('lateEvent') ? drawMs(random, terms().lateMs) : 0;
    const copies = isFiring('duplicateEvent') ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#counter += 1;
      const deliveryId = `payment_${this.#counter}`;
      this.#open.set(deliveryId, { event, firstAtMs: nowMs, attempts: 0, retryAtMs: null });
      this.#attemptAt(deliveryId, nowMs + lateMs);
    }
  }

  answered(deliveryId: string, end: WebhookEnd, nowMs: number): void {
    const open = this.#open.get(deliveryId);
    if (!open || open.retryAtMs !== null) return;
    const { log, terms } = this.#options;
    const httpStatus = 'status' in end ? end.status : null;
    const details = { eventId: open.event.eventId, type: open.event.type, attempt: open.attempts };
    if (httpStatus !== null && httpStatus >= 200 && httpStatus < 300) {
      this.#open.delete(deliveryId);
      log.add('paymentEventAnswered', nowMs, { ...details, httpStatus });
      return;
    }
    const { eventRetryFirstMs, eventRetryFactor, eventRetryForMs } = terms();
    const retryAtMs = nowMs + Math.round(eventRetryFirstMs * eventRetryFactor ** (open.attempts - 1));
    const isOver = retryAtMs - open.firstAtMs > eventRetryForMs;
    log.add('paymentEventFailed', nowMs, { ...details, httpStatus, retryAtMs: isOver ? null : retryAtMs });
    if (isOver) this.#open.delete(deliveryId);
    else this.#attemptAt(deliveryId, retryAtMs);
  }

  retryNow(nowMs: number): number {
    const waiting = [...this.#open].filter(([, { retryAtMs }]) => retryAtMs !== null);
    for (const [deliveryId] of waiting) this.#attemptAt(deliveryId, nowMs);
    return waiting.length;
  }

  at(dueAtMs: number, action: (nowMs: number) => void): void {
    this.#agenda.at(dueAtMs, action);
  }

  nextDueAtMs(): number | null {
    return this.#effects.length > 0 ? Number.NEGATIVE_INFINITY : this.#agenda.nextDueAtMs();
  }

  due(nowMs: number): WebhookAttempt[] {
    this.#agenda.run(nowMs);
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  waiting(): { inFlight: number; retrying: number } {
    const retrying = [...this.#open.values()].filter(({ retryAtMs }) => retryAtMs !== null).length;
    return { inFlight: this.#open.size - retrying, retrying };
  }

  clear(): void {
    this.#agenda.clear();
    this.#open.clear();
    this.#effects = [];
  }

  #attemptAt(deliveryId: string, atMs: number): void {
    const open = this.#open.get(deliveryId);
    if (!open) return;
    open.retryAtMs = atMs;
    this.#agenda.at(atMs, (nowMs) => {
      // An earlier setting is void.
      if (this.#open.get(deliveryId) === open && open.retryAtMs === atMs)
        this.#attempt(deliveryId, open, nowMs);
    });
  }

  #attempt(deliveryId: string, open: Open, nowMs: number): void {
    const { log, terms, isFiring } = this.#options;
    const { webhookUrl, webhookSecret } = terms();
    const { event } = open;
    open.attempts += 1;
    open.retryAtMs = null;
    const details = { eventId: event.eventId, type: event.type, attempt: open.attempts };
    if (webhookUrl === null) {
      this.#open.delete(deliveryId);
      log.add('paymentEventFailed', nowMs, { ...details, httpStatus: null, retryAtMs: null });
      return;
    }
    const badSignature = isFiring('badSignature');
    const secret = badSignature ? `not ${webhookSecret}` : webhookSecret;
    log.add('paymentEventSent', nowMs, { ...details, badSignature });
    this.#effects.push({
      kind: 'webhook',
      deliveryId,
      url: webhookUrl,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': signPayment(secret, event.body, nowMs),
      },
      body: Buffer.from(event.body),
    });
  }
}

export function createPaymentEvents(options: PaymentEventsOptions): PaymentEvents {
  return new Events(options);
}
