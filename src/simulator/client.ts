/**
 * A typed client of the control API, for tests, benchmarks and chaos runs. It sends nothing itself: `request` is passed
 * in (an HTTP function, or the simulator's own in-process one), so it works in any world.
 */

import type { Contact, ContactSpec } from './contacts.ts';
import type { HistoryMessage } from './conversations.ts';
import type { SimulatorEvent } from './events-log.ts';
import type { FaultSettings, GraphErrorFault } from './faults.ts';
import type { HandshakeResult } from './handshakes.ts';
import type { AcceptedSend, SaidMessage } from './meta-state.ts';
import type { ModelCall, ModelStats } from './model-calls.ts';
import type { ModelSettings } from './model-settings.ts';
import type { PhoneNumber, Rules, Timings } from './settings.ts';

/** Compatible with the standard `fetch`. */
export type ControlRequest = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | null }
    : T;

export interface SimulatorSetup {
  appSecret?: string;
  verifyToken?: string;
  webhookUrl?: string | null;
  publicUrl?: string;
  wabas?: ReadonlyArray<string | { id: string; name?: string; subscribed?: boolean }>;
  phoneNumbers?: ReadonlyArray<{
    id: string;
    wabaId: string;
    displayNumber: string;
    verifiedName?: string;
    /** 80 by default, 0 for unlimited. */
    throughputPerSecond?: number;
  }>;
  accessTokens?: ReadonlyArray<
    string | { token: string; wabaIds?: readonly string[] | null; expired?: boolean }
  >;
  rules?: DeepPartial<Rules>;
  timings?: DeepPartial<Timings>;
}

/** What a contact says. Which fields a type takes stands in the header of inbound-content's builders. */
export interface Say {
  phoneNumberId: string;
  /** Our id, phone or BSUID; a phone or BSUID nobody has, or a spec, becomes a new contact. */
  contact: string | ContactSpec;
  type?: string;
  text?: string;
  replyTo?: string;
  referral?: boolean | object;
  [field: string]: unknown;
}

export type FaultPatch = DeepPartial<Omit<FaultSettings, 'graphError'>> & {
  graphError?: Partial<GraphErrorFault> | ReadonlyArray<Partial<GraphErrorFault>> | null;
};

export interface Counters {
  counters: Record<string, number>;
  waiting: { updates: number; inFlight: number; retrying: number; scheduled: number };
  accepted: number;
  said: number;
  model: ModelStats;
}

export interface SimulatorClient {
  setup(setup: SimulatorSetup): Promise<Record<string, unknown>>;
  getSetup(): Promise<Record<string, unknown>>;
  handshake(url?: string): Promise<HandshakeResult>;
  numbers(): Promise<Array<Omit<PhoneNumber, 'window'>>>;
  contacts(): Promise<Contact[]>;
  createContact(spec: ContactSpec): Promise<Contact>;
  changeContact(contact: string, spec: ContactSpec): Promise<Contact>;
  say(said: Say): Promise<SaidMessage>;
  sayMany(said: readonly Say[]): Promise<SaidMessage[]>;
  echo(echoed: { phoneNumberId: string; contact: string; text: string }): Promise<{ wamid: string }>;
  changeAddress(change: {
    phoneNumberId: string;
    contact: string;
    phone?: string;
    userId?: string;
  }): Promise<Contact>;
  change(change: { wabaId?: string; phoneNumberId?: string; field: string; value: object }): Promise<void>;
  messages(of: { phoneNumberId: string; contact: string; limit?: number }): Promise<HistoryMessage[]>;
  faults(): Promise<FaultSettings>;
  setFaults(patch: FaultPatch): Promise<FaultSettings>;
  clearFaults(): Promise<FaultSettings>;
  setModel(patch: DeepPartial<ModelSettings>): Promise<ModelSettings>;
  clearModel(): Promise<ModelSettings>;
  modelStats(): Promise<ModelStats>;
  modelCalls(limit?: number): Promise<ModelCall[]>;
  log(query?: { after?: number; limit?: number; kinds?: readonly string[] }): Promise<SimulatorEvent[]>;
  counters(): Promise<Counters>;
  /** Every accepted send from an index on, page by page. */
  accepted(from?: number): Promise<AcceptedSend[]>;
  said(from?: number): Promise<SaidMessage[]>;
  retryWebhooks(): Promise<number>;
  reset(options?: { everything?: boolean }): Promise<void>;
}

interface Page<T> {
  total: number;
  nextFrom: number;
  accepted?: T[];
  said?: T[];
}

type Query = Readonly<Record<string, string | number | undefined>>;

function pathWith(path: string, query: Query): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}

export function createSimulatorClient(
  baseUrl: string,
  options: { request: ControlRequest },
): SimulatorClient {
  const base = baseUrl.replace(/\/$/, '');
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await options.request(`${base}/_sim${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status !== 200) {
      throw new Error(`The simulator refused ${method} /_sim${path} with ${answer.status}: ${text}`);
    }
    return JSON.parse(text) as T;
  };
  const pages = async <T>(path: string, name: 'accepted' | 'said', from: number): Promise<T[]> => {
    const all: T[] = [];
    for (let at = from; ; ) {
      const page = await call<Page<T>>('GET', pathWith(path, { from: at, limit: 10_000 }));
      all.push(...(page[name] ?? []));
      if (page.nextFrom >= page.total) return all;
      at = page.nextFrom;
    }
  };

  return {
    setup: (setup) => call('POST', '/setup', setup),
    getSetup: () => call('GET', '/setup'),
    handshake: (url) => call('POST', '/handshake', url === undefined ? {} : { url }),
    numbers: async () =>
      (await call<{ numbers: Array<Omit<PhoneNumber, 'window'>> }>('GET', '/numbers')).numbers,
    contacts: async () => (await call<{ contacts: Contact[] }>('GET', '/contacts?limit=10000')).contacts,
    createContact: async (spec) => (await call<{ contact: Contact }>('POST', '/contacts', spec)).contact,
    changeContact: async (contact, spec) =>
      (await call<{ contact: Contact }>('PATCH', `/contacts/${encodeURIComponent(contact)}`, spec)).contact,
    say: async (said) => (await call<{ said: SaidMessage }>('POST', '/say', said)).said,
    sayMany: async (said) => (await call<{ said: SaidMessage[] }>('POST', '/say', said)).said,
    echo: (echoed) => call('POST', '/echo', echoed),
    changeAddress: async (change) => (await call<{ contact: Contact }>('POST', '/address', change)).contact,
    change: async (change) => {
      await call('POST', '/change', change);
    },
    messages: async (of) =>
      (await call<{ messages: HistoryMessage[] }>('GET', pathWith('/messages', { ...of }))).messages,
    faults: () => call('GET', '/faults'),
    setFaults: (patch) => call('POST', '/faults', patch),
    clearFaults: () => call('DELETE', '/faults'),
    setModel: async (patch) => (await call<{ settings: ModelSettings }>('POST', '/model', patch)).settings,
    clearModel: async () => (await call<{ settings: ModelSettings }>('DELETE', '/model')).settings,
    modelStats: async () => (await call<{ stats: ModelStats }>('GET', '/model')).stats,
    modelCalls: async (limit) =>
      (await call<{ calls: ModelCall[] }>('GET', pathWith('/model/calls', { limit }))).calls,
    log: async (query = {}) => {
      const path = pathWith('/log', {
        after: query.after,
        limit: query.limit,
        kinds: query.kinds?.join(','),
      });
      return (await call<{ events: SimulatorEvent[] }>('GET', path)).events;
    },
    counters: () => call('GET', '/counters'),
    accepted: (from = 0) => pages<AcceptedSend>('/accepted', 'accepted', from),
    said: (from = 0) => pages<SaidMessage>('/said', 'said', from),
    retryWebhooks: async () => (await call<{ retried: number }>('POST', '/webhooks/retry', {})).retried,
    reset: async (resetOptions = {}) => {
      await call('POST', '/reset', resetOptions);
    },
  };
}
