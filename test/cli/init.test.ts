/** What `nightdesk init` makes, and what it refuses before it has written anything. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import { makeProject } from '#surface/cli/init.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'nightdesk-init-'));
const manifestOf = (project: string) =>
  JSON.parse(readFileSync(join(folder, project, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
const make = (name: string, more: { packageFile?: string; nodeVersion?: string } = {}) =>
  makeProject({ path: join(folder, name), nodeVersion: 'v24.1.0', ...more });

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a project', () => {
  test('has what a bot needs, under its own name', () => {
    expect(make('flower-bot')).toEqual(
      [
        '.dockerignore',
        '.env.example',
        '.gitignore',
        'Dockerfile',
        'README.md',
        'dialogs/table-booking.test.ts',
        'dialogs/table-booking.ts',
        'nightdesk.config.ts',
        'package.json',
        'tsconfig.json',
      ].sort(),
    );
    expect(manifestOf('flower-bot')).toMatchObject({
      name: 'flower-bot',
      scripts: { start: 'nightdesk dev', test: 'node --test' },
    });
    for (const name of readdirSync(join(folder, 'flower-bot')))
      if (name !== 'dialogs')
        expect(readFileSync(join(folder, 'flower-bot', name), 'utf8')).not.toContain('my-bot');
  });

  test('depends on the versions that this package was tested with', () => {
    make('my-bot');
    const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    expect(manifestOf('my-bot')).toMatchObject({
      dependencies: { nightdesk: own.version, zod: own.dependencies.zod },
      devDependencies: {
        '@types/node': own.devDependencies['@types/node'],
        typescript: own.devDependencies.typescript,
      },
    });
  });

  test.each([
    ['v20.20.2', true],
    ['v22.17.9', true],
    ['v22.18.0', false],
    ['v25.0.0', false],
  ])('brings a Node where only %s is there: %s', (nodeVersion, brings) => {
    make('my-bot', { nodeVersion });
    expect(manifestOf('my-bot').devDependencies?.node !== undefined).toBe(brings);
    expect(manifestOf('my-bot').allowScripts !== undefined).toBe(brings);
  });

  test('takes a copy of the packed package that it is given', () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'nightdesk-9.9.9.tgz'), 'packed');
    make('my-bot', { packageFile: join(folder, 'nightdesk-9.9.9.tgz') });
    expect(manifestOf('my-bot').dependencies?.nightdesk).toBe('file:nightdesk-9.9.9.tgz');
    expect(manifestOf('my-bot').allowScripts).toEqual({ nightdesk: false });
    expect(readFileSync(join(folder, 'my-bot', 'nightdesk-9.9.9.tgz'), 'utf8')).toBe('packed');
  });

  test('may be made where only git init has been', () => {
    mkdirSync(join(folder, 'my-bot', '.git'), { recursive: true });
    expect(make('my-bot')).toContain('package.json');
  });
});

describe('it refuses', () => {
  const expectRefusal = (act: () => unknown, words: RegExp) => {
    expect(act).toThrow(Fault);
    expect(act).toThrow(words);
  };

  test.each(['My Bot', '-bot', 'bot!', 'node_modules', 'x'.repeat(65)])('the name "%s"', (name) => {
    expectRefusal(() => make(name), /cannot be the name of a project/);
    expect(existsSync(join(folder, name))).toBe(false);
  });

  test.each(['nightdesk', 'zod', 'typescript'])('the name of what it depends on, %s', (name) => {
    expectRefusal(() => make(name), /cannot be called/);
  });

  test('a folder with something in it, which stays as it is', () => {
    mkdirSync(join(folder, 'my-bot'), { recursive: true });
    writeFileSync(join(folder, 'my-bot', 'notes.txt'), 'mine');
    expectRefusal(() => make('my-bot'), /is not empty \(it has notes\.txt\)/);
    expect(readdirSync(join(folder, 'my-bot'))).toEqual(['notes.txt']);
  });

  test('a file', () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'my-bot'), '');
    expectRefusal(() => make('my-bot'), /is a file/);
  });

  test('a package that is not there, or is none', () => {
    expectRefusal(() => make('my-bot', { packageFile: join(folder, 'no.tgz') }), /There is no file/);
    expectRefusal(() => make('my-bot', { packageFile: root }), /is no packed package/);
  });
});

test('the template’s own tests pass on the source', () => {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const said = execFileSync(
    process.execPath,
    [
      ...['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning', '--test'],
      'templates/project/**/*.test.ts',
    ],
    { cwd: root, encoding: 'utf8', env },
  );
  expect(said).toMatch(/^. pass [1-9]/m);
});
