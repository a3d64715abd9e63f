/** The page of proof: what it says of invariants is what ARCHITECTURE.md says, its places exist, and runs can be kept. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { faultsFound } from '../proof/page/faults-found.ts';
import { invariants } from '../proof/page/invariants.ts';
import { renew } from '../proof/page/render.ts';
import { testsOf } from '../proof/page/watchers.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const page = read('docs/proof.md');
const unlinked = (text: string) => text.replace(/\]\([^)]*\)/g, ']');
const runsOf = (text: string) =>
  text.slice(text.indexOf('## Simulation'), text.indexOf('## Faults that were found'));

test('every invariant is there, in the words of ARCHITECTURE.md', () => {
  const said = [...read('ARCHITECTURE.md').matchAll(/^\| (I\d+) \| (.*) \|$/gm)];
  expect(said.length).toBe(12);
  expect(invariants.map(({ name, says }) => [name, unlinked(says)])).toEqual(
    said.map(([, name, says]) => [name, unlinked(says ?? '')]),
  );
});

test.each(invariants)('$name is enforced where it says, and watched by a test', ({ name, code }) => {
  expect(code.filter(([path]) => !existsSync(resolve(root, path)))).toEqual([]);
  expect(testsOf(name)).not.toEqual([]);
});

test('the page has every invariant and every fault that was found', () => {
  expect(invariants.filter(({ says }) => !page.includes(says))).toEqual([]);
  expect(faultsFound.filter(([by, what]) => !page.includes(`| ${by} | ${what} |`))).toEqual([]);
});

test('runs are kept as they were, with their date, however often the rest is written anew', () => {
  const renewed = renew(page, '2030-01-31');
  expect(runsOf(renewed)).toBe(runsOf(page));
  expect(renewed.split('\n\n')[1]).toBe(page.split('\n\n')[1]);
  expect(renewed).toContain('brought up to date on 2030-01-31');
  expect(renew(renewed, '2030-01-31')).toBe(renewed);
  expect(() => renew('# Proof\n', '2030-01-31')).toThrow(/no runs/);
});
