/** The page of the moments lists what there is, word for word: kinds, fields, steps and doors. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { moments } from '#core/ports/observer.ts';
import { stepKinds } from '#surface/cli/dev/workbench/life.ts';
import { supervisorMoments } from '#surface/cli/dev/workbench/moment-book.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const page = read('docs/reference/moments.md');

/** Rows of the table under a heading, without its head. */
function rowsUnder(heading: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
}

const rowOf = (kind: string, { when, fields }: { when: string; fields: Record<string, string> }) =>
  `| \`${kind}\` | ${when} | ${Object.entries(fields)
    .map(([name, words]) => `\`${name}\` ${words}`)
    .join('; ')} |`;

test.each([
  ['What the server tells', moments],
  ['What the supervisor tells', supervisorMoments],
])('%s: every kind with every field, and nothing else', (heading, table) => {
  expect(rowsUnder(heading)).toEqual(Object.entries(table).map(([kind, words]) => rowOf(kind, words)));
});

test('every step of a life', () => {
  expect(rowsUnder('The life of a message')).toEqual(
    Object.entries(stepKinds).map(([kind, words]) => `| \`${kind}\` | ${words} |`),
  );
});

test('every door', () => {
  const source = read('src/surface/cli/dev/workbench/doors.ts');
  const table = /return \{\n([\s\S]*?)\n {2}\};\n\}/.exec(source)?.[1] ?? '';
  const doors = [...table.matchAll(/^ {4}(\w+): \{\s*(get|post|stream):/gm)].map(
    ([, name, method]) => `${method === 'post' ? 'POST' : 'GET'} /_dev/${name}`,
  );
  expect(doors.length).toBeGreaterThan(5);
  const listed = rowsUnder('The doors').map((row) => /^\| `([^`]+)`/.exec(row)?.[1]);
  expect(listed.sort()).toEqual(doors.sort());
});
