/**
 * What happened, in order: one log for the whole simulator.
 *
 * Each event has a sequence number that never goes back, so a reader continues with "everything after seq". The log is a
 * ring: it keeps the newest `eventsMax` events; the counters keep the totals. Listeners (the live stream of the phone
 * page) are called for each event at once; without listeners an event costs one object.
 * To add a kind of event, add it to `EventDetails`.
 */
export interface WebhookSubject {
  wamid: string | null;
  /** The delivery status carried, or null for anything else. */
  status: string | null;
}

interface Place {
  phoneNumberId: string;
  contactId: string | null;
}

interface WebhookDetails {
  deliveryId: string;
  attempt: number;
  updates: number;
  subjects: readonly WebhookSubject[];
}

/** In the smallest unit of the currency. */
interface CheckoutAmount {
  checkoutId: string;
  amount: number;
  currency: string;
}

interface PaymentEventDetails {
  eventId: string;
  type: string;
  attempt: number;
}

export interface EventDetails {
  /** A contact said something; its webhook is on the way. */
  said: Place & {
    wamid: string;
    type: string;
    text: string | null;
    body: unknown;
    replyTo: string | null;
  } & {
    forwarded: boolean;
    referral: Readonly<Record<string, unknown>> | null;
  };
  /** The business app's owner answered by hand (coexistence echo). */
  echoed: Place & { wamid: string; type: string; text: string | null; body: unknown };
  contactCreated: { contactId: string; name: string };
  contactChanged: { contactId: string; change: string };
  webhookSent: WebhookDetails & { bytes: number; duplicateOf: string | null; badSignature: boolean };
  webhookAnswered: WebhookDetails & { httpStatus: number; tookMs: number; duplicateOf: string | null };
  /** The attempt did not end in 200; `retryAtMs` is null when nothing more will be tried. */
  webhookFailed: WebhookDetails & { httpStatus: number | null; retryAtMs: number | null };
  webhookDuplicated: WebhookDetails & { copyDeliveryId: string; laterMs: number };
  webhookDropped: WebhookDetails & { reason: 'tooOld' | 'noWebhookUrl' | 'notSubscribed' };
  handshake: { url: string; ok: boolean; httpStatus: number | null; reason: string };
  sendAccepted: Place & {
    wamid: string;
    to: string;
    type: string;
    text: string | null;
    body: unknown;
    opaque: string | null;
    replyTo: string | null;
  };
  sendRefused: { phoneNumberId: string; to: string | null; text: string | null; opaque: string | null } & {
    code: number | null;
    httpStatus: number;
    reason: string;
  };
  /** Accepted, but the answer never reaches the sender. */
  answerLost: { phoneNumberId: string; wamid: string | null; opaque: string | null; how: string };
  answerHeld: { phoneNumberId: string; wamid: string; opaque: string | null };
  /** A delivery status became true; a webhook tells of it unless `statusSuppressed` follows. */
  status: Place & { wamid: string; status: string; code: number | null; opaque: string | null };
  statusSuppressed: Place & { wamid: string; status: string };
  /** The business marked this contact's message (and all before it) as read. */
  readReceipt: Place & { wamid: string };
  typing: Place & { untilMs: number };
  modelCalled: { callId: string; model: string; texts: readonly string[]; stream: boolean };
  modelEnded: { callId: string; outcome: string; tookMs: number };
  imageAsked: { callId: string; prompt: string; idempotencyKey: string | null };
  imageCharged: { callId: string; chargeId: string; idempotencyKey: string | null; amountCents: number };
  imageEnded: { callId: string; outcome: string; tookMs: number };
  checkoutCreated: CheckoutAmount & { reference: string | null };
  checkoutPaid: CheckoutAmount;
  checkoutExpired: { checkoutId: string };
  checkoutRefunded: CheckoutAmount;
  paymentEventSent: PaymentEventDetails & { badSignature: boolean };
  paymentEventAnswered: PaymentEventDetails & { httpStatus: number };
  /** `retryAtMs` is null when nothing more will be tried. */
  paymentEventFailed: PaymentEventDetails & { httpStatus: number | null; retryAtMs: number | null };
  taskCreated: { taskName: string; scheduleAtMs: number; body: string };
  taskSent: { taskName: string; attempt: number };
  /** `httpStatus` is null without an answer in time; `retryAtMs` when the task is over. */
  taskAnswered: { taskName: string; httpStatus: number | null; retryAtMs: number | null };
  settingsChanged: { what: string };
  /** All that was said and sent is forgotten, and the log before this; with `everything` also who was there. */
  reset: { everything: boolean };
  /** Someone drove the simulator by the control API; with what came of it, a day can be played again. */
  driven: { method: string; path: string; body: unknown; result: unknown };
}

export type EventKind = keyof EventDetails;
export type SimulatorEvent = {
  [K in EventKind]: { seq: number; atMs: number; kind: K } & EventDetails[K];
}[EventKind];

export interface EventLog {
  add<K extends EventKind>(kind: K, atMs: number, details: EventDetails[K]): void;
  /** Counts something that has no event of its own, for example "refused.131056". */
  count(name: string): void;
  counters(): Record<string, number>;
  /** Events with a sequence number above `afterSeq`, oldest first. */
  read(query: { afterSeq?: number; limit?: number; kinds?: ReadonlySet<string> }): SimulatorEvent[];
  lastSeq(): number;
  listen(listener: (event: SimulatorEvent) => void): () => void;
  clear(): void;
}

export function createEventLog(options: { eventsMax?: number } = {}): EventLog {
  const eventsMax = options.eventsMax ?? 10_000;
  let ring: SimulatorEvent[] = [];
  let seq = 0;
  const counts = new Map<string, number>();
  const listeners = new Set<(event: SimulatorEvent) => void>();
  const count = (name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };

  return {
    add(kind, atMs, details) {
      const event = { seq: seq + 1, atMs, kind, ...details } as unknown as SimulatorEvent;
      ring[seq % eventsMax] = event;
      seq += 1;
      count(kind);
      for (const listener of listeners) listener(event);
    },
    count,
    counters: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    read({ afterSeq = 0, limit = 100, kinds }) {
      const found: SimulatorEvent[] = [];
      for (let at = Math.max(afterSeq, seq - eventsMax); at < seq && found.length < limit; at += 1) {
        const event = ring[at % eventsMax];
        if (event && (!kinds || kinds.has(event.kind))) found.push(event);
      }
      return found;
    },
    lastSeq: () => seq,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear() {
      ring = [];
      // Sequence numbers go on, so that a reader of the live stream never sees one twice; slots before are empty.
      counts.clear();
    },
  };
}
