/** What the guide says that the doctor says, it says: each quoted line is found in the code that makes it. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/going-live.md'), 'utf8');
const doctor = resolve(root, 'src/runtime/doctor');
const code = readdirSync(doctor)
  .map((name) => readFileSync(resolve(doctor, name), 'utf8'))
  .join('\n');

/** Rows of the tables that quote the doctor, without the check's name before the colon. */
const quoted = page
  .split('\n\n')
  .filter((block) => block.startsWith('| the doctor says |'))
  .flatMap((block) => block.split('\n').slice(2))
  .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''))
  .filter((line) => line.includes(':') || line.includes('...'));

/** Words that stand in the code as they are: what is filled in (numbers, names, times) parts them. */
const wordsOf = (line: string): string[] =>
  line
    .replace(/^[\w ]+: /, '')
    .split(
      /\.\.\.|[.:] |whatsapp_\w+|https?:\S+|\bv\d+\.\d|\b[A-Z_]{5,}\b|[A-Za-z]*\d[\w-]*|\bX\b|\(|\)|[“”"]/,
    )
    .map((part) => part.trim().replace(/[.,:;]+$/, ''))
    .filter((part) => part.split(' ').length >= 2);

test('it quotes enough of the doctor', () => {
  expect(quoted.length).toBeGreaterThan(25);
});

test.each(quoted)('%s', (line) => {
  const said = code.replace(/\s+/g, ' ');
  const missing = wordsOf(line).filter((part) => !said.includes(part));
  expect(missing).toEqual([]);
});
