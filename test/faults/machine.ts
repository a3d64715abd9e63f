/**
 * What a test needs of the machine to make a fault: a disk of its own that is small, another user, a limit on files, a
 * tracer that lets system calls fail. Each says what is lacking where the machine cannot.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../proof/server-process.ts';
import { patienceMs } from './fault.ts';

const bin = resolve(import.meta.dirname, '../../bin/nightdesk');

/** Null where the command ends well, else what it said. */
function failureOf(program: string, ...args: string[]): string | null {
  const ended = spawnSync(program, args, { encoding: 'utf8' });
  if (ended.error !== undefined) return `${program} is not there`;
  if (ended.status === 0) return null;
  return `${program} ends with ${ended.status ?? ended.signal}: ${ended.stderr.trim().split('\n')[0]}`;
}

// --- a small disk -------------------------------------------------------------------------------------------------

export interface SmallDisk {
  folder: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  empty(): void;
  remove(): void;
}

const diskBytes = 8 * 1024 * 1024;

export function makeSmallDisk(): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill() {
      const file = openSync(filler, 'a');
      // The server may take a block meanwhile, so it is written until nothing more goes.
      while (wrote(file));
      closeSync(file);
    },
    empty: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function wrote(file: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(4_096)) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

export function lacksSmallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-disk-'));
  try {
    const failure = failureOf('mount', '-t', 'tmpfs', '-o', 'size=65536', 'tmpfs', folder);
    if (failure === null) execFileSync('umount', [folder]);
    return failure;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// --- another user -------------------------------------------------------------------------------------------------

/** A command line run as `nobody`, for whom file modes count. */
export const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;

export const startAsNobody = [...asNobody, bin, 'start'];

export function lacksNobody(): string | null {
  const [program, ...args] = asNobody;
  return failureOf(program, ...args, bin, '--version');
}

// --- few files ----------------------------------------------------------------------------------------------------

export function limitFiles(pid: number, filesMax: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${filesMax}:`]);
}

/** No file of the process grows beyond this; `null` lifts the limit. What Node writes beyond it fails and kills nobody. */
export function limitFileSize(pid: number, bytesMax: number | null): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytesMax ?? 'unlimited'}:`]);
}

export function lacksLimits(): string | null {
  return failureOf('prlimit', '--pid', String(process.pid), '--nofile');
}

// --- system calls that fail ---------------------------------------------------------------------------------------

/** Lets every sync of the process fail with this error until it is told to stop. */
export async function failSyncs(pid: number, error: 'EIO' | 'ENOSPC'): Promise<{ stop(): Promise<void> }> {
  const calls = 'fsync,fdatasync';
  const tracer = spawn('strace', [
    ...['-f', '-qq', '-o', '/dev/null', '-p', String(pid)],
    ...['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`],
  ]);
  const ended = new Promise<void>((done) => tracer.once('close', () => done()));
  let said = '';
  tracer.stderr.on('data', (chunk) => (said += chunk));
  const isTraced = () => !/^TracerPid:\s*0$/m.test(statusOf(pid));
  if (!(await until(() => isTraced() || tracer.exitCode !== null, patienceMs)) || !isTraced())
    throw new Error(`strace could not attach: ${said}`);
  return {
    async stop() {
      tracer.kill('SIGINT');
      await ended;
    },
  };
}

function statusOf(pid: number): string {
  return execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' });
}

export function lacksFailingSyncs(): string | null {
  return failureOf(
    'strace',
    ...['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', '-e', 'trace=fsync'],
    'true',
  );
}
