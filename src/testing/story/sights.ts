/**
 * What a customer sees of a message, and what a story expects her to see. A text is compared whole, a pattern anywhere in
 * it. To let a story expect more, add it to `Sight`, `fits` and `describeSight`.
 */
import type { HistoryMessage } from '#simulator/index.ts';

export type Words = string | RegExp;

/** All that is named must fit. */
export interface Sight {
  text?: Words;
  /** Meta's name of the kind: `text`, `image`, `interactive`, `template`, `reaction`, ... */
  type?: string;
  /** Titles of reply buttons, each of which must be there. */
  buttons?: readonly Words[];
  /** Titles of list rows, each of which must be there. */
  rows?: readonly Words[];
  /** The wamid of the message that it quotes. */
  quotes?: string;
}

/** Something with a title that can be tapped. */
export interface Offer {
  /** A quick reply is a button under a template. */
  kind: 'button' | 'row' | 'quickReply';
  id: string;
  title: string;
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** A message with what its body alone does not tell: the quick replies of its template. */
export type ShownMessage = HistoryMessage & { readonly quickReplies?: readonly Offer[] };

/** The buttons and list rows of a message, in their order. */
export function offersOf(message: Pick<ShownMessage, 'body' | 'quickReplies'>): Offer[] {
  const action = objectOf(objectOf(message.body).action);
  const buttons = listOf(action.buttons).map((each) => ({
    kind: 'button' as const,
    ...titled(objectOf(each).reply),
  }));
  const rows = listOf(action.sections)
    .flatMap((section) => listOf(objectOf(section).rows))
    .map((each) => ({ kind: 'row' as const, ...titled(each) }));
  return [...buttons, ...rows, ...(message.quickReplies ?? [])].filter(({ id }) => id !== '');
}

function titled(value: unknown): { id: string; title: string } {
  const { id, title } = objectOf(value);
  return { id: typeof id === 'string' ? id : '', title: typeof title === 'string' ? title : '' };
}

export const wordsFit = (text: string | null, words: Words): boolean =>
  text !== null && (typeof words === 'string' ? text === words : text.search(words) >= 0);

/** Titles of its buttons, or of its rows. */
export const titlesOf = (message: ShownMessage, what: 'buttons' | 'rows'): string[] =>
  offersOf(message)
    .filter(({ kind }) => (kind === 'row') === (what === 'rows'))
    .map(({ title }) => title);

export function fits(message: ShownMessage, sight: Sight): boolean {
  const hasAll = (wanted: readonly Words[] | undefined, titles: string[]): boolean =>
    (wanted ?? []).every((words) => titles.some((title) => wordsFit(title, words)));
  return (
    (sight.text === undefined || wordsFit(message.text, sight.text)) &&
    (sight.type === undefined || message.type === sight.type) &&
    (sight.quotes === undefined || message.replyTo === sight.quotes) &&
    hasAll(sight.buttons, titlesOf(message, 'buttons')) &&
    hasAll(sight.rows, titlesOf(message, 'rows'))
  );
}

export const sightOf = (expected: Words | Sight): Sight =>
  typeof expected === 'string' || expected instanceof RegExp ? { text: expected } : expected;

const quoted = (words: Words): string => (typeof words === 'string' ? `“${words}”` : String(words));

export function describeSight({ text, type, buttons, rows, quotes }: Sight): string {
  const parts = [
    `a message${type === undefined ? '' : ` of type "${type}"`}`,
    text === undefined ? '' : ` ${typeof text === 'string' ? 'that says' : 'that fits'} ${quoted(text)}`,
    buttons === undefined ? '' : ` with the buttons ${buttons.map(quoted).join(', ')}`,
    rows === undefined ? '' : ` with the rows ${rows.map(quoted).join(', ')}`,
    quotes === undefined ? '' : ` that quotes ${quotes}`,
  ];
  return parts.join('');
}

/** One line, for an explanation. */
export function describeMessage(message: ShownMessage): string {
  const words = message.text === null ? '' : `“${message.text}”`;
  const kind = message.type === 'text' ? '' : `${message.type} `;
  const offers = offersOf(message).map(({ title }) => ` [${title}]`);
  return `${kind}${words}${offers.join('')}`.trim();
}
