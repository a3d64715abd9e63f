/**
 * Who may ask: the bearer token, until when it is good, and what it was given permission for. Graph reads the version
 * before the token and the token before anything else, so a request that is wrong in several ways is told in this order.
 * Without configured tokens any bearer is good, but there must be one.
 */
import { createHmac } from 'node:crypto';
import type { MetaState } from '../meta-state.ts';
import type { AccessToken, Settings } from '../settings.ts';
import { signBody } from '../webhooks/signature.ts';
import { type GraphErrorOptions, graphErrorAnswer, type HttpAnswer } from './graph-errors.ts';
import { type GraphRequest, headerOf } from './graph-request.ts';

export const MESSAGING = 'whatsapp_business_messaging';
export const MANAGEMENT = 'whatsapp_business_management';

const EXPIRED = 463;
const INVALIDATED = 467;

function bearerIn(authorization: string | null): string | null {
  const match = /^(?:Bearer|OAuth)\s+(.+)$/i.exec(authorization ?? '');
  return match?.[1]?.trim() ?? null;
}

export const isExpired = (token: AccessToken, nowMs: number): boolean =>
  token.expired || (token.expiresAtMs !== null && nowMs >= token.expiresAtMs);

export function findToken({ accessTokens }: Settings, bearer: string): AccessToken | null {
  const known = accessTokens.get(bearer);
  if (known || accessTokens.size > 0) return known ?? null;
  return {
    token: bearer,
    wabaIds: null,
    expired: false,
    expiresAtMs: null,
    invalidated: false,
    permissions: null,
  };
}

/** For what is served outside of Graph, where a refusal has no words. */
export function isTokenGood(settings: Settings, authorization: string | undefined, nowMs: number): boolean {
  const bearer = bearerIn(authorization ?? null);
  const token = bearer === null ? null : findToken(settings, bearer);
  return token !== null && !token.invalidated && !isExpired(token, nowMs);
}

/** A client may prove that it knows the app's secret; whoever tries must. */
function isWrongProof({ appSecret }: Settings, bearer: string, proof: string | undefined): boolean {
  return proof !== undefined && proof !== createHmac('sha256', appSecret).update(bearer).digest('hex');
}

/** The token, or the refusal. */
export function authenticate(
  state: MetaState,
  request: GraphRequest,
  nowMs: number,
): { readonly token: AccessToken } | { readonly refusal: HttpAnswer; readonly code: number } {
  const refuse = (code: number, words: Omit<GraphErrorOptions, 'traceId'>) => ({
    refusal: graphErrorAnswer(code, { traceId: state.ids.traceId(), ...words }),
    code,
  });
  const bearer = bearerIn(headerOf(request, 'authorization'));
  if (bearer === null) return refuse(104, {});
  const token = findToken(state.settings, bearer);
  if (isWrongProof(state.settings, bearer, request.query.appsecret_proof)) {
    const message = 'Invalid appsecret_proof provided in the API argument';
    return refuse(100, { message, isBare: true, type: 'GraphMethodException' });
  }
  if (!token) {
    return refuse(190, { message: 'Invalid OAuth access token - Cannot parse access token', subcode: null });
  }
  if (token.invalidated) return refuse(190, { subcode: INVALIDATED });
  const { faults } = state;
  const { tokenRefused } = faults.settings;
  if (faults.fires(tokenRefused, null, nowMs)) return refuse(190, { subcode: tokenRefused.subcode });
  if (isExpired(token, nowMs)) return refuse(190, { subcode: EXPIRED });
  // HMAC-SHA256 of the token with the secret of its app, in hex: shows that both are of one app.
  const proof = request.query.appsecret_proof;
  if (proof !== undefined && `sha256=${proof}` !== signBody(state.settings.appSecret, bearer))
    return refuse(100, { message: 'Invalid appsecret_proof provided in the API argument' });
  return { token };
}

export const mayUse = (token: AccessToken, wabaId: string): boolean =>
  token.wabaIds === null || token.wabaIds.includes(wabaId);

/** The refusal of a call that the token has no permission for, or null. */
export function refuseWithout(state: MetaState, token: AccessToken, permission: string): HttpAnswer | null {
  if (token.permissions === null || token.permissions.includes(permission)) return null;
  const traceId = state.ids.traceId();
  return permission === MESSAGING
    ? graphErrorAnswer(10, { traceId, message: '(#10) Application does not have permission for this action' })
    : graphErrorAnswer(200, { traceId, message: `(#200) Requires ${permission} permission` });
}
