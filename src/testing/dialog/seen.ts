/** What a customer sees of a dialog that is driven without a server: words, and what can be tapped. */
import type { SendBody } from '#core/model/sends.ts';
import { wordsOfSend } from '#core/model/words-of-send.ts';

type Words = string | RegExp;

/** All that is named must fit. */
export interface SeenSight {
  text?: Words;
  /** Meta's name of the kind: `text`, `image`, `interactive`, ... */
  type?: string;
  /** Titles of buttons or rows, each of which must be there. */
  options?: readonly Words[];
}

export interface SeenMessage {
  body: SendBody;
  /** Its words alone. */
  text: string;
  /** Its words and what can be tapped, in brackets. */
  words: string;
  taps: { kind: 'button' | 'listChoice'; id: string; title: string }[];
}

export function seenOf(body: SendBody): SeenMessage {
  const words = wordsOfSend(body);
  const text = body.type === 'interactive' ? (body.interactive.body?.text ?? '') : words;
  return { body, text, words, taps: tapsOf(body) };
}

function tapsOf(body: SendBody): SeenMessage['taps'] {
  if (body.type !== 'interactive') return [];
  const { interactive } = body;
  if (interactive.type === 'button')
    return interactive.action.buttons.map(({ reply }) => ({ kind: 'button', ...reply }));
  if (interactive.type === 'list')
    return interactive.action.sections.flatMap(({ rows }) =>
      rows.map(({ id, title }) => ({ kind: 'listChoice' as const, id, title })),
    );
  return [];
}

/** The newest that has this title. */
export function tapFor(messages: readonly SeenMessage[], title: string): SeenMessage['taps'][number] | null {
  for (const { taps } of messages.toReversed()) {
    const tap = taps.find((each) => each.title === title);
    if (tap !== undefined) return tap;
  }
  return null;
}

const wordsFit = (text: string, words: Words): boolean =>
  typeof words === 'string' ? text === words : text.search(words) >= 0;

export function fitsSeen({ body, text, taps }: SeenMessage, sight: SeenSight): boolean {
  return (
    (sight.text === undefined || wordsFit(text, sight.text)) &&
    (sight.type === undefined || body.type === sight.type) &&
    (sight.options ?? []).every((words) => taps.some(({ title }) => wordsFit(title, words)))
  );
}

export function describeSeen({ text, type, options }: SeenSight): string {
  const quoted = (words: Words) => (typeof words === 'string' ? `“${words}”` : String(words));
  return [
    `a message${type === undefined ? '' : ` of type "${type}"`}`,
    text === undefined ? '' : ` ${typeof text === 'string' ? 'that says' : 'that fits'} ${quoted(text)}`,
    options === undefined ? '' : ` with the options ${options.map(quoted).join(', ')}`,
  ].join('');
}
