/**
 * An installation of an operator whose secrets are all canaries: a folder, the look-alike of Meta and of a model, and
 * `bin/nightdesk` as a child process that knows nothing but its environment. Whatever any of its processes said is kept.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { until } from '../../cli/workshop.ts';
import { secrets } from '../canaries.ts';

const root = resolve(import.meta.dirname, '../../..');
const world = createRealWorld({ log: createLog({ level: 'silent' }) });

export const numbers = { assistant: '106540352242922', leaky: '106540352242923', unknown: '999' } as const;
export const wabaId = '102290129340398';

export interface Ended {
  code: number | null;
  /** Both outputs, one after the other. */
  said: string;
  out: string;
}

export interface Running {
  url: string;
  ended: Promise<Ended>;
  /** What it said until now. */
  said(): string;
  stop(): Promise<Ended>;
}

export class Installation {
  readonly folder: string;
  readonly simulator: Simulator;
  readonly #running = new Map<ChildProcess, Promise<Ended>>();

  private constructor(simulator: Simulator, folder: string) {
    this.simulator = simulator;
    this.folder = folder;
  }

  /** In a new folder, or in one below it of this name. */
  static async open(below = ''): Promise<Installation> {
    const numberIds = Object.values(numbers);
    const simulator = await startSimulator({
      world: { nowMs: world.clock.nowMs, setTimer: world.timers.after, random: world.random },
      setup: {
        appSecret: secrets.appSecret,
        verifyToken: secrets.verifyToken,
        accessTokens: [secrets.accessToken],
        phoneNumbers: numberIds.map((id, index) => ({ id, wabaId, displayNumber: `+1 555 078 388${index}` })),
        timings: {
          sentMs: { minMs: 1, maxMs: 5 },
          deliveredMs: { minMs: 5, maxMs: 10 },
          readMs: { minMs: 10, maxMs: 20 },
          webhookRetryFirstMs: 100,
        },
      },
      model: { latencyMs: { minMs: 1, maxMs: 5 } },
    });
    return new Installation(simulator, join(mkdtempSync(join(tmpdir(), 'nightdesk-canary-')), below));
  }

  get env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      GRAPH_API_URL: this.simulator.url,
      ANTHROPIC_API_KEY: secrets.apiKey,
      ANTHROPIC_BASE_URL: this.simulator.url,
      WHATSAPP_APP_SECRET: `${secrets.appSecret},${secrets.oldAppSecret}`,
      WHATSAPP_VERIFY_TOKEN: secrets.verifyToken,
      WHATSAPP_ACCESS_TOKEN: secrets.accessToken,
      NIGHTDESK_SECRET_KEY: secrets.secretKey,
      METRICS_TOKEN: secrets.metricsToken,
      LOG_LEVEL: 'debug',
    };
  }

  /** A tenant whose second number has the dialog that quotes what it was sent. */
  tenants(change: object = {}): object {
    const phoneNumbers = [
      { id: numbers.assistant, wabaId },
      { id: numbers.leaky, wabaId, dialog: 'leaky' },
    ];
    const own = { appSecret: secrets.tenantSecret, verifyToken: secrets.tenantVerifyToken };
    return { tenants: [{ id: 'acme', accessToken: secrets.accessToken, ...own, phoneNumbers, ...change }] };
  }

  write(name: string, content: unknown): string {
    const path = join(this.folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  /** Makes a module of this folder the configuration. */
  configure(name: string): void {
    const path = JSON.stringify(resolve(import.meta.dirname, name));
    this.write('nightdesk.config.ts', `export { default } from ${path};\n`);
  }

  run(words: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ended> {
    const { child, ended } = this.#spawn(words, env);
    child.stdin?.end(input);
    return ended;
  }

  /** Starts the server on a free port, waits until it listens, and points Meta at it. */
  async start(env: Record<string, string> = {}): Promise<Running> {
    const { child, ended, said } = this.#spawn(['start'], { PORT: '0', ...env });
    const port = () => /Nightdesk listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said())?.[1];
    await until(() => port() !== undefined || child.exitCode !== null);
    if (port() === undefined) throw new Error(`The server ended at its start: ${said()}`);
    const url = `http://127.0.0.1:${port()}`;
    await this.simulator.control.setup({ webhookUrl: `${url}/webhooks/whatsapp` });
    return {
      url,
      ended,
      said,
      stop: () => {
        child.kill('SIGTERM');
        return ended;
      },
    };
  }

  async close(): Promise<void> {
    for (const child of this.#running.keys()) child.kill('SIGKILL');
    // Nothing is written into the folder any more.
    await Promise.all(this.#running.values());
    await this.simulator.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(words: readonly string[], env: Record<string, string>) {
    const child = spawn(join(root, 'bin/nightdesk'), words, {
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
        done({ code, said: said.out + said.err, out: said.out });
      }),
    );
    this.#running.set(child, ended);
    return { child, ended, said: () => said.out + said.err };
  }
}
