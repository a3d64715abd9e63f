/**
 * A provider of paid work for towns: it counts every charge, honours idempotency keys or does not, and can fail in every
 * way that matters: without a charge, with one and no answer, by never answering.
 */
import type { HttpRequest } from '#core/ports/world.ts';
import type { VirtualAnswer } from '#testing/virtual-world.ts';

export const providerUrl = 'http://provider.test';

export type Mood =
  | 'works'
  /** 503, nothing charged. */
  | 'refuses'
  /** Charged, and the socket dies. */
  | 'losesAnswer'
  /** Never answers; charged. */
  | 'hangs';

export interface Charge {
  key: string;
  input: string;
}

export class Provider {
  /** What it does with the next requests; then it works. */
  readonly moods: Mood[] = [];
  honoursKeys = true;
  /** What it answers about a key that it was charged under. */
  knowsCharges = true;
  latencyMs = 500;
  costMicros = 30_000;
  readonly charges: Charge[] = [];
  requests = 0;
  lookups = 0;

  serve(request: HttpRequest): VirtualAnswer {
    const { pathname } = new URL(request.url);
    return pathname.startsWith('/charges/')
      ? this.#lookUp(decodeURIComponent(pathname.slice('/charges/'.length)))
      : this.#work(request);
  }

  #work(request: HttpRequest): VirtualAnswer {
    this.requests += 1;
    const key = request.headers['idempotency-key'] ?? '';
    const input = String(request.body);
    const mood = this.moods.shift() ?? 'works';
    const delayMs = this.latencyMs;
    if (mood === 'refuses') return this.#answer(503, {}, delayMs);
    if (!this.honoursKeys || !this.charges.some((each) => each.key === key))
      this.charges.push({ key, input });
    if (mood === 'losesAnswer') return { kind: 'lost', delayMs };
    if (mood === 'hangs') return { kind: 'hang', delayMs };
    return this.#answer(200, { drawn: input, costMicros: this.costMicros }, delayMs);
  }

  #lookUp(key: string): VirtualAnswer {
    this.lookups += 1;
    const charge = this.charges.find((each) => each.key === key);
    if (!this.knowsCharges) return this.#answer(500, {}, this.latencyMs);
    return charge === undefined
      ? this.#answer(404, {}, this.latencyMs)
      : this.#answer(200, { drawn: charge.input, costMicros: this.costMicros }, this.latencyMs);
  }

  #answer(status: number, body: unknown, delayMs: number): VirtualAnswer {
    return { kind: 'response', response: { status, headers: {}, body: JSON.stringify(body) }, delayMs };
  }
}
