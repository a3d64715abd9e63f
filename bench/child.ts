/**
 * A server under measurement: a child process with an environment of its own, ready when its door answers, ended by
 * SIGTERM, or killed and started again; with it end the services that it leans on. What it prints goes to a file beside its data,
 * shown only when something is wrong.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../test/proof/server-process.ts';
import { cpuMsOfTree } from './machine.ts';
import type { Service, ServiceName } from './services.ts';

export interface ChildOptions {
  command: string;
  args: readonly string[];
  /** PORT is added. */
  env: Record<string, string>;
  /** Answers 200 once the server is ready. */
  readyPath: string;
}

/** Where other programs keep the machine busy, one takes many times as long as alone. */
const startMaxMs = 60_000;
const stopMaxMs = 20_000;

/** Whatever ends the bench, it leaves no server behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  /** Its working directory; removed at the stop. */
  readonly folder = mkdtempSync(join(tmpdir(), 'nightdesk-bench-'));
  readonly #services: readonly Service[];
  #child: ChildProcess | null = null;
  #options: ChildOptions | null = null;
  port = 0;

  /** `services` end with it. */
  constructor(services: readonly Service[] = []) {
    this.#services = services;
  }

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

  /** @throws where it leans on none of that name */
  service(name: ServiceName): Service {
    const found = this.#services.find((each) => each.name === name);
    if (found === undefined) throw new Error(`The server under measurement leans on no ${name}.`);
    return found;
  }

  /** CPU time so far of what it leans on; 0 where it does not. */
  serviceCpuMs(name: ServiceName): number {
    return this.#services.reduce((sum, each) => sum + (each.name === name ? each.cpuMs() : 0), 0);
  }

  /** Where it does not become ready, all of it is ended. */
  async start(options: ChildOptions): Promise<void> {
    this.#options = options;
    this.port = await freePort();
    await this.#begin(options).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As it was started before, on its port and its data. */
  async startAgain(): Promise<void> {
    if (this.#options !== null) await this.#begin(this.#options);
  }

  async #begin({ command, args, env, readyPath }: ChildOptions): Promise<void> {
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
      if (child.exitCode !== null || child.signalCode !== null) break;
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
    await this.#end('SIGTERM');
    for (const service of this.#services) await service.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    const kill = setTimeout(() => child.kill('SIGKILL'), stopMaxMs);
    child.kill(signal);
    await gone;
    clearTimeout(kill);
  }
}

export const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));
