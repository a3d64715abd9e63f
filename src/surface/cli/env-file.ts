/**
 * `.env` in the folder where a command runs: settings for those who keep them in a file. What the environment itself sets
 * goes before. The file is read once, at the door, so that nothing below needs to know where a setting came from.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

export const envFileName = '.env';

/** Adds to `env` what it does not have; returns the names that were added. */
export function loadEnvFile(folder: string, env: Record<string, string | undefined>): ReadonlySet<string> {
  const added = new Set<string>();
  for (const [name, value] of Object.entries(parseEnv(textOf(join(folder, envFileName))))) {
    if (env[name] !== undefined) continue;
    env[name] = value;
    added.add(name);
  }
  return added;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
