/** `POST /{phone number id}/messages`: the faults of Graph itself, then reading the body, then sending or marking as read. */

import { parseJson } from '../control/json-reading.ts';
import type { MetaState } from '../meta-state.ts';
import { parseMessageBody, type SendBody } from '../sending/body.ts';
import { handleRead, handleSend, refuse, type SendOutcome } from '../sending/sends.ts';
import type { PhoneNumber } from '../settings.ts';
import { asOutcome } from './answers.ts';
import { graphErrorAnswer, type HttpAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-request.ts';

interface SendPlace {
  readonly number: PhoneNumber;
  readonly send: SendBody | null;
  readonly nowMs: number;
}

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

export function postMessage(
  state: MetaState,
  request: GraphRequest,
  number: PhoneNumber,
  nowMs: number,
): SendOutcome {
  const parsed = parseMessageBody(parseJson(request.body));
  const send = parsed.kind === 'send' ? parsed : null;
  const fault = drawServerFault(state, { number, send, nowMs });
  if (fault && 'refusal' in fault) return fault.refusal;
  if (parsed.kind === 'refused') return refuse(state, number, parsed.refusal, null, nowMs);
  if (parsed.kind === 'read') return handleRead(state, number, parsed, nowMs);
  return handleSend(state, { number, body: parsed, errorAfter: fault?.errorAfter ?? null, nowMs });
}
