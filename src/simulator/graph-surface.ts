/**
 * The Graph endpoints: routing, tokens, and the faults that bite before anything is accepted.
 *
 *   POST   /{version}/{phone number id}/messages        send, mark as read, typing
 *   GET    /{version}/{phone number id}?fields=...      the number
 *   POST   /{version}/{phone number id}                 webhook_configuration override
 *   GET    /{version}/{waba id}/phone_numbers
 *   GET, POST, DELETE /{version}/{waba id}/subscribed_apps
 *   POST   /{version}/{phone number id}/media, GET and DELETE /{version}/{media id}
 *
 * The version segment may be missing and is otherwise not looked at. To add an endpoint, add it to `numberRoute` or `wabaRoute`.
 */
import { graphErrorAnswer, type HttpAnswer, jsonAnswer } from './graph-errors.ts';
import { parseJson, readObject, readString } from './json-reading.ts';
import type { MetaState } from './meta-state.ts';
import { parseMessageBody, type SendBody } from './send-bodies.ts';
import { handleRead, handleSend, refuse, type SendOutcome } from './sends.ts';
import type { AccessToken, PhoneNumber, Waba } from './settings.ts';

export interface GraphRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | string;
}

const VERSION = /^v\d+\.\d+$/;

const asOutcome = (response: HttpAnswer): SendOutcome => ({ kind: 'response', response });

function bearerOf(request: GraphRequest): string | null {
  const header = request.headers.authorization;
  const match = typeof header === 'string' ? /^(?:Bearer|OAuth)\s+(.+)$/i.exec(header) : null;
  return match?.[1]?.trim() ?? null;
}

function numberFields(number: PhoneNumber, fields: string | undefined): Record<string, unknown> {
  const all: Record<string, unknown> = {
    id: number.id,
    verified_name: number.verifiedName,
    display_phone_number: number.displayNumber,
    quality_rating: 'GREEN',
    code_verification_status: 'VERIFIED',
    platform_type: 'CLOUD_API',
    status: 'CONNECTED',
    name_status: 'APPROVED',
    messaging_limit_tier: 'TIER_100K',
    throughput: { level: number.throughputPerSecond > 80 ? 'HIGH' : 'STANDARD' },
    webhook_configuration: number.overrideUrl ? { phone_number: number.overrideUrl } : {},
  };
  if (fields === undefined) return all;
  const wanted = fields.split(',').map((name) => name.trim());
  return Object.fromEntries(['id', ...wanted].filter((name) => name in all).map((name) => [name, all[name]]));
}

function errorOf(
  state: MetaState,
  error: { code: number; message: string; subcode?: number; httpStatus?: number },
): SendOutcome {
  const { code, ...options } = error;
  return asOutcome(graphErrorAnswer(code, { traceId: state.ids.traceId(), ...options }));
}

function noSuchObject(state: MetaState, method: string, id: string): SendOutcome {
  const message = `Unsupported ${method.toLowerCase()} request. Object with ID '${id.slice(0, 64)}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`;
  return errorOf(state, { code: 100, message, subcode: 33, httpStatus: 400 });
}

/** The token, or the refusal. Without configured tokens any bearer is good, but there must be one. */
function authenticate(state: MetaState, request: GraphRequest): AccessToken | SendOutcome {
  const { accessTokens } = state.settings;
  const bearer = bearerOf(request);
  const code = 190;
  if (bearer === null)
    return errorOf(state, { code, message: 'Invalid OAuth access token - no token was given.' });
  const known = accessTokens.get(bearer);
  if (!known && accessTokens.size === 0) return { token: bearer, wabaIds: null, expired: false };
  if (!known) {
    return errorOf(state, { code, message: 'Invalid OAuth access token - Cannot parse access token' });
  }
  if (!known.expired) return known;
  return errorOf(state, {
    code,
    message: 'Error validating access token: the token has expired',
    subcode: 463,
  });
}

const mayUse = (token: AccessToken, wabaId: string): boolean =>
  token.wabaIds === null || token.wabaIds.includes(wabaId);

function refuseBare(state: MetaState, place: SendPlace, response: HttpAnswer): SendOutcome {
  const { number, send, nowMs } = place;
  state.log.count('refused.http5xxWithoutBody');
  state.log.add('sendRefused', nowMs, {
    phoneNumberId: number.id,
    to: send?.input ?? null,
    text: send?.text ?? null,
    opaque: send?.opaque ?? null,
    code: null,
    httpStatus: response.status,
    reason: 'http5xxWithoutBody',
  });
  return asOutcome(response);
}

interface SendPlace {
  readonly number: PhoneNumber;
  readonly send: SendBody | null;
  readonly nowMs: number;
}

/** A fault of the Graph API itself: a refusal, or the error that hides an acceptance, or null. */
function drawServerFault(
  state: MetaState,
  place: SendPlace,
): { readonly refusal: SendOutcome } | { readonly errorAfter: HttpAnswer } | null {
  const { faults } = state;
  const { number, send, nowMs } = place;
  const graphError = faults.drawGraphError(number.id);
  if (graphError) {
    const { code, accept } = graphError;
    const httpStatus = graphError.httpStatus === null ? {} : { httpStatus: graphError.httpStatus };
    if (!accept || !send) {
      return { refusal: refuse(state, number, { code, details: '', ...httpStatus }, send, nowMs) };
    }
    return { errorAfter: graphErrorAnswer(code, { traceId: state.ids.traceId(), ...httpStatus }) };
  }
  const { http5xxWithoutBody } = faults.settings;
  if (!faults.fires(http5xxWithoutBody, number.id)) return null;
  const bare: HttpAnswer = { status: http5xxWithoutBody.httpStatus, headers: {}, body: '' };
  return http5xxWithoutBody.accept && send
    ? { errorAfter: bare }
    : { refusal: refuseBare(state, place, bare) };
}

function messages(state: MetaState, request: GraphRequest, number: PhoneNumber, nowMs: number): SendOutcome {
  const parsed = parseMessageBody(parseJson(request.body));
  const send = parsed.kind === 'send' ? parsed : null;
  const fault = drawServerFault(state, { number, send, nowMs });
  if (fault && 'refusal' in fault) return fault.refusal;
  if (parsed.kind === 'refused') return refuse(state, number, parsed.refusal, null, nowMs);
  if (parsed.kind === 'read') return handleRead(state, number, parsed, nowMs);
  return handleSend(state, { number, body: parsed, errorAfter: fault?.errorAfter ?? null, nowMs });
}

interface Override {
  readonly target: Waba | PhoneNumber;
  /** Null takes the override away. */
  readonly url: string | null;
  readonly verifyToken: string;
  readonly nowMs: number;
}

/** A new webhook URL is verified by Meta's GET before it is taken; the answer is held until then. */
function overrideUrl(state: MetaState, { target, url, verifyToken, nowMs }: Override): SendOutcome {
  const success = jsonAnswer(200, { success: true });
  if (url === null) {
    target.overrideUrl = null;
    return asOutcome(success);
  }
  if (!URL.canParse(url))
    return errorOf(state, { code: 100, message: '(#100) The callback URL is not a URL.' });
  const { answerId, letGo } = state.held.hold();
  state.handshakes.start(url, verifyToken, nowMs, (result, endedAtMs) => {
    if (result.ok) target.overrideUrl = url;
    const details = `The callback URL or verify token could not be validated. ${result.reason}`;
    const refusal = graphErrorAnswer(100, { traceId: state.ids.traceId(), details });
    letGo(result.ok ? success : refusal, endedAtMs);
  });
  return { kind: 'held', answerId };
}

function configureNumber(
  state: MetaState,
  request: GraphRequest,
  number: PhoneNumber,
  nowMs: number,
): SendOutcome {
  const configuration = readObject(readObject(parseJson(request.body))?.webhook_configuration);
  const url = readString(configuration?.override_callback_uri);
  if (!configuration || url === undefined) {
    return errorOf(state, { code: 100, message: '(#100) webhook_configuration is required.' });
  }
  const verifyToken = readString(configuration.verify_token) ?? state.settings.verifyToken;
  return overrideUrl(state, { target: number, url: url === '' ? null : url, verifyToken, nowMs });
}

function numberRoute(
  state: MetaState,
  request: GraphRequest,
  number: PhoneNumber,
  edge: string,
  nowMs: number,
): SendOutcome {
  const { method } = request;
  if (edge === 'messages' && method === 'POST') return messages(state, request, number, nowMs);
  if (edge === 'media' && method === 'POST') return asOutcome(jsonAnswer(200, state.media.upload(request)));
  if (edge === '' && method === 'GET') {
    return asOutcome(jsonAnswer(200, numberFields(number, request.query.fields)));
  }
  if (edge === '' && method === 'POST') return configureNumber(state, request, number, nowMs);
  return noSuchObject(state, method, `${number.id}/${edge}`);
}

function subscribe(state: MetaState, request: GraphRequest, waba: Waba, nowMs: number): SendOutcome {
  const body = readObject(parseJson(request.body)) ?? {};
  const url = readString(body.override_callback_uri) ?? null;
  const verifyToken = readString(body.verify_token) ?? state.settings.verifyToken;
  waba.subscribed = true;
  return overrideUrl(state, { target: waba, url, verifyToken, nowMs });
}

function wabaRoute(
  state: MetaState,
  request: GraphRequest,
  waba: Waba,
  edge: string,
  nowMs: number,
): SendOutcome {
  const { method } = request;
  if (edge === 'subscribed_apps' && method === 'POST') return subscribe(state, request, waba, nowMs);
  if (edge === 'subscribed_apps' && method === 'DELETE') {
    waba.subscribed = false;
    return asOutcome(jsonAnswer(200, { success: true }));
  }
  if (edge === 'subscribed_apps' && method === 'GET') {
    const app = { whatsapp_business_api_data: { id: '670843887433847', name: 'Simulator app' } };
    const override = waba.overrideUrl ? { override_callback_uri: waba.overrideUrl } : {};
    return asOutcome(jsonAnswer(200, { data: waba.subscribed ? [{ ...app, ...override }] : [] }));
  }
  if (edge === 'phone_numbers' && method === 'GET') {
    const numbers = [...state.settings.phoneNumbers.values()].filter((number) => number.wabaId === waba.id);
    return asOutcome(jsonAnswer(200, { data: numbers.map((number) => numberFields(number, undefined)) }));
  }
  if (edge === '' && method === 'GET') return asOutcome(jsonAnswer(200, { id: waba.id, name: waba.name }));
  return noSuchObject(state, method, `${waba.id}/${edge}`);
}

function noteRefusedToken(state: MetaState, phoneNumberId: string, edge: string, nowMs: number): void {
  state.log.count('refused.190');
  if (edge !== 'messages') return;
  const reason = 'The access token was missing, unknown or expired.';
  const nothing = { to: null, text: null, opaque: null };
  state.log.add('sendRefused', nowMs, { phoneNumberId, ...nothing, code: 190, httpStatus: 401, reason });
}

export function handleGraph(state: MetaState, request: GraphRequest, nowMs: number): SendOutcome {
  const { settings, media } = state;
  const segments = request.path.split('/').filter((segment) => segment !== '');
  if (VERSION.test(segments[0] ?? '')) segments.shift();
  const [id = '', edge = '', ...rest] = segments;
  const token = authenticate(state, request);
  if ('kind' in token) {
    noteRefusedToken(state, id, edge, nowMs);
    return token;
  }
  if (rest.length > 0) return noSuchObject(state, request.method, id);
  const number = settings.phoneNumbers.get(id);
  if (number && mayUse(token, number.wabaId)) return numberRoute(state, request, number, edge, nowMs);
  const waba = settings.wabas.get(id);
  if (waba && mayUse(token, waba.id)) return wabaRoute(state, request, waba, edge, nowMs);
  const found = edge === '' ? media.handle(request.method, id) : null;
  return found ? asOutcome(found) : noSuchObject(state, request.method, id);
}
