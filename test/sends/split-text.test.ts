import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codePoints, splitText } from '#core/model/split-text.ts';

const withoutSpace = (text: string) => text.replace(/\s+/gu, '');
const word = fc.stringMatching(/^[a-zäß0-9]{1,12}$/);
const prose = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', ' ', '. ', '! ', '\n', '\n\n', '. " ', '  ')), {
    maxLength: 200,
  })
  .map((words) => words.map(([text, mark]) => text + mark).join(''));
const anything = fc.oneof(
  prose,
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 400 }),
);
const max = fc.integer({ min: 1, max: 120 });

describe('any text', () => {
  test('no part is too long or blank, and no character but space is lost', () => {
    fc.assert(
      fc.property(anything, max, (text, max) => {
        const parts = splitText(text, max);
        for (const part of parts) {
          expect(codePoints(part)).toBeLessThanOrEqual(max);
          expect(part.trim()).not.toBe('');
        }
        if (!text.includes('```')) expect(withoutSpace(parts.join(''))).toBe(withoutSpace(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('the number of parts is bounded by the length', () => {
    fc.assert(
      fc.property(anything, max, (text, max) => {
        expect(splitText(text, max).length).toBeLessThanOrEqual(Math.ceil((3 * codePoints(text)) / max));
      }),
      { numRuns: 500 },
    );
    const code = `\`\`\`json\n${'{"a": [1, 2, 3]},\n'.repeat(20_000)}\`\`\``;
    expect(splitText(code).length).toBeLessThanOrEqual(Math.ceil((2 * code.length) / 4_096));
  });

  test('a surrogate pair is never cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), max, (text, max) => {
        for (const part of splitText(text, max)) expect(part.isWellFormed()).toBe(true);
      }),
    );
  });

  test('a grapheme is not cut where it fits into a part', () => {
    const letters = ['👩‍👩‍👧‍👦', '🇩🇪', 'e\u0301', '한', '👍🏽', 'a', ' ', '\r\n', 'क्षि', ' \u0301x'];
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
    const graphemesOf = (text: string) => [...segmenter.segment(text)].map(({ segment }) => segment);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...letters), { maxLength: 150 }),
        fc.integer({ min: 12, max: 40 }),
        (list, max) => {
          const whole = graphemesOf(list.join('')).map(withoutSpace).filter(Boolean);
          const parts = splitText(list.join(''), max).flatMap(graphemesOf);
          expect(parts.map(withoutSpace).filter(Boolean)).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a grapheme longer than a part is cut between code points', () => {
    const zalgo = `a${'\u0301'.repeat(50)}`;
    const parts = splitText(zalgo, 10);
    expect(parts.join('')).toBe(zalgo);
    expect(parts).toHaveLength(6);
  });

  test('code blocks: nothing is lost and every part that has a fence closes it', () => {
    const line = fc.stringMatching(/^ {0,4}[a-z{}();=]{1,25}$/);
    const block = fc
      .tuple(fc.constantFrom('', 'ts', 'json'), fc.array(line, { maxLength: 30 }))
      .map(([language, lines]) => `\`\`\`${language}\n${lines.map((code) => `${code}\n`).join('')}\`\`\``);
    const text = fc.array(fc.oneof(block, prose), { maxLength: 6 }).map((pieces) => pieces.join('\n\n'));
    const bare = (text: string) => withoutSpace(text.replace(/^```.*$/gmu, ''));
    fc.assert(
      fc.property(text, fc.integer({ min: 60, max: 200 }), (text, max) => {
        const parts = splitText(text, max);
        expect(bare(parts.join('\n'))).toBe(bare(text));
        for (const part of parts) {
          expect(codePoints(part)).toBeLessThanOrEqual(max);
          expect((part.match(/^```/gmu) ?? []).length % 2).toBe(0);
        }
        expect(parts.length).toBeLessThanOrEqual(Math.ceil((4 * codePoints(text)) / max));
      }),
      { numRuns: 500 },
    );
  });
});

describe('where it is cut', () => {
  test('a text that fits stays as it is; a blank one is no message', () => {
    expect(splitText(' two\n\n words ')).toEqual([' two\n\n words ']);
    expect(splitText('x'.repeat(4_096))).toHaveLength(1);
    expect(splitText('😀'.repeat(4_096))).toHaveLength(1);
    expect(splitText('😀'.repeat(4_097))).toEqual(['😀'.repeat(4_096), '😀']);
    expect(splitText('')).toEqual([]);
    expect(splitText(' \n '.repeat(3_000))).toEqual([]);
  });

  test('between paragraphs first', () => {
    const text = 'One sentence. And another\n\nA third one. The fourth.';
    expect(splitText(text, 40)).toEqual(['One sentence. And another', 'A third one. The fourth.']);
  });

  test('then after a line or a sentence, with its quotes', () => {
    expect(splitText('He said "come here." Then he went home again', 30)).toEqual([
      'He said "come here."',
      'Then he went home again',
    ]);
    expect(splitText('first line of it\nsecond line of it', 25)).toEqual([
      'first line of it',
      'second line of it',
    ]);
    expect(splitText('今日は天気がいい。明日は雨が降る', 12)).toEqual([
      '今日は天気がいい。',
      '明日は雨が降る',
    ]);
    expect(splitText('costs 3.50 euro each', 12)).toEqual(['costs 3.50', 'euro each']);
  });

  test('then between words, and only then inside one', () => {
    expect(splitText('alpha beta gamma delta', 16)).toEqual(['alpha beta gamma', 'delta']);
    expect(splitText('abcdefghijkl', 5)).toEqual(['abcde', 'fghij', 'kl']);
  });

  test('a code block that fits into one part is not cut', () => {
    const block = '```ts\nconst a = 1;\n\nconst b = 2;\n```';
    const text = `Some words before it, quite a few.\n\n${block}\n\nAnd some words after it.`;
    expect(splitText(text, 50)).toEqual([
      'Some words before it, quite a few.',
      block,
      'And some words after it.',
    ]);
  });

  test('one that does not fit is fenced again with its language, at a line', () => {
    const lines = Array.from({ length: 12 }, (_, i) => `  line(${i + 10});`);
    const parts = splitText(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``, 70);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part).toMatch(/^```ts\n( {2}line\(\d+\);\n)+```$/);
    expect(parts.join('\n').match(/ {2}line\(\d+\);/g)).toEqual(lines);
  });

  test('inline monospace and a block without an end lose nothing', () => {
    const inline = `\`\`\`inline\`\`\` then ${'words and '.repeat(20)}`;
    expect(withoutSpace(splitText(inline, 60).join(''))).toBe(withoutSpace(inline));
    const open = splitText(`\`\`\`\n${'code();\n'.repeat(20)}`, 60);
    expect(open.join('\n').match(/code\(\);/g)).toHaveLength(20);
  });

  test('a maximum that nothing fits into is a bug of the caller', () => {
    expect(() => splitText('x', 0)).toThrow(RangeError);
    expect(() => splitText('x', 1.5)).toThrow(RangeError);
  });
});
