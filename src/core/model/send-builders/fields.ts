/**
 * What all builders share: how a refusal looks, and the few questions they ask of a field. What Meta would refuse minutes
 * later in a webhook is refused here, where the line that wrote it is on the stack. Lengths are counted in code points.
 */
import { KnownError } from '../faults.ts';
import type { SendFile } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { codePoints } from '../split-text.ts';

interface Problem {
  field: string;
  /** After "The field X": "has 21 characters and may have at most 20". */
  what: string;
  hint: string;
  limit?: number;
  actual?: number | null;
}

/** A body that cannot be sent as it is. Names the field and the limit, never what was written. */
export class BadSend extends KnownError {
  override readonly name = 'BadSend';
  /** As Meta names it: `interactive.action.buttons[0].reply.title`. */
  readonly field: string;
  /** The most, or with `actual` 0 the least, that the field may hold; null where it is not about a number. */
  readonly limit: number | null;
  readonly actual: number | null;

  constructor({ field, what, hint, limit, actual }: Problem) {
    super(`The field ${field} ${what}, so Meta would refuse the message. ${hint}`);
    this.field = field;
    this.limit = limit ?? null;
    this.actual = actual ?? null;
  }
}

export function emptyField(field: string, hint: string): BadSend {
  return new BadSend({
    field,
    limit: 1,
    actual: 0,
    what: 'has 0 characters and must have at least 1',
    hint,
  });
}

export function tooLong(field: string, { limit, actual, hint }: Sizes): BadSend {
  const what = `has ${actual} characters and may have at most ${limit}`;
  return new BadSend({ field, limit, actual, what, hint });
}

interface Sizes {
  limit: number;
  actual: number;
  hint: string;
}

/** Half a surrogate pair and NUL are no text: no phone shows them, and a store may refuse to keep them. */
export function withoutUnsendable(written: string): string {
  return written.toWellFormed().replaceAll('\u0000', '');
}

/** A text that has something to read, of at most `max` characters. @throws BadSend */
export function words(field: string, written: string, max: number): string {
  const sendable = withoutUnsendable(written);
  if (sendable.trim() === '') throw emptyField(field, 'Write something there, or leave the field out.');
  const actual = codePoints(sendable);
  if (actual > max) throw tooLong(field, { limit: max, actual, hint: 'Shorten it.' });
  return sendable;
}

/** An id comes back as it was sent, so it is not changed: what could not leave is refused. @throws BadSend */
export function id(field: string, written: string, max: number): string {
  const sent = words(field, written, max);
  if (sent === written && written.trim() === written) return sent;
  throw new BadSend({
    field,
    what: 'holds a character that cannot be sent, or begins or ends with a space',
    hint: 'An id must come back as it was given: use letters, digits and signs.',
  });
}

/** Between `min` and `max` of something. @throws BadSend */
export function count(
  field: string,
  given: readonly unknown[],
  { min, max, of }: { min: number; max: number; of: string },
): void {
  const actual = given.length;
  if (actual < min)
    throw new BadSend({
      field,
      limit: min,
      actual,
      what: `has ${actual} ${of} and must have at least ${min}`,
      hint: 'Add what is missing, or send another type of message.',
    });
  if (actual > max)
    throw new BadSend({
      field,
      limit: max,
      actual,
      what: `has ${actual} ${of} and may have at most ${max}`,
      hint: 'Leave some out, or spread them over several messages.',
    });
}

/** @throws BadSend where two are equal: Meta could not tell which one was chosen. */
export function unique(field: string, given: readonly string[]): void {
  const twice = given.findIndex((each, index) => given.indexOf(each) !== index);
  if (twice < 0) return;
  throw new BadSend({
    field,
    what: `is the same in number ${given.indexOf(given[twice] ?? '') + 1} and number ${twice + 1}`,
    hint: 'Each must differ, or nobody could tell which one was chosen.',
  });
}

/** @throws BadSend */
export function webAddress(field: string, written: string): string {
  const url = words(field, written, sendLimits.linkCharsMax);
  const { protocol } = URL.parse(url) ?? {};
  if (protocol === 'https:' || protocol === 'http:') return url;
  throw new BadSend({
    field,
    what: 'is no address of the web',
    hint: 'Give a whole address that begins with https://.',
  });
}

/** Only its id or its link. @throws BadSend */
export function file(field: string, given: SendFile): SendFile {
  const { id: mediaId, link } = given as { id?: string; link?: string };
  if (mediaId !== undefined && link === undefined)
    return { id: id(`${field}.id`, mediaId, sendLimits.nameCharsMax) };
  if (link !== undefined && mediaId === undefined) return { link: webAddress(`${field}.link`, link) };
  throw new BadSend({
    field,
    what: 'must have an id or a link, and not both',
    hint: 'Give the id that an upload returned, or the address of the file.',
  });
}
