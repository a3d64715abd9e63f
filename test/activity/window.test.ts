import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '#core/ports/store.ts';
import { windowOf } from '#pipeline/activity/reply.ts';

const said = (position: number, text: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  role: 'customer',
  fence: position,
  position,
  atMs: position,
  kind: 'text',
  text,
  seen: false,
  ...more,
});
const bot = (text: string): HistoryEntry => ({ ...said(0, text), role: 'bot', position: null });
const wide = { messagesMax: 30, tokensMax: 6_000 };
const texts = (entries: HistoryEntry[], input: { after: number; through: number }, bounds = wide) =>
  windowOf(entries, input, bounds).map((message) => message.text);

describe('what a model is shown', () => {
  const entries = [said(1, 'a'), bot('A'), said(2, 'b'), said(3, 'c'), said(4, 'later')];

  test('history, then all that is to be answered, and nothing after it', () => {
    expect(texts(entries, { after: 1, through: 3 })).toEqual(['a', 'A', 'b', 'c']);
  });

  test('what is to be answered stands at the end, also where its turn came before an answer', () => {
    expect(texts([said(1, 'a'), said(2, 'b'), bot('A')], { after: 1, through: 2 })).toEqual(['a', 'A', 'b']);
  });

  test('what an operator has seen is history', () => {
    const seen = [
      said(1, 'a', { seen: true }),
      { ...bot('I am Ann'), role: 'operator' as const },
      said(2, 'b'),
    ];
    expect(texts(seen, { after: 0, through: 2 })).toEqual(['a', 'I am Ann', 'b']);
  });

  test('a window never begins with our own words, and never leaves out what is to be answered', () => {
    expect(texts(entries, { after: 1, through: 3 }, { messagesMax: 3, tokensMax: 6_000 })).toEqual([
      'b',
      'c',
    ]);
    expect(texts(entries, { after: 1, through: 3 }, { messagesMax: 1, tokensMax: 6_000 })).toEqual([
      'b',
      'c',
    ]);
    expect(
      texts(
        [said(1, 'x'.repeat(100)), said(2, 'b')],
        { after: 1, through: 2 },
        { messagesMax: 30, tokensMax: 20 },
      ),
    ).toEqual(['b']);
  });
});
