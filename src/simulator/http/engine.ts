/**
 * The pump between the pure state machines and the real world: one timer for whatever is due next, webhooks and
 * handshakes out, their ends back in, held answers to the requests that wait for them. The world's clock, timers and
 * randomness are the caller's; nothing here waits by itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Anthropic, createAnthropic } from '../anthropic/anthropic.ts';
import type { ModelSettings } from '../anthropic/model-settings.ts';
import { type CheckoutDesk, createCheckout } from '../checkout/checkout.ts';
import { createTaskPoster, type TaskPoster } from '../cloud-tasks/task-poster.ts';
import { type CloudTasks, createCloudTasks, type TaskAttempt } from '../cloud-tasks/tasks.ts';
import type { DeepPartial, SimulatorSetup } from '../control/client.ts';
import { createEventLog, type EventLog } from '../events-log.ts';
import { createImages, type Images } from '../images/images.ts';
import { createMeta, type Meta, type MetaEffect } from '../meta.ts';
import type { WebhookAttempt, WebhookEnd } from '../webhooks/deliveries.ts';
import { createWebhookPoster, type WebhookPoster } from '../webhooks/webhook-poster.ts';
import { writeAnswer } from './http-answering.ts';

/** Time and chance as the caller has them. */
export interface SimulatorWorld {
  nowMs(): number;
  /** Calls `fn` after the delay; the returned function cancels. */
  setTimer(delayMs: number, fn: () => void): () => void;
  random(): number;
}

export interface SimulatorOptions {
  readonly world: SimulatorWorld;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly setup?: SimulatorSetup;
  readonly model?: DeepPartial<ModelSettings>;
  /** Replaces the POST of webhooks over HTTP. */
  readonly deliver?: (attempt: WebhookAttempt) => Promise<WebhookEnd>;
  readonly webhookConcurrencyMax?: number;
  readonly webhookTimeoutMs?: number;
  /** Newest events kept in the log. */
  readonly eventsMax?: number;
  /** Serves what the simulator does not; returns false to leave it to a 404. */
  readonly staticHandler?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export class Engine {
  readonly log: EventLog;
  readonly meta: Meta;
  readonly anthropic: Anthropic;
  readonly images: Images;
  readonly checkout: CheckoutDesk;
  readonly tasks: CloudTasks;
  readonly #world: SimulatorWorld;
  readonly #poster: WebhookPoster;
  readonly #taskPoster: TaskPoster;
  readonly #held = new Map<string, ServerResponse>();
  #armedAtMs = Number.POSITIVE_INFINITY;
  #disarm = (): void => {};
  #isClosed = false;

  constructor(options: SimulatorOptions) {
    const { world, eventsMax } = options;
    this.#world = world;
    this.log = createEventLog(eventsMax === undefined ? {} : { eventsMax });
    const { log } = this;
    this.meta = createMeta({ random: world.random, log, setup: options.setup ?? {} });
    this.anthropic = createAnthropic({ random: world.random, log, settings: options.model ?? {} });
    this.images = createImages({ random: world.random, log });
    const publicUrl = () => this.meta.settings.publicUrl;
    this.checkout = createCheckout({ random: world.random, log, publicUrl });
    this.tasks = createCloudTasks({ random: world.random, log });
    this.#taskPoster = createTaskPoster(world.setTimer);
    this.#poster = createWebhookPoster({
      setTimer: world.setTimer,
      concurrencyMax: options.webhookConcurrencyMax ?? 64,
      timeoutMs: options.webhookTimeoutMs ?? 10_000,
      ...(options.deliver ? { deliver: options.deliver } : {}),
    });
  }

  /** Takes what is due and sets the one timer for what comes next. To be called after every call of the machines. */
  pump(): void {
    if (this.#isClosed) return;
    for (const effect of this.meta.due(this.#world.nowMs())) this.#perform(effect);
    for (const event of this.checkout.due(this.#world.nowMs())) this.#tellPayment(event);
    for (const attempt of this.tasks.due(this.#world.nowMs())) this.#attemptTask(attempt);
    const ofTasks = this.tasks.nextDueAtMs(this.#world.nowMs());
    const dues = [this.meta.nextDueAtMs(), this.checkout.nextDueAtMs(), ofTasks].filter(
      (atMs) => atMs !== null,
    );
    const nextAtMs = Math.min(...dues);
    if (nextAtMs >= this.#armedAtMs) return;
    this.#disarm();
    this.#armedAtMs = nextAtMs;
    this.#disarm = this.#world.setTimer(Math.max(0, nextAtMs - this.#world.nowMs()), () => {
      this.#armedAtMs = Number.POSITIVE_INFINITY;
      this.pump();
    });
  }

  /** Keeps a request until its answer is let go. */
  hold(answerId: string, response: ServerResponse): void {
    this.#held.set(answerId, response);
    response.on('close', () => this.#held.delete(answerId));
  }

  /** After a reset nothing will let them go. */
  breakOffHeld(): void {
    for (const response of this.#held.values()) response.socket?.destroy();
    this.#held.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.#disarm();
    this.#poster.close();
    this.#taskPoster.close();
  }

  #tellPayment(event: WebhookAttempt): void {
    this.#poster.post(event, (end) => {
      this.checkout.eventAnswered(event.deliveryId, end, this.#world.nowMs());
      this.pump();
    });
  }

  #attemptTask(attempt: TaskAttempt): void {
    this.#taskPoster.post(attempt, (end) => {
      this.tasks.ended(attempt.attemptId, end, this.#world.nowMs());
      this.pump();
    });
  }

  #perform(effect: MetaEffect): void {
    if (effect.kind === 'webhook') {
      this.#poster.post(effect, (end) => {
        this.meta.webhookAnswered(effect.deliveryId, end, this.#world.nowMs());
        this.pump();
      });
    } else if (effect.kind === 'handshake') {
      this.#poster.get(effect.url, (end) => {
        this.meta.handshakeAnswered(effect.handshakeId, end, this.#world.nowMs());
        this.pump();
      });
    } else {
      const response = this.#held.get(effect.answerId);
      if (response && !response.destroyed) writeAnswer(response, effect.response);
    }
  }
}
