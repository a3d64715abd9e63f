/**
 * The package as a stranger gets it: packed from a copy of what Git tracks or would, so that the checkout's own `dist` stays as
 * it is, and the commands of npm that a stranger types.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** What belongs to this run of npm or of the tests, or would be a setting of the bot. */
const notAStrangers =
  /^(npm_(?!config_(registry|cache|userconfig)$)|VITEST|NODE_(ENV|OPTIONS)$|INIT_CWD$|(ANTHROPIC|WHATSAPP|NIGHTDESK|GRAPH|DATABASE|METRICS)_|PORT$|HOST$)/;

/** This Node, npm's own cache and registry, nothing of the checkout; packages come from the cache where it has them. */
export function strangersEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || notAStrangers.test(name) ? [] : [[name, value]],
  );
  return {
    ...Object.fromEntries(kept),
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    NO_COLOR: '1',
  };
}

/** A package that cannot be fetched is told by npm long before this. */
const npmMsMax = 180_000;

/** Packs the checkout into a folder; the path of the tarball. */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, 'checkout');
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of listing.split('\0')) {
    if (path === '' || !existsSync(join(root, path)) || !statSync(join(root, path)).isFile()) continue;
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  for (const path of ['node_modules', 'phone/node_modules'])
    if (existsSync(join(root, path))) symlinkSync(join(root, path), join(copy, path));
  const { stdout } = await npm(copy, 'pack', '--silent', '--pack-destination', folder);
  return join(folder, stdout.trim().split('\n').at(-1) ?? '');
}

/** @throws Error with all that npm said, where it fails */
export async function npm(cwd: string, ...words: string[]): Promise<{ stdout: string }> {
  try {
    return await run('npm', words, {
      cwd,
      env: strangersEnvironment(),
      timeout: npmMsMax,
      maxBuffer: 64 * 1_048_576,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${words.join(' ')} failed in ${cwd}:\n${stdout}\n${stderr}`);
  }
}
