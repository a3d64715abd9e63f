/**
 * A bot under test: the real Nightdesk with a store in memory, the look-alikes of Meta and of a model, and customers, all
 * in one process on one virtual clock. A wait of 25 hours takes milliseconds, and the same seed is the same run.
 *
 * `crash()` ends the bot as a power cut would and leaves the store as it was; `start()` brings it up again. What is known
 * of the bot's inside (flags, warnings) is told when a story goes another way than expected.
 */
import { configureLimits, type Limits, limits } from '#core/limits.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import type { FlagRow } from '#core/ports/store-operators.ts';
import type { World } from '#core/ports/world.ts';
import { runCommand } from '#runtime/commands.ts';
import { type Config, type NightdeskConfig, readConfig } from '#runtime/config.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { openStore } from '#runtime/open.ts';
import { openSecrets, type Secrets } from '#runtime/world/secrets.ts';
import {
  type Anthropic,
  type CheckoutDesk,
  createAnthropic,
  createCheckout,
  createImages,
  createMeta,
  type Images,
  type Meta,
  type SimulatorSetup,
  type WebhookAttempt,
} from '#simulator/index.ts';
import { createStory, type Story } from '../story/story.ts';
import { createVirtualWorld, type VirtualProcess, type VirtualWorld } from '../virtual-world.ts';
import { botUrl, openEventDoors } from './event-doors.ts';
import { graphUrl, hookUrl, MetaLink, type Receiver } from './meta-link.ts';
import { lookAlikeModel, type Script, scriptedModel } from './models.ts';
import { checkoutUrl, Providers } from './providers.ts';
import { setupOf, type TenantsFile, type TestNumber, tenantsOf, testToken } from './tenants.ts';
import { createVirtualStage, passing } from './virtual-stage.ts';

export interface BotOptions {
  /** What `nightdesk.config.ts` exports by default. */
  config?: NightdeskConfig;
  /** Or the folder in which `nightdesk.config.ts` lies. */
  folder?: string;
  /** Environment variables beside it, as for `nightdesk start`. */
  env?: Record<string, string>;
  /** Numbers of one business; a single one with the assistant if absent. */
  numbers?: readonly TestNumber[];
  /** Or all businesses, as in the file of `nightdesk tenants apply`. */
  tenants?: TenantsFile;
  /** What the model says. Without it the model of the configuration, or the look-alike of Anthropic. */
  reply?: Script;
  /** Rules and timings of the look-alike of Meta. */
  meta?: SimulatorSetup;
  /** All chance of the run is drawn from it; 1 if absent. */
  seed?: number;
  /** When the story begins. */
  startMs?: number;
  /** How long customers wait for what they expect; a minute of virtual time if absent. */
  patienceMs?: number;
}

const appSecret = 'app secret of the test';
const verifyToken = 'verify token of the test';
const defaultPatienceMs = 60_000;
const stopDeadlineMs = 30_000;
const warningsShown = 5;
const modelCallsMax = 10_000;
const minuteMs = 60_000;

/** In one process no wake is lost, so what only repairs and tidies comes rarely: it is most of the work of a quiet day. */
const rareHousekeeping = { sweepEveryMs: minuteMs, leaseTtlMs: 3 * minuteMs, pruneEveryMs: 60 * minuteMs };

/** Starts a bot and its customers. To be stopped at the end of the test. */
export async function startBot(options: BotOptions = {}): Promise<Bot> {
  const limitsBefore = { ...limits };
  const bot = new Bot(options, await configOf(options), limitsBefore);
  try {
    await bot.start();
    return bot;
  } catch (error) {
    await bot.stop();
    throw error;
  }
}

async function configOf({ config: file, folder, env }: BotOptions): Promise<Config> {
  const config = await readConfig({
    env: {
      ...env,
      DATABASE_URL: 'sqlite::memory:',
      GRAPH_API_URL: graphUrl,
      WHATSAPP_APP_SECRET: appSecret,
      WHATSAPP_VERIFY_TOKEN: verifyToken,
      WHATSAPP_ACCESS_TOKEN: testToken,
    },
    // Where nothing is named, a folder that has no configuration: this one.
    folder: folder ?? import.meta.dirname,
  });
  const named = file ?? config.file;
  configureLimits({ ...rareHousekeeping, ...named.limits });
  return { ...config, file: named };
}

export class Bot implements AsyncDisposable {
  readonly sim: Story;
  readonly world: VirtualWorld;
  readonly meta: Meta;
  readonly anthropic: Anthropic;
  /** At `http://images.test`. */
  readonly images: Images;
  /** At `http://checkout.test`; the first tenant is told of payments, and must have the checkout's `webhookSecret`. */
  readonly checkout: CheckoutDesk;
  readonly store: Store;
  readonly #options: BotOptions;
  readonly #config: Config;
  readonly #secrets: Secrets;
  readonly #tenants: TenantsFile;
  readonly #link: MetaLink;
  readonly #limitsBefore: Limits;
  #running: { process: VirtualProcess; nightdesk: Nightdesk } | null = null;
  #isStopped = false;

  constructor(options: BotOptions, config: Config, limitsBefore: Limits) {
    this.#options = options;
    this.#config = config;
    this.#limitsBefore = limitsBefore;
    const { seed = 1, startMs, numbers = [{}], patienceMs = defaultPatienceMs } = options;
    this.#tenants = options.tenants ?? tenantsOf(numbers);
    this.world = createVirtualWorld({ seed, ...(startMs === undefined ? {} : { startMs }) });
    const { world } = this;
    const setup = {
      ...setupOf(this.#tenants, options.tenants ? [] : numbers.map(({ name }) => name)),
      ...{ appSecret, verifyToken, webhookUrl: hookUrl, publicUrl: graphUrl },
      ...options.meta,
    };
    this.meta = createMeta({ random: world.random, setup });
    this.anthropic = createAnthropic({ random: world.random, log: this.meta.log });
    const { log } = this.meta;
    this.images = createImages({ random: world.random, log });
    this.checkout = createCheckout({ random: world.random, log, publicUrl: () => checkoutUrl });
    const providers = new Providers({ world, images: this.images, checkout: this.checkout });
    openEventDoors({ world, running: () => this.#running });
    const [first] = this.#tenants.tenants;
    if (first !== undefined) this.checkout.set({ webhookUrl: `${botUrl}/events/stripe/${first.id}` });
    this.#secrets = openSecrets(config);
    this.store = openStore(config, world);
    this.#link = new MetaLink({ meta: this.meta, world, receiver: () => this.#receiver() });
    this.sim = createStory(
      createVirtualStage({
        ...{ world, patienceMs },
        ...{ meta: this.meta, anthropic: this.anthropic, images: this.images, checkout: this.checkout },
        pump: () => {
          this.#link.pump();
          providers.pump();
        },
        notes: () => this.#notes(),
      }),
    );
  }

  /** The running one. @throws Error while the bot is down. */
  get nightdesk(): Nightdesk {
    if (this.#running !== null) return this.#running.nightdesk;
    throw new Error('The bot is down: it was stopped or crashed. Bring it up by start().');
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  /** Starts the bot on its store; also after `crash()`. */
  async start(): Promise<void> {
    if (this.#running !== null || this.#isStopped) return;
    const process = this.world.process();
    const transcriber = await this.#transcriber(process);
    const nightdesk = createNightdesk({
      config: this.#config,
      world: process,
      store: this.store,
      secrets: this.#secrets,
      model: await this.#model(process),
      ...(transcriber === undefined ? {} : { transcriber }),
      singleOwner: true,
    });
    this.#running = { process, nightdesk };
    await passing(this.world, nightdesk.start());
    await this.command('tenants.apply', { file: this.#tenants });
  }

  /** Power off: nothing of the bot happens any more, and what it had under way is lost. Its store stays as it is. */
  crash(): void {
    this.#running?.process.kill();
    this.#running = null;
    this.#link.broken();
    for (const { callId, end } of this.anthropic.calls(modelCallsMax))
      if (end === null) this.anthropic.ended(callId, 'aborted', this.world.nowMs());
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const running = this.#running;
    this.#running = null;
    if (running !== null) await passing(this.world, running.nightdesk.stop({ deadlineMs: stopDeadlineMs }));
    await this.store.close();
    configureLimits(this.#limitsBefore);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What a person does at the command line, e.g. `command('audit', {})`. */
  command<T = unknown>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    return passing(this.world, runCommand(this.nightdesk, name, args) as Promise<T>);
  }

  /** Conversations that ask for a person. */
  flags(): Promise<FlagRow[]> {
    return this.store.listFlags({ open: true, max: 1_000 });
  }

  /** What the bot logged at these levels, oldest first. */
  logged(...levels: ('debug' | 'info' | 'warn' | 'error')[]): string[] {
    return this.world.logged.filter(({ level }) => levels.includes(level)).map(({ message }) => message);
  }

  async #model(world: World): Promise<ModelClient> {
    const { reply } = this.#options;
    if (reply !== undefined) return scriptedModel(world, reply);
    return (await this.#config.file.model?.(world)) ?? lookAlikeModel(world, this.anthropic);
  }

  async #transcriber(world: World): Promise<Transcriber | undefined> {
    return this.#config.file.transcriber?.(world);
  }

  #receiver(): Receiver | null {
    const running = this.#running;
    if (running === null || running.nightdesk.readiness() === 'starting') return null;
    const { process, nightdesk } = running;
    return {
      receive: (attempt) =>
        new Promise((resolve, reject) => {
          nightdesk.webhook.receive(bodyOf(attempt)).then(({ status }) => {
            // Code of a dead process may run to its end, but nothing of it leaves any more.
            if (process.isAlive) resolve({ status });
          }, reject);
        }),
      handshake: (url) => {
        const { pathname, searchParams } = new URL(url);
        return nightdesk.webhook.handshake(Object.fromEntries(searchParams), tenantIn(pathname));
      },
    };
  }

  async #notes(): Promise<string[]> {
    if (this.#running === null) return ['The bot is down.'];
    const flags = await this.flags();
    const warnings = this.logged('warn', 'error').slice(-warningsShown);
    return [
      ...(flags.length === 0 ? [] : [`Open flags: ${flags.map(({ reason }) => reason).join(', ')}.`]),
      ...(warnings.length === 0 ? [] : [`The bot's last warnings: ${warnings.join(' / ')}`]),
    ];
  }
}

const tenantIn = (path: string): string | undefined => /^\/webhooks\/whatsapp\/([^/]+)$/.exec(path)?.[1];

function bodyOf({ url, body, headers }: WebhookAttempt) {
  const tenantId = tenantIn(new URL(url).pathname);
  return {
    rawBody: body,
    signature: headers['x-hub-signature-256'],
    ...(tenantId === undefined ? {} : { tenantId }),
  };
}
