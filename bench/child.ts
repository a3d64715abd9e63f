/**
 * A server under measurement: a child process with an environment of its own, ready when its door answers, ended by
 * SIGTERM. What it prints goes to a file beside its data, shown only when something is wrong.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMsOfTree } from './machine.ts';

export interface ChildOptions {
  command: string;
  args: readonly string[];
  /** PORT is added. */
  env: Record<string, string>;
  /** Answers 200 once the server is ready. */
  readyPath: string;
}

const startMaxMs = 20_000;
const stopMaxMs = 20_000;

/** Whatever ends the bench, it leaves no server behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  /** Its working directory; removed at the stop. */
  readonly folder = mkdtempSync(join(tmpdir(), 'nightdesk-bench-'));
  #child: ChildProcess | null = null;
  port = 0;

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** CPU time so far. */
  cpuMs(): number {
    return cpuMsOfTree(this.pid);
  }

  async start({ command, args, env, readyPath }: ChildOptions): Promise<void> {
    this.port = await freePort();
    const log = openSync(join(this.folder, 'server.log'), 'a');
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { PATH: process.env.PATH ?? '', ...env, PORT: String(this.port) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    const untilMs = performance.now() + startMaxMs;
    while (performance.now() < untilMs) {
      if (child.exitCode !== null) break;
      const isReady = await fetch(`${this.url}${readyPath}`).then(
        (response) => response.status === 200,
        () => false,
      );
      if (isReady) return;
      await pause(20);
    }
    throw new Error(`A server under measurement did not become ready. It printed:\n${this.log()}`);
  }

  log(): string {
    return readFileSync(join(this.folder, 'server.log'), 'utf8').slice(-4_000);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise<void>((done) => child.once('exit', () => done()));
      const kill = setTimeout(() => child.kill('SIGKILL'), stopMaxMs);
      child.kill('SIGTERM');
      await gone;
      clearTimeout(kill);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port could be had.');
  return address.port;
}
