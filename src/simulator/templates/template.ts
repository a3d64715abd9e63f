/**
 * A message template and what its components ask of a send. The shape is read once, when the components are set, so that
 * a send costs no more than its own parameters.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/templates.
 */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';

export type TemplateStatus =
  | 'APPROVED'
  | 'ARCHIVED'
  | 'DELETED'
  | 'DISABLED'
  | 'FLAGGED'
  | 'IN_APPEAL'
  | 'LOCKED'
  | 'PAUSED'
  | 'PENDING'
  | 'PENDING_DELETION'
  | 'REJECTED';

export const TEMPLATE_STATUSES: readonly TemplateStatus[] = [
  'APPROVED',
  'ARCHIVED',
  'DELETED',
  'DISABLED',
  'FLAGGED',
  'IN_APPEAL',
  'LOCKED',
  'PAUSED',
  'PENDING',
  'PENDING_DELETION',
  'REJECTED',
];

export type TemplateQuality = 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN';
export const TEMPLATE_QUALITIES: readonly TemplateQuality[] = ['GREEN', 'YELLOW', 'RED', 'UNKNOWN'];
export const TEMPLATE_CATEGORIES: readonly string[] = ['AUTHENTICATION', 'MARKETING', 'UTILITY'];

export interface ButtonShape {
  /** Upper case, as in the template: QUICK_REPLY, URL, ... */
  readonly type: string;
  readonly needsParameter: boolean;
}

export interface Shape {
  /** TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION, or null without a header. */
  readonly header: string | null;
  readonly headerVariables: readonly string[];
  readonly body: string;
  readonly bodyVariables: readonly string[];
  readonly buttons: readonly ButtonShape[];
  readonly cards: readonly Shape[];
}

export interface Template {
  readonly id: string;
  readonly wabaId: string;
  readonly name: string;
  readonly language: string;
  category: string;
  previousCategory: string | null;
  readonly parameterFormat: 'NAMED' | 'POSITIONAL';
  status: TemplateStatus;
  quality: TemplateQuality;
  /** `NONE`, or why it was rejected. */
  rejectedReason: string;
  components: readonly JsonObject[];
  shape: Shape;
  sendTtlSeconds: number | null;
  /** Its sends are held for a while, and fail if it is paused in the meantime. */
  isPaced: boolean;
}

const VARIABLE = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;

/** The variables of a text, each once, in the order in which they come. */
export function variablesIn(text: string): string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((match) => match[1] ?? ''))];
}

export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE, (whole, name: string) => values.get(name) ?? whole);
}

function buttonShape(button: JsonObject): ButtonShape {
  const type = String(button.type).toUpperCase();
  const isOpenUrl = type === 'URL' && variablesIn(readString(button.url) ?? '').length > 0;
  return { type, needsParameter: isOpenUrl || type === 'COPY_CODE' || type === 'OTP' };
}

export function shapeOf(components: readonly JsonObject[]): Shape {
  const find = (type: string): JsonObject =>
    components.find((each) => String(each.type).toUpperCase() === type) ?? {};
  const header = find('HEADER');
  const body = readString(find('BODY').text) ?? '';
  const cards = (readArray(find('CAROUSEL').cards) ?? []).map((card) =>
    shapeOf((readArray(readObject(card)?.components) ?? []).map((each) => readObject(each) ?? {})),
  );
  const buttons = (readArray(find('BUTTONS').buttons) ?? []).map((each) =>
    buttonShape(readObject(each) ?? {}),
  );
  // The body of an authentication template is Meta's; it has the code, which its button has again.
  const isOtp = buttons.some((button) => button.type === 'OTP');
  return {
    header: header.format === undefined ? null : String(header.format).toUpperCase(),
    headerVariables: variablesIn(readString(header.text) ?? ''),
    body: isOtp && body === '' ? '{{1}} is your verification code.' : body,
    bodyVariables: isOtp && body === '' ? ['1'] : variablesIn(body),
    buttons,
    cards,
  };
}
