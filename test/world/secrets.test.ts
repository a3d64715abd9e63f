/**
 * The key that is kept beside the data where none is configured: made once, and refused where it is not whole.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BadConfig, type Config, readConfig } from '#runtime/config.ts';
import { openSecrets } from '#runtime/world/secrets.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-secrets-'));
  path = join(folder, 'data', 'secret.key');
});

afterEach(() => rmSync(folder, { recursive: true }));

const opened = async (): Promise<unknown> => {
  try {
    return openSecrets(await config());
  } catch (error) {
    return error;
  }
};

const config = (): Promise<Config> => readConfig({ env: {}, folder });

test('is made once, for its user alone, and opens what it sealed', async () => {
  const sealed = openSecrets(await config()).seal('token');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(openSecrets(await config()).open(sealed)).toBe('token');
});

test.each(['', 'AbCd\n'])('cut short by a full disk (%j) it seals nothing', async (text) => {
  openSecrets(await config());
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, text);
  const opening = await opened();
  expect(opening).toBeInstanceOf(BadConfig);
  expect(String(opening)).toContain(`The key file ${path} is cut short`);
  writeFileSync(path, whole);
  openSecrets(await config());
});

/** Dies when the file that it writes is there and empty. */
const mortal = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  fs.writeFileSync = (path, _text, { mode }) => {
    fs.closeSync(fs.openSync(path, 'wx', mode));
    process.kill(process.pid, 'SIGKILL');
  };
  syncBuiltinESMExports();
  const { openSecrets } = await import('#runtime/world/secrets.ts');
  openSecrets({ secretKeys: undefined, database: { dataFolder: process.argv[1] } });
`;

test('a process that dies while it makes the key leaves no part of one', async () => {
  const { signal } = spawnSync(
    process.execPath,
    ['--conditions=nightdesk-source', '--input-type=module', '-e', mortal, join(folder, 'data')],
    { cwd: import.meta.dirname },
  );
  expect(signal).toBe('SIGKILL');
  const sealed = openSecrets(await config()).seal('token');
  expect(openSecrets(await config()).open(sealed)).toBe('token');
});

test('where its folder cannot be made, the message names the file and what to do', async () => {
  writeFileSync(join(folder, 'data'), 'a file in the place of the folder');
  const opening = await opened();
  expect(opening).toBeInstanceOf(BadConfig);
  expect(String(opening)).toMatch(
    /The key file \S+secret\.key cannot be used: E\w+.*Start the server as the user/,
  );
});
