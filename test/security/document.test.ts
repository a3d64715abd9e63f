/** SECURITY.md is found from where people begin, names every proof, and invents no address to write to. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const document = read('SECURITY.md');

test.each(['README.md', 'CONTRIBUTING.md'])('%s links to it', (path) => {
  expect(read(path)).toContain('(SECURITY.md)');
});

test('it says how to report, which versions get fixes, what is defended and what is not', () => {
  const heads = [...document.matchAll(/^## (.*)$/gm)].map(([, head]) => head);
  expect(heads).toEqual(
    expect.arrayContaining([
      'Reporting a vulnerability',
      'Supported versions',
      'Doors',
      'What is not defended',
    ]),
  );
  expect(document).toContain('private vulnerability');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(document).toContain(`(${version.split('.')[0]}.x)`);
});

test('it has no address that somebody could write to in vain', () => {
  expect(document).not.toMatch(/[\w.+-]+@[\w-]+\.[a-z]/i);
  expect(document).not.toMatch(/\b(https?|mailto):\S/i);
});

test('it names every test of this folder', () => {
  const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && path !== 'document.test.ts')
    .map((path) => `(test/security/${path})`);
  expect(tests.length).toBeGreaterThan(10);
  expect(tests.filter((link) => !document.includes(link))).toEqual([]);
});

test('it names every variable that holds a secret', () => {
  const names = [
    ...read('src/runtime/config.ts').matchAll(/^ {2}([A-Z_]*(?:SECRET|TOKEN|KEY)[A-Z_]*):/gm),
  ].map(([, name]) => name ?? '');
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
});
