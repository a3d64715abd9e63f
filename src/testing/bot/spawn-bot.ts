/**
 * The bot as an operator runs it: `nightdesk start` as a child process on a file, and the look-alikes in this process,
 * on the machine's own clock. Slower than `startBot`, and true to the last socket; `kill()` is a real `kill -9`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, type SimulatorSetup, startSimulator } from '#simulator/index.ts';
import { createStory, type Story } from '../story/story.ts';
import { createLiveStage, livePatienceMs, quietWorld } from './live-stage.ts';
import { setupOf, type TenantsFile, type TestNumber, tenantsOf, testToken } from './tenants.ts';

export interface SpawnOptions {
  /** Where `nightdesk.config.ts` lies and the bot runs; an empty folder of its own if absent. */
  folder?: string;
  env?: Record<string, string>;
  numbers?: readonly TestNumber[];
  tenants?: TenantsFile;
  meta?: SimulatorSetup;
  /** How long customers wait for what they expect. */
  patienceMs?: number;
}

export interface SpawnedBot extends AsyncDisposable {
  readonly sim: Story;
  readonly simulator: Simulator;
  /** Where the bot listens. */
  readonly url: string;
  /** What it has said and logged, over all its starts. */
  output(): string;
  /** Starts it again after `kill()`; what waited at Meta is delivered at once. */
  start(): Promise<void>;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>;
  /** Ends everything in order. */
  stop(): Promise<void>;
}

const appSecret = 'app secret of the test';
const verifyToken = 'verify token of the test';
const startMsMax = 60_000;
const stopMsMax = 15_000;
const outputShown = 2_000;
const quick = { minMs: 5, maxMs: 20 };
const quickTimings = { sentMs: quick, deliveredMs: quick, readMs: quick };

export async function spawnBot(options: SpawnOptions = {}): Promise<SpawnedBot> {
  const { numbers = [{}] } = options;
  const world = quietWorld();
  const tenants = options.tenants ?? tenantsOf(numbers);
  const simulator = await startSimulator({
    world: { nowMs: world.clock.nowMs, setTimer: world.timers.after, random: world.random },
    setup: {
      ...setupOf(tenants, options.tenants ? [] : numbers.map(({ name }) => name)),
      ...{ appSecret, verifyToken, timings: quickTimings },
      ...options.meta,
    },
  });
  const bot = new Spawned({ options, world, simulator, tenants });
  try {
    await bot.start();
    return bot;
  } catch (error) {
    await bot.stop();
    throw error;
  }
}

interface Parts {
  options: SpawnOptions;
  world: RealWorld;
  simulator: Simulator;
  tenants: TenantsFile;
}

class Spawned implements SpawnedBot {
  readonly sim: Story;
  readonly simulator: Simulator;
  readonly #parts: Parts;
  readonly #own = mkdtempSync(join(tmpdir(), 'nightdesk-bot-'));
  readonly #lines: string[] = [];
  #child: ChildProcess | null = null;
  #port = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { options, world, simulator } = parts;
    this.simulator = simulator;
    const { patienceMs = livePatienceMs } = options;
    this.sim = createStory(
      createLiveStage({
        ...{ control: simulator.control, world, patienceMs },
        listen: (listener) => simulator.meta.log.listen(listener),
        notes: async () => [`The bot said last:\n${this.output().slice(-outputShown)}`],
      }),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  output(): string {
    return this.#lines.join('\n');
  }

  async start(): Promise<void> {
    const { control } = this.simulator;
    const child = this.#spawn('start');
    this.#child = child;
    this.#port = await this.#listening(child);
    const file = join(this.#own, 'tenants.json');
    writeFileSync(file, JSON.stringify(this.#parts.tenants));
    const applying = this.#spawn('tenants', 'apply', file);
    const { code } = await endOf(applying);
    if (code !== 0) throw new Error(`nightdesk tenants apply ended with ${code}.\n${this.output()}`);
    await control.setup({ webhookUrl: `${this.url}/webhooks/whatsapp` });
    const handshake = await control.handshake();
    if (!handshake.ok)
      throw new Error(`The handshake with the bot failed: ${handshake.reason}\n${this.output()}`);
    await control.retryWebhooks();
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    const { world, simulator } = this.#parts;
    const giveUp = world.timers.after(stopMsMax, () => this.#child?.kill('SIGKILL'));
    await this.#end('SIGTERM');
    giveUp();
    await simulator.close();
    world.close();
    rmSync(this.#own, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = endOf(child);
    child.kill(signal);
    await ended;
  }

  #spawn(...args: string[]): ChildProcess {
    const { options, simulator } = this.#parts;
    const main = fileURLToPath(new URL(`../../surface/cli/main${extname(import.meta.url)}`, import.meta.url));
    const flags = main.endsWith('.ts') ? ['--conditions=nightdesk-source'] : [];
    const command = ['--disable-warning=ExperimentalWarning', ...flags, main, ...args];
    const child = spawn(process.execPath, command, {
      cwd: this.#folder(),
      env: {
        PORT: String(this.#port),
        DATABASE_URL: `sqlite:${join(this.#own, 'nightdesk.db')}`,
        GRAPH_API_URL: simulator.metaUrl,
        ANTHROPIC_API_KEY: 'key',
        ANTHROPIC_BASE_URL: simulator.anthropicUrl,
        WHATSAPP_APP_SECRET: appSecret,
        WHATSAPP_VERIFY_TOKEN: verifyToken,
        WHATSAPP_ACCESS_TOKEN: testToken,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream! }).on('line', (line) => this.#lines.push(line));
    return child;
  }

  #folder(): string {
    const { folder } = this.#parts.options;
    if (folder === undefined) return this.#own;
    if (existsSync(folder)) return folder;
    throw new Error(`There is no folder ${folder} to start the bot in.`);
  }

  /** The port, when the bot has told it. */
  #listening(child: ChildProcess): Promise<number> {
    const { timers } = this.#parts.world;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`The bot ${why}.\n${this.output()}`));
      const giveUp = timers.after(startMsMax, () => {
        child.kill('SIGKILL');
        fail(`was not ready within ${startMsMax} ms`);
      });
      child.once('exit', (code, signal) => fail(`ended at its start (${code ?? signal})`));
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const port = /listens on http:\/\/\S+:(\d+)/.exec(line)?.[1];
        if (port === undefined) return;
        giveUp();
        resolve(Number(port));
      });
    });
  }
}

function endOf(child: ChildProcess): Promise<{ code: number | null }> {
  return new Promise((resolve) => child.once('close', (code) => resolve({ code })));
}
