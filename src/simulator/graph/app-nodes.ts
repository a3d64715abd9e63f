/**
 * What a client asks about itself: its token, its app, and where the app's webhooks go.
 *
 *   GET /debug_token?input_token=
 *   GET /app, GET /{app id}
 *   GET /{app id}/subscriptions
 * Source: developers.facebook.com/docs/graph-api/reference/debug_token and .../application/subscriptions.
 */
import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { AccessToken } from '../settings.ts';
import { answerNode, answerWith, noSuchObject, required } from './answers.ts';
import type { GraphRequest } from './graph-request.ts';
import { findToken, isExpired, MANAGEMENT, MESSAGING } from './tokens.ts';

const PERMISSIONS = [MANAGEMENT, MESSAGING, 'public_profile'];

function describeToken({ settings }: MetaState, token: AccessToken, nowMs: number): Record<string, unknown> {
  const scopes = token.permissions ?? PERMISSIONS;
  const wabaIds = token.wabaIds ?? [...settings.wabas.keys()];
  const isValid = !token.invalidated && !isExpired(token, nowMs);
  const seconds = token.expiresAtMs === null ? 0 : Math.floor(token.expiresAtMs / 1_000);
  return {
    app_id: settings.appId,
    type: 'SYSTEM_USER',
    application: settings.appName,
    data_access_expires_at: 0,
    ...(isValid
      ? {}
      : {
          error: {
            code: 190,
            message: 'Error validating access token.',
            subcode: token.invalidated ? 467 : 463,
          },
        }),
    expires_at: seconds,
    is_valid: isValid,
    scopes,
    granular_scopes: scopes
      .filter((scope) => scope === MANAGEMENT || scope === MESSAGING)
      .map((scope) => ({ scope, ...(token.wabaIds === null ? {} : { target_ids: wabaIds }) })),
    user_id: '122100000000000000',
  };
}

function debugToken(state: MetaState, request: GraphRequest, nowMs: number): SendOutcome {
  const asked = request.query.input_token;
  if (!asked) return required(state, 'input_token');
  const token = findToken(state.settings, asked);
  if (token) return answerWith({ data: describeToken(state, token, nowMs) });
  const error = { code: 190, message: 'Invalid OAuth access token - Cannot parse access token' };
  return answerWith({ data: { error, is_valid: false, scopes: [] } });
}

/** The answer about the app or a token, or null when the path names neither. */
export function appObject(
  state: MetaState,
  request: GraphRequest,
  place: { readonly id: string; readonly edge: string; readonly nowMs: number },
): SendOutcome | null {
  const { id, edge, nowMs } = place;
  const { settings } = state;
  if (id === 'debug_token') return debugToken(state, request, nowMs);
  if (id !== 'app' && id !== settings.appId) return null;
  if (request.method === 'GET' && edge === '') {
    const fields = { id: settings.appId, name: settings.appName, category: 'Business', link: undefined };
    return answerNode(state, { type: 'Application', fields, usual: ['category', 'name', 'id'] }, request);
  }
  if (request.method !== 'GET' || edge !== 'subscriptions') {
    return noSuchObject(state, request.method, `${id}/${edge}`);
  }
  const subscription = {
    object: 'whatsapp_business_account',
    callback_url: settings.webhookUrl,
    active: true,
    fields: settings.webhookFields.map((name) => ({ name, version: settings.rules.webhookVersion })),
  };
  return answerWith({ data: settings.webhookUrl === null ? [] : [subscription] });
}
