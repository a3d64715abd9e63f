/**
 * The life of a webhook: an update waits (shuffled, batched or not), becomes a delivery of fixed bytes, is attempted,
 * and is over when an attempt is answered 200. Anything else is retried, first after about a second, then ever more
 * rarely, for seven days; then it is dropped and counted. A duplicate is the same bytes once more under its own id; it is
 * not retried, because the original is.
 *
 * Nothing is sent here: attempts come out of `due()` of the state machine, and their ends come back by `answered()`.
 */
import type { Agenda } from '../agenda.ts';
import type { Random } from '../draw.ts';
import { drawMs } from '../draw.ts';
import type { EventDetails, EventLog } from '../events-log.ts';
import type { Faults } from '../faults.ts';
import { buildEnvelope, splitBatch, type Update } from '../inbound/envelope.ts';
import type { Settings } from '../settings.ts';
import { webhookUrlFor } from '../settings.ts';
import { signBody } from './signature.ts';

export interface WebhookAttempt {
  readonly kind: 'webhook';
  readonly deliveryId: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** How an attempt ended: the receiver's HTTP status, or no answer at all. */
export type WebhookEnd = { readonly status: number } | { readonly failed: true };

interface Delivery {
  readonly deliveryId: string;
  readonly url: string;
  readonly body: Uint8Array;
  readonly updates: readonly Update[];
  readonly phoneNumberId: string | null;
  readonly firstAtMs: number;
  readonly duplicateOf: string | null;
  readonly isRetried: boolean;
  attempts: number;
  sentAtMs: number;
  /** The time of the next attempt while one is waiting. */
  retryAtMs: number | null;
  /** So many more attempts will not arrive. */
  lostAttempts: number;
}

export interface Deliveries {
  enqueue(update: Update, nowMs: number): void;
  answered(deliveryId: string, end: WebhookEnd, nowMs: number): void;
  /** Makes every waiting retry due now, as if the receiver's outage were over for Meta as well. */
  retryNow(nowMs: number): number;
  waiting(): { updates: number; inFlight: number; retrying: number };
  clear(): void;
}

export interface DeliveriesOptions {
  readonly random: Random;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly agenda: Agenda;
  readonly log: EventLog;
  readonly emit: (attempt: WebhookAttempt) => void;
}

const SUBJECTS_SHOWN_MAX = 5;

const detailsOf = (delivery: Pick<Delivery, 'deliveryId' | 'attempts' | 'updates'>) => ({
  deliveryId: delivery.deliveryId,
  attempt: delivery.attempts,
  updates: delivery.updates.length,
  subjects: delivery.updates.slice(0, SUBJECTS_SHOWN_MAX).map((update) => update.subject),
});

type Start = Pick<Delivery, 'url' | 'body' | 'updates' | 'phoneNumberId' | 'duplicateOf' | 'isRetried'>;

class WebhookDeliveries implements Deliveries {
  readonly #parts: DeliveriesOptions;
  readonly #open = new Map<string, Delivery>();
  readonly #batches = new Map<string, Update[]>();
  #counter = 0;
  #updatesWaiting = 0;

  constructor(parts: DeliveriesOptions) {
    this.#parts = parts;
  }

  enqueue(update: Update, nowMs: number): void {
    const { faults, random, agenda } = this.#parts;
    const { shuffleWebhooks } = faults.settings;
    this.#updatesWaiting += 1;
    if (!faults.fires(shuffleWebhooks, update.phoneNumberId, nowMs)) {
      this.#ready(update, nowMs);
      return;
    }
    const delayMs = drawMs(random, { minMs: 0, maxMs: shuffleWebhooks.maxMs });
    agenda.at(nowMs + delayMs, (readyAtMs) => this.#ready(update, readyAtMs));
  }

  answered(deliveryId: string, end: WebhookEnd, nowMs: number): void {
    const delivery = this.#open.get(deliveryId);
    if (!delivery || delivery.retryAtMs !== null) return;
    const httpStatus = 'status' in end ? end.status : null;
    if (httpStatus !== 200) {
      this.#retryLater(delivery, httpStatus, nowMs);
      return;
    }
    this.#open.delete(deliveryId);
    this.#parts.log.add('webhookAnswered', nowMs, {
      ...detailsOf(delivery),
      httpStatus,
      tookMs: nowMs - delivery.sentAtMs,
      duplicateOf: delivery.duplicateOf,
    });
    for (const update of delivery.updates) update.settled?.(true, nowMs);
  }

  retryNow(nowMs: number): number {
    let made = 0;
    for (const delivery of this.#open.values()) {
      if (delivery.retryAtMs === null) continue;
      this.#attemptAt(delivery, nowMs);
      made += 1;
    }
    return made;
  }

  waiting(): { updates: number; inFlight: number; retrying: number } {
    let retrying = 0;
    for (const delivery of this.#open.values()) if (delivery.retryAtMs !== null) retrying += 1;
    return { updates: this.#updatesWaiting, inFlight: this.#open.size - retrying, retrying };
  }

  clear(): void {
    this.#open.clear();
    this.#batches.clear();
    this.#updatesWaiting = 0;
  }

  #ready(update: Update, nowMs: number): void {
    const { settings, faults, agenda } = this.#parts;
    const { updatesMax, waitMs } = faults.settings.batchWebhooks;
    if (updatesMax <= 1) {
      this.#send([update], nowMs);
      return;
    }
    const key = `${update.wabaId} ${webhookUrlFor(settings, update.wabaId, update.phoneNumberId)}`;
    const batch = this.#batches.get(key);
    if (!batch) {
      this.#batches.set(key, [update]);
      agenda.at(nowMs + waitMs, (flushAtMs) => this.#flush(key, flushAtMs));
      return;
    }
    batch.push(update);
    if (batch.length >= updatesMax) this.#flush(key, nowMs);
  }

  #flush(key: string, nowMs: number): void {
    const batch = this.#batches.get(key);
    if (!batch) return;
    this.#batches.delete(key);
    const { updatesMax } = this.#parts.faults.settings.batchWebhooks;
    for (const piece of splitBatch(batch, updatesMax)) this.#send(piece, nowMs);
  }

  #delayOf(phoneNumberId: string | null, nowMs: number): number {
    const { faults, random } = this.#parts;
    const { delayWebhooks } = faults.settings;
    return faults.fires(delayWebhooks, phoneNumberId, nowMs) ? drawMs(random, delayWebhooks) : 0;
  }

  #send(updates: readonly Update[], nowMs: number): void {
    const { settings, faults } = this.#parts;
    const { wabaId, phoneNumberId } = updates[0]!;
    this.#updatesWaiting -= updates.length;
    const url = webhookUrlFor(settings, wabaId, phoneNumberId);
    const isSubscribed = settings.wabas.get(wabaId)?.subscribed ?? true;
    if (url === null || !isSubscribed) {
      const reason = url === null ? 'noWebhookUrl' : 'notSubscribed';
      this.#drop({ deliveryId: 'none', attempts: 0, updates }, reason, nowMs);
      return;
    }
    const body = buildEnvelope(updates);
    const delivery = this.#start(
      { url, body, updates, phoneNumberId, duplicateOf: null, isRetried: true },
      nowMs + this.#delayOf(phoneNumberId, nowMs),
    );
    const { dropWebhooks } = faults.settings;
    if (faults.fires(dropWebhooks, phoneNumberId, nowMs)) delivery.lostAttempts = dropWebhooks.attempts;
    this.#duplicate(delivery, nowMs);
    this.#oversize(delivery, nowMs);
  }

  #start(from: Start, atMs: number): Delivery {
    this.#counter += 1;
    const delivery: Delivery = {
      ...from,
      deliveryId: `delivery_${this.#counter}`,
      firstAtMs: atMs,
      attempts: 0,
      sentAtMs: 0,
      retryAtMs: null,
      lostAttempts: 0,
    };
    this.#open.set(delivery.deliveryId, delivery);
    this.#parts.agenda.at(atMs, (nowMs) => this.#attempt(delivery, nowMs));
    return delivery;
  }

  #duplicate(original: Delivery, nowMs: number): void {
    const { faults, random, log } = this.#parts;
    const { duplicateWebhook } = faults.settings;
    if (!faults.fires(duplicateWebhook, original.phoneNumberId, nowMs)) return;
    const isConcurrent = random() < 0.5;
    const laterMs = isConcurrent ? 0 : drawMs(random, { minMs: 0, maxMs: duplicateWebhook.maxMs });
    const { url, body, updates, phoneNumberId, deliveryId } = original;
    const copy = this.#start(
      { url, body, updates, phoneNumberId, duplicateOf: deliveryId, isRetried: false },
      original.firstAtMs + laterMs,
    );
    log.add('webhookDuplicated', nowMs, {
      ...detailsOf(original),
      copyDeliveryId: copy.deliveryId,
      laterMs,
    });
  }

  #oversize(like: Delivery, nowMs: number): void {
    const { faults } = this.#parts;
    const { oversized } = faults.settings;
    if (!faults.fires(oversized, like.phoneNumberId, nowMs)) return;
    const update: Update = {
      wabaId: like.updates[0]!.wabaId,
      phoneNumberId: null,
      field: 'automatic_events',
      subject: { wamid: null, status: null },
      metadata: null,
      list: null,
      item: `{"padding":"${'x'.repeat(oversized.bytes)}"}`,
      contact: null,
    };
    const body = buildEnvelope([update]);
    const { url } = like;
    this.#start(
      { url, body, updates: [update], phoneNumberId: null, duplicateOf: null, isRetried: false },
      nowMs,
    );
  }

  #attempt(delivery: Delivery, nowMs: number): void {
    const { settings, faults, log, emit } = this.#parts;
    if (!this.#open.has(delivery.deliveryId)) return;
    delivery.attempts += 1;
    delivery.sentAtMs = nowMs;
    delivery.retryAtMs = null;
    if (delivery.attempts > 1) log.count('webhookRetried');
    const badSignature = faults.fires(faults.settings.badSignature, delivery.phoneNumberId, nowMs);
    const secret = badSignature ? `not ${settings.appSecret}` : settings.appSecret;
    log.add('webhookSent', nowMs, {
      ...detailsOf(delivery),
      bytes: delivery.body.length,
      duplicateOf: delivery.duplicateOf,
      badSignature,
    });
    if (delivery.lostAttempts > 0) {
      delivery.lostAttempts -= 1;
      this.#retryLater(delivery, null, nowMs);
      return;
    }
    emit({
      kind: 'webhook',
      deliveryId: delivery.deliveryId,
      url: delivery.url,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'facebookexternalua',
        'x-hub-signature-256': signBody(secret, delivery.body),
      },
      body: delivery.body,
    });
  }

  /** Sets the next attempt; an earlier setting of the same delivery is void. */
  #attemptAt(delivery: Delivery, atMs: number): void {
    delivery.retryAtMs = atMs;
    this.#parts.agenda.at(atMs, (nowMs) => {
      if (delivery.retryAtMs === atMs) this.#attempt(delivery, nowMs);
    });
  }

  #retryLater(delivery: Delivery, httpStatus: number | null, nowMs: number): void {
    const { settings, random, log } = this.#parts;
    const { webhookRetryFirstMs, webhookRetryFactor, webhookRetryMaxMs, webhookRetryForMs } =
      settings.timings;
    const plainMs = webhookRetryFirstMs * webhookRetryFactor ** (delivery.attempts - 1);
    const delayMs = Math.round(Math.min(plainMs, webhookRetryMaxMs) * (0.9 + 0.2 * random()));
    const retryAtMs = nowMs + delayMs;
    const isOver = !delivery.isRetried || retryAtMs - delivery.firstAtMs > webhookRetryForMs;
    log.add('webhookFailed', nowMs, {
      ...detailsOf(delivery),
      httpStatus,
      retryAtMs: isOver ? null : retryAtMs,
    });
    if (!isOver) {
      this.#attemptAt(delivery, retryAtMs);
      return;
    }
    this.#open.delete(delivery.deliveryId);
    if (delivery.isRetried) this.#drop(delivery, 'tooOld', nowMs);
  }

  #drop(
    delivery: Pick<Delivery, 'deliveryId' | 'attempts' | 'updates'>,
    reason: EventDetails['webhookDropped']['reason'],
    nowMs: number,
  ): void {
    this.#parts.log.add('webhookDropped', nowMs, { ...detailsOf(delivery), reason });
    for (const update of delivery.updates) update.settled?.(false, nowMs);
  }
}

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  return new WebhookDeliveries(options);
}
