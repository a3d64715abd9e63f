/**
 * Between the look-alike of Meta and the processes: Graph calls one way, webhooks the other, each seen by the journal.
 * A webhook goes to any process that is up, waits at one that is paused, and fails with one that dies.
 */
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import type { Meta } from '#simulator/index.ts';
import type { VirtualAnswer, VirtualWorld } from '#testing/virtual-world.ts';
import type { GraphCall, Journal, StatusSeen } from './journal.ts';
import { graphUrl, type Running } from './process.ts';

/** Meta gives up waiting for an answer after this. */
const webhookTimeoutMs = 10_000;

export interface MetaLinkOptions {
  meta: Meta;
  world: VirtualWorld;
  journal: Journal;
  calls: WeakMap<HttpRequest, GraphCall>;
  networkMs: { minMs: number; maxMs: number };
  random(stream: string): number;
  connectionRefused(): boolean;
  /** Who may get a webhook now. */
  running(): { process: number; running: Running }[];
}

export class MetaLink {
  readonly #options: MetaLinkOptions;
  readonly #held = new Map<string, (response: HttpResponse) => void>();
  readonly #underWay = new Map<number, Set<(end: { failed: true }) => void>>();
  #alarm: { atMs: number; cancel: () => void } | null = null;
  /** Graph cannot be reached until this time. */
  awayUntilMs = 0;

  constructor(options: MetaLinkOptions) {
    this.#options = options;
    const { networkMs } = options;
    options.world.serve(graphUrl, (request) => this.#graph(request), { networkMs });
  }

  /** The connections of a process that died break. */
  processDied(process: number): void {
    const ends = [...(this.#underWay.get(process) ?? [])];
    for (const end of ends) end({ failed: true });
  }

  #graph(request: HttpRequest): VirtualAnswer {
    const { meta, world, journal, calls } = this.#options;
    if (world.nowMs() < this.awayUntilMs || this.#options.connectionRefused())
      return { kind: 'notSent', code: 'ECONNREFUSED', delayMs: 0 };
    const { pathname, searchParams } = new URL(request.url);
    const before = meta.accepted.length;
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
    const call = calls.get(request);
    if (call !== undefined) {
      const accepted = meta.accepted.length > before ? meta.accepted.at(-1) : undefined;
      const code = accepted === undefined && answer.kind === 'response' ? codeOf(answer.response) : null;
      journal.note({ kind: 'arrived', ...call, wamid: accepted?.wamid ?? null, code });
    }
    this.pump();
    if (answer.kind !== 'held') return answer;
    const response = new Promise<HttpResponse>((resolve) => this.#held.set(answer.answerId, resolve));
    return { kind: 'later', response, delayMs: 0 };
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
      for (const effect of meta.due(world.nowMs())) {
        if (effect.kind === 'answer')
          this.#held.get(effect.answerId)?.({ ...effect.response, headers: { ...effect.response.headers } });
        else if (effect.kind === 'webhook')
          this.#deliver(effect.deliveryId, effect.body, effect.headers['x-hub-signature-256']);
      }
      this.pump();
    });
    this.#alarm = { atMs, cancel };
  }

  #deliver(delivery: string, rawBody: Uint8Array, signature: string | undefined): void {
    const { meta, world, journal, random } = this.#options;
    const running = this.#options.running();
    const target = running[Math.floor(random('balancer') * running.length)];
    if (target === undefined) {
      meta.webhookAnswered(delivery, { failed: true }, world.nowMs());
      this.pump();
      return;
    }
    const { process, running: to } = target;
    const content = contentOf(rawBody);
    const underWay = this.#underWay.get(process) ?? new Set();
    this.#underWay.set(process, underWay);
    const end = (how: { status: number } | { failed: true }) => {
      if (!underWay.delete(end)) return;
      giveUp();
      meta.webhookAnswered(delivery, how, world.nowMs());
      this.pump();
    };
    underWay.add(end);
    const giveUp = world.timers.after(webhookTimeoutMs, () => end({ failed: true }));
    journal.note({ kind: 'posted', process, delivery, ...content });
    to.world.timers.after(1, () => {
      void to.webhook.receive({ rawBody, signature }).then(({ status }) => {
        // Code of a dead process may run to its end, but nothing of it leaves any more.
        if (!to.world.isAlive) return;
        journal.note({ kind: 'acknowledged', process, delivery, status, ...content });
        end({ status });
      });
    });
  }
}

function codeOf(response: HttpResponse | { status: number; body: string }): number {
  try {
    const { error } = JSON.parse(response.body) as { error?: { code?: number } };
    return error?.code ?? response.status;
  } catch {
    return response.status;
  }
}

interface Change {
  value?: {
    messages?: { id: string }[];
    statuses?: { id: string; status: string; biz_opaque_callback_data?: string }[];
    message_echoes?: { id: string }[];
  };
}

function contentOf(body: Uint8Array): { messages: string[]; statuses: StatusSeen[] } {
  const { entry = [] } = JSON.parse(new TextDecoder().decode(body)) as { entry?: { changes?: Change[] }[] };
  const values = entry.flatMap(({ changes = [] }) => changes.map(({ value }) => value ?? {}));
  return {
    messages: values.flatMap(({ messages = [], message_echoes = [] }) =>
      [...messages, ...message_echoes].map(({ id }) => id),
    ),
    statuses: values.flatMap(({ statuses = [] }) =>
      statuses.map(({ id, status, biz_opaque_callback_data }) => ({
        wamid: id,
        status,
        opaque: biz_opaque_callback_data ?? null,
      })),
    ),
  };
}
