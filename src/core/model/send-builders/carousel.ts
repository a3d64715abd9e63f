/** Cards side by side, each with a picture or a video, all with the same buttons. */
import type { CarouselCard, SendBody, SendFile } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { type Choice, replyButtons } from './choices.ts';
import { BadSend, count, words } from './fields.ts';
import { frameOf, headerOf } from './frame.ts';
import { ctaUrlAction } from './single-button.ts';

export type CardInput = {
  header: { image: SendFile } | { video: SendFile };
  body?: string;
} & ({ buttons: readonly Choice[] } | { displayText: string; url: string });

/** 2 to 10 cards; their buttons are of one kind and number. @throws BadSend */
export function carousel({ body, cards }: { body: string; cards: readonly CardInput[] }): SendBody {
  const at = 'interactive.action.cards';
  count(at, cards, { min: sendLimits.cardsMin, max: sendLimits.cardsMax, of: 'cards' });
  const built = cards.map((card, index) => cardOf(`${at}[${index}]`, card, index));
  if (new Set(cards.map(shapeOf)).size > 1)
    throw new BadSend({
      field: at,
      what: 'have different buttons',
      hint: 'Give every card as many buttons, of one kind.',
    });
  return {
    type: 'interactive',
    interactive: { type: 'carousel', ...frameOf({ body }), action: { cards: built } },
  };
}

const shapeOf = (card: CardInput) => ('buttons' in card ? card.buttons.length : 'page');

function cardOf(at: string, card: CardInput, index: number): CarouselCard {
  const { body } = card;
  const below =
    body === undefined ? {} : { body: { text: words(`${at}.body.text`, body, sendLimits.cardBodyCharsMax) } };
  return {
    card_index: index,
    type: 'buttons' in card ? 'button' : 'cta_url',
    header: headerOf(card.header, `${at}.header`),
    ...below,
    action:
      'buttons' in card
        ? { buttons: replyButtons(`${at}.action.buttons`, card.buttons, sendLimits.cardButtonsMax) }
        : ctaUrlAction(`${at}.action.parameters`, card),
  };
}
