/**
 * Another version of this code, to be deployed over: a copy of the source in which a function of the database differs by a comment, which is
 * enough for functions of its own.
 */
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

export interface OlderVersion {
  bin: string;
  remove(): void;
}

export function makeOlderVersion(): OlderVersion {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-older-'));
  for (const part of ['src', 'bin', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  appendFileSync(join(folder, 'src/store/postgres/tenants.sql'), '\n-- As it was before.\n');
  return {
    bin: join(folder, 'bin/nightdesk'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
