/** Messages with one button of Meta's own: open a page, open a waFlow, ask for the place, the phone, or to be called. */
import type { CtaUrlAction, SendBody, WaFlowParameters } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, id, webAddress, words } from './fields.ts';
import { type FrameInput, frameOf } from './frame.ts';

const at = 'interactive.action.parameters';

/** A button that opens a page in the customer's browser. @throws BadSend */
export function ctaUrl(given: FrameInput & { displayText: string; url: string }): SendBody {
  return {
    type: 'interactive',
    interactive: { type: 'cta_url', ...frameOf(given), action: ctaUrlAction(at, given) },
  };
}

/** @throws BadSend */
export function ctaUrlAction(
  field: string,
  { displayText, url }: { displayText: string; url: string },
): CtaUrlAction {
  const display_text = words(`${field}.display_text`, displayText, sendLimits.buttonTitleCharsMax);
  return { name: 'cta_url', parameters: { display_text, url: webAddress(`${field}.url`, url) } };
}

export interface WaFlowInput extends FrameInput {
  /** On the button. */
  cta: string;
  /** One of the two names the waFlow. */
  waFlowId?: string;
  waFlowName?: string;
  /** Comes back with what the customer filled in. */
  waFlowToken?: string;
  /** A waFlow that is not published yet, for whoever tests it. */
  draft?: boolean;
  /** Where it opens: at a screen, or where the business' own server says (`dataExchange`). */
  opens?: { screen: string; data?: Readonly<Record<string, unknown>> } | 'dataExchange';
}

/** A button that opens a form that lies with Meta. @throws BadSend */
export function waFlow(given: WaFlowInput): SendBody {
  const { waFlowId, waFlowName, waFlowToken, draft = false } = given;
  if ((waFlowId === undefined) === (waFlowName === undefined))
    throw new BadSend({
      field: `${at}.flow_id`,
      what: 'and flow_name are both given, or both missing',
      hint: 'Name the waFlow by one of them.',
    });
  const parameters: WaFlowParameters = {
    flow_message_version: '3',
    ...(waFlowId === undefined ? {} : { flow_id: id(`${at}.flow_id`, waFlowId, sendLimits.nameCharsMax) }),
    ...(waFlowName === undefined
      ? {}
      : { flow_name: id(`${at}.flow_name`, waFlowName, sendLimits.nameCharsMax) }),
    flow_cta: words(`${at}.flow_cta`, given.cta, sendLimits.waFlowButtonCharsMax),
    ...(waFlowToken === undefined ? {} : { flow_token: tokenOf(waFlowToken) }),
    ...(draft ? { mode: 'draft' } : {}),
    ...openingOf(given.opens),
  };
  return {
    type: 'interactive',
    interactive: { type: 'flow', ...frameOf(given), action: { name: 'flow', parameters } },
  };
}

const tokenOf = (token: string) => id(`${at}.flow_token`, token, sendLimits.waFlowTokenCharsMax);

function openingOf(opens: WaFlowInput['opens']): Partial<WaFlowParameters> {
  if (opens === undefined) return {};
  if (opens === 'dataExchange') return { flow_action: 'data_exchange' };
  const screen = id(`${at}.flow_action_payload.screen`, opens.screen, sendLimits.nameCharsMax);
  const data = opens.data === undefined ? {} : { data: opens.data };
  return { flow_action: 'navigate', flow_action_payload: { screen, ...data } };
}

/** A button by which the customer sends where they are. @throws BadSend */
export function locationRequest(body: string): SendBody {
  return {
    type: 'interactive',
    interactive: {
      type: 'location_request_message',
      ...frameOf({ body }),
      action: { name: 'send_location' },
    },
  };
}

/** A button by which a customer without a visible phone gives it. @throws BadSend */
export function contactInfoRequest(body: string): SendBody {
  return {
    type: 'interactive',
    interactive: {
      type: 'request_contact_info',
      ...frameOf({ body }),
      action: { name: 'request_contact_info' },
    },
  };
}

/** Asks to be allowed to call. @throws BadSend */
export function callPermissionRequest(body: string): SendBody {
  return {
    type: 'interactive',
    interactive: {
      type: 'call_permission_request',
      ...frameOf({ body }),
      action: { name: 'call_permission_request' },
    },
  };
}
