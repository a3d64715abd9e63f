/**
 * What else a business does with its number: its public profile, and registering it for the Cloud API. A number that was
 * deregistered cannot send (133010) until it is registered again; ten times in 72 hours is the most (133016).
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/registration.
 */
import { type JsonObject, parseJson, readArray, readObject, readString } from '../control/json-reading.ts';
import type { MetaState } from '../meta-state.ts';
import { isLongerThan } from '../sending/checks.ts';
import { createRateWindow, HOUR_MS } from '../sending/rates.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { PhoneNumber } from '../settings.ts';
import {
  answerWith,
  cutFields,
  errorOf,
  noSuchObject,
  parameterError,
  required,
  succeeded,
} from './answers.ts';
import type { GraphRequest } from './graph-request.ts';

const REGISTRATIONS_MAX = 10;
const PROFILE_CHARS_MAX: Readonly<Record<string, number>> = {
  about: 139,
  address: 256,
  description: 512,
  email: 128,
  profile_picture_handle: 1_000,
  vertical: 40,
};
const WEBSITES_MAX = 2;

function readProfile(state: MetaState, number: PhoneNumber, request: GraphRequest): SendOutcome {
  const { profile } = number;
  const fields = {
    messaging_product: 'whatsapp',
    about: profile.about,
    address: profile.address,
    description: profile.description,
    email: profile.email,
    profile_picture_url: profile.profile_picture_handle && `${state.settings.publicUrl}/profile.jpg`,
    websites: profile.websites,
    vertical: profile.vertical,
    id: undefined,
  };
  const cut = cutFields(
    { type: 'WhatsAppBusinessProfile', fields, usual: ['messaging_product'] },
    request.query.fields,
  );
  return typeof cut.unknown === 'string'
    ? parameterError(
        state,
        `Tried accessing nonexisting field (${cut.unknown}) on node type (WhatsAppBusinessProfile)`,
      )
    : answerWith({ data: [{ messaging_product: 'whatsapp', ...cut }] });
}

function wrongProfile(given: JsonObject): string | null {
  for (const [key, value] of Object.entries(given)) {
    const charsMax = PROFILE_CHARS_MAX[key];
    if (key === 'websites') {
      const sites = readArray(value);
      const isGood =
        sites && sites.length <= WEBSITES_MAX && sites.every((site) => URL.canParse(String(site)));
      if (!isGood) return `Param websites must be a list of at most ${WEBSITES_MAX} URLs.`;
    } else if (charsMax === undefined) return `Param ${key.slice(0, 60)} is not allowed.`;
    else if (readString(value) === undefined || isLongerThan(String(value), charsMax)) {
      return `Param ${key} must be a string of at most ${charsMax} characters.`;
    }
  }
  return null;
}

function writeProfile(state: MetaState, number: PhoneNumber, body: JsonObject): SendOutcome {
  const { messaging_product: product, ...given } = body;
  if (product !== 'whatsapp') return required(state, 'messaging_product');
  const wrong = wrongProfile(given);
  if (wrong) return parameterError(state, wrong);
  number.profile = { ...number.profile, ...given };
  return succeeded();
}

/** Counts towards the ten in 72 hours, or refuses. */
function countRegistration(state: MetaState, number: PhoneNumber, nowMs: number): SendOutcome | null {
  const window = state.registrations.get(number.id) ?? createRateWindow(REGISTRATIONS_MAX, 72 * HOUR_MS);
  state.registrations.set(number.id, window);
  if (!window.hasRoom(nowMs)) return errorOf(state, { code: 133016 });
  window.take(nowMs);
  return null;
}

function register(state: MetaState, number: PhoneNumber, body: JsonObject, nowMs: number): SendOutcome {
  const pin = readString(body.pin);
  if (body.messaging_product !== 'whatsapp') return required(state, 'messaging_product');
  if (pin === undefined) return required(state, 'pin');
  if (!/^\d{6}$/.test(pin)) return parameterError(state, 'Param pin must be 6 digits.');
  const refusal = countRegistration(state, number, nowMs);
  if (refusal) return refusal;
  if (number.pin !== null && number.pin !== pin) return errorOf(state, { code: 133005 });
  number.pin = pin;
  number.status = 'CONNECTED';
  return succeeded();
}

/** The edges of a number besides messages and media. */
export function numberEdge(
  state: MetaState,
  request: GraphRequest,
  place: { readonly number: PhoneNumber; readonly edge: string; readonly nowMs: number },
): SendOutcome {
  const { number, edge, nowMs } = place;
  const { method } = request;
  const body = method === 'POST' ? (readObject(parseJson(request.body)) ?? {}) : {};
  if (edge === 'whatsapp_business_profile' && method === 'GET') return readProfile(state, number, request);
  if (edge === 'whatsapp_business_profile' && method === 'POST') return writeProfile(state, number, body);
  if (edge === 'register' && method === 'POST') return register(state, number, body, nowMs);
  if (edge === 'deregister' && method === 'POST') {
    const refusal = countRegistration(state, number, nowMs);
    if (refusal) return refusal;
    number.status = 'DISCONNECTED';
    return succeeded();
  }
  return noSuchObject(state, method, `${number.id}/${edge}`);
}
