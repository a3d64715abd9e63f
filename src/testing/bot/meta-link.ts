/**
 * Between the look-alike of Meta and a Nightdesk in the same virtual world: Graph requests one way, webhooks and
 * handshakes the other, each by timers of the world, so that nothing is out of its order.
 */
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import type { Meta, MetaEffect, WebhookAttempt, WebhookEnd } from '#simulator/index.ts';
import type { VirtualAnswer, VirtualWorld } from '../virtual-world.ts';

export const graphUrl = 'http://graph.test';
export const hookUrl = 'http://bot.test/webhooks/whatsapp';

/** Meta gives up waiting for an answer after this. */
const webhookTimeoutMs = 10_000;
const attachments = '/whatsapp_business/attachments';

type HandshakeRequest = Extract<MetaEffect, { kind: 'handshake' }>;

/** The bot's side; null while it is down. */
export interface Receiver {
  /** Settled when the bot has answered; never where it died meanwhile. */
  receive(attempt: WebhookAttempt): Promise<WebhookEnd>;
  handshake(url: string): { status: number; body: string };
}

export interface MetaLinkOptions {
  meta: Meta;
  world: VirtualWorld;
  receiver: () => Receiver | null;
}

export class MetaLink {
  readonly #options: MetaLinkOptions;
  readonly #held = new Map<string, (response: HttpResponse) => void>();
  readonly #underWay = new Set<(end: WebhookEnd) => void>();
  #alarm: { atMs: number; cancel: () => void } | null = null;

  constructor(options: MetaLinkOptions) {
    this.#options = options;
    options.world.serve(graphUrl, (request) => this.#serve(request));
  }

  /** The bot died: its connections break. */
  broken(): void {
    for (const end of [...this.#underWay]) end({ failed: true });
  }

  /** To be called after everything that makes Meta do something. */
  pump(): void {
    const { meta, world } = this.#options;
    const dueAtMs = meta.nextDueAtMs();
    if (dueAtMs === null) return;
    const atMs = Math.max(dueAtMs, world.nowMs());
    if (this.#alarm !== null && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    const cancel = world.timers.after(atMs - world.nowMs(), () => {
      this.#alarm = null;
      for (const effect of meta.due(world.nowMs())) this.#perform(effect);
      this.pump();
    });
    this.#alarm = { atMs, cancel };
  }

  #serve(request: HttpRequest): VirtualAnswer {
    const { meta, world } = this.#options;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.startsWith(attachments)) return this.#attachment(request, searchParams);
    const answer = meta.handle(
      {
        method: request.method,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: request.headers,
        body: request.body ?? '',
      },
      world.nowMs(),
    );
    this.pump();
    if (answer.kind !== 'held') return answer;
    const response = new Promise<HttpResponse>((resolve) => this.#held.set(answer.answerId, resolve));
    return { kind: 'later', response, delayMs: 0 };
  }

  #attachment(request: HttpRequest, query: URLSearchParams): VirtualAnswer {
    const { meta, world } = this.#options;
    const file = meta.media.open(Object.fromEntries(query), world.nowMs());
    const token = Object.entries(request.headers).find(([name]) => name.toLowerCase() === 'authorization');
    const isAllowed = meta.isTokenGood(token?.[1], world.nowMs());
    const answer = (status: number, response: Partial<HttpResponse>): VirtualAnswer => ({
      kind: 'response',
      response: { status, headers: {}, body: '', ...response },
      delayMs: 0,
    });
    if (!isAllowed) return answer(401, { body: 'A media URL needs the access token.' });
    if (file === null) return answer(404, { body: 'There is no such file.' });
    const headers = { 'content-type': file.mimeType, 'content-length': String(file.bytes.length) };
    return answer(200, { headers, bytes: file.bytes });
  }

  #perform(effect: MetaEffect): void {
    if (effect.kind === 'webhook') this.#deliver(effect);
    else if (effect.kind === 'handshake') this.#shakeHands(effect);
    else {
      const { status, headers, body } = effect.response;
      this.#held.get(effect.answerId)?.({ status, headers: { ...headers }, body });
      this.#held.delete(effect.answerId);
    }
  }

  #deliver(attempt: WebhookAttempt): void {
    const { meta, world } = this.#options;
    const end = (how: WebhookEnd): void => {
      if (!this.#underWay.delete(end)) return;
      giveUp();
      meta.webhookAnswered(attempt.deliveryId, how, world.nowMs());
      this.pump();
    };
    this.#underWay.add(end);
    const giveUp = world.timers.after(webhookTimeoutMs, () => end({ failed: true }));
    const receiver = this.#options.receiver();
    if (receiver === null) end({ failed: true });
    else void receiver.receive(attempt).then(end);
  }

  #shakeHands({ handshakeId, url }: HandshakeRequest): void {
    const { meta, world } = this.#options;
    const answer = this.#options.receiver()?.handshake(url);
    meta.handshakeAnswered(handshakeId, answer ?? { failed: true }, world.nowMs());
    this.pump();
  }
}
