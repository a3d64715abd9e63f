/**
 * The provider of paid work in a simulation: it charges when a request arrives, counts every charge, honours idempotency
 * keys or does not, and goes wrong as the plan says: it is away, refuses, fails, never answers, loses its answer or
 * answers when nobody waits any more, each with a charge or without one. Its look-up knows every charge, unless it is away.
 */
import { type Http, HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import type { VirtualAnswer } from '#testing/virtual-world.ts';
import type { Journal, PaidCall } from './journal.ts';
import type { Plan, RateName } from './plan.ts';
import { providerUrl, reservedMicros } from './shop.ts';

export interface ProviderOptions {
  plan: Plan;
  journal: Journal;
  /** In [0, 1), of the provider's own stream. */
  random(): number;
  isHealed(): boolean;
}

interface Charge {
  picture: string;
  amountMicros: number;
  /** It was charged for and cannot be shown any more. */
  isLost: boolean;
}

/** What becomes of a request, and whether it costs something. */
const fates: readonly (readonly [RateName, 'charged' | 'free'])[] = [
  ['providerBusy', 'free'],
  ['providerFails', 'free'],
  ['providerHangs', 'free'],
  ['providerFailsCharged', 'charged'],
  ['providerHangsCharged', 'charged'],
  ['providerLosesAnswer', 'charged'],
  ['providerAnswersLate', 'charged'],
];

export class Provider {
  readonly #options: ProviderOptions;
  /** By tenant and key, the last charge. */
  readonly #charges = new Map<string, Charge>();

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  serve(request: HttpRequest): VirtualAnswer {
    if (this.#happens('providerAway')) return { kind: 'notSent', code: 'ECONNREFUSED', delayMs: 0 };
    const tenantId = request.headers['x-tenant'] ?? '';
    const { pathname } = new URL(request.url);
    const lookedUp = pathname.split('/charges/')[1];
    if (lookedUp !== undefined) return this.#lookUp(tenantId, decodeURIComponent(lookedUp));
    return this.#work(tenantId, request.headers['idempotency-key'] ?? '');
  }

  #happens(rate: RateName): boolean {
    const { plan, random, isHealed } = this.#options;
    return random() < plan.rates[rate] && !isHealed();
  }

  #work(tenantId: string, key: string): VirtualAnswer {
    const { plan, journal, random } = this.#options;
    const { latencyMs, requestTimeoutMs } = plan.paid;
    const delayMs = latencyMs.minMs + random() * (latencyMs.maxMs - latencyMs.minMs);
    const [fate, cost] = fates.find(([rate]) => this.#happens(rate)) ?? [null, 'charged'];
    const known = this.#known(tenantId, key);
    const charge = cost === 'charged' ? (known ?? this.#charge(tenantId, key)) : null;
    const amountMicros = charge === null || charge === known ? null : charge.amountMicros;
    journal.note({ kind: 'provided', tenantId, key, how: fate ?? 'answers', amountMicros });
    if (fate === 'providerBusy') return response(random() < 0.7 ? 503 : 400, {}, delayMs);
    if (fate === 'providerHangs' || fate === 'providerHangsCharged') return { kind: 'hang', delayMs };
    if (fate === 'providerLosesAnswer') return { kind: 'lost', delayMs };
    if (charge === null || fate === 'providerFailsCharged') return response(500, {}, delayMs);
    return response(200, charge, fate === 'providerAnswersLate' ? requestTimeoutMs + delayMs : delayMs);
  }

  #known(tenantId: string, key: string): Charge | undefined {
    return this.#options.plan.paid.honoursKeys ? this.#charges.get(`${tenantId} ${key}`) : undefined;
  }

  #charge(tenantId: string, key: string): Charge {
    const amountMicros = Math.ceil((0.4 + 0.6 * this.#options.random()) * reservedMicros);
    const charge = { picture: `picture of ${key}`, amountMicros, isLost: this.#happens('resultLost') };
    this.#charges.set(`${tenantId} ${key}`, charge);
    return charge;
  }

  #lookUp(tenantId: string, key: string): VirtualAnswer {
    const delayMs = this.#options.plan.paid.latencyMs.minMs;
    if (this.#happens('lookupUnknown')) return response(500, {}, delayMs);
    const charge = this.#charges.get(`${tenantId} ${key}`);
    if (charge === undefined) return response(404, {}, delayMs);
    return response(charge.isLost ? 410 : 200, charge, delayMs);
  }
}

function response(status: number, body: unknown, delayMs: number): VirtualAnswer {
  return { kind: 'response', response: { status, headers: {}, body: JSON.stringify(body) }, delayMs };
}

export interface SeenProviderOptions {
  process: number;
  journal: Journal;
  nextCall(): number;
}

/** What a process asks of the provider and hears of it, as the journal has it. */
export function seenProvider(http: Http, { process, journal, nextCall }: SeenProviderOptions): Http {
  return {
    async request(request) {
      if (!request.url.startsWith(providerUrl)) return http.request(request);
      const call: PaidCall = { call: nextCall(), process, ...aboutOf(request) };
      const isLookup = request.url.includes('/charges/');
      journal.note({ kind: isLookup ? 'lookedUp' : 'paidAsked', ...call });
      const heard = (how: string) =>
        journal.note({ kind: isLookup ? 'lookupHeard' : 'paidHeard', ...call, how });
      try {
        const answered: HttpResponse = await http.request(request);
        heard(String(answered.status));
        return answered;
      } catch (error) {
        heard(error instanceof HttpFault ? `${error.phase}: ${error.code}` : 'an error');
        throw error;
      }
    },
  };
}

function aboutOf({ url, headers }: HttpRequest): Pick<PaidCall, 'tenantId' | 'key'> {
  const key = headers['idempotency-key'] ?? decodeURIComponent(url.split('/charges/')[1] ?? '');
  return { tenantId: headers['x-tenant'] ?? '', key };
}
