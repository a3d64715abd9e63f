/**
 * Every file is reached from a door, and every helper of a test from a test. A file that nothing reaches is not tested
 * by being used, and reads as if it mattered.
 */
import { resolveImport } from './layers.ts';
import { importsIn, stringsIn } from './scan.ts';
import { type Finding, type Rule, scriptsUnder, type Tree } from './tree.ts';

/** What a user, a shell or a child process opens. */
const doors = ['src/index.ts', 'src/testing/index.ts', 'src/surface/cli/main.ts', 'src/simulator/index.ts'];
/** What the browser opens. */
const pages = ['phone/src/main.tsx'];
const programs = [
  'test/proof/main.ts',
  'test/simulation/main.ts',
  'test/browser/screenshots.ts',
  'test/browser/first-answer.ts',
  'test/dev/restart-time.ts',
  'bench/main.ts',
];

export const checkDeadFiles: Rule = (tree) => {
  const missing = doors.filter((door) => !tree.has(door));
  if (missing.length > 0) return missing.map(missingDoor);
  const tests = scriptsUnder(tree, 'src/', 'test/')
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.test.ts') || programs.includes(path));
  const published = reach(tree, doors);
  const shown = reach(tree, pages);
  const tested = reach(tree, [...doors, ...tests]);
  return scriptsUnder(tree, 'src/', 'phone/src/', 'test/')
    .map(({ path }) => path)
    .filter((path) => !(isOfPage(path) ? shown : isPublished(path) ? published : tested).has(path))
    .map(dead);
};

const isOfPage = (path: string): boolean => path.startsWith('phone/');
const isPublished = (path: string): boolean => path.startsWith('src/') && !path.startsWith('src/testing/');

function reach(tree: Tree, from: readonly string[]): ReadonlySet<string> {
  const reached = new Set(from);
  for (const path of reached) {
    const file = tree.files.get(path);
    if (file === undefined) continue;
    // A worker or a child process is named by a string; so is a file that is imported.
    for (const { value } of [...importsIn(file), ...stringsIn(file)]) {
      const target = resolveImport(path, value);
      if (target !== undefined && tree.files.has(target)) reached.add(target);
    }
  }
  return reached;
}

function dead(path: string): Finding {
  const from = isOfPage(path) ? pages.join(', ') : path.startsWith('src/') ? doors.join(', ') : 'any test';
  return {
    path,
    line: 1,
    what: `is not reached from ${from}`,
    reason: 'what nothing uses is not proven by use, and misleads who reads it',
    instead: 'import it where it is needed, or delete it',
  };
}

function missingDoor(path: string): Finding {
  return {
    path,
    line: 1,
    what: 'does not exist',
    reason: 'it is one of the doors from which every file must be reached',
    instead: 'make it, or change the doors in dead-files.ts',
  };
}
