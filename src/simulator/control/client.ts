/**
 * A typed client of the control API, for tests, benchmarks and chaos runs. It sends nothing itself: `request` is passed
 * in (an HTTP function, or the simulator's own in-process one), so it works in any world.
 */

import type { ModelCall, ModelStats } from '../anthropic/model-calls.ts';
import type { ModelSettings } from '../anthropic/model-settings.ts';
import type { Checkout, CheckoutStats } from '../checkout/checkout.ts';
import type { CheckoutSettings } from '../checkout/checkout-settings.ts';
import type { Contact, ContactSpec } from '../contacts.ts';
import type { HistoryMessage } from '../conversations.ts';
import type { SimulatorEvent } from '../events-log.ts';
import type { FaultSettings, GraphErrorFault, Trigger, TriggerSpan } from '../faults.ts';
import type { ImageCharge, ImageSettings, ImageStats } from '../images/images.ts';
import type { AcceptedSend, SaidMessage } from '../meta-state.ts';
import type { AccessToken, PhoneNumber, Rules, Timings } from '../settings.ts';
import type { ShownTemplate } from '../templates/moderation.ts';
import type { TemplateQuality, TemplateStatus } from '../templates/template.ts';
import type { HandshakeResult } from '../webhooks/handshakes.ts';

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

export interface TokenSpec {
  token: string;
  wabaIds?: readonly string[] | null;
  expired?: boolean;
  expiresAtMs?: number | null;
  invalidated?: boolean;
  /** whatsapp_business_messaging, whatsapp_business_management; null for all. */
  permissions?: readonly string[] | null;
}

export interface TemplateSpec {
  wabaId: string;
  name: string;
  components: readonly object[];
  language?: string;
  category?: string;
  parameterFormat?: 'NAMED' | 'POSITIONAL';
  status?: TemplateStatus;
}

export interface SimulatorSetup {
  appSecret?: string;
  verifyToken?: string;
  webhookUrl?: string | null;
  publicUrl?: string;
  appId?: string;
  appName?: string;
  webhookFields?: readonly string[];
  /** Graph's versions that are served, as "v26.0". */
  graphVersions?: readonly string[];
  portfolios?: ReadonlyArray<{ id: string; messagingLimitTier?: string }>;
  wabas?: ReadonlyArray<
    string | { id: string; name?: string; subscribed?: boolean; portfolioId?: string; shows?: object }
  >;
  phoneNumbers?: ReadonlyArray<{
    id: string;
    wabaId: string;
    displayNumber: string;
    verifiedName?: string;
    /** 80 by default, 0 for unlimited. */
    throughputPerSecond?: number;
    /** Also used in the WhatsApp Business app: 20 a second. */
    coexistence?: boolean;
    /** CONNECTED, PENDING, BANNED, ... */
    status?: string;
    qualityRating?: string;
    /** The phones that a test number may write to; null for everybody. */
    allowedRecipients?: readonly string[] | null;
    /** Values of Graph's fields for reads, for example { name_status: 'DECLINED' }. */
    shows?: object;
  }>;
  accessTokens?: ReadonlyArray<string | TokenSpec>;
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

type GraphErrorPatch = Partial<GraphErrorFault & TriggerSpan>;

export type FaultPatch = {
  [K in Exclude<keyof FaultSettings, 'graphError'>]?: DeepPartial<
    FaultSettings[K] & (FaultSettings[K] extends Trigger ? TriggerSpan : object)
  > | null;
} & {
  graphError?: GraphErrorPatch | readonly GraphErrorPatch[] | null;
};

export interface Counters {
  counters: Record<string, number>;
  waiting: { updates: number; inFlight: number; retrying: number; scheduled: number };
  accepted: number;
  said: number;
  model: ModelStats;
}

export interface Chat {
  contact: Contact;
  /** The business is shown as typing until then; 0 where it never was. */
  typingUntilMs: number;
  /** When the service window closes; null where the contact never wrote. */
  windowUntilMs: number | null;
  messages: HistoryMessage[];
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
  /** By the owner's own phone, by another app of the business, or by Meta's hosted agent. */
  echo(echoed: Say & { by?: 'owner' | 'app' | 'agent' }): Promise<{ wamid: string }>;
  /** Meta's hosted agent takes the conversation, or gives it to the app. */
  handOver(handover: {
    phoneNumberId: string;
    contact: string;
    to: 'agent' | 'app';
  }): Promise<{ changed: boolean }>;
  /** A coexistence number shares its past chats. */
  tellHistory(of: {
    phoneNumberId: string;
    messagesMax?: number;
    declined?: boolean;
  }): Promise<{ webhooks: number }>;
  changeAddress(change: {
    phoneNumberId: string;
    contact: string;
    phone?: string;
    userId?: string;
    parentUserId?: string;
    identityHash?: string;
  }): Promise<Contact>;
  /** Without a value: what Meta's pages show of that field, about this number and contact. */
  change(change: {
    wabaId?: string;
    phoneNumberId?: string;
    field: string;
    value?: object;
    [detail: string]: unknown;
  }): Promise<void>;
  messages(of: { phoneNumberId: string; contact: string; limit?: number }): Promise<HistoryMessage[]>;
  /** What the contact's phone shows of one chat. */
  chat(of: { phoneNumberId: string; contact: string; limit?: number }): Promise<Chat>;
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
  templates(wabaId: string): Promise<ShownTemplate[]>;
  /** As if reviewed long ago; approved unless told otherwise. */
  addTemplate(spec: TemplateSpec): Promise<ShownTemplate>;
  /** Meta decides about a template, and tells by webhook. */
  changeTemplate(
    id: string,
    change: {
      status?: TemplateStatus;
      reason?: string;
      quality?: TemplateQuality;
      category?: string;
      /** Sends are held for a while, and fail if it is paused meanwhile. */
      isPaced?: boolean;
    },
  ): Promise<ShownTemplate>;
  /** Adds a token, or changes one: let it expire, take it back, take its permissions away. */
  changeToken(change: TokenSpec & { expiresInMs?: number }): Promise<AccessToken>;
  retryWebhooks(): Promise<number>;
  reset(options?: { everything?: boolean }): Promise<void>;
  setImages(patch: DeepPartial<ImageSettings>): Promise<ImageSettings>;
  clearImages(): Promise<ImageSettings>;
  imageStats(): Promise<ImageStats>;
  imageCharges(): Promise<ImageCharge[]>;
  setCheckout(patch: DeepPartial<CheckoutSettings>): Promise<CheckoutSettings>;
  clearCheckout(): Promise<CheckoutSettings>;
  checkoutStats(): Promise<CheckoutStats>;
  checkouts(): Promise<Checkout[]>;
  /** What a customer does on the page that has this id. */
  pay(id: string): Promise<Checkout>;
  declinePayment(id: string): Promise<Checkout>;
  expireCheckout(id: string): Promise<Checkout>;
  retryPaymentEvents(): Promise<number>;
  /** Any route of the control API, for who plays a recorded day again; `path` is what follows /_sim. */
  drive(method: string, path: string, body: unknown): Promise<unknown>;
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
    handOver: (handover) => call('POST', '/handover', handover),
    tellHistory: (of) => call('POST', '/history', of),
    changeAddress: async (change) => (await call<{ contact: Contact }>('POST', '/address', change)).contact,
    change: async (change) => {
      await call('POST', '/change', change);
    },
    messages: async (of) =>
      (await call<{ messages: HistoryMessage[] }>('GET', pathWith('/messages', { ...of }))).messages,
    chat: (of) => call('GET', pathWith('/messages', { ...of })),
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
    templates: async (wabaId) =>
      (await call<{ templates: ShownTemplate[] }>('GET', pathWith('/templates', { wabaId }))).templates,
    addTemplate: async (spec) =>
      (await call<{ template: ShownTemplate }>('POST', '/templates', spec)).template,
    changeTemplate: async (id, change) =>
      (await call<{ template: ShownTemplate }>('PATCH', `/templates/${encodeURIComponent(id)}`, change))
        .template,
    changeToken: async (change) => (await call<{ token: AccessToken }>('POST', '/tokens', change)).token,
    retryWebhooks: async () => (await call<{ retried: number }>('POST', '/webhooks/retry', {})).retried,
    reset: async (resetOptions = {}) => {
      await call('POST', '/reset', resetOptions);
    },
    setImages: async (patch) => (await call<{ settings: ImageSettings }>('POST', '/images', patch)).settings,
    clearImages: async () => (await call<{ settings: ImageSettings }>('DELETE', '/images')).settings,
    imageStats: async () => (await call<{ stats: ImageStats }>('GET', '/images')).stats,
    imageCharges: async () => (await call<{ charges: ImageCharge[] }>('GET', '/images/charges')).charges,
    setCheckout: async (patch) =>
      (await call<{ settings: CheckoutSettings }>('POST', '/checkout', patch)).settings,
    clearCheckout: async () => (await call<{ settings: CheckoutSettings }>('DELETE', '/checkout')).settings,
    checkoutStats: async () => (await call<{ stats: CheckoutStats }>('GET', '/checkout')).stats,
    checkouts: async () => (await call<{ checkouts: Checkout[] }>('GET', '/checkout/list')).checkouts,
    pay: async (id) => (await call<{ checkout: Checkout }>('POST', '/checkout/pay', { id })).checkout,
    declinePayment: async (id) =>
      (await call<{ checkout: Checkout }>('POST', '/checkout/decline', { id })).checkout,
    expireCheckout: async (id) =>
      (await call<{ checkout: Checkout }>('POST', '/checkout/expire', { id })).checkout,
    retryPaymentEvents: async () => (await call<{ retried: number }>('POST', '/checkout/retry', {})).retried,
    drive: (method, path, body) => call(method, path, body),
  };
}
