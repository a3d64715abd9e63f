/** The page about testing a bot: the tests on it must pass, and a `text` block is what the program before it prints. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPage } from './page.ts';

const { blocks, tests, node, open, close } = readPage('docs/testing-your-bot.md');
beforeAll(open);
afterAll(close);

test('every block of code is a file', () => {
  expect(tests.length).toBeGreaterThan(3);
  expect(blocks.filter(({ kind, file }) => kind === 'ts' && file === null)).toEqual([]);
});

test.each(tests)('%s passes', { timeout: 60_000 }, async (file) => {
  const { stdout } = await node('--test', '--test-reporter=tap', file);
  expect(stdout).toMatch(/^# pass 1$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});

test('what the page shows as printed is printed', { timeout: 60_000 }, async () => {
  const shown = blocks.flatMap(({ kind, text }, index) =>
    kind === 'text' ? [{ file: blocks[index - 1]?.file ?? '', text }] : [],
  );
  expect(shown).not.toEqual([]);
  // To the second: what is drawn by chance may move a little with the look-alike.
  const withoutFractions = (text: string) => text.replace(/(\d\d:\d\d:\d\d)\.\d{3}/g, '$1');
  for (const { file, text } of shown)
    expect(withoutFractions((await node(file)).stdout)).toBe(withoutFractions(text));
});
