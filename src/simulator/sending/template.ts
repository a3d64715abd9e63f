/**
 * The form of a template message. Whether that template exists, is approved, and takes these parameters is asked of the
 * waba's templates afterwards.
 */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import {
  type Check,
  checkOneOf,
  checkText,
  type Findings,
  invalid,
  missing,
  type Refusal,
} from './checks.ts';
import { checkFile } from './media.ts';

const COMPONENTS = ['header', 'body', 'button', 'carousel', 'limited_time_offer', 'order_status'];
const MEDIA_TYPES = new Set(['image', 'video', 'document']);

const required = (path: string): Refusal => ({ code: 100, details: `The parameter ${path} is required.` });

function checkParameter(parameter: JsonObject, path: string, found: Findings): Refusal | null {
  const type = readString(parameter.type);
  if (!type) return required(`${path}['type']`);
  if (type === 'text') {
    return readString(parameter.text) === undefined ? required(`${path}['text']`) : null;
  }
  if (MEDIA_TYPES.has(type)) {
    const file = readObject(parameter[type]);
    if (!file) return required(`${path}['${type}']`);
    return checkFile(file, type as 'image' | 'video' | 'document', `${path}['${type}']`, found);
  }
  if (type === 'payload') {
    return parameter.payload === undefined ? required(`${path}['payload']`) : null;
  }
  return parameter[type] === undefined ? required(`${path}['${type}']`) : null;
}

function checkComponent(component: JsonObject, path: string, found: Findings): Refusal | null {
  const type = readString(component.type)?.toLowerCase();
  const wrongType = checkOneOf(type, `${path}['type']`, COMPONENTS);
  if (wrongType) return wrongType;
  if (type === 'button' && component.sub_type === undefined) return required(`${path}['sub_type']`);
  if (type === 'button' && !/^\d$/.test(String(component.index ?? ''))) return required(`${path}['index']`);
  if (type === 'carousel') return checkCards(component, path, found);
  const parameters = readArray(component.parameters);
  if (!parameters)
    return component.parameters === undefined ? null : invalid(`${path}['parameters'] must be a list.`);
  for (const [index, each] of parameters.entries()) {
    const parameter = readObject(each);
    const where = `${path}['parameters'][${index}]`;
    const wrong = parameter
      ? checkParameter(parameter, where, found)
      : invalid(`${where} must be an object.`);
    if (wrong) return wrong;
  }
  return null;
}

function checkCards(component: JsonObject, path: string, found: Findings): Refusal | null {
  const cards = readArray(component.cards);
  if (!cards || cards.length === 0) return missing(`${path}['cards']`);
  for (const [index, card] of cards.entries()) {
    const wrong = checkComponents(readObject(card)?.components, `${path}['cards'][${index}]`, found);
    if (wrong) return wrong;
  }
  return null;
}

function checkComponents(value: unknown, path: string, found: Findings): Refusal | null {
  if (value === undefined) return null;
  const components = readArray(value);
  if (!components) return invalid(`${path}['components'] must be a list.`);
  for (const [index, each] of components.entries()) {
    const component = readObject(each);
    const where = `${path}['components'][${index}]`;
    const wrong = component
      ? checkComponent(component, where, found)
      : invalid(`${where} must be an object.`);
    if (wrong) return wrong;
  }
  return null;
}

export const checkTemplateMessage: Check = (content, found) => {
  const language = readObject(content.language);
  if (!readString(content.name)) return required("template['name']");
  if (!readString(language?.code)) return required("template['language']['code']");
  return (
    checkText(content.name, "template['name']", 512) ??
    checkText(language?.code, "template['language']['code']", 15) ??
    (language?.policy === undefined
      ? null
      : checkOneOf(language.policy, "template['language']['policy']", ['deterministic'])) ??
    checkComponents(content.components, 'template', found)
  );
};
