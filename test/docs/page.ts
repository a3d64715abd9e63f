/** A page whose blocks are run as its reader would: each `ts` block is a file of a project that has the package. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const flags = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];

export interface PageBlock {
  kind: string;
  text: string;
  /** Its name, which its first line says. */
  file: string | null;
}

export interface Page {
  blocks: readonly PageBlock[];
  tests: readonly string[];
  /** Writes the files of the page into a project. */
  open(): void;
  node(...args: string[]): Promise<{ stdout: string }>;
  close(): void;
}

export function readPage(path: string): Page {
  const page = readFileSync(join(root, path), 'utf8');
  const blocks = [...page.matchAll(/^```(ts|text)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({
    kind,
    text,
    file: /^\/\/ (\S+\.ts)\n/.exec(text)?.[1] ?? null,
  }));
  let folder = '';
  return {
    blocks,
    tests: blocks.flatMap(({ file }) => (file?.endsWith('.test.ts') ? [file] : [])),
    open() {
      folder = mkdtempSync(join(tmpdir(), 'nightdesk-page-'));
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(root, join(folder, 'node_modules/nightdesk'));
      for (const name of ['xstate', 'zod'])
        symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
      for (const { file, text } of blocks) if (file !== null) writeFileSync(join(folder, file), text);
    },
    node: (...args) => run(process.execPath, [...flags, ...args], { cwd: folder }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
