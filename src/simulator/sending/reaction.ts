/** A reaction: one emoji, or an empty string that takes it back. Whether its target can be reacted to shows later. */
import { readString } from '../control/json-reading.ts';
import { type Check, checkText, invalid, missing } from './checks.ts';

/** One emoji as people type it; some keyboards leave out the variation selector that the standard asks for. */
const ONE_EMOJI = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?)$/v;

export const checkReaction: Check = (content) => {
  const wrong = checkText(content.message_id, "reaction['message_id']", 512);
  if (wrong) return wrong;
  const emoji = readString(content.emoji);
  if (emoji === undefined) return missing("reaction['emoji']");
  return emoji === '' || ONE_EMOJI.test(emoji)
    ? null
    : invalid("reaction['emoji'] must be one emoji, or empty to take the reaction back.");
};
