/**
 * The gift shop in a virtual world: the real Nightdesk on a database in memory that outlives its processes, the look-alikes
 * of Meta, of the provider that draws and of the checkout. Webhooks come twice and shuffled, wakes get lost and repeated,
 * the process is killed, mostly by the hour and now and then while the provider draws. `heal` ends what the world does to
 * it; what the provider does to it goes on.
 */
import { configureLimits, type Limits, limits } from '#core/limits.ts';
import type { FileDriver } from '#core/ports/files.ts';
import type { Wake } from '#core/ports/wake.ts';
import { openMemory } from '#files/memory/index.ts';
import { runCommand } from '#runtime/commands.ts';
import { type Config, readConfig } from '#runtime/config.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { Secrets } from '#runtime/world/secrets.ts';
import {
  type CheckoutDesk,
  createCheckout,
  createImages,
  createMeta,
  type Images,
  type Meta,
  type WebhookAttempt,
} from '#simulator/index.ts';
import { type Database, openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { botUrl, openEventDoors } from '#testing/bot/event-doors.ts';
import { graphUrl, hookUrl, MetaLink, type Receiver } from '#testing/bot/meta-link.ts';
import { scriptedModel } from '#testing/bot/models.ts';
import { checkoutUrl, imagesUrl, Providers } from '#testing/bot/providers.ts';
import { createVirtualWorld, type VirtualProcess, type VirtualWorld } from '#testing/virtual-world.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { createGiftShop } from '../../examples/gift-shop/dialogs/gift-shop.ts';
import type { ShopSettings } from '../../examples/gift-shop/settings.ts';
import type { Notebook } from './notebook.ts';
import { providerFaults, settingsOf, tenantsFile, webhookFaults, webhookSecretOf } from './setting.ts';
import { streamOf } from './streams.ts';

export interface TownOptions {
  seed: number;
  honoursKeys: boolean;
  book: Notebook;
  change?: Partial<ShopSettings>;
}

export interface WebhookBody {
  rawBody: Uint8Array;
  signature: string | undefined;
}

const appSecret = 'app secret of the walks';
const minuteMs = 60_000;
/** What only repairs and tidies comes rarely: weeks pass here, and a lost wake may wait a little. */
const rareUpkeep = {
  sweepEveryMs: 5 * minuteMs,
  leaseTtlMs: 15 * minuteMs,
  pruneEveryMs: 48 * 60 * minuteMs,
};
const rates = { wakeLost: 0.01, wakeRepeated: 0.05, killWhileDrawing: 0.03 };

export class WalkTown {
  readonly world: VirtualWorld;
  readonly meta: Meta;
  readonly images: Images;
  readonly checkout: CheckoutDesk;
  readonly database: Database;
  readonly #options: TownOptions;
  readonly #random: (stream: string) => number;
  readonly #config: Config;
  readonly #link: MetaLink;
  readonly #providers: Providers;
  readonly #files: FileDriver = openMemory();
  readonly #secrets = new Secrets(['a key of at least thirty-two characters']);
  readonly #limitsBefore: Limits = { ...limits };
  #running: { process: VirtualProcess; nightdesk: Nightdesk } | null = null;
  #isHealed = false;
  #listener: (body: WebhookBody) => void = () => {};

  constructor(options: TownOptions, config: Config) {
    this.#options = options;
    this.#config = config;
    this.#random = streamOf(options.seed);
    configureLimits({ ...limits, ...rareUpkeep });
    this.world = createVirtualWorld({ seed: options.seed });
    const { world } = this;
    const { tenants } = tenantsFile;
    this.meta = createMeta({
      random: world.random,
      setup: {
        appSecret,
        webhookUrl: hookUrl,
        publicUrl: graphUrl,
        accessTokens: tenants.map(({ accessToken }) => accessToken),
        phoneNumbers: tenants.flatMap(({ phoneNumbers }) => phoneNumbers),
      },
    });
    this.meta.faults.set(webhookFaults);
    const { log } = this.meta;
    this.images = createImages({ random: world.random, log });
    this.images.set(providerFaults(options.honoursKeys));
    this.checkout = createCheckout({ random: world.random, log, publicUrl: () => checkoutUrl });
    this.checkout.set({
      webhookUrl: `${botUrl}/events/stripe/${tenants[0].id}`,
      webhookSecret: webhookSecretOf,
      duplicateEvent: { rate: 0.3 },
      lateEvent: { rate: 0.1 },
      loseAnswer: { rate: 0.03 },
      fail: { rate: 0.03 },
    });
    this.#providers = new Providers({ world, images: this.images, checkout: this.checkout });
    openEventDoors({ world, running: () => this.#running });
    this.database = openDatabase(':memory:');
    this.#link = new MetaLink({ meta: this.meta, world, receiver: () => this.#receiver() });
    log.listen((event) => {
      if (event.kind === 'imageAsked') this.#onDrawing();
    });
  }

  get db() {
    return this.database.raw;
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  get isReady(): boolean {
    return this.#running?.nightdesk.readiness() === 'ready';
  }

  async start(): Promise<void> {
    const process = this.world.process();
    const { timers, random } = process;
    const nightdesk = createNightdesk({
      config: this.#config,
      world: process,
      store: storeOn(this.database, { soon: timers.soon, random }),
      secrets: this.#secrets,
      model: scriptedModel(process, () => 'A print arrives within a week.'),
      files: this.#files,
      wake: this.#unreliable(createLocalWake(process)),
      singleOwner: true,
    });
    this.#running = { process, nightdesk };
    await nightdesk.start();
  }

  /** Power off, and on again after a while. */
  kill(awayMs: number): void {
    if (this.#running === null) return;
    this.#options.book.count('kills');
    if (this.images.stats().running > 0) this.#options.book.count('kills while it draws');
    this.#running.process.kill();
    this.#running = null;
    this.#link.broken();
    this.world.timers.after(awayMs, () => void this.start());
  }

  heal(): void {
    this.#isHealed = true;
  }

  async close(): Promise<void> {
    this.#running?.process.kill();
    this.#running = null;
    await this.world.settle();
    this.database.raw.close();
    configureLimits(this.#limitsBefore);
  }

  /** To be called after everything that makes a look-alike do something. */
  pump(): void {
    this.#link.pump();
    this.#providers.pump();
  }

  /** A command of an operator; lost where the process is down. */
  async command<T>(name: string, args: Record<string, unknown> = {}): Promise<T | null> {
    const nightdesk = this.#running?.nightdesk;
    if (nightdesk === undefined || nightdesk.readiness() === 'starting') return null;
    const running = runCommand(nightdesk, name, args) as Promise<T>;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    running.then(over, over);
    await this.world.reach(() => isOver || !this.isUp, minuteMs);
    return isOver ? running : null;
  }

  /** Gives every conversation that a person holds back to the bot; not waited for. */
  handBackAll(): void {
    const nightdesk = this.#running?.nightdesk;
    if (nightdesk === undefined || nightdesk.readiness() === 'starting') return;
    const held = this.db
      .prepare(
        "SELECT tenant_id, conversation_id FROM conversation WHERE holder = 'operator' AND merged_into IS NULL",
      )
      .all() as { tenant_id: string; conversation_id: string }[];
    for (const { tenant_id: tenantId, conversation_id: conversationId } of held) {
      this.#options.book.count('hand-backs');
      void (
        runCommand(nightdesk, 'handback', { tenantId, conversationId, by: 'ann' }) as Promise<unknown>
      ).catch(() => {});
    }
  }

  #happens(what: keyof typeof rates): boolean {
    return !this.#isHealed && this.#random(what) < rates[what];
  }

  #onDrawing(): void {
    if (!this.#happens('killWhileDrawing')) return;
    this.world.timers.after(this.#random('kill after') * 8_000, () =>
      this.kill(this.#random('away') * 30_000),
    );
  }

  #unreliable(wake: Wake): Wake {
    const { book } = this.#options;
    return {
      notify: (ref, atMs) => {
        if (this.#happens('wakeLost')) {
          book.count('wakes lost');
          return;
        }
        wake.notify(ref, atMs);
        if (!this.#happens('wakeRepeated')) return;
        book.count('wakes repeated');
        this.world.timers.after(1 + this.#random('again') * 2_000, () => wake.notify(ref));
      },
      next: (max) => wake.next(max),
      looked: (ref) => wake.looked(ref),
      onReady: (listener) => wake.onReady(listener),
      depth: () => wake.depth(),
      stop: () => wake.stop(),
    };
  }

  /** Called for each webhook that reaches the process. */
  onWebhook(listener: (body: WebhookBody) => void): void {
    this.#listener = listener;
  }

  /** A webhook that nobody waits for. */
  receive(body: WebhookBody): void {
    this.#listener(body);
    void this.#running?.nightdesk.webhook.receive(body);
  }

  #receiver(): Receiver | null {
    const running = this.#running;
    if (running === null || running.nightdesk.readiness() === 'starting') return null;
    const { process, nightdesk } = running;
    return {
      receive: ({ body: rawBody, headers }: WebhookAttempt) =>
        new Promise((resolve, reject) => {
          const body = { rawBody, signature: headers['x-hub-signature-256'] };
          this.#listener(body);
          nightdesk.webhook.receive(body).then(({ status }) => {
            if (process.isAlive) resolve({ status });
          }, reject);
        }),
      handshake: () => ({ status: 404, body: '' }),
    };
  }
}

export async function openTown(options: TownOptions): Promise<WalkTown> {
  const shop = createGiftShop({
    ...settingsOf({ imagesUrl, checkoutUrl, honoursKeys: options.honoursKeys }),
    ...options.change,
  });
  const env = { DATABASE_URL: 'sqlite::memory:', GRAPH_API_URL: graphUrl, WHATSAPP_APP_SECRET: appSecret };
  const config = await readConfig({ env, folder: '/nowhere' });
  const town = new WalkTown(options, { ...config, file: { dialogs: [shop] } });
  void town.start();
  await town.world.reach(() => town.isReady, minuteMs);
  await town.command('tenants.apply', { file: tenantsFile });
  return town;
}
