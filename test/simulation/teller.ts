/**
 * The business' own systems: they tell what happened at the door of any process that is up, under a key of their own, until
 * somebody has answered what they can believe. What they told is told again now and then, and now and then the same key comes
 * with other data, at about the same time, so that either may be first.
 */
import { createHash } from 'node:crypto';
import type { Store } from '#core/ports/store.ts';
import type { Timers } from '#core/ports/world.ts';
import type { Journal, Telling } from './journal.ts';
import type { Running } from './process.ts';

/** Whoever asks gives up after this, and asks again after that. */
const giveUpMs = 10_000;
const againMs = 1_500;
/** A process that has not heard of a new tenant yet turns its key away. */
const final: ReadonlySet<number> = new Set([200, 202, 400, 404, 409]);

export interface TellerOptions {
  journal: Journal;
  timers: Timers;
  random(stream: string): number;
  isRepeated(): boolean;
  hasOtherData(): boolean;
  running(): { process: number; running: Running }[];
}

export interface Fact {
  tenantId: string;
  phoneNumberId: string;
  phone: string;
  fact: string;
  name: string;
}

export const apiKeyOf = (tenantId: string) => `ndk_${tenantId.padEnd(43, '0')}`;

/** The key with which the systems of a tenant speak. @throws Fault where the store is away. */
export function makeKey(store: Store, tenantId: string, nowMs: number): Promise<void> {
  const digest = createHash('sha256').update(apiKeyOf(tenantId)).digest('hex');
  const key = { tenantId, keyId: `key_${tenantId}`, digest, label: 'shop', by: 'Ann', liveMax: 1, nowMs };
  return store.createApiKey(key);
}

export class Teller {
  readonly #options: TellerOptions;
  /** Tellings that nobody has answered yet. */
  waiting = 0;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  tell(fact: Fact): void {
    const { random, isRepeated, hasOtherData } = this.#options;
    const later = () => random('facts') ** 2 * 8_000;
    this.#say(fact, 0, 0);
    if (hasOtherData()) this.#say(fact, 1, random('facts') * 40);
    if (isRepeated()) this.#say(fact, 0, later());
  }

  #say(fact: Fact, variant: number, afterMs: number): void {
    this.waiting += 1;
    this.#options.timers.after(afterMs, () => void this.#ask(fact, variant));
  }

  #ask(fact: Fact, variant: number): void {
    const { running, random, timers, journal } = this.#options;
    const able = running();
    const target = able[Math.floor(random('balancer of facts') * able.length)];
    let isOver = false;
    const end = (status: number | null) => {
      if (isOver) return;
      isOver = true;
      giveUp();
      const { tenantId, fact: id } = fact;
      const process = target?.process ?? -1;
      if (status !== null)
        journal.note({ kind: 'tellingAnswered', process, tenantId, fact: id, variant, status });
      if (status !== null && final.has(status)) this.waiting -= 1;
      else timers.after(againMs, () => this.#ask(fact, variant));
    };
    const giveUp = timers.after(giveUpMs, () => end(null));
    if (target === undefined) return;
    const telling: Telling = { process: target.process, tenantId: fact.tenantId, fact: fact.fact, variant };
    target.running.world.timers.after(1, () => {
      journal.note({ kind: 'told', ...telling });
      void post(target.running, fact, variant).then((status) => {
        // Code of a dead process may run to its end, but nothing of it leaves any more.
        target.running.world.timers.after(1, () => end(status));
      });
    });
  }
}

async function post({ nightdesk }: Running, fact: Fact, variant: number): Promise<number> {
  const { tenantId, phoneNumberId, phone, name, fact: id } = fact;
  const caller = await nightdesk.events.callerOf(`Bearer ${apiKeyOf(tenantId)}`);
  if ('status' in caller) return caller.status;
  const body = { phoneNumberId, contact: { phone }, name, data: { fact: id, variant } };
  const rawBody = new TextEncoder().encode(JSON.stringify(body));
  return (await nightdesk.events.receive({ caller, idempotencyKey: id, rawBody })).status;
}
