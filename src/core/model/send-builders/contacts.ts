/** Contact cards, which the customer may save. */
import type { ContactCard, SendBody } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, count, words } from './fields.ts';

const nameParts = ['first_name', 'last_name', 'middle_name', 'suffix', 'prefix'] as const;

/** 1 to 257 cards. A name has its written form and at least one part of it. @throws BadSend */
export function contacts(given: readonly ContactCard[]): SendBody {
  count('contacts', given, { min: 1, max: sendLimits.contactCardsMax, of: 'cards' });
  return { type: 'contacts', contacts: given.map((card, index) => cardOf(`contacts[${index}]`, card)) };
}

function cardOf(at: string, card: ContactCard): ContactCard {
  const { name, birthday } = card;
  words(`${at}.name.formatted_name`, name.formatted_name, sendLimits.lineCharsMax);
  for (const part of nameParts) {
    const written = name[part];
    if (written !== undefined) words(`${at}.name.${part}`, written, sendLimits.lineCharsMax);
  }
  if (!nameParts.some((part) => name[part] !== undefined))
    throw new BadSend({
      field: `${at}.name`,
      what: 'has only formatted_name',
      hint: `Give one of ${nameParts.join(', ')} beside it.`,
    });
  if (birthday !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(birthday))
    throw new BadSend({
      field: `${at}.birthday`,
      what: 'is no day',
      hint: 'Write it as YYYY-MM-DD.',
    });
  for (const [index, { phone }] of (card.phones ?? []).entries())
    words(`${at}.phones[${index}].phone`, phone, sendLimits.lineCharsMax);
  return structuredClone(card);
}
