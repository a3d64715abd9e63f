/**
 * No regular expression of `src/` works more than in proportion to the text, whatever the text. Each is found in the code
 * and attacked; what is measured is steps, so the verdict is the same on every machine.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scan } from '../tidy/scan.ts';
import { growthOf } from './regex-steps.ts';

const root = new URL('../../src/', import.meta.url);

/** Where the text is ours, or a person's own on their own machine. */
const insideOnly = ['simulator/', 'testing/', 'surface/cli/'];

/** Expressions whose text nobody else writes, by what they are. */
const ownText: Readonly<Record<string, string>> = {
  '\\/+$': 'an address of the configuration',
  '([^/\\\\]+:\\d+):\\d+$': 'a frame of a stack: the path of a file of ours',
};

interface Found {
  path: string;
  source: string;
  flags: string;
}

function expressionsIn(path: string): Found[] {
  const text = readFileSync(new URL(path, root), 'utf8');
  // In scanned code the inside of an expression is blank, and of nothing else between two slashes.
  return [...scan(text).code.matchAll(/\/( +)\/([dgimsuy]*)/g)].map(
    ({ index, 1: blank = '', 2: flags = '' }) => ({
      path,
      source: text.slice(index + 1, index + 1 + blank.length),
      flags,
    }),
  );
}

const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !insideOnly.some((folder) => path.startsWith(folder)))
  .sort();
const all = paths.flatMap(expressionsIn);
const found = all.filter(({ source }) => !(source in ownText));

/** Linear is 2; a little more is the work at both ends. */
const growthMax = 2.3;

describe('an expression that sees what others wrote', () => {
  test('is found in the code', () => {
    expect(found.length).toBeGreaterThan(50);
    expect(found.map(({ source }) => source)).toContain('^sha256=[0-9a-f]{64}$');
    const built = paths.filter((path) =>
      /new RegExp\(/.test(scan(readFileSync(new URL(path, root), 'utf8')).code),
    );
    expect(built, 'an expression that is put together is not found here').toEqual([]);
  });

  test.each(Object.keys(ownText))('%s needs to be excused', (source) => {
    expect(all.map((each) => each.source)).toContain(source);
    expect(growthOf(new RegExp(source)).growth).toBeGreaterThan(growthMax);
  });

  test.each(found.map((each) => [each.path, `/${each.source}/${each.flags}`, each] as const))(
    '%s %s works in proportion to the text',
    (_path, _shown, { source, flags }) => {
      const { growth, attack } = growthOf(new RegExp(source, flags));
      expect(growth, attack).toBeLessThan(growthMax);
    },
  );
});

describe('the counter of steps bites', () => {
  test.each([
    /^(a+)+$/,
    /^(a|a)*$/,
    /^(\w+\s?)*$/,
    /(x+x+)+y/,
    /\s+$/,
    /^x(.*?)\s*$/,
    /^\d+\d+$/,
    /"[^"]*",.*,.*;/,
    /(?:\w+\.)*\w+@/,
    /^(?:Bearer|OAuth)\s+(.+)$/i,
  ])('%s', (expression) => {
    expect(growthOf(expression).growth).toBeGreaterThan(growthMax);
  });

  test.each([/^a+$/, /^\s*\S/, /a+/, /^[^@]+@\w{1,20}$/, /^(?:ab)+$/, /(?<!\p{L})gracias(?!\p{L})/iu])(
    '%s is left alone',
    (expression) => {
      expect(growthOf(expression).growth).toBeLessThan(growthMax);
    },
  );
});
