/**
 * The look-alike of Meta's Cloud API as a pure state machine: requests and times in, answers and webhooks out. It has no
 * sockets, no clock, no timers and no randomness of its own, so the same code runs behind HTTP and inside a
 * single-threaded simulation with a virtual clock.
 *
 * The driver's duties: pass each Graph request to `handle`; whenever something was called, look at `nextDueAtMs()` and at
 * that time take the effects of `due(nowMs)`: POST the webhooks and report each end by `webhookAnswered`, GET the
 * handshakes and report them by `handshakeAnswered`, and give the held answers to their waiting requests.
 */
import { createAgenda } from './agenda.ts';
import { type ContactBook, createContactBook } from './contacts.ts';
import { type Conversations, createConversations } from './conversations.ts';
import type { Random } from './draw.ts';
import { drawMs } from './draw.ts';
import { createEventLog, type EventLog } from './events-log.ts';
import { createFaults, type Faults } from './faults.ts';
import { type GraphRequest, handleGraph } from './graph/graph-surface.ts';
import { isTokenGood } from './graph/tokens.ts';
import { createInbound, type Inbound } from './inbound/inbound.ts';
import { createMediaShelf, type MediaShelf } from './media/media-shelf.ts';
import type { AcceptedSend, MetaState, SaidMessage } from './meta-state.ts';
import { createHeldAnswers, type ReleasedAnswer } from './sending/held-answers.ts';
import { createMessagingLimits } from './sending/portfolios.ts';
import { createPairLimit } from './sending/rates.ts';
import type { SendOutcome } from './sending/sends.ts';
import { applySetup, createSettings, describeSettings, type Settings } from './settings.ts';
import { createModeration, type Moderation } from './templates/moderation.ts';
import { createTemplateShelf } from './templates/shelf.ts';
import { createIdMaker } from './wamid.ts';
import { createDeliveries, type WebhookAttempt, type WebhookEnd } from './webhooks/deliveries.ts';
import {
  createHandshakes,
  type HandshakeEnd,
  type HandshakeRequest,
  type HandshakeResult,
} from './webhooks/handshakes.ts';

export type MetaAnswer = SendOutcome & { readonly delayMs: number };

export type MetaEffect = WebhookAttempt | HandshakeRequest | ReleasedAnswer;

export interface Meta {
  readonly settings: Settings;
  readonly faults: Faults;
  readonly contacts: ContactBook;
  readonly conversations: Conversations;
  readonly inbound: Inbound;
  readonly media: MediaShelf;
  readonly moderation: Moderation;
  readonly log: EventLog;
  readonly accepted: readonly AcceptedSend[];
  readonly said: readonly SaidMessage[];
  setup(given: unknown, nowMs: number): Record<string, unknown>;
  handle(request: GraphRequest, nowMs: number): MetaAnswer;
  /** For a download, which is no Graph request: whether this Authorization header may have it. */
  isTokenGood(authorization: string | undefined, nowMs: number): boolean;
  nextDueAtMs(): number | null;
  due(nowMs: number): MetaEffect[];
  webhookAnswered(deliveryId: string, end: WebhookEnd, nowMs: number): void;
  /** Asks for the verification GET; `done` is called when its end was reported. */
  handshake(url: string | null, nowMs: number, done: (result: HandshakeResult) => void): void;
  handshakeAnswered(handshakeId: string, end: HandshakeEnd, nowMs: number): void;
  retryNow(nowMs: number): number;
  waiting(): { updates: number; inFlight: number; retrying: number; scheduled: number };
  /** Forgets everything that happened; keeps the setup. `everything` forgets the setup, contacts and faults too. */
  reset(options?: { everything?: boolean }): void;
}

export interface MetaOptions {
  readonly random: Random;
  readonly log?: EventLog;
  /** A setup to begin with, as for `setup`. */
  readonly setup?: unknown;
}

function createState(random: Random, log: EventLog, emit: (effect: MetaEffect) => void): MetaState {
  const agenda = createAgenda();
  const settings = createSettings();
  const faults = createFaults({ random, onFired: (name) => log.count(`fault.${name}`) });
  const ids = createIdMaker(random);
  return {
    random,
    ids,
    settings,
    faults,
    contacts: createContactBook({ givesUserIds: () => settings.rules.userIds }),
    conversations: createConversations(),
    pairLimit: createPairLimit(),
    messagingLimits: createMessagingLimits(),
    managementCalls: new Map(),
    registrations: new Map(),
    agenda,
    log,
    deliveries: createDeliveries({ random, settings, faults, agenda, log, emit }),
    handshakes: createHandshakes({ random, agenda, log, emit }),
    held: createHeldAnswers(agenda, emit),
    media: createMediaShelf(settings, ids),
    templates: createTemplateShelf(),
    accepted: [],
    said: [],
  };
}

class MetaMachine implements Meta {
  readonly inbound: Inbound;
  readonly moderation: Moderation;
  readonly #state: MetaState;
  #effects: MetaEffect[] = [];

  constructor(options: MetaOptions) {
    const log = options.log ?? createEventLog();
    this.#state = createState(options.random, log, (effect) => this.#effects.push(effect));
    this.inbound = createInbound(this.#state);
    this.moderation = createModeration(this.#state);
    if (options.setup !== undefined) applySetup(this.settings, options.setup);
  }

  get settings(): Settings {
    return this.#state.settings;
  }
  get faults(): Faults {
    return this.#state.faults;
  }
  get contacts(): ContactBook {
    return this.#state.contacts;
  }
  get conversations(): Conversations {
    return this.#state.conversations;
  }
  get media(): MediaShelf {
    return this.#state.media;
  }
  get log(): EventLog {
    return this.#state.log;
  }
  get accepted(): readonly AcceptedSend[] {
    return this.#state.accepted;
  }
  get said(): readonly SaidMessage[] {
    return this.#state.said;
  }

  setup(given: unknown, nowMs: number): Record<string, unknown> {
    applySetup(this.settings, given);
    this.log.add('settingsChanged', nowMs, { what: 'setup' });
    return describeSettings(this.settings);
  }

  handle(request: GraphRequest, nowMs: number): MetaAnswer {
    this.faults.moveTo(nowMs);
    const delayMs = drawMs(this.#state.random, this.faults.settings.latencyMs);
    const outcome = handleGraph(this.#state, request, nowMs);
    const { stallAnswer } = this.faults.settings;
    const isStalled = outcome.kind === 'response' && this.faults.fires(stallAnswer, this.#numberIn(request));
    return { ...outcome, delayMs, ...(isStalled ? { stallMs: stallAnswer.stallMs } : {}) };
  }

  isTokenGood(authorization: string | undefined, nowMs: number): boolean {
    const { tokenRefused } = this.faults.settings;
    return isTokenGood(this.settings, authorization, nowMs) && !this.faults.fires(tokenRefused, null, nowMs);
  }

  #numberIn({ path }: GraphRequest): string | null {
    return path.split('/').find((segment) => this.settings.phoneNumbers.has(segment)) ?? null;
  }

  nextDueAtMs(): number | null {
    return this.#effects.length > 0 ? Number.NEGATIVE_INFINITY : this.#state.agenda.nextDueAtMs();
  }

  due(nowMs: number): MetaEffect[] {
    this.faults.moveTo(nowMs);
    this.#state.agenda.run(nowMs);
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  webhookAnswered(deliveryId: string, end: WebhookEnd, nowMs: number): void {
    this.#state.deliveries.answered(deliveryId, end, nowMs);
  }

  handshake(url: string | null, nowMs: number, done: (result: HandshakeResult) => void): void {
    const target = url ?? this.settings.webhookUrl;
    if (target === null || !URL.canParse(target)) {
      const reason = 'There is no valid webhook URL. Set "webhookUrl" by POST /_sim/setup.';
      done({ ok: false, url: target ?? '', httpStatus: null, reason });
      return;
    }
    this.#state.handshakes.start(target, this.settings.verifyToken, nowMs, (result) => done(result));
  }

  handshakeAnswered(handshakeId: string, end: HandshakeEnd, nowMs: number): void {
    this.#state.handshakes.answered(handshakeId, end, nowMs);
  }

  retryNow(nowMs: number): number {
    return this.#state.deliveries.retryNow(nowMs);
  }

  waiting(): { updates: number; inFlight: number; retrying: number; scheduled: number } {
    return { ...this.#state.deliveries.waiting(), scheduled: this.#state.agenda.size() };
  }

  reset(options: { everything?: boolean } = {}): void {
    const { agenda, deliveries, conversations, pairLimit, accepted, said, log } = this.#state;
    agenda.clear();
    deliveries.clear();
    conversations.clear();
    pairLimit.clear();
    this.#state.messagingLimits.clear();
    this.#state.managementCalls.clear();
    this.#state.registrations.clear();
    accepted.length = 0;
    said.length = 0;
    this.#effects = [];
    log.clear();
    if (!options.everything) return;
    Object.assign(this.settings, { ...createSettings(), publicUrl: this.settings.publicUrl });
    this.faults.clear();
    this.contacts.clear();
    this.media.clear();
    this.#state.templates.clear();
  }
}

export function createMeta(options: MetaOptions): Meta {
  return new MetaMachine(options);
}
