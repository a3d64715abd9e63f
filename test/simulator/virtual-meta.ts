/**
 * The look-alike of Meta on a virtual clock, with a webhook receiver that answers as it is told. `runUntil` moves the
 * clock from one due time to the next, as a simulation would.
 */
import {
  createMeta,
  type Meta,
  type MetaAnswer,
  type WebhookAttempt,
  type WebhookEnd,
} from '#simulator/index.ts';

export const NUMBER_ID = '106540352242922';
export const WABA_ID = '102290129340398';
export const PHONE = '16505551234';
export const START_MS = 1_790_000_000_000;
export const HOOK_URL = 'http://bot.test/webhooks/whatsapp';

/** mulberry32: small, seeded, good enough to draw faults. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Received {
  readonly atMs: number;
  readonly attempt: WebhookAttempt;
  readonly text: string;
}

export interface VirtualMeta {
  readonly meta: Meta;
  readonly received: Received[];
  readonly released: Array<{ atMs: number; answerId: string; status: number }>;
  nowMs: number;
  /** What the receiver answers; 200 by default. */
  answer: (attempt: WebhookAttempt) => WebhookEnd;
  runUntil(untilMs: number): void;
  run(forMs: number): void;
  post(body: unknown, options?: { token?: string | null; path?: string; method?: string }): MetaAnswer;
  sendText(text: string, more?: object): MetaAnswer;
  /** The single change value of every webhook received so far, by list. */
  statuses(): Array<Record<string, unknown>>;
  messages(): Array<Record<string, unknown>>;
}

interface Change {
  readonly value: { readonly [list: string]: Array<Record<string, unknown>> };
}

export function changesOf(text: string): Change[] {
  const body = JSON.parse(text) as { entry: Array<{ changes: Change[] }> };
  return body.entry.flatMap((entry) => entry.changes);
}

/** The JSON body of an answer that was given. */
export function answerJson(answer: MetaAnswer): { status: number; body: Record<string, never> & object } {
  if (answer.kind !== 'response') throw new Error(`Expected an answer, but it was "${answer.kind}".`);
  return { status: answer.response.status, body: JSON.parse(answer.response.body || '{}') };
}

export function createVirtualMeta(setup: Record<string, unknown> = {}, seed = 1): VirtualMeta {
  const meta = createMeta({
    random: seededRandom(seed),
    setup: {
      appSecret: 'secret',
      webhookUrl: HOOK_URL,
      accessTokens: ['token'],
      phoneNumbers: [{ id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881' }],
      ...setup,
    },
  });
  const virtual: VirtualMeta = {
    meta,
    received: [],
    released: [],
    nowMs: START_MS,
    answer: () => ({ status: 200 }),
    runUntil(untilMs) {
      for (;;) {
        const dueAtMs = meta.nextDueAtMs();
        if (dueAtMs === null || dueAtMs > untilMs) break;
        virtual.nowMs = Math.max(virtual.nowMs, dueAtMs);
        for (const effect of meta.due(virtual.nowMs)) {
          if (effect.kind === 'webhook') {
            const text = Buffer.from(effect.body).toString('latin1');
            virtual.received.push({ atMs: virtual.nowMs, attempt: effect, text });
            meta.webhookAnswered(effect.deliveryId, virtual.answer(effect), virtual.nowMs);
          } else if (effect.kind === 'answer') {
            const { answerId, response } = effect;
            virtual.released.push({ atMs: virtual.nowMs, answerId, status: response.status });
          } else {
            const body = new URL(effect.url).searchParams.get('hub.challenge') ?? '';
            meta.handshakeAnswered(effect.handshakeId, { status: 200, body }, virtual.nowMs);
          }
        }
      }
      virtual.nowMs = Math.max(virtual.nowMs, untilMs);
    },
    run: (forMs) => virtual.runUntil(virtual.nowMs + forMs),
    post(body, { token = 'token', path = `/v26.0/${NUMBER_ID}/messages`, method = 'POST' } = {}) {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      const text = body === undefined ? '' : JSON.stringify(body);
      return meta.handle({ method, path, query: {}, headers, body: text }, virtual.nowMs);
    },
    sendText: (text, more = {}) =>
      virtual.post({
        messaging_product: 'whatsapp',
        to: `+${PHONE}`,
        type: 'text',
        text: { body: text },
        ...more,
      }),
    statuses: () =>
      virtual.received.flatMap(({ text }) => changesOf(text).flatMap((c) => c.value.statuses ?? [])),
    messages: () =>
      virtual.received.flatMap(({ text }) => changesOf(text).flatMap((c) => c.value.messages ?? [])),
  };
  return virtual;
}

/** The same, with a contact who has just written, so that the service window is open. */
export function createOpenConversation(setup: Record<string, unknown> = {}, seed = 1): VirtualMeta {
  const virtual = createVirtualMeta(setup, seed);
  virtual.meta.inbound.say(
    { phoneNumberId: NUMBER_ID, contact: { phone: PHONE, name: 'Sheena' }, text: 'hello' },
    virtual.nowMs,
  );
  virtual.run(2_000);
  virtual.received.length = 0;
  return virtual;
}
