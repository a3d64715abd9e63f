/** A carousel: 2 to 10 cards, each with a picture or video, all with the same kind and number of buttons. */
import { type JsonObject, readArray, readObject } from '../../control/json-reading.ts';
import { checkOneOf, checkOptionalText, type Findings, invalid, missing, type Refusal } from '../checks.ts';
import { checkReplyButtons } from './choices.ts';
import { checkHeader } from './frame.ts';
import { checkCtaUrl } from './single-button.ts';

const CARDS_MIN = 2;
const CARDS_MAX = 10;
const CARD_BODY_CHARS_MAX = 160;
const CARD_BUTTONS_MAX = 3;

const buttonShape = (card: JsonObject): string => {
  const buttons = readArray(readObject(card.action)?.buttons);
  return buttons ? `${buttons.length} buttons` : 'cta_url';
};

function checkCard(card: JsonObject, index: number, found: Findings): Refusal | null {
  const path = `cards[${index}]`;
  const action = readObject(card.action);
  if (card.card_index !== index) return invalid(`${path}['card_index'] must be ${index}.`);
  if (!action) return missing(`${path}['action']`);
  if (card.header === undefined) return missing(`${path}['header']`);
  if (readObject(card.header)?.type === 'document') return invalid(`${path} takes an image or a video.`);
  return (
    checkOneOf(card.type ?? 'cta_url', `${path}['type']`, ['cta_url', 'button']) ??
    checkHeader(card.header, 'media', `${path}['header']`, found) ??
    checkOptionalText(readObject(card.body)?.text, `${path}['body']['text']`, CARD_BODY_CHARS_MAX) ??
    (action.buttons === undefined ? checkCtaUrl(action) : checkReplyButtons(action.buttons, CARD_BUTTONS_MAX))
  );
}

export function checkCarousel(action: JsonObject, found: Findings): Refusal | null {
  const cards = (readArray(action.cards) ?? []).map((each) => readObject(each) ?? {});
  if (cards.length < CARDS_MIN || cards.length > CARDS_MAX) {
    return invalid(`A carousel holds ${CARDS_MIN} to ${CARDS_MAX} cards.`);
  }
  for (const [index, card] of cards.entries()) {
    const wrong = checkCard(card, index, found);
    if (wrong) return wrong;
  }
  const shapes = new Set(cards.map(buttonShape));
  return shapes.size > 1 ? invalid('All cards must have the same buttons.') : null;
}
