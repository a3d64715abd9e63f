/** Text. Its wrongs are Graph's own 100 rather than the 131009 of all other types. */
import { readString } from '../control/json-reading.ts';
import { type Check, isLongerThan, type Refusal } from './checks.ts';

const TEXT_CHARS_MAX = 4_096;

const wrong = (details: string): Refusal => ({ code: 100, details });

export const checkTextMessage: Check = (content) => {
  const body = readString(content.body);
  if (body === undefined || body.trim() === '') return wrong("The parameter text['body'] is required.");
  if (isLongerThan(body, TEXT_CHARS_MAX)) {
    return wrong(`Param text['body'] must be at most ${TEXT_CHARS_MAX} characters long.`);
  }
  const isFlag = content.preview_url === undefined || typeof content.preview_url === 'boolean';
  return isFlag ? null : wrong("Param text['preview_url'] must be a boolean.");
};
