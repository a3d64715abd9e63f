/**
 * One process of a simulated installation: the real Nightdesk in a world that can be killed and paused, with everything
 * that goes in and out of it seen by the journal: its store is far away, and its wakes get lost and repeated.
 */
import type { Store } from '#core/ports/store.ts';
import type { Wake } from '#core/ports/wake.ts';
import { type Http, HttpFault, type HttpRequest, type World } from '#core/ports/world.ts';
import { readConfig } from '#runtime/config.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { Secrets } from '#runtime/world/secrets.ts';
import type { VirtualProcess } from '#testing/virtual-world.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { steps } from './dialogs.ts';
import { distantStore } from './distant-store.ts';
import type { GraphCall, Journal } from './journal.ts';
import { createSimulatedModel } from './model.ts';
import type { Plan, RateName } from './plan.ts';
import { seenProvider } from './provider.ts';
import { createShop } from './shop.ts';
import type { Variant } from './variant.ts';

/** What all processes of a simulation share. */
export interface Shared {
  readonly plan: Plan;
  readonly variant: Variant | undefined;
  readonly store: Store;
  readonly journal: Journal;
  /** One stream of chance for each kind of fault, so that cutting one out of a plan leaves the others as they were. */
  random(stream: string): number;
  isHealed(): boolean;
  /** Called when the store has answered, before its caller hears of it. */
  onStored(): void;
  pause(process: number, forMs: number): void;
  nextCall(): number;
  calls: WeakMap<HttpRequest, GraphCall>;
}

export const appSecret = 'the app secret of the simulation';
export const graphUrl = 'http://graph.test';
export const tokenOf = (tenantId: string) => `token of ${tenantId}`;

/** Sealing draws from the machine's own chance; here secrets stay as they are. */
class PlainSecrets extends Secrets {
  override seal(text: string): string {
    return text;
  }
}

export interface Running {
  readonly world: VirtualProcess;
  readonly nightdesk: Nightdesk;
  readonly webhook: Nightdesk['webhook'];
}

export async function createProcess(
  process: number,
  virtual: VirtualProcess,
  shared: Shared,
): Promise<Running> {
  const { plan, variant } = shared;
  const env = { DATABASE_URL: 'sqlite::memory:', GRAPH_API_URL: graphUrl, WHATSAPP_APP_SECRET: appSecret };
  const config = await readConfig({ env, folder: '/nowhere' });
  const { clock, random, timers, log } = virtual;
  const bare = { clock, random, timers, log, http: virtual.http };
  const around = { process, world: bare };
  const http = variant?.http?.(virtual.http, around) ?? virtual.http;
  const { journal, nextCall } = shared;
  const provided = seenProvider(http, { process, journal, nextCall });
  const world: World = { ...bare, http: seenHttp(process, provided, shared) };
  const store = variant?.store?.(shared.store, around) ?? shared.store;
  const nightdesk = createNightdesk({
    config: { ...config, file: { dialogs: [steps, createShop(plan.paid)] } },
    world,
    store: distantStore(process, store, virtual, shared),
    secrets: new PlainSecrets(['a key of at least thirty-two characters']),
    model: createSimulatedModel({
      ...{ process, plan, timers, journal, nextCall },
      random: () => shared.random('model'),
      isHealed: shared.isHealed,
    }),
    wake: unreliableWake(createLocalWake(world), shared),
    // The owner of a file has no connection that could break; whoever's answers get lost is one of several by its leases.
    singleOwner: plan.processes === 1 && Object.keys(plan.lostAnswers).length === 0,
  });
  return {
    world: virtual,
    nightdesk,
    webhook: variant?.webhook?.(nightdesk.webhook, around) ?? nightdesk.webhook,
  };
}

export const happens = (shared: Shared, name: RateName) =>
  !shared.isHealed() && shared.random(name) < shared.plan.rates[name];

function unreliableWake(wake: Wake, shared: Shared): Wake {
  return {
    notify(ref, atMs) {
      if (happens(shared, 'wakeLost')) return;
      wake.notify(ref, atMs);
      if (happens(shared, 'wakeRepeated')) wake.notify(ref, atMs);
    },
    next: (max) => wake.next(max),
    looked: (ref) => wake.looked(ref),
    onReady: (listener) => wake.onReady(listener),
    depth: () => wake.depth(),
    stop: () => wake.stop(),
  };
}

function seenHttp(process: number, http: Http, shared: Shared): Http {
  return {
    async request(request) {
      const call = callOf(process, request, shared);
      if (call === null) return http.request(request);
      shared.calls.set(request, call);
      shared.journal.note({ kind: 'written', ...call });
      try {
        const response = await http.request(request);
        shared.journal.note({ kind: 'heard', ...call, how: String(response.status) });
        return response;
      } catch (error) {
        const how = error instanceof HttpFault ? `${error.phase}: ${error.code}` : 'an error';
        shared.journal.note({ kind: 'heard', ...call, how });
        throw error;
      }
    },
  };
}

interface SendBody {
  to?: string;
  recipient?: string;
  text?: { body?: string };
  interactive?: { body?: { text?: string } };
  type?: string;
  biz_opaque_callback_data?: string;
}

/** What a request says to a customer; null for what is no send (read receipts, media). */
function callOf(process: number, { url, headers, body }: HttpRequest, shared: Shared): GraphCall | null {
  if (!url.endsWith('/messages') || typeof body !== 'string') return null;
  const send = JSON.parse(body) as SendBody;
  if (send.biz_opaque_callback_data === undefined) return null;
  const authorization = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  return {
    call: shared.nextCall(),
    process,
    phoneNumberId: new URL(url).pathname.split('/').at(-2) ?? '',
    tenantId: authorization?.replace('Bearer token of ', '') ?? '',
    to: send.to ?? send.recipient ?? '',
    text: send.text?.body ?? send.interactive?.body?.text ?? `(${send.type})`,
    sendId: send.biz_opaque_callback_data,
  };
}
