/** What belongs to another message: a reaction to it, and the receipt that it was read. */
import type { SendBody } from '../send-bodies.ts';
import { graphemes } from '../split-text.ts';
import { BadSend, emptyField } from './fields.ts';

/** Some keyboards leave out the variation selector that the standard asks for. */
const oneEmoji = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?)$/v;

/** Reacts to a message of at most 30 days with one emoji; an empty one takes the reaction back. @throws BadSend */
export function reaction({ wamid, emoji }: { wamid: string; emoji: string }): SendBody {
  if (wamid === '') throw emptyField('reaction.message_id', 'Pass the wamid of the message to react to.');
  const field = 'reaction.emoji';
  const actual = graphemes(emoji);
  const hint = 'React with a single emoji.';
  if (actual > 1)
    throw new BadSend({
      field,
      limit: 1,
      actual,
      what: `has ${actual} characters and may have at most 1`,
      hint,
    });
  if (emoji !== '' && !oneEmoji.test(emoji)) throw new BadSend({ field, what: 'is no emoji', hint });
  return { type: 'reaction', reaction: { message_id: wamid, emoji } };
}

/** Not a send: it shows nothing of its own, may be repeated freely and has no place in a lane. */
export interface ReadReceipt {
  status: 'read';
  message_id: string;
  typing_indicator?: { type: 'text' };
}

/**
 * Marks a message, and with it all earlier ones, as read. `typing` shows the typing dots for at most 25 s or until
 * the next message; Meta has no typing without a receipt. @throws BadSend
 */
export function readReceipt(wamid: string, options: { typing: boolean }): ReadReceipt {
  if (wamid === '') throw emptyField('message_id', 'Pass the wamid of the message that was read.');
  const typing = options.typing ? { typing_indicator: { type: 'text' as const } } : {};
  return { status: 'read', message_id: wamid, ...typing };
}
