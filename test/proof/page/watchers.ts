/** Who watches each invariant: the checkers of the simulation, and the tests that name it in their titles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

const declares = (text: string, invariant: string) =>
  new RegExp(`\\binvariant(?::| =) '${invariant}'`).test(text);

/** Files of checkers, by the invariant that they name. */
export function checkersOf(invariant: string): string[] {
  return filesUnder('test/simulation/checkers').filter((path) => declares(read(path), invariant));
}

/** Test files, by an invariant that a title in them names. */
export function testsOf(invariant: string): string[] {
  const named = new RegExp(`^.*\\b(?:test|describe|name:)\\b.*\\b${invariant}\\b`, 'm');
  const inTitle = new RegExp(`['"\`][^'"\`\\n]*\\b${invariant}\\b[^'"\`\\n]*['"\`]`);
  return [...filesUnder('test'), ...filesUnder('src/testing/store-conformance')].filter((path) => {
    if (path.startsWith('test/simulation/') || path.startsWith('test/proof/page/')) return false;
    const text = read(path);
    return declares(text, invariant) || named.test(text) || (path.endsWith('.test.ts') && inTitle.test(text));
  });
}
