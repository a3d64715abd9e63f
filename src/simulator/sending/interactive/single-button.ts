/**
 * Interactive messages with one button of Meta's own: open a page, open a waFlow, ask for the location, the address, the
 * phone or the permission to call.
 */
import { type JsonObject, readObject } from '../../control/json-reading.ts';
import {
  checkOneOf,
  checkOptionalText,
  checkText,
  checkUrl,
  invalid,
  missing,
  parametersOf,
  type Refusal,
} from '../checks.ts';
import { BUTTON_CHARS_MAX } from './choices.ts';

const PARAMETERS = "interactive['action']['parameters']";
/** Meta's pages say 20 on one and 30 on another. */
const FLOW_BUTTON_CHARS_MAX = 30;

const checkName = (action: JsonObject, name: string): Refusal | null =>
  checkOneOf(action.name, "interactive['action']['name']", [name]);

/** An action that is only its name. */
export const namedAction =
  (name: string) =>
  (action: JsonObject): Refusal | null =>
    checkName(action, name);

export function checkCtaUrl(action: JsonObject): Refusal | null {
  const { display_text, url } = parametersOf(action);
  return (
    checkName(action, 'cta_url') ??
    checkText(display_text, `${PARAMETERS}['display_text']`, BUTTON_CHARS_MAX) ??
    checkUrl(url, `${PARAMETERS}['url']`)
  );
}

function checkWaFlowStart(parameters: JsonObject): Refusal | null {
  const action = parameters.flow_action ?? 'navigate';
  const wrong = checkOneOf(action, `${PARAMETERS}['flow_action']`, ['navigate', 'data_exchange']);
  if (wrong || parameters.flow_action_payload === undefined) return wrong;
  const payload = readObject(parameters.flow_action_payload);
  if (!payload) return invalid(`${PARAMETERS}['flow_action_payload'] must be an object.`);
  return action === 'navigate'
    ? checkText(payload.screen, `${PARAMETERS}['flow_action_payload']['screen']`, 200)
    : null;
}

export function checkWaFlow(action: JsonObject): Refusal | null {
  const parameters = parametersOf(action);
  const { flow_id, flow_name } = parameters;
  if (flow_id === undefined && flow_name === undefined) return missing(`${PARAMETERS}['flow_id']`);
  if (flow_id !== undefined && flow_name !== undefined) {
    return invalid('flow_id and flow_name cannot be given together.');
  }
  return (
    checkName(action, 'flow') ??
    checkText(flow_id ?? flow_name, `${PARAMETERS}['flow_id']`, 200) ??
    checkOneOf(parameters.flow_message_version, `${PARAMETERS}['flow_message_version']`, ['3']) ??
    checkText(parameters.flow_cta, `${PARAMETERS}['flow_cta']`, FLOW_BUTTON_CHARS_MAX) ??
    checkOptionalText(parameters.flow_token, `${PARAMETERS}['flow_token']`, 4_096) ??
    checkOneOf(parameters.mode ?? 'published', `${PARAMETERS}['mode']`, ['draft', 'published']) ??
    checkWaFlowStart(parameters)
  );
}

export function checkAddressRequest(action: JsonObject): Refusal | null {
  const parameters = parametersOf(action);
  const wrong =
    checkName(action, 'address_message') ?? checkText(parameters.country, `${PARAMETERS}['country']`, 2);
  if (wrong) return wrong;
  return /^[A-Z]{2}$/.test(String(parameters.country))
    ? null
    : invalid(`${PARAMETERS}['country'] must be a country code of two letters.`);
}
