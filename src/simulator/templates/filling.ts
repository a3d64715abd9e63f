/**
 * Holding the parameters of a template message against its template: their number (132000), their kind (132012), what is
 * in them (132018) and how long the text becomes (132005). What is told is what Meta tells.
 */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import { isLongerThan, type Refusal } from '../sending/checks.ts';
import { fillIn, type Shape, type Template } from './template.ts';

const BODY_CHARS_MAX = 1_024;
const TEXT_KINDS = new Set(['text', 'currency', 'date_time']);

export type Filled = { readonly text: string } | { readonly refusal: Refusal };

const wrongCount = (place: string, given: number, expected: number): Refusal => ({
  code: 132000,
  details: `${place}: number of localizable_params (${given}) does not match the expected number of params (${expected})`,
});

const wrongKind = (place: string, expected: string, received: unknown): Refusal => ({
  code: 132012,
  details: `${place}: Format mismatch, expected ${expected}, received ${String(received ?? 'UNKNOWN').toUpperCase()}`,
});

const wrongContent = (details: string): Refusal => ({
  code: 132018,
  message: "(#132018) There's an issue with the parameters in your template.",
  details,
});

const parametersOf = (component: JsonObject | undefined): JsonObject[] =>
  (readArray(component?.parameters) ?? []).map((each) => readObject(each) ?? {});

function wordsOf(parameter: JsonObject): string {
  const kind = readString(parameter.type) ?? '';
  if (kind === 'text') return readString(parameter.text) ?? '';
  return readString(readObject(parameter[kind])?.fallback_value) ?? '';
}

interface TextPlace {
  readonly place: 'header' | 'body';
  readonly variables: readonly string[];
  readonly isNamed: boolean;
}

/** The values of a text's variables. */
function readValues(
  parameters: readonly JsonObject[],
  { place, variables, isNamed }: TextPlace,
): Map<string, string> | Refusal {
  if (parameters.length !== variables.length) return wrongCount(place, parameters.length, variables.length);
  const values = new Map<string, string>();
  for (const [index, parameter] of parameters.entries()) {
    if (!TEXT_KINDS.has(String(parameter.type))) return wrongKind(place, 'TEXT', parameter.type);
    const words = wordsOf(parameter);
    if (words === '') return { code: 131008, details: `${place}: parameter ${index} has no text.` };
    if (/[\n\t]| {5}/.test(words)) {
      return wrongContent('Param text cannot have new-line/tab characters or more than 4 consecutive spaces');
    }
    const name = isNamed ? readString(parameter.parameter_name) : variables[index];
    if (!name) return { code: 100, details: 'Parameter name is missing or empty' };
    if (!variables.includes(name))
      return wrongContent(`${place}: the template has no parameter ${name.slice(0, 60)}`);
    values.set(name, words);
  }
  return values.size === variables.length ? values : wrongContent(`${place}: a parameter is given twice.`);
}

function checkHeader(shape: Shape, component: JsonObject | undefined, isNamed: boolean): Refusal | null {
  const parameters = parametersOf(component);
  if (shape.header === null || shape.header === 'TEXT') {
    const values = readValues(parameters, { place: 'header', variables: shape.headerVariables, isNamed });
    return values instanceof Map ? null : values;
  }
  const [parameter] = parameters;
  const isRight = parameters.length === 1 && String(parameter?.type).toUpperCase() === shape.header;
  return isRight ? null : wrongKind('header', shape.header, parameter?.type);
}

function checkButtons(shape: Shape, components: readonly JsonObject[]): Refusal | null {
  const given = new Map<number, JsonObject>();
  for (const component of components) {
    if (String(component.type).toLowerCase() === 'button') given.set(Number(component.index), component);
  }
  for (const [index, component] of given) {
    const button = shape.buttons[index];
    if (!button) return wrongContent(`buttons: The template has no button at index ${index}`);
    const subType = String(component.sub_type).toUpperCase();
    // A code to be copied from an authentication template is sent as the parameter of a URL.
    const isRight = subType === button.type || (button.type === 'OTP' && subType === 'URL');
    if (!isRight) return wrongKind(`buttons: Button at index ${index}`, button.type, component.sub_type);
  }
  for (const [index, button] of shape.buttons.entries()) {
    if (!button.needsParameter || parametersOf(given.get(index)).length === 1) continue;
    const kind = `${button.type[0]}${button.type.slice(1).toLowerCase()}`;
    return {
      code: 131008,
      details: `buttons: Button at index ${index} of type ${kind} requires a parameter`,
    };
  }
  return null;
}

function fillShape(shape: Shape, components: readonly JsonObject[], isNamed: boolean): Filled {
  const find = (type: string): JsonObject | undefined =>
    components.find((component) => String(component.type).toLowerCase() === type);
  const wrongHeader = checkHeader(shape, find('header'), isNamed);
  if (wrongHeader) return { refusal: wrongHeader };
  const place: TextPlace = { place: 'body', variables: shape.bodyVariables, isNamed };
  const values = readValues(parametersOf(find('body')), place);
  if (!(values instanceof Map)) return { refusal: values };
  const text = fillIn(shape.body, values);
  if (isLongerThan(text, BODY_CHARS_MAX)) return { refusal: { code: 132005, details: '' } };
  const refusal = checkButtons(shape, components) ?? checkCards(shape, find('carousel'), isNamed);
  return refusal ? { refusal } : { text };
}

function checkCards(shape: Shape, carousel: JsonObject | undefined, isNamed: boolean): Refusal | null {
  const cards = readArray(carousel?.cards) ?? [];
  if (cards.length !== shape.cards.length) return wrongCount('carousel', cards.length, shape.cards.length);
  for (const [index, card] of shape.cards.entries()) {
    const components = readArray(readObject(cards[index])?.components) ?? [];
    const filled = fillShape(
      card,
      components.map((each) => readObject(each) ?? {}),
      isNamed,
    );
    if ('refusal' in filled) return filled.refusal;
  }
  return null;
}

/** The text that the contact will read, or why Meta does not take the parameters. */
export function fillTemplate(template: Template, content: JsonObject): Filled {
  const components = (readArray(content.components) ?? []).map((each) => readObject(each) ?? {});
  return fillShape(template.shape, components, template.parameterFormat === 'NAMED');
}
