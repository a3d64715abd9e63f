/**
 * A folder with a database, the look-alike of Meta beside it, and `bin/nightdesk` as a child process in it, configured
 * by its environment alone: what an operator has.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';

const bin = resolve(import.meta.dirname, '../../bin/nightdesk');

export const numberId = '106540352242922';
export const wabaId = '102290129340398';
export const token = 'token-of-acme';

const world = createRealWorld({ log: createLog({ level: 'silent' }) });

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Server {
  port: number;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Ended>;
  /** The same with SIGKILL. */
  kill(): Promise<Ended>;
  /** What it has printed by now. */
  said(): string;
}

/** Asks again until it is so; a test that waits longer is wrong, also on a busy machine. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const untilMs = world.clock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (world.clock.monotonicMs() > untilMs)
      throw new Error(`It did not come true within ${timeoutMs} ms: ${condition}`);
    await new Promise<void>((done) => world.timers.after(20, done));
  }
}

export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'nightdesk-cli-'));
  readonly simulator: Simulator;
  readonly #running = new Map<ChildProcess, Promise<Ended>>();

  private constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  static async open(): Promise<Workshop> {
    const simulator = await startSimulator({
      world: { nowMs: world.clock.nowMs, setTimer: world.timers.after, random: world.random },
      setup: {
        appSecret: 'app secret',
        verifyToken: 'verify',
        accessTokens: [token],
        phoneNumbers: [{ id: numberId, wabaId, displayNumber: '+1 555 078 3881' }],
        timings: {
          sentMs: { minMs: 1, maxMs: 5 },
          deliveredMs: { minMs: 5, maxMs: 10 },
          readMs: { minMs: 10, maxMs: 20 },
          webhookRetryFirstMs: 100,
        },
      },
      model: { latencyMs: { minMs: 1, maxMs: 5 } },
    });
    return new Workshop(simulator);
  }

  get databasePath(): string {
    return join(this.folder, 'data', 'nightdesk.db');
  }

  get env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      GRAPH_API_URL: this.simulator.url,
      ANTHROPIC_API_KEY: 'x',
      ANTHROPIC_BASE_URL: this.simulator.url,
      WHATSAPP_APP_SECRET: 'app secret',
      WHATSAPP_VERIFY_TOKEN: 'verify',
      LOG_LEVEL: 'warn',
    };
  }

  write(name: string, content: unknown): string {
    const path = join(this.folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  /** A tenants file with one tenant and one number. */
  tenants(change: { accessToken?: string; name?: string } = {}): object {
    return {
      tenants: [
        {
          id: 'acme',
          name: 'Acme',
          accessToken: token,
          ...change,
          phoneNumbers: [{ id: numberId, wabaId, displayNumber: '+1 555 078 3881' }],
        },
      ],
    };
  }

  /** Runs a command to its end. */
  async run(
    words: readonly string[],
    { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Ended> {
    const { child, ended } = this.#spawn(words, env);
    child.stdin?.end(input);
    return ended;
  }

  /** Begins a command that may be killed. */
  begin(words: readonly string[]): { ended: Promise<Ended>; kill(): void } {
    const { child, ended } = this.#spawn(words, {});
    return { ended, kill: () => void child.kill('SIGKILL') };
  }

  /** The answer of a command for programs; the command must have ended well. */
  async json<T>(...words: string[]): Promise<T> {
    const { code, out, err } = await this.run([...words, '--json']);
    if (code !== 0) throw new Error(`nightdesk ${words.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out) as T;
  }

  /** Starts the server on a free port, waits until it is ready and points Meta at it. */
  async start(...options: string[]): Promise<Server> {
    // It tells its port on a line of this level.
    const { child, ended, said } = this.#spawn(['start', ...options], { PORT: '0', LOG_LEVEL: 'info' });
    const listening = () => /Nightdesk listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said.out + said.err)?.[1];
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`The server ended at its start: ${(await ended).err}`);
      return listening() !== undefined;
    });
    const port = Number(listening());
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/readyz`)).status === 200);
    await this.simulator.control.setup({ webhookUrl: `${url}/webhooks/whatsapp` });
    const end = (signal: NodeJS.Signals) => {
      child.kill(signal);
      return ended;
    };
    return {
      port,
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
      said: () => said.out + said.err,
    };
  }

  async close(): Promise<void> {
    for (const child of this.#running.keys()) child.kill('SIGKILL');
    // Nothing is written into the folder any more.
    await Promise.all(this.#running.values());
    await this.simulator.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(
    words: readonly string[],
    env: Record<string, string>,
  ): { child: ChildProcess; ended: Promise<Ended>; said: Omit<Ended, 'code'> } {
    const child = spawn(bin, words, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      said.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      said.err += chunk;
    });
    const ended = new Promise<Ended>((done) =>
      child.once('close', (code) => {
        this.#running.delete(child);
        done({ code, ...said });
      }),
    );
    this.#running.set(child, ended);
    return { child, ended, said };
  }
}

/** A port that somebody has until it is released. */
export async function takenPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port could be had.');
  return { port: address.port, release: () => new Promise((done) => server.close(() => done())) };
}
