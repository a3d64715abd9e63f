/**
 * The page about testing a bot, run as its reader would: each `ts` block is a file of a project that has the package, the
 * tests among them must pass, and a `text` block is what the program before it prints.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/testing-your-bot.md'), 'utf8');
const blocks = [...page.matchAll(/^```(ts|text)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({
  kind,
  text: text ?? '',
  file: /^\/\/ (\S+\.ts)\n/.exec(text ?? '')?.[1] ?? null,
}));
const tests = blocks.flatMap(({ file }) => (file?.endsWith('.test.ts') ? [file] : []));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-page-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/nightdesk'));
  symlinkSync(join(root, 'node_modules/xstate'), join(folder, 'node_modules/xstate'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const { file, text } of blocks) if (file !== null) writeFileSync(join(folder, file), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];
const node = (...args: string[]) => run(process.execPath, [...flags, ...args], { cwd: folder });

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
