/**
 * The types of the bot's files, by the project's own TypeScript where it has one. Node runs the files without looking at
 * types, so a restart never waits for this: it runs beside the server and tells what it found when it is done.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { configFileNames } from '#runtime/config-file.ts';
import type { Problem } from './problems.ts';

export type TypeProblem = Omit<Problem, 'source'>;

export interface TypeCheckOptions {
  folder: string;
  /** Given what is wrong now, each time a check has come to its end. */
  onDone: (problems: readonly TypeProblem[]) => void;
}

const outputBytesMax = 1_048_576;
const problemsMax = 100;

export class TypeCheck {
  readonly #options: TypeCheckOptions;
  #process: ChildProcess | null = null;

  constructor(options: TypeCheckOptions) {
    this.#options = options;
  }

  /** Checks what stands in the files now; a check that is under way is given up. */
  start(): void {
    this.stop();
    const { folder, onDone } = this.#options;
    const compiler = compilerOf(folder);
    if (compiler === null) return;
    const child = spawn(process.execPath, [compiler, '--noEmit', '--pretty', 'false', '-p', folder], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#process = child;
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < outputBytesMax) output += chunk;
    });
    // A compiler that cannot be started finds nothing.
    child.once('error', () => {});
    child.once('close', () => {
      if (this.#process !== child) return;
      this.#process = null;
      onDone(typeProblemsIn(output));
    });
  }

  stop(): void {
    const child = this.#process;
    this.#process = null;
    child?.kill('SIGKILL');
  }
}

/** The script of the project's TypeScript; null where the project has none, or nothing to check. */
function compilerOf(folder: string): string | null {
  const isProject = configFileNames.some((name) => existsSync(join(folder, name)));
  if (!isProject || !existsSync(join(folder, 'tsconfig.json'))) return null;
  try {
    const path = createRequire(join(folder, 'package.json')).resolve('typescript/package.json');
    const { bin } = JSON.parse(readFileSync(path, 'utf8')) as { bin?: { tsc?: string } };
    return bin?.tsc === undefined ? null : join(dirname(path), bin.tsc);
  } catch {
    return null;
  }
}

/** `dialogs/hello.ts(3,7): error TS2322: ...`; lines that begin with a space explain the one before. */
export function typeProblemsIn(output: string): TypeProblem[] {
  const problems = output.split('\n').flatMap((line): TypeProblem[] => {
    const [, file, row, text] = /^(\S.*)\((\d+),\d+\): error (TS\d+: .*)$/.exec(line) ?? [];
    if (file !== undefined && text !== undefined) return [{ file, line: Number(row), text }];
    const [, general] = /^error (TS\d+: .*)$/.exec(line) ?? [];
    return general === undefined ? [] : [{ file: null, line: null, text: general }];
  });
  return problems.slice(0, problemsMax);
}
