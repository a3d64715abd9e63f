/**
 * The server as an operator runs it: `bin/nightdesk start` as a child process on a real file, configured by the
 * environment alone, killed and started again at will.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { callOwner } from '#surface/cli/command-socket.ts';

const bin = resolve(import.meta.dirname, '../../bin/nightdesk');

/** Where several start side by side on a busy machine, one takes many times as long as alone. */
const startMsMax = 60_000;

export interface ServerOptions {
  simulatorUrl: string;
  /** Values for `limits` of nightdesk.config.ts. */
  limits?: Record<string, number>;
  /** The whole of nightdesk.config.ts, in the place of one with `limits` alone. */
  config?: string;
  env?: Record<string, string>;
  /** The command line in the place of `bin/nightdesk start`. */
  command?: readonly string[];
  /** Where the database lies, in the place of `data/nightdesk.db` in a folder of its own. */
  databasePath?: string;
}

/** How a server that was not meant to run ended. */
export interface Ended {
  code: number | null;
  said: string;
}

export class ServerProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'nightdesk-proof-'));
  readonly #options: ServerOptions;
  #child: ChildProcess | null = null;
  #command: readonly string[] | undefined;
  port = 0;
  kills = 0;
  starts = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#command = options.command;
    writeFileSync(
      join(this.folder, 'nightdesk.config.ts'),
      options.config ?? `export default { limits: ${JSON.stringify(options.limits ?? {})} };\n`,
    );
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }\n');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get databasePath(): string {
    return this.#options.databasePath ?? join(this.folder, 'data', 'nightdesk.db');
  }

  get logPath(): string {
    return join(this.folder, 'server.log');
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that the server has logged and said so far, over all its starts. */
  get log(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      PORT: String(this.port),
      DATABASE_URL: `sqlite:${this.databasePath}`,
      GRAPH_API_URL: this.#options.simulatorUrl,
      ANTHROPIC_API_KEY: 'key',
      ANTHROPIC_BASE_URL: this.#options.simulatorUrl,
      WHATSAPP_APP_SECRET: 'app secret',
      WHATSAPP_VERIFY_TOKEN: 'verify',
      WHATSAPP_ACCESS_TOKEN: 'token',
      LOG_LEVEL: 'warn',
      ...this.#options.env,
    };
  }

  /** Another command line from the next start on: another version, say. */
  deploy(command: readonly string[]): void {
    this.#command = command;
  }

  /** Starts and waits until it is ready. */
  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const child = this.#spawn();
    this.#child = child;
    this.starts += 1;
    const log = createWriteStream(this.logPath, { flags: 'a' });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    await this.#ready(child);
  }

  #spawn(command = this.#command): ChildProcess {
    const [program = bin, ...args] = command ?? [bin, 'start'];
    return spawn(program, args, {
      cwd: this.folder,
      env: this.#env(),
      stdio: ['ignore', 'pipe', 'pipe', ...(command === undefined ? [] : ['ipc' as const])],
    });
  }

  /** One more process with the same configuration, which is meant to be refused; waits until it has ended. */
  async startRefused(): Promise<Ended> {
    if (this.port === 0) this.port = await freePort();
    return endOf(this.#spawn());
  }

  /** A command line with the configuration of the server; waits until it has ended. */
  run(args: readonly string[]): Promise<Ended> {
    return endOf(this.#spawn([bin, ...args]));
  }

  /** SIGSTOP, SIGCONT: the process stays. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** A message to a test's own main. */
  tell(message: Record<string, unknown>): void {
    this.#child?.send(message);
  }

  async #ready(child: ChildProcess): Promise<void> {
    const untilMs = Date.now() + startMsMax;
    while (Date.now() < untilMs) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(
          `The server ended at its start (${child.exitCode ?? child.signalCode}); see ${this.logPath}.`,
        );
      const ready = await fetch(`${this.url}/readyz`).then(
        (response) => response.status === 200,
        () => false,
      );
      if (ready) return;
      await pause(20);
    }
    throw new Error(`The server was not ready within ${startMsMax} ms; see ${this.logPath}.`);
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.kills += 1;
    await this.#end('SIGKILL');
  }

  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const gone = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    child.kill(signal);
    return gone;
  }

  /** Runs a command in the server, through the socket that the command line uses. */
  async command<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    return (await callOwner(this.databasePath, name, args)) as T;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Kills what has not ended by itself in time. */
async function endOf(child: ChildProcess): Promise<Ended> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk));
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, said })));
  if (!(await until(() => child.exitCode !== null || child.signalCode !== null, startMsMax)))
    child.kill('SIGKILL');
  return ended;
}

export const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));

export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const untilMs = Date.now() + timeoutMs;
  while (Date.now() < untilMs) {
    if (await condition()) return true;
    await pause(25);
  }
  return condition();
}

const portsGiven = new Set<number>();

/** One that the system gives to nobody by itself, and we to nobody twice: until a server listens there, and while it is killed. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    if (portsGiven.has(port) || !(await isFree(port))) continue;
    portsGiven.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
