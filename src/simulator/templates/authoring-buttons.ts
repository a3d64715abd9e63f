/** The buttons of a template: how many of which kind, and what each must say. */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import { isLongerThan } from '../sending/checks.ts';
import type { AuthorError } from './authoring.ts';
import { variablesIn } from './template.ts';

const BUTTONS_MAX = 10;
const TEXT_CHARS_MAX = 25;
const CODE_CHARS_MAX = 15;

/** How many of a kind one template may have. */
const COUNT_MAX: ReadonlyMap<string, number> = new Map([
  ['QUICK_REPLY', 10],
  ['URL', 2],
  ['PHONE_NUMBER', 1],
  ['COPY_CODE', 1],
  ['FLOW', 1],
  ['OTP', 1],
  ['CATALOG', 1],
  ['MPM', 1],
  ['SPM', 1],
  ['VOICE_CALL', 1],
  ['REQUEST_CONTACT_INFO', 1],
]);

/** Their label is Meta's. */
const WITHOUT_TEXT = new Set(['COPY_CODE', 'OTP', 'REQUEST_CONTACT_INFO']);

const wrong = (message: string): AuthorError => ({
  subcode: 2388042,
  title: 'Invalid parameter',
  message,
});

const missing = (field: string): AuthorError => ({
  subcode: 2388043,
  title: 'Message template "components" param is missing expected field(s)',
  message: `component of type BUTTONS is missing expected field(s) (${field})`,
});

function checkUrl(button: JsonObject): AuthorError | null {
  const url = readString(button.url);
  if (!url) return missing('url');
  const variables = variablesIn(url);
  if (variables.length === 0) return URL.canParse(url) ? null : wrong('The URL of a button is not a URL.');
  if (variables.length > 1 || !/\{\{[^}]*\}\}$/.test(url)) {
    return wrong('The URL of a button takes one variable, at its end.');
  }
  return readArray(button.example)?.length === 1 ? null : missing('example');
}

function checkButton(button: JsonObject, type: string): AuthorError | null {
  if (!WITHOUT_TEXT.has(type)) {
    const text = readString(button.text);
    if (!text?.trim()) return missing('text');
    if (isLongerThan(text, TEXT_CHARS_MAX))
      return wrong(`A button has at most ${TEXT_CHARS_MAX} characters.`);
  }
  if (type === 'URL') return checkUrl(button);
  if (type === 'PHONE_NUMBER' && !/^\+?\d{5,20}$/.test(String(button.phone_number ?? ''))) {
    return missing('phone_number');
  }
  if (
    type === 'OTP' &&
    !['COPY_CODE', 'ONE_TAP', 'ZERO_TAP'].includes(String(button.otp_type).toUpperCase())
  ) {
    return missing('otp_type');
  }
  if (type !== 'COPY_CODE') return null;
  const [example] = readArray(button.example) ?? [button.example];
  if (!readString(example)) return missing('example');
  return isLongerThan(String(example), CODE_CHARS_MAX)
    ? wrong(`A code has at most ${CODE_CHARS_MAX} characters.`)
    : null;
}

export function checkButtons(component: JsonObject, category: string): AuthorError | null {
  const buttons = (readArray(component.buttons) ?? []).map((each) => readObject(each) ?? {});
  if (buttons.length === 0) return missing('buttons');
  if (buttons.length > BUTTONS_MAX) return wrong(`A template has at most ${BUTTONS_MAX} buttons.`);
  const types = buttons.map((button) => String(button.type).toUpperCase());
  for (const [index, type] of types.entries()) {
    const countMax = COUNT_MAX.get(type);
    if (countMax === undefined) return wrong(`The button type "${type.slice(0, 40)}" is unknown.`);
    if (types.filter((each) => each === type).length > countMax) {
      return wrong(`A template has at most ${countMax} buttons of type ${type}.`);
    }
    if ((type === 'OTP') !== (category === 'AUTHENTICATION')) {
      return wrong('OTP buttons and authentication templates belong together.');
    }
    const found = checkButton(buttons[index] ?? {}, type);
    if (found) return found;
  }
  // Quick replies stand together: before the others or behind them.
  const replies = types.map((type) => type === 'QUICK_REPLY');
  const changes = replies.filter((isReply, index) => index > 0 && isReply !== replies[index - 1]).length;
  return changes > 1 ? wrong('Quick reply buttons must stand together.') : null;
}
