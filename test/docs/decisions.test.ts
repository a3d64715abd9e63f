/** What documents list is what there is: packages in the decision about dependencies, documents in the index, the first dialog in the README. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** All that the manifests name, but for the packages of this repository itself. */
function dependenciesOf(...paths: string[]): string[] {
  const manifests = paths.map((path) => JSON.parse(read(path)) as Manifest);
  return manifests
    .flatMap(({ dependencies, devDependencies, peerDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies }),
    )
    .filter(([, version]) => !version.startsWith('file:'))
    .map(([name]) => name);
}

test('every dependency has its reason', () => {
  const decision = read('docs/adr/0004-dependencies.md');
  const examples = readdirSync(resolve(root, 'examples')).map((name) => `examples/${name}/package.json`);
  const named = dependenciesOf('package.json', 'phone/package.json', ...examples);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !decision.includes(`\`${name}\``))).toEqual([]);
});

test('every document is in the index', () => {
  const index = read('docs/README.md');
  const pages = readdirSync(resolve(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.md') && path !== 'README.md',
  );
  expect(pages.length).toBeGreaterThan(30);
  expect(pages.filter((path) => !index.includes(`](${path})`))).toEqual([]);
});

test('every decision says what was decided, what was rejected and what would change our mind', () => {
  const folder = 'docs/adr';
  const decisions = readdirSync(resolve(root, folder)).map(
    (name) => [name, read(`${folder}/${name}`)] as const,
  );
  for (const part of ['Rejected', 'Would change our mind'])
    expect(
      decisions.filter(([, text]) => !text.includes(`**${part}`)).map(([name]) => name),
      part,
    ).toEqual([]);
});

test('the dialog of the README is that of the guide, which is tested', () => {
  const dialog = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? 'none';
  expect(read('docs/your-first-dialog.md')).toContain(`\n${dialog}`);
});
