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
}

/** Asks again until it is so; a test that waits longer is wrong. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> {
  const untilMs = world.clock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (world.clock.monotonicMs() > untilMs)
      throw new Error(`It did not come true within ${timeoutMs} ms: ${condition}`);
    await new Promise<void>((done) => world.timers.after(20, done));
  }
}

export const nowMs = () => world.clock.monotonicMs();

export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'nightdesk-cli-'));
  readonly simulator: Simulator;
  readonly #running = new Set<ChildProcess>();

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

  /** The answer of a command for programs; the command must have ended well. */
  async json<T>(...words: string[]): Promise<T> {
    const { code, out, err } = await this.run([...words, '--json']);
    if (code !== 0) throw new Error(`nightdesk ${words.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out) as T;
  }

  /** Starts the server, waits until it is ready and points Meta at it. */
  async start(): Promise<Server> {
    const port = await freePort();
    const { child, ended } = this.#spawn(['start'], { PORT: String(port) });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`The server ended at its start: ${(await ended).err}`);
      return fetch(`${url}/readyz`).then(
        (answer) => answer.status === 200,
        () => false,
      );
    });
    await this.simulator.control.setup({ webhookUrl: `${url}/webhooks/whatsapp` });
    return {
      port,
      stop: () => {
        child.kill('SIGTERM');
        return ended;
      },
    };
  }

  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    await this.simulator.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(
    words: readonly string[],
    env: Record<string, string>,
  ): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(bin, words, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#running.add(child);
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
    return { child, ended };
  }
}

/** A port that nobody has now. */
async function freePort(): Promise<number> {
  const { port, release } = await takenPort();
  await release();
  return port;
}

/** A port that somebody has until it is released. */
export async function takenPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port could be had.');
  return { port: address.port, release: () => new Promise((done) => server.close(() => done())) };
}
