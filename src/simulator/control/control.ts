/**
 * The control API: how a person's page, a test, a benchmark or a chaos run drives the simulator. JSON in, JSON out, all
 * under /_sim; a refused request answers { "error": "what is wrong and what to do" }.
 *
 * For a phone page
 *   GET    /_sim/numbers                          { numbers: [{ id, displayNumber, verifiedName, wabaId, ... }] }
 *   GET    /_sim/contacts?limit=                  { contacts: [{ id, name, phone, userId, username, ... }] }
 *   POST   /_sim/contacts                         { name?, phone?, userId?, parentUserId?, username?, phoneHidden?, receipts? }
 *   GET, PATCH /_sim/contacts/{contact}           contact: our id, phone or BSUID
 *   POST   /_sim/say                              { phoneNumberId, contact, type: "text", text, replyTo?, ... } or a list of them
 *   GET    /_sim/conversations?phoneNumberId=     newest first: { conversations: [{ phoneNumberId, contact, lastMessage, ... }] }
 *   GET    /_sim/messages?phoneNumberId=&contact=&limit=   { contact, typingUntilMs, windowUntilMs, messages: [...] }
 *   GET    /_sim/events?after=                    server-sent events: everything in the log, live (served by the shell)
 * Other ways to speak
 *   POST   /_sim/echo                             { phoneNumberId, contact, by?: "owner" | "app" | "agent", text | type, ... }
 *   POST   /_sim/handover                         { phoneNumberId, contact, to: "agent" | "app" }: who holds the conversation
 *   POST   /_sim/history                          { phoneNumberId, messagesMax?, declined? }: a coexistence number shares its past
 *   POST   /_sim/address                          { phoneNumberId, contact, phone?, userId?, identityHash? }: the ids really change
 *   POST   /_sim/change                           { wabaId | phoneNumberId, field, value? }: any account-level webhook
 *   Templates and tokens: see moderation-routes.ts
 * Setting up
 *   GET, POST /_sim/setup                         { appSecret, verifyToken, webhookUrl, wabas, phoneNumbers, accessTokens, rules, timings }
 *   POST   /_sim/handshake                        { url? }: Meta's GET verification; answers { ok, httpStatus, reason }
 *   GET, POST, DELETE /_sim/faults                partial settings; null switches one off
 *   GET, POST, DELETE /_sim/model                 partial settings of the model look-alike; GET adds its stats
 *   GET, POST, DELETE /_sim/images                partial settings of the image look-alike, with its stats; /charges lists
 *   GET, POST, DELETE /_sim/checkout              partial settings of the checkout look-alike, with its stats; /list lists
 *   GET, POST, DELETE /_sim/tasks                 partial settings of the look-alike of Cloud Tasks, with its stats; /list lists
 *   POST   /_sim/tasks/rotate                     { withdraw? }: a new key signs the tokens that tasks bring
 *   POST   /_sim/checkout/pay, /decline, /expire  { id }: what a customer does on the page
 *   POST   /_sim/checkout/retry                   every waiting payment event is due now
 *   POST   /_sim/webhooks/retry                   every waiting retry is due now
 *   POST   /_sim/reset                            { everything?: true }
 * Evidence
 *   GET    /_sim/accepted?from=&limit=            every accepted send, by index
 *   GET    /_sim/said?from=&limit=                everything contacts said, by index
 *   GET    /_sim/log?after=&limit=&kinds=a,b      the newest events
 *   GET    /_sim/counters                         totals, what is waiting, the model's stats
 *   GET    /_sim/model/calls?limit=
 */
import type { Anthropic } from '../anthropic/anthropic.ts';
import type { CheckoutDesk } from '../checkout/checkout.ts';
import type { CloudTasks } from '../cloud-tasks/tasks.ts';
import { readContactSpec } from '../contacts.ts';
import { type Conversation, SERVICE_WINDOW_MS } from '../conversations.ts';
import type { GraphRequest } from '../graph/graph-surface.ts';
import type { Images } from '../images/images.ts';
import type { Meta } from '../meta.ts';
import { describeSettings } from '../settings.ts';
import { moderationRoutes } from '../templates/moderation-routes.ts';
import type { HandshakeResult } from '../webhooks/handshakes.ts';
import { parseJson, readArray, readObject, readString } from './json-reading.ts';
import { checkoutRoutes, imageRoutes, taskRoutes } from './provider-routes.ts';
import { ControlError } from './setting-merge.ts';

export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Control {
  handle(request: GraphRequest, nowMs: number): Promise<ControlAnswer> | ControlAnswer;
}

interface Call {
  readonly query: Readonly<Record<string, string>>;
  /** The rest of the path behind a route that takes one. */
  readonly tail: string;
  readonly body: unknown;
  readonly nowMs: number;
}

export type Route = (call: Call) => unknown;

const PREFIX = '/_sim';

/** What a day is made of, and nothing about how it was watched or set up. */
const PARTS_OF_A_DAY = new Set([
  'say',
  'echo',
  'handover',
  'history',
  'address',
  'change',
  'contacts',
  'faults',
  'model',
  'webhooks',
  'checkout',
  'images',
  'templates',
  'tokens',
]);

function limitOf(call: Call, normal: number, max: number): number {
  const asked = Number(call.query.limit ?? normal);
  return Number.isFinite(asked) && asked > 0 ? Math.min(Math.floor(asked), max) : normal;
}

function page<T>(call: Call, list: readonly T[], name: string): Record<string, unknown> {
  const from = Math.max(0, Number(call.query.from ?? 0) || 0);
  const shown = list.slice(from, from + limitOf(call, 1_000, 10_000));
  return { total: list.length, nextFrom: from + shown.length, [name]: shown };
}

function phoneRoutes({ meta }: { meta: Meta }): Record<string, Route> {
  const { contacts, conversations, inbound } = meta;

  const existing = (key: string) => {
    const contact = contacts.find(key);
    if (!contact)
      throw new ControlError(`There is no contact "${key}". Create it by POST /_sim/contacts.`, 404);
    return contact;
  };

  const summary = (conversation: Conversation) => ({
    phoneNumberId: conversation.phoneNumberId,
    contact: contacts.get(conversation.contactId),
    lastAtMs: conversation.lastAtMs,
    lastMessage: conversation.messages.at(-1) ?? null,
    typingUntilMs: conversation.typingUntilMs,
  });

  return {
    'GET /numbers': () => ({
      numbers: [...meta.settings.phoneNumbers.values()].map(({ window: _window, ...shown }) => shown),
    }),
    'GET /contacts': (call) => ({ contacts: contacts.list().slice(-limitOf(call, 200, 10_000)) }),
    'POST /contacts': (call) => {
      const contact = contacts.create(readContactSpec(call.body));
      meta.log.add('contactCreated', call.nowMs, { contactId: contact.id, name: contact.name });
      return { contact };
    },
    'GET /contacts/': (call) => ({ contact: existing(call.tail) }),
    'PATCH /contacts/': (call) => {
      const contact = contacts.change(existing(call.tail), readContactSpec(call.body));
      meta.log.add('contactChanged', call.nowMs, { contactId: contact.id, change: 'settings' });
      return { contact };
    },
    'POST /say': (call) => {
      const many = readArray(call.body);
      if (many) return { said: many.map((each) => inbound.say(each, call.nowMs)) };
      return { said: inbound.say(call.body, call.nowMs) };
    },
    'POST /echo': (call) => inbound.echo(call.body, call.nowMs),
    'POST /handover': (call) => inbound.handOver(call.body, call.nowMs),
    'POST /history': (call) => inbound.tellHistory(call.body, call.nowMs),
    'POST /address': (call) => ({ contact: inbound.changeAddress(call.body, call.nowMs) }),
    'POST /change': (call) => {
      inbound.change(call.body, call.nowMs);
      return { ok: true };
    },
    'GET /conversations': (call) => {
      const wanted = call.query.phoneNumberId;
      const found = conversations
        .list()
        .filter((each) => wanted === undefined || each.phoneNumberId === wanted)
        .sort((a, b) => b.lastAtMs - a.lastAtMs);
      return { conversations: found.slice(0, limitOf(call, 100, 1_000)).map(summary) };
    },
    'GET /messages': (call) => {
      const number = inbound.numberOf(call.query.phoneNumberId);
      const contact = existing(call.query.contact ?? '');
      const conversation = conversations.find(number.id, contact.id);
      const lastInboundAtMs = conversation?.lastInboundAtMs ?? null;
      return {
        phoneNumberId: number.id,
        contact,
        typingUntilMs: conversation?.typingUntilMs ?? 0,
        windowUntilMs: lastInboundAtMs === null ? null : lastInboundAtMs + SERVICE_WINDOW_MS,
        messages: conversation?.messages.slice(-limitOf(call, 200, 1_000)) ?? [],
      };
    },
  };
}

function setupRoutes({ meta, anthropic, images, checkout, tasks }: ControlParts): Record<string, Route> {
  const noteChange = (what: string, nowMs: number): void => meta.log.add('settingsChanged', nowMs, { what });
  return {
    'GET /setup': () => describeSettings(meta.settings),
    'POST /setup': (call) => meta.setup(call.body, call.nowMs),
    'POST /handshake': (call) =>
      new Promise<HandshakeResult>((resolve) =>
        meta.handshake(readString(readObject(call.body)?.url) ?? null, call.nowMs, resolve),
      ),
    'GET /faults': () => meta.faults.settings,
    'POST /faults': (call) => {
      noteChange('faults', call.nowMs);
      return meta.faults.set(call.body, call.nowMs);
    },
    'DELETE /faults': (call) => {
      meta.faults.clear();
      noteChange('faults', call.nowMs);
      return meta.faults.settings;
    },
    'GET /model': () => ({ settings: anthropic.settings, stats: anthropic.stats() }),
    'POST /model': (call) => {
      noteChange('model', call.nowMs);
      return { settings: anthropic.set(call.body), stats: anthropic.stats() };
    },
    'DELETE /model': (call) => {
      noteChange('model', call.nowMs);
      return { settings: anthropic.clear(), stats: anthropic.stats() };
    },
    'POST /webhooks/retry': (call) => ({ retried: meta.retryNow(call.nowMs) }),
    'POST /reset': (call) => {
      const everything = readObject(call.body)?.everything === true;
      meta.reset({ everything });
      anthropic.reset({ everything });
      images.reset({ everything });
      checkout.reset({ everything });
      tasks?.reset({ everything });
      meta.log.add('reset', call.nowMs, { everything });
      return { ok: true };
    },
  };
}

function evidenceRoutes({ meta, anthropic }: { meta: Meta; anthropic: Anthropic }): Record<string, Route> {
  return {
    'GET /accepted': (call) => page(call, meta.accepted, 'accepted'),
    'GET /said': (call) => page(call, meta.said, 'said'),
    'GET /log': (call) => {
      const kinds = call.query.kinds?.split(',');
      const events = meta.log.read({
        afterSeq: Number(call.query.after ?? 0) || 0,
        limit: limitOf(call, 100, 10_000),
        ...(kinds ? { kinds: new Set(kinds) } : {}),
      });
      return { lastSeq: meta.log.lastSeq(), events };
    },
    'GET /counters': () => ({
      counters: meta.log.counters(),
      waiting: meta.waiting(),
      accepted: meta.accepted.length,
      said: meta.said.length,
      model: anthropic.stats(),
    }),
    'GET /model/calls': (call) => ({ calls: anthropic.calls(limitOf(call, 1_000, 10_000)) }),
  };
}

const answer = (status: number, value: unknown): ControlAnswer => ({ status, body: JSON.stringify(value) });

function refusalOf(error: unknown): ControlAnswer {
  if (error instanceof ControlError) return answer(error.httpStatus, { error: error.message });
  throw error;
}

export interface ControlParts {
  readonly meta: Meta;
  readonly anthropic: Anthropic;
  readonly images: Images;
  readonly checkout: CheckoutDesk;
  /** Absent where no queue is imitated. */
  readonly tasks?: CloudTasks;
}

export function createControl(parts: ControlParts): Control {
  const routes: Record<string, Route> = {
    ...phoneRoutes(parts),
    ...setupRoutes(parts),
    ...evidenceRoutes(parts),
    ...moderationRoutes(parts.meta),
    ...imageRoutes(parts.images),
    ...checkoutRoutes(parts.checkout),
    ...(parts.tasks && taskRoutes(parts.tasks)),
  };
  routes['GET '] = () => ({ name: 'Nightdesk simulator', routes: Object.keys(routes).sort() });

  const find = (method: string, path: string): { route: Route; tail: string } | undefined => {
    const exact = routes[`${method} ${path}`];
    if (exact) return { route: exact, tail: '' };
    const cut = path.lastIndexOf('/') + 1;
    const route = cut > 1 ? routes[`${method} ${path.slice(0, cut)}`] : undefined;
    return route && { route, tail: decodeURIComponent(path.slice(cut)) };
  };

  const noteDriven = (request: GraphRequest, path: string, body: unknown, result: unknown, nowMs: number) => {
    if (request.method === 'GET' || !PARTS_OF_A_DAY.has(path.split('/')[1] ?? '')) return;
    parts.meta.log.add('driven', nowMs, { method: request.method, path, body, result });
  };

  return {
    handle(request, nowMs) {
      const path = request.path.slice(PREFIX.length).replace(/\/$/, '');
      try {
        const found = find(request.method, path);
        if (!found) {
          throw new ControlError(`There is no ${request.method} ${request.path}. GET /_sim lists all.`, 404);
        }
        const hasBody = request.body.length > 0;
        const body = hasBody ? parseJson(request.body) : {};
        if (body === undefined) throw new ControlError('The request body is not valid JSON.');
        const result = found.route({ query: request.query, tail: found.tail, body, nowMs });
        noteDriven(request, path, body, result, nowMs);
        return result instanceof Promise
          ? result.then((value) => answer(200, value), refusalOf)
          : answer(200, result);
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}
