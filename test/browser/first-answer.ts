/**
 * How long a stranger waits: from the clone to the first answer on the phone page, by the commands of the README. Packages come
 * from npm's cache; with `--cold` from an empty one, so from the registry. Measures the last commit, not what is being changed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DevProcess } from '../dev/dev-process.ts';
import { strangersEnvironment } from '../dev/packed.ts';
import { openBrowser } from './browser.ts';
import { answer, write } from './phone-page.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isCold = process.argv.includes('--cold');
const folder = mkdtempSync(join(tmpdir(), 'nightdesk-first-answer-'));
const clone = join(folder, 'nightdesk');

/** A stranger's npm looks for faults and asks for funds, too, and has no commands of the checkout. */
function environment(): Record<string, string> {
  const {
    npm_config_prefer_offline: _,
    npm_config_audit: __,
    npm_config_fund: ___,
    ...env
  } = strangersEnvironment();
  const path = (env.PATH ?? '').split(':').filter((each) => each !== resolve(root, 'node_modules/.bin'));
  return {
    ...env,
    PATH: path.join(':'),
    PORT: '0',
    ...(isCold ? { npm_config_cache: join(folder, 'cache') } : {}),
  };
}

let lastMs = performance.now();
function tell(what: string): void {
  const nowMs = performance.now();
  console.log(`${what.padEnd(52)} ${((nowMs - lastMs) / 1_000).toFixed(1).padStart(6)} s`);
  lastMs = nowMs;
}

const env = environment();
let dev: DevProcess | undefined;
const browser = await openBrowser();
try {
  lastMs = performance.now();
  const startMs = lastMs;
  execFileSync('git', ['clone', '--quiet', root, clone], { env });
  tell('git clone');
  execFileSync('npm', ['ci'], { cwd: clone, env, stdio: ['ignore', 'ignore', 'inherit'] });
  tell(`npm ci, ${isCold ? 'empty' : 'warm'} cache`);
  dev = new DevProcess({ folder: clone, command: ['npm', 'start'], env });
  const { phone } = await dev.ready();
  tell('npm start, until the server is ready');
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(phone);
  await write(page, 'is anyone awake');
  await answer(page, 'is anyone awake').first().waitFor();
  tell('the page, a message, its answer');
  lastMs = startMs;
  tell('from the clone to the first answer');
} finally {
  await browser.close();
  await dev?.remove();
  rmSync(folder, { recursive: true, force: true });
}
