/**
 * Each rule bites: on a planted file it finds what is wrong, and on its good neighbour nothing. What would break other
 * rules if it stood here in one piece is put together.
 */
import { describe, expect, test } from 'vitest';
import { checkCalls } from './calls.ts';
import { checkDeadFiles } from './dead-files.ts';
import { checkLinks, checkMentions, checkNpmScripts } from './docs.ts';
import { checkLayers } from './layers.ts';
import { importsIn, scan } from './scan.ts';
import { checkFileSizes, checkFunctionSizes, functionsIn } from './sizes.ts';
import { type Rule, tell, treeOf } from './tree.ts';
import { checkWords } from './words.ts';
import { checkWorkplace } from './workplace.ts';

const manifest = { 'package.json': '{ "dependencies": { "xstate": "5", "zod": "4" } }' };

function found(rule: Rule, files: Record<string, string>): string[] {
  return rule(treeOf({ ...manifest, ...files })).map(({ path, line, what }) => `${path}:${line} ${what}`);
}

const inOne = (rule: Rule, path: string, text: string): string[] => found(rule, { [path]: text });

describe('layers', () => {
  test.each([
    ['src/core/a.ts', "import { b } from 'node:fs';"],
    ['src/core/a.ts', "import { b } from '#runtime/b.ts';"],
    ['src/core/a.ts', "import { b } from 'xstate';"],
    ['src/core/dialog/a.ts', "import { b } from 'zod';"],
    ['src/core/a.ts', "export type { B } from '#pipeline/turn/b.ts';"],
    ['src/core/a.ts', "const b = await import('node:fs');"],
    ['src/core/a.ts', "type B = typeof import('zod');"],
    ['src/core/a.ts', "import '../../test/b.ts';"],
    ['src/core/model/a.ts', "import { b } from '#core/b.ts';"],
    ['src/pipeline/turn/a.ts', "import { b } from '../outbox/b.ts';"],
    ['src/pipeline/turn/a.ts', "import { b } from '../../core/b.ts';"],
    ['src/pipeline/turn/a.ts', "import { b } from 'zod';"],
    ['src/store/sqlite/a.ts', "import { b } from '../postgres/b.ts';"],
    ['src/store/postgres/a.ts', "import { b } from 'undeclared';"],
    ['src/wake/local/a.ts', "import { b } from '#store/sqlite/b.ts';"],
    ['src/simulator/a.ts', "import { b } from '#core/b.ts';"],
    ['src/surface/cli/a.ts', "import { b } from '#store/sqlite/b.ts';"],
    ['src/runtime/a.ts', "import { b } from '#surface/cli/b.ts';"],
    ['src/testing/a.ts', "import { b } from '#runtime/b.ts';"],
    ['src/elsewhere/a.ts', "import { b } from './b.ts';"],
    ['src/index.ts', "import { b } from '../bench/b.ts';"],
  ])('%s may not say %s', (path, text) => {
    expect(inOne(checkLayers, path, `\n${text}`)).toEqual([expect.stringMatching(`^${path}:2 imports `)]);
  });

  test.each([
    ['src/core/model/a.ts', "import type { B } from '../ports/b.ts';"],
    ['src/core/dialog/a.ts', "import { b } from 'xstate';"],
    [
      'src/pipeline/turn/a.ts',
      "import { b } from '#core/b.ts';\nimport { c } from './c.ts';\nimport 'node:zlib';",
    ],
    ['src/surface/http/a.ts', "import { b } from '#runtime/b.ts';\nimport { z } from 'zod';"],
    ['src/runtime/a.ts', "import { b } from '#wake/local/b.ts';"],
    ['src/core/a.ts', "const b = Buffer.from('node:fs'); // import x from 'node:fs'"],
  ])('%s may say %s', (path, text) => {
    expect(inOne(checkLayers, path, text)).toEqual([]);
  });
});

describe('calls', () => {
  test.each([
    'const a = Date.now();',
    'const a = new Date();',
    'const a = new Date;',
    'const a = performance.now();',
    'const a = Math.random();',
    'setTimeout(a, 5);',
    'globalThis.setTimeout(a, 5);',
    'const wait = { after: setTimeout };',
    'setInterval(a, 5);',
    'setImmediate(a);',
    'queueMicrotask(a);',
    'const a = crypto.randomUUID();',
    'const a = randomBytes(8);',
    "await fetch('http://x.test');",
    'const a = globalThis.fetch;',
    'const a = AbortSignal.timeout(5);',
    'const a = process.env.HOME;',
    "import { setTimeout as wait } from 'node:timers/promises';",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the sample's
    'const a = `now ${Date.now()}`;',
  ])('src may not say %s', (text) => {
    expect(inOne(checkCalls, 'src/core/a.ts', `\n${text}`)).not.toEqual([]);
    expect(inOne(checkCalls, 'src/runtime/world/a.ts', text)).toEqual([]);
  });

  test.each([
    'const a = new Date(nowMs);',
    'socket.setTimeout(5);',
    'const a: typeof globalThis.fetch = given;',
    'const a = options.fetch(url);',
    '// Date.now is not for us',
    "const a = 'Math.random()';",
    'const a = /setTimeout\\(/;',
  ])('src may say %s', (text) => {
    expect(inOne(checkCalls, 'src/core/a.ts', text)).toEqual([]);
  });

  test('a test may read the clock but not wait', () => {
    expect(inOne(checkCalls, 'test/a.test.ts', 'const a = Date.now();')).toEqual([]);
    expect(inOne(checkCalls, 'test/a.test.ts', '\n\nawait sleep(5);')).toEqual([
      'test/a.test.ts:3 uses sleep',
    ]);
    expect(inOne(checkCalls, 'test/a.test.ts', 'setTimeout(a, 5);')).toHaveLength(1);
    expect(inOne(checkCalls, 'bench/a.ts', 'setTimeout(a, 5);')).toEqual([]);
  });

  test('the page shows the time of the simulator and asks by its own doors', () => {
    for (const text of ['Date.now();', 'new Date();', 'Math.random();', "fetch('/x');"])
      expect(inOne(checkCalls, 'phone/src/a.tsx', text), text).toHaveLength(1);
    for (const text of ['window.setTimeout(a, 5);', 'performance.now();', 'crypto.getRandomValues(a);'])
      expect(inOne(checkCalls, 'phone/src/a.tsx', text), text).toEqual([]);
    expect(inOne(checkCalls, 'phone/src/data/clock.ts', 'Date.now();')).toEqual([]);
  });

  test('the environment is read by the runtime and the CLI', () => {
    expect(inOne(checkCalls, 'src/runtime/a.ts', 'process.env.HOME')).toEqual([]);
    expect(inOne(checkCalls, 'src/surface/cli/a.ts', 'process.env.HOME')).toEqual([]);
    expect(inOne(checkCalls, 'src/surface/http/a.ts', 'process.env.HOME')).toHaveLength(1);
  });
});

describe('words', () => {
  test.each([
    ['src/core/a.ts', 'const account = 1;'],
    ['src/core/a.ts', 'const accountIds = [];'],
    ['src/core/a.ts', 'class SessionStore {}'],
    ['src/core/a.ts', '// one row for each thread'],
    ['src/core/a.ts', 'const nextFlow = 1;'],
    ['src/core/a.ts', 'const jobId = 1;'],
    ['phone/src/a.tsx', '<p>This session is over.</p>'],
    ['docs/a.md', 'An account has many numbers.'],
    ['src/core/a.ts', "throw new Error('The account is gone.');"],
    ['src/core/a.ts', `// ${'TO'}${'DO'}: later`],
    ['docs/a.md', `${'FIX'}${'ME'}`],
    ['src/core/a.ts', 'const a = b as any;'],
    ['src/core/a.ts', '// @ts-ignore'],
    ['src/core/utils/a.ts', ''],
    ['test/helpers.ts', ''],
    ['src/core/types.ts', ''],
  ])('%s may not say %s', (path, text) => {
    expect(inOne(checkWords, path, text)).toHaveLength(1);
  });

  test.each([
    ['src/core/a.ts', "const kinds = { account_update: 1, field: 'account alerts' };"],
    ['src/core/a.ts', 'const waFlowReply = body.flow_token;'],
    ['src/core/a.ts', "const a = 'whatsapp_business_account'; // the `account` of Meta"],
    ['src/core/a.ts', '// runs in a worker thread'],
    ['src/core/a.ts', 'const overflow = workflow;'],
    ['src/surface/console/a.ts', 'const session = 1;'],
    ['docs/a.md', 'Set CLOUD_TASKS_SERVICE_ACCOUNT to the service account; see docs/account/x.md.'],
    ['src/core/a.ts', 'const many = 1; // as many as fit'],
    ['test/fixtures/webhooks/thread.json', '{}'],
  ])('%s may say %s', (path, text) => {
    expect(inOne(checkWords, path, text)).toEqual([]);
  });
});

describe('sizes', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `  a(${i});`).join('\n');

  test('a long file', () => {
    expect(inOne(checkFileSizes, 'src/core/a.ts', lines(400))).toEqual([]);
    expect(inOne(checkFileSizes, 'src/core/a.ts', lines(401))).toEqual(['src/core/a.ts:401 has 401 lines']);
  });

  test.each([
    ['function named() {', '}', 'named'],
    ['export async function named<T>(a: { b: T }): Promise<{ c: T }> {', '}', 'named'],
    ['const named = (a: number): number[] => {', '};', 'named'],
    ['class A {\n  private named(): void {', '}\n}', 'named'],
    ['class A {\n  private readonly named = (): void => {', '};\n}', 'named'],
    ['const a = {\n  async named(b) {', '},\n};', 'named'],
  ])('a long %s', (head, tail, name) => {
    expect(inOne(checkFunctionSizes, 'src/core/a.ts', `${head}\n${lines(60)}\n${tail}`)).toEqual([]);
    const findings = inOne(checkFunctionSizes, 'src/core/a.ts', `${head}\n${lines(80)}\n${tail}`);
    expect(findings).toEqual([expect.stringContaining(`${name} has 82 lines of its own`)]);
  });

  test('a long component, in which tags are closed', () => {
    const rows = (count: number) => Array.from({ length: count }, () => '    <b>{a}</b>').join('\n');
    const of = (count: number) => `function Named() {\n  return (\n${rows(count)}\n  );\n}`;
    expect(inOne(checkFunctionSizes, 'phone/src/a.tsx', of(60))).toEqual([]);
    expect(inOne(checkFunctionSizes, 'phone/src/a.tsx', of(80))).toHaveLength(1);
    expect(inOne(checkFileSizes, 'phone/src/a.tsx', lines(401))).toHaveLength(1);
  });

  test('what is declared inside counts for itself, what only branches does not', () => {
    const inner = (head: string) =>
      `function outer() {\n${head} {\n${lines(40)}\n}\n${head} {\n${lines(40)}\n}\n}`;
    expect(inOne(checkFunctionSizes, 'src/core/a.ts', inner('const f = () =>'))).toEqual([]);
    expect(inOne(checkFunctionSizes, 'src/core/a.ts', inner('if (a)'))).toHaveLength(1);
  });

  test('no object, type or branch is taken for a function', () => {
    const code =
      'const a = b ? (c) : { d: 1 };\nif (a) {\n}\ninterface E { f(): void; g: { h: 1 } }\nfor (const i of j()) {\n}';
    expect(functionsIn(code)).toEqual([]);
  });
});

describe('dead files', () => {
  const alive = {
    'src/index.ts': "export { a } from './a.ts';",
    'src/a.ts': "const worker = new URL('./worker.ts', import.meta.url);",
    'src/worker.ts': '',
    'src/testing/index.ts': "import '#simulator/index.ts';",
    'src/simulator/index.ts': '',
    'src/surface/cli/main.ts': '',
    'test/a.test.ts': "import './world.ts';",
    'test/world.ts': '',
  };

  test('all that is reached lives', () => {
    expect(found(checkDeadFiles, alive)).toEqual([]);
  });

  test('what only a test uses is dead, unless it is for tests', () => {
    const files = {
      ...alive,
      'test/b.test.ts': "import '#core/b.ts';\nimport '#testing/c.ts';",
      'src/core/b.ts': '',
      'src/testing/c.ts': '',
      'phone/src/main.tsx': "import { D } from './d.tsx';",
      'phone/src/d.tsx': '',
      'phone/src/unused.tsx': '',
      'test/unused.ts': '',
    };
    expect(found(checkDeadFiles, files).map((finding) => finding.split(' ')[0])).toEqual([
      'src/core/b.ts:1',
      'phone/src/unused.tsx:1',
      'test/unused.ts:1',
    ]);
  });

  test('a missing door is told', () => {
    const { 'src/index.ts': _, ...rest } = alive;
    expect(found(checkDeadFiles, rest)).toEqual(['src/index.ts:1 does not exist']);
  });
});

describe('documents', () => {
  const files = { 'src/a.ts': 'export function real() {}', 'docs/b.md': '' };

  test('links', () => {
    const text = '[x](docs/b.md#part) [y](https://x.test) [z](#here)\n[gone](docs/c.md)';
    const picture = '<img src="src/a.ts"> <img src="docs/c.png" alt="x">';
    expect(found(checkLinks, { ...files, 'README.md': picture })).toEqual([
      'README.md:1 links to docs/c.png',
    ]);
    expect(found(checkLinks, { ...files, 'README.md': text })).toEqual(['README.md:2 links to docs/c.md']);
    expect(found(checkLinks, { ...files, 'docs/d.md': '[x](b.md) [y](../src/a.ts) [z](../docs)' })).toEqual(
      [],
    );
  });

  test('mentions', () => {
    const text =
      '`src/a.ts:1` `src/` `src/*.ts` `real()` `thing.real()`\n`src/c.ts` `unreal()`\n```\n`src/d.ts`\n```\n';
    expect(found(checkMentions, { ...files, 'README.md': text })).toEqual([
      'README.md:2 mentions src/c.ts',
      'README.md:2 mentions unreal()',
    ]);
  });

  test('scripts', () => {
    const scripts = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`s${i}`, 'x']));
    const described = Object.keys(scripts).map((name) => `\`npm run ${name}\``);
    const text = JSON.stringify({ scripts });
    const findings = found(checkNpmScripts, {
      'package.json': text,
      'CONTRIBUTING.md': described.slice(1).join('\n'),
    });
    expect(findings).toEqual([
      'package.json:1 has the script s0, which CONTRIBUTING.md does not describe',
      'package.json:1 has 11 scripts',
    ]);
  });
});

test('workplace: paths, notes and registries of others', () => {
  const words = [
    `/wo${'rk'}/main`,
    `/ro${'ot'}/x`,
    `.libr${'ary'}/x`,
    `DES${'IGN'}.md`,
    `house-${'rules'}.md`,
    `/tm${'p'}/nd/x`,
  ];
  for (const word of words) expect(inOne(checkWorkplace, 'docs/a.md', `see ${word}`)).toHaveLength(1);
  expect(inOne(checkWorkplace, 'docs/a.md', 'the library, /workflows, docs/spec.md')).toEqual([]);
  const lock = (host: string) =>
    inOne(checkWorkplace, 'package-lock.json', `{ "resolved": "${host}/a.tgz" }`);
  expect(lock('http://registry.example.test:4873')).toHaveLength(1);
  expect(lock('https://registry.npmjs.org')).toEqual([]);
});

describe('scanning', () => {
  test('comments and the insides of strings, templates and expressions are no code', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the sample's
    const parts = ["'a{'", '"b\\"{"', '`c{${d}{`', '/[/{]e{/g', '// f{', '/* g{ */'];
    const { code, comments } = scan(`x = ${parts.slice(0, 4).join(' + ')} / y; ${parts[5]} ${parts[4]}\nz`);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the sample's
    expect(code.replace(/ +/g, ' ')).toBe('x = \' \' + " " + ` ${d} ` + / /g / y; \nz');
    expect(comments.trim()).toBe('/* g{ */ // f{');
    expect(code).toHaveLength(comments.length);
  });

  test('imports are told from strings', () => {
    const text =
      "import a, { type B } from './a.ts';\nimport './b.ts';\nexport * from 'c';\nconst d = await import('d');\nconst from = 'e';\n";
    expect(importsIn({ text, ...scan(text) }).map(({ value }) => value)).toEqual([
      './a.ts',
      './b.ts',
      'c',
      'd',
    ]);
  });
});

test('a finding says where, what, why and what instead', () => {
  const findings = checkCalls(treeOf({ 'src/core/a.ts': 'Date.now();' }));
  expect(tell(findings)).toMatch(
    /^src\/core\/a\.ts:1 {2}uses Date\.now\n {4}why: .+\n {4}instead: clock\.nowMs\(\), passed in$/,
  );
});
