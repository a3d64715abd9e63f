/**
 * The Graph endpoints: version, token, then the object that the path names.
 *
 *   POST   /{version}/{phone number id}/messages        send, mark as read, typing
 *   POST   /{version}/{phone number id}/media           upload
 *   GET, POST /{version}/{phone number id}/whatsapp_business_profile, POST .../register, .../deregister
 *   GET    /{version}/{phone number id}?fields=...      the number
 *   POST   /{version}/{phone number id}                 webhook_configuration override
 *   GET    /{version}/{waba id}?fields=...              the WABA
 *   GET    /{version}/{waba id}/phone_numbers
 *   GET, POST, DELETE /{version}/{waba id}/subscribed_apps
 *   GET, POST, DELETE /{version}/{waba id}/message_templates, GET, POST /{version}/{template id}
 *   GET, DELETE /{version}/{media id}
 *
 *   GET    /{version}/debug_token, /{version}/app, /{version}/{app id}/subscriptions
 *
 * Without a version the request is served as by the newest. To add an endpoint, add it to `numberRoute` or `wabaRoute`.
 */

import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { AccessToken, PhoneNumber, Waba } from '../settings.ts';
import { answerNode, answerPage, answerWith, asOutcome, noSuchObject, succeeded } from './answers.ts';
import { appObject } from './app-nodes.ts';
import type { GraphRequest } from './graph-request.ts';
import { limitManagement } from './management-limit.ts';
import { mediaNode, upload } from './media-node.ts';
import { postMessage } from './messages-edge.ts';
import { numberNode, wabaNode } from './nodes.ts';
import { numberEdge } from './number-edges.ts';
import { configureNumber, subscribe } from './overrides.ts';
import { templateEdge, templateObject } from './template-edges.ts';
import { authenticate, MANAGEMENT, MESSAGING, mayUse, refuseWithout } from './tokens.ts';
import { withoutVersion } from './versions.ts';

export type { GraphRequest } from './graph-request.ts';

/** A request to one object: who asks, for which of its edges, when. */
interface Asked {
  readonly request: GraphRequest;
  readonly token: AccessToken;
  /** Empty for the object itself. */
  readonly edge: string;
  readonly nowMs: number;
}

function numberRoute(
  state: MetaState,
  { request, token, edge, nowMs }: Asked,
  number: PhoneNumber,
): SendOutcome {
  const { method } = request;
  const isMessaging = edge === 'messages' || edge === 'media';
  const refusal = refuseWithout(state, token, isMessaging ? MESSAGING : MANAGEMENT);
  if (refusal) {
    const code = isMessaging ? 10 : 200;
    noteRefusal(state, { id: number.id, edge, code, httpStatus: refusal.status }, nowMs);
    return asOutcome(refusal);
  }
  const overLimit = isMessaging ? null : limitManagement(state, number.wabaId, nowMs);
  if (overLimit) return overLimit;
  if (edge === 'messages' && method === 'POST') return postMessage(state, request, number, nowMs);
  if (edge === 'media' && method === 'POST') return upload(state, request, number, nowMs);
  if (edge === '' && method === 'GET') return answerNode(state, numberNode(state, number), request);
  if (edge === '' && method === 'POST') return configureNumber(state, request, number, nowMs);
  return numberEdge(state, request, { number, edge, nowMs });
}

function wabaRoute(state: MetaState, { request, token, edge, nowMs }: Asked, waba: Waba): SendOutcome {
  const { method } = request;
  const refusal = refuseWithout(state, token, MANAGEMENT);
  if (refusal) return asOutcome(refusal);
  const overLimit = limitManagement(state, waba.id, nowMs);
  if (overLimit) return overLimit;
  if (edge === 'subscribed_apps' && method === 'POST') return subscribe(state, request, waba, nowMs);
  if (edge === 'subscribed_apps' && method === 'DELETE') {
    waba.subscribed = false;
    return succeeded();
  }
  if (edge === 'subscribed_apps' && method === 'GET') {
    const app = {
      whatsapp_business_api_data: {
        id: state.settings.appId,
        name: state.settings.appName,
        link: 'https://www.facebook.com/games/',
      },
    };
    const override = waba.overrideUrl ? { override_callback_uri: waba.overrideUrl } : {};
    return answerWith({ data: waba.subscribed ? [{ ...app, ...override }] : [] });
  }
  if (edge === 'phone_numbers' && method === 'GET') {
    const numbers = [...state.settings.phoneNumbers.values()].filter((number) => number.wabaId === waba.id);
    return answerPage(
      state,
      numbers.map((number) => numberNode(state, number)),
      request,
    );
  }
  if (edge === 'message_templates') return templateEdge(state, request, waba, nowMs);
  if (edge === '' && method === 'GET') return answerNode(state, wabaNode(state, waba), request);
  return noSuchObject(state, method, `${waba.id}/${edge}`);
}

/** A file or a template, or null when the id names none that this token may see. */
function looseObject(state: MetaState, { request, token, nowMs }: Asked, id: string): SendOutcome | null {
  const template = state.templates.get(id);
  if (!template) return mediaNode(state, request, { mediaId: id, token, nowMs });
  if (!mayUse(token, template.wabaId)) return null;
  const refusal = refuseWithout(state, token, MANAGEMENT);
  if (refusal) return asOutcome(refusal);
  return limitManagement(state, template.wabaId, nowMs) ?? templateObject(state, request, template, nowMs);
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [10, 'The token may not send.'],
  [2500, 'The version is not served.'],
]);

/** What is refused before anybody looked at its body; a send among it is in the log all the same. */
function noteRefusal(state: MetaState, refused: Refused, nowMs: number): void {
  const { id, edge, code, httpStatus } = refused;
  state.log.count(`refused.${code}`);
  if (edge !== 'messages') return;
  const reason = REASONS.get(code) ?? 'The access token was missing, unknown or expired.';
  const nothing = { to: null, text: null, opaque: null };
  state.log.add('sendRefused', nowMs, { phoneNumberId: id, ...nothing, code, httpStatus, reason });
}

interface Refused {
  readonly id: string;
  readonly edge: string;
  readonly code: number;
  readonly httpStatus: number;
}

export function handleGraph(state: MetaState, request: GraphRequest, nowMs: number): SendOutcome {
  const { settings } = state;
  const segments = request.path.split('/').filter((segment) => segment !== '');
  const unversioned = withoutVersion(state, segments);
  if ('kind' in unversioned) {
    const [, versioned = '', edgeOfIt = ''] = segments;
    noteRefusal(state, { id: versioned, edge: edgeOfIt, code: 2500, httpStatus: 400 }, nowMs);
    return unversioned;
  }
  const [id = '', edge = '', ...rest] = unversioned;
  const known = authenticate(state, request, nowMs);
  if ('refusal' in known) {
    const { refusal, code } = known;
    noteRefusal(state, { id, edge, code, httpStatus: refusal.status }, nowMs);
    return asOutcome(refusal);
  }
  const { token } = known;
  if (rest.length > 0) return noSuchObject(state, request.method, id);
  const asked: Asked = { request, token, edge, nowMs };
  const ofApp = appObject(state, request, { id, edge, nowMs });
  if (ofApp) return ofApp;
  const number = settings.phoneNumbers.get(id);
  if (number && mayUse(token, number.wabaId)) return numberRoute(state, asked, number);
  const waba = settings.wabas.get(id);
  if (waba && mayUse(token, waba.id)) return wabaRoute(state, asked, waba);
  return (edge === '' && looseObject(state, asked, id)) || noSuchObject(state, request.method, id);
}
