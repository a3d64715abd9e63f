/** The project's own programs tell how they are used: `--help` names every option they read, and what they do not know is one line. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

const programs = [
  { script: 'sim', main: 'test/simulation/main.ts', reads: ['test/simulation/main.ts'] },
  {
    ...{ script: 'proof', main: 'test/proof/main.ts' },
    reads: ['test/proof/page/main.ts', 'test/proof/memory.ts', 'test/proof/walks.ts'],
  },
  { script: 'bench', main: 'bench/main.ts', reads: ['bench/main.ts'] },
];

function run(main: string, ...args: string[]) {
  const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];
  return spawnSync(process.execPath, [...flags, main, ...args], { cwd: root, encoding: 'utf8' });
}

/** As `parseArgs` is told them. */
const optionsIn = (path: string) =>
  [
    ...readFileSync(resolve(root, path), 'utf8').matchAll(
      /^\s+(?:options: \{ )?(.*type: '(?:string|boolean)'.*)$/gm,
    ),
  ]
    .flatMap(([, line]) => [...(line ?? '').matchAll(/'?([\w-]+)'?: \{ type: '/g)])
    .map(([, name]) => `--${name}`);

describe.each(programs)('npm run $script', ({ script, main, reads }) => {
  test('--help names every option', () => {
    const { status, stdout, stderr } = run(main, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^npm run ${script} -- `));
    const options = reads.flatMap(optionsIn);
    expect(options.length).toBeGreaterThan(3);
    expect(options.filter((option) => !stdout.includes(option))).toEqual([]);
  });

  test('what it does not know is refused in one line', () => {
    const { status, stdout, stderr } = run(main, '--bogus');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[^\n]*--bogus[^\n]*--help[^\n]*\n$/);
  });
});

test('so is an option of a part of the proof', () => {
  const { status, stderr } = run('test/proof/main.ts', 'memory', '--bogus');
  expect(status).toBe(2);
  expect(stderr).toMatch(/^Unknown option '--bogus'[^\n]*\n$/);
});
