/** Webhook URLs of a WABA's or a number's own, verified by Meta's GET before they are taken. */

import { parseJson, readObject, readString } from '../control/json-reading.ts';
import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { PhoneNumber, Waba } from '../settings.ts';
import { parameterError, required, succeeded } from './answers.ts';
import { graphErrorAnswer, jsonAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-request.ts';

const URL_CHARS_MAX = 200;

interface Override {
  readonly target: Waba | PhoneNumber;
  /** Null takes the override away. */
  readonly url: string | null;
  readonly verifyToken: string;
  readonly nowMs: number;
}

/** The answer is held until the new URL has proven itself. */
function overrideUrl(state: MetaState, { target, url, verifyToken, nowMs }: Override): SendOutcome {
  if (url === null) {
    target.overrideUrl = null;
    return succeeded();
  }
  if (!URL.canParse(url)) return parameterError(state, 'The callback URL is not a URL.');
  if (url.length > URL_CHARS_MAX) {
    return parameterError(
      state,
      `Param override_callback_uri must be at most ${URL_CHARS_MAX} characters long.`,
    );
  }
  const { answerId, letGo } = state.held.hold();
  state.handshakes.start(url, verifyToken, nowMs, (result, endedAtMs) => {
    if (result.ok) target.overrideUrl = url;
    const details = `The callback URL or verify token could not be validated. ${result.reason}`;
    const refusal = graphErrorAnswer(100, { traceId: state.ids.traceId(), details });
    letGo(result.ok ? jsonAnswer(200, { success: true }) : refusal, endedAtMs);
  });
  return { kind: 'held', answerId };
}

export function configureNumber(
  state: MetaState,
  request: GraphRequest,
  number: PhoneNumber,
  nowMs: number,
): SendOutcome {
  const configuration = readObject(readObject(parseJson(request.body))?.webhook_configuration);
  const url = readString(configuration?.override_callback_uri);
  if (!configuration || url === undefined) return required(state, 'webhook_configuration');
  const verifyToken = readString(configuration.verify_token) ?? state.settings.verifyToken;
  return overrideUrl(state, { target: number, url: url === '' ? null : url, verifyToken, nowMs });
}

export function subscribe(state: MetaState, request: GraphRequest, waba: Waba, nowMs: number): SendOutcome {
  const body = readObject(parseJson(request.body)) ?? {};
  const url = readString(body.override_callback_uri) ?? null;
  const verifyToken = readString(body.verify_token) ?? state.settings.verifyToken;
  waba.subscribed = true;
  return overrideUrl(state, { target: waba, url, verifyToken, nowMs });
}
