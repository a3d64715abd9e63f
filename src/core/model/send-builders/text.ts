/** Texts. What is longer than one message is cut by `splitText`, which the `say` of a dialog does by itself. */
import { limits } from '../../limits.ts';
import type { SendBody } from '../send-bodies.ts';
import { codePoints } from '../split-text.ts';
import { emptyField, tooLong, withoutUnsendable } from './fields.ts';

/** A text of 1 to 4,096 characters. @throws BadSend */
export function text(body: string, options: { previewUrl?: boolean } = {}): SendBody {
  const sendable = withoutUnsendable(body);
  const actual = codePoints(sendable);
  if (sendable.trim() === '') throw emptyField('text.body', 'Send nothing instead of an empty text.');
  if (actual > limits.textCharsMax) {
    const hint = 'Cut it with splitText and send the parts one after another.';
    throw tooLong('text.body', { limit: limits.textCharsMax, actual, hint });
  }
  const preview = options.previewUrl === undefined ? {} : { preview_url: options.previewUrl };
  return { type: 'text', text: { body: sendable, ...preview } };
}
