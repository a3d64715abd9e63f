/** The page about the first dialog: its dialog is as short as it says, and its test passes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPage } from './page.ts';

const { blocks, tests, node, open, close } = readPage('docs/your-first-dialog.md');
beforeAll(open);
afterAll(close);

test('the first dialog has three steps in about 25 lines', () => {
  expect(tests).toEqual(['pizza.test.ts']);
  const lines =
    blocks
      .find(({ file }) => file === 'pizza.ts')
      ?.text.trimEnd()
      .split('\n') ?? [];
  expect(lines.length - 1).toBeLessThanOrEqual(27);
  expect(blocks.filter(({ file }) => file === null)).toEqual([]);
});

test('its test passes', { timeout: 60_000 }, async () => {
  const { stdout } = await node('--test', '--test-reporter=tap', 'pizza.test.ts');
  expect(stdout).toMatch(/^# pass 1$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});

test('what else is shown is a dialog, in both languages', { timeout: 60_000 }, async () => {
  const program = `
    import { driveDialog } from 'nightdesk/testing';
    import { greeter } from './greeter.ts';
    for (const word of ['hi', 'hola']) console.log(driveDialog(greeter).say(word).say('Eva').said[0]);`;
  const { stdout } = await node('--input-type=module', '-e', program);
  expect(stdout).toBe('Nice to meet you, Eva.\nMucho gusto, Eva.\n');
});
