/**
 * Builders of what leaves. A length that Meta would refuse minutes later in a webhook is refused here, where the line
 * that wrote it is on the stack. Lengths are counted in code points: Meta does not say what it counts, and a code point
 * is never less than a letter on the screen. To add a kind of message, add its body to `SendBody` and a builder here.
 *
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

import { limits } from '../limits.ts';
import { KnownError } from './faults.ts';
import type { SendBody } from './sends.ts';
import { codePoints, graphemes } from './split-text.ts';

/** A body that cannot be sent as it is. Names the field and the lengths, never what was written. */
export class BadSend extends KnownError {
  override readonly name = 'BadSend';
  readonly field: string;
  /** The most, or with `actual` 0 the least, that the field may hold. */
  readonly limit: number;
  readonly actual: number;

  constructor({
    field,
    limit,
    actual,
    hint,
  }: { field: string; limit: number; actual: number; hint: string }) {
    const rule = actual === 0 ? `must have at least ${limit}` : `may have at most ${limit}`;
    super(
      `The field ${field} has ${actual} characters and ${rule}, so Meta would refuse the message. ${hint}`,
    );
    this.field = field;
    this.limit = limit;
    this.actual = actual;
  }
}

/** A text of 1 to 4,096 characters. @throws BadSend */
export function text(body: string, options: { previewUrl?: boolean } = {}): SendBody {
  const sendable = withoutUnsendable(body);
  const actual = codePoints(sendable);
  if (sendable.trim() === '') throw emptyField('text.body', 'Send nothing instead of an empty text.');
  if (actual > limits.textCharsMax) {
    const hint = 'Cut it with splitText and send the parts one after another.';
    throw new BadSend({ field: 'text.body', limit: limits.textCharsMax, actual, hint });
  }
  const preview = options.previewUrl === undefined ? {} : { preview_url: options.previewUrl };
  return { type: 'text', text: { body: sendable, ...preview } };
}

/** Reacts to a message with one emoji; an empty one takes the reaction back. @throws BadSend */
export function reaction({ wamid, emoji }: { wamid: string; emoji: string }): SendBody {
  if (wamid === '') throw emptyField('reaction.message_id', 'Pass the wamid of the message to react to.');
  const actual = graphemes(emoji);
  if (actual > 1) {
    throw new BadSend({ field: 'reaction.emoji', limit: 1, actual, hint: 'React with a single emoji.' });
  }
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

/** Half a surrogate pair and NUL are no text: no phone shows them, and a store may refuse to keep them. */
function withoutUnsendable(body: string): string {
  return body.toWellFormed().replaceAll('\u0000', '');
}

function emptyField(field: string, hint: string): BadSend {
  return new BadSend({ field, limit: 1, actual: 0, hint });
}
