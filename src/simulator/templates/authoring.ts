/**
 * What Meta checks when a template is created or edited, component by component. Most wrongs come as 100 with a subcode
 * and words for the author.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes, 2388019 to 2388299.
 */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import { isLongerThan } from '../sending/checks.ts';
import { checkButtons } from './authoring-buttons.ts';
import { variablesIn } from './template.ts';

export interface AuthorError {
  readonly subcode: number;
  readonly title: string;
  readonly message: string;
}

const HEADER_CHARS_MAX = 60;
const BODY_CHARS_MAX = 1_024;
const FOOTER_CHARS_MAX = 60;
const MEDIA_HEADERS = ['IMAGE', 'VIDEO', 'DOCUMENT'];
const CARDS_MIN = 2;
const CARDS_MAX = 10;

export const missingField = (component: string, field: string): AuthorError => ({
  subcode: 2388043,
  title: 'Message template "components" param is missing expected field(s)',
  message: `component of type ${component} is missing expected field(s) (${field})`,
});

export const invalidComponents = (message: string): AuthorError => ({
  subcode: 2388042,
  title: 'Invalid parameter',
  message,
});

const tooLong = (component: string, charsMax: number): AuthorError => ({
  subcode: 2388040,
  title: 'Character Limit Exceeded',
  message: `A field in the ${component} exceeds its limit of ${charsMax} characters.`,
});

const wrongFormat = (subcode: number, component: string, message: string): AuthorError => ({
  subcode,
  title: `Message ${component} Format Incorrect`,
  message,
});

function checkVariables(
  text: string,
  format: string,
  component: string,
  subcode: number,
): AuthorError | null {
  const names = variablesIn(text);
  const isOrdered =
    format === 'NAMED'
      ? names.every((name) => /^[a-z][a-z0-9_]*$/.test(name))
      : names.every((name, index) => name === String(index + 1));
  if (!isOrdered) {
    const message =
      format === 'NAMED'
        ? 'Variables must be lower case letters, digits and underscores, and begin with a letter.'
        : 'Variables must be numbered {{1}}, {{2}} and so on, in order.';
    return wrongFormat(subcode, component, message);
  }
  const isAtAnEdge = /^\s*\{\{[^}]*\}\}|\{\{[^}]*\}\}\s*$/.test(text);
  if (component === 'Body' && isAtAnEdge) {
    return {
      subcode: 2388299,
      title: 'Leading or Trailing Params Not Allowed',
      message: 'Variables can’t be at the start or end of the template.',
    };
  }
  return null;
}

function hasExamples(component: JsonObject, key: string, count: number): boolean {
  const example = readObject(component.example) ?? {};
  const named = readArray(example[`${key}_named_params`]);
  if (named) return named.length === count;
  const given = readArray(example[key]);
  const first = readArray(given?.[0]) ?? given;
  return first !== undefined && first.length === count;
}

function checkHeader(header: JsonObject, format: string): AuthorError | null {
  const kind = readString(header.format)?.toUpperCase();
  if (!kind) return missingField('HEADER', 'format');
  if (kind === 'LOCATION') return null;
  if (MEDIA_HEADERS.includes(kind)) {
    const handles = readArray(readObject(header.example)?.header_handle);
    return handles && handles.length > 0 ? null : missingField('HEADER', 'example');
  }
  if (kind !== 'TEXT')
    return wrongFormat(2388047, 'Header', `The header format ${kind.slice(0, 40)} is unknown.`);
  const text = readString(header.text);
  if (!text?.trim()) return missingField('HEADER', 'text');
  if (isLongerThan(text, HEADER_CHARS_MAX)) return tooLong('header', HEADER_CHARS_MAX);
  if (/[\n*_~]/.test(text.replaceAll(/\{\{[^}]*\}\}/g, ''))) {
    return wrongFormat(
      2388047,
      'Header',
      'The header takes no new lines, formatting characters or asterisks.',
    );
  }
  const count = variablesIn(text).length;
  if (count > 1) return wrongFormat(2388047, 'Header', 'The header takes one variable.');
  if (count === 1 && !hasExamples(header, 'header_text', 1)) return missingField('HEADER', 'example');
  return checkVariables(text, format, 'Header', 2388047);
}

function checkBody(body: JsonObject, format: string, category: string): AuthorError | null {
  const text = readString(body.text);
  if (category === 'AUTHENTICATION') {
    return text === undefined
      ? null
      : wrongFormat(2388072, 'Body', 'The text of an authentication template is Meta’s.');
  }
  if (!text?.trim()) return missingField('BODY', 'text');
  if (isLongerThan(text, BODY_CHARS_MAX)) return tooLong('body', BODY_CHARS_MAX);
  if (/\n{3}|\t| {5}/.test(text)) {
    return wrongFormat(
      2388072,
      'Body',
      'The body takes no tabs, more than two new lines or four spaces in a row.',
    );
  }
  const wrong = checkVariables(text, format, 'Body', 2388072);
  if (wrong) return wrong;
  const count = variablesIn(text).length;
  return count === 0 || hasExamples(body, 'body_text', count) ? null : missingField('BODY', 'example');
}

function checkFooter(footer: JsonObject, category: string): AuthorError | null {
  const text = readString(footer.text);
  if (category === 'AUTHENTICATION') return null;
  if (!text?.trim()) return missingField('FOOTER', 'text');
  if (isLongerThan(text, FOOTER_CHARS_MAX)) return tooLong('footer', FOOTER_CHARS_MAX);
  return variablesIn(text).length > 0
    ? wrongFormat(2388073, 'Footer', 'The footer takes no variables.')
    : null;
}

function checkCarousel(carousel: JsonObject, format: string, category: string): AuthorError | null {
  const cards = readArray(carousel.cards) ?? [];
  if (cards.length < CARDS_MIN || cards.length > CARDS_MAX) {
    return invalidComponents(`A carousel holds ${CARDS_MIN} to ${CARDS_MAX} cards.`);
  }
  for (const each of cards) {
    const components = (readArray(readObject(each)?.components) ?? []).map((part) => readObject(part) ?? {});
    if (!components.some((part) => String(part.type).toUpperCase() === 'HEADER')) {
      return missingField('CAROUSEL', 'header');
    }
    const wrong = firstWrong(components, { format, category, isCard: true });
    if (wrong) return wrong;
  }
  return null;
}

interface Place {
  readonly format: string;
  readonly category: string;
  readonly isCard: boolean;
}

function checkComponent(component: JsonObject, { format, category, isCard }: Place): AuthorError | null {
  const type = readString(component.type)?.toUpperCase() ?? '';
  if (type === 'HEADER') return checkHeader(component, format);
  if (type === 'BODY') return checkBody(component, format, category);
  if (type === 'BUTTONS') return checkButtons(component, category);
  if (!isCard && type === 'FOOTER') return checkFooter(component, category);
  if (!isCard && type === 'CAROUSEL') return checkCarousel(component, format, category);
  if (!isCard && type === 'LIMITED_TIME_OFFER') return null;
  return invalidComponents(`The component type "${type.slice(0, 40)}" is not allowed here.`);
}

function firstWrong(components: readonly JsonObject[], place: Place): AuthorError | null {
  const types = components.map((component) => String(component.type).toUpperCase());
  if (new Set(types).size < types.length) return invalidComponents('Each component may stand there once.');
  for (const component of components) {
    const wrong = checkComponent(component, place);
    if (wrong) return wrong;
  }
  return null;
}

export function checkComponents(
  components: readonly JsonObject[],
  kind: { readonly format: string; readonly category: string },
): AuthorError | null {
  const hasBody = components.some((component) => String(component.type).toUpperCase() === 'BODY');
  return hasBody ? firstWrong(components, { ...kind, isCard: false }) : missingField('BODY', 'text');
}
