/** Contact cards: a list, not an object, unlike every other type. A name needs a written form and one part of it. */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import { checkText, invalid, missing, type Refusal } from './checks.ts';

const CARDS_MAX = 257;
const NAME_PARTS = ['first_name', 'last_name', 'middle_name', 'suffix', 'prefix'];
const LISTS = ['addresses', 'emails', 'phones', 'urls'];

function checkCard(card: JsonObject, path: string): Refusal | null {
  const name = readObject(card.name);
  if (!name) return missing(`${path}['name']`);
  const wrong = checkText(name.formatted_name, `${path}['name']['formatted_name']`, 1_000);
  if (wrong) return wrong;
  if (!NAME_PARTS.some((part) => readString(name[part]))) {
    return invalid(`${path}['name'] needs at least one of ${NAME_PARTS.join(', ')} besides formatted_name.`);
  }
  const notAList = LISTS.find((list) => card[list] !== undefined && !readArray(card[list]));
  if (notAList !== undefined) return invalid(`${path}['${notAList}'] must be a list.`);
  const { birthday } = card;
  const isDay = birthday === undefined || /^\d{4}-\d{2}-\d{2}$/.test(String(birthday));
  return isDay ? null : invalid(`${path}['birthday'] must be written YYYY-MM-DD.`);
}

export function checkContactCards(content: unknown): Refusal | null {
  const cards = readArray(content);
  if (!cards || cards.length === 0 || cards.length > CARDS_MAX) {
    return invalid(`contacts must be a list of 1 to ${CARDS_MAX} cards.`);
  }
  for (const [index, each] of cards.entries()) {
    const path = `contacts[${index}]`;
    const card = readObject(each);
    const wrong = card ? checkCard(card, path) : invalid(`${path} must be an object.`);
    if (wrong) return wrong;
  }
  return null;
}
