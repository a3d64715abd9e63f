/**
 * A town: a whole Nightdesk on an in-memory store, the look-alike of Meta and a model, in one process on one virtual
 * clock. Webhooks are given to the webhook station and its answers back to Meta, so everything that Meta would do over the
 * years of a number can be done in milliseconds, and again by its seed.
 */
import { expect } from 'vitest';
import type { Dialog } from '#core/dialog/dialog.ts';
import type { FlagReason } from '#core/model/effects.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import type { FlagRow } from '#core/ports/store-operators.ts';
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import { openMemory } from '#files/memory/index.ts';
import { runCommand } from '#runtime/commands.ts';
import { readConfig } from '#runtime/config.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { Secrets } from '#runtime/world/secrets.ts';
import {
  type Anthropic,
  createAnthropic,
  createMeta,
  type EventKind,
  type Meta,
  type SimulatorEvent,
  type SimulatorSetup,
} from '#simulator/index.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import {
  createVirtualWorld,
  type VirtualAnswer,
  type VirtualProcess,
  type VirtualWorld,
} from '#testing/virtual-world.ts';
import { lookAlikeModel } from './models.ts';
import type { TownOptions, TownTenant } from './town-options.ts';

export type { TownOptions, TownTenant };

const secret = 'app secret';
const graphUrl = 'http://graph.test';

export interface Answer {
  atMs: number;
  to: string;
  text: string;
  phoneNumberId: string;
}

export class Town {
  readonly world: VirtualWorld;
  readonly meta: Meta;
  readonly ai: Anthropic;
  readonly store: Store;
  readonly files = openMemory();
  readonly tenants: TownTenant[];
  readonly #options: TownOptions;
  /** Answers that Meta keeps back, by their id. */
  readonly #held = new Map<string, (response: HttpResponse) => void>();
  /** What Meta has posted, oldest first. */
  readonly bodies: { rawBody: Uint8Array; signature: string | undefined }[] = [];
  readonly processes: { world: VirtualProcess; nightdesk: Nightdesk }[] = [];
  #metaAlarm: { atMs: number; cancel: () => void } | null = null;
  /** Who answers webhooks; null while the town's Nightdesk is down. */
  nightdesk!: Nightdesk;
  isUp = false;

  constructor(options: TownOptions) {
    this.#options = options;
    this.tenants = options.tenants ?? [{ id: 'acme' }];
    this.world = createVirtualWorld({ seed: options.seed ?? 1 });
    const { world } = this;
    this.meta = createMeta({ random: world.random, setup: this.#setup() });
    this.ai = createAnthropic({ random: world.random, settings: { latencyMs: { minMs: 300, maxMs: 300 } } });
    this.store = openSqliteStore({ path: ':memory:', soon: world.timers.soon, random: world.random });
    this.#serveGraph();
  }

  numberOf(tenantId: string, index = 0): string {
    const at = this.tenants.findIndex((tenant) => tenant.id === tenantId);
    return `1${String(at).padStart(4, '0')}${index}`;
  }

  wabaOf(tenantId: string): string {
    return `2${String(this.tenants.findIndex((tenant) => tenant.id === tenantId)).padStart(4, '0')}`;
  }

  #setup(): SimulatorSetup {
    return {
      appSecret: secret,
      webhookUrl: 'http://bot.test/webhooks/whatsapp',
      accessTokens: this.tenants.map((tenant) => `token of ${tenant.id}`),
      phoneNumbers: this.tenants.flatMap((tenant) =>
        this.#numbersOf(tenant).map((id) => ({
          id,
          wabaId: this.wabaOf(tenant.id),
          displayNumber: `+${id}`,
        })),
      ),
      ...this.#options.meta,
    };
  }

  #numbersOf(tenant: TownTenant): string[] {
    return Array.from({ length: tenant.numbers ?? 1 }, (_, index) => this.numberOf(tenant.id, index));
  }

  /** What `nightdesk tenants apply` is given. */
  #file() {
    return {
      tenants: this.tenants.map((tenant) => ({
        id: tenant.id,
        accessToken: tenant.accessToken ?? `token of ${tenant.id}`,
        wabaId: this.wabaOf(tenant.id),
        ...(tenant.holdIdle && { holdIdle: tenant.holdIdle }),
        ...(tenant.budget && { budget: tenant.budget }),
        limits: {
          ...(tenant.sendsPerSecondMax && { sendsPerSecondMax: tenant.sendsPerSecondMax }),
          ...(tenant.activitiesMax && { activitiesMax: tenant.activitiesMax }),
        },
        phoneNumbers: this.#numbersOf(tenant).map((id) => ({
          id,
          dialog: tenant.dialog ?? 'assistant',
          settings: tenant.settings ?? {},
          ...(tenant.numberPerSecond && { sendsPerSecondMax: tenant.numberPerSecond }),
        })),
      })),
    };
  }

  /** Starts a Nightdesk on the town's store; the newest one gets the webhooks. */
  async start(options: { singleOwner?: boolean; dialogs?: Dialog[] } = {}): Promise<Nightdesk> {
    const { model, transcriber, wrapStore } = this.#options;
    const world = this.world.process();
    const env = { DATABASE_URL: 'sqlite::memory:', GRAPH_API_URL: graphUrl, WHATSAPP_APP_SECRET: secret };
    const config = await readConfig({ env, folder: '/nowhere' });
    const dialogs = options.dialogs ?? this.#options.dialogs ?? [];
    const nightdesk = createNightdesk({
      config: { ...config, file: { dialogs } },
      world,
      store: wrapStore === undefined ? this.store : wrapStore(this.store, this.world),
      secrets: new Secrets(['a key of at least thirty-two characters']),
      model: model?.(world) ?? lookAlikeModel(world, this.ai),
      ...(transcriber && { transcriber: transcriber(world) }),
      ...{ files: this.files, singleOwner: options.singleOwner ?? true },
    });
    this.nightdesk = nightdesk;
    this.processes.push({ world, nightdesk });
    await this.done(nightdesk.start());
    this.isUp = true;
    return nightdesk;
  }

  /** Power off: nothing of the running processes happens any more, what they had under way is lost. */
  crash(): void {
    this.isUp = false;
    for (const { world } of this.processes.splice(0)) world.kill();
  }

  async stop(): Promise<void> {
    this.isUp = false;
    for (const { nightdesk } of this.processes.splice(0))
      await this.done(nightdesk.stop({ deadlineMs: 30_000 }));
  }

  /** Lets time pass until the promise is settled; most need none. */
  async done<T>(promise: Promise<T>, maxMs = 120_000): Promise<T> {
    let settled = false;
    const note = () => {
      settled = true;
    };
    promise.then(note, note);
    await this.world.runUntil(() => settled, maxMs);
    return promise;
  }

  async apply(): Promise<void> {
    await this.command('tenants.apply', { file: this.#file() });
  }

  command<T = unknown>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    return this.done(runCommand(this.nightdesk, name, args) as Promise<T>);
  }

  // --- the customers ---------------------------------------------------------------------------------------------

  say(
    contact: string,
    text: string,
    more: { tenant?: string; number?: number; [field: string]: unknown } = {},
  ) {
    const { tenant = this.tenants[0]!.id, number = 0, ...fields } = more;
    const said = this.meta.inbound.say(
      { phoneNumberId: this.numberOf(tenant, number), contact, text, ...fields },
      this.world.nowMs(),
    );
    this.pumpMeta();
    return said;
  }

  echo(contact: string, text: string): void {
    this.meta.inbound.echo(
      { phoneNumberId: this.numberOf(this.tenants[0]!.id), contact, text },
      this.world.nowMs(),
    );
    this.pumpMeta();
  }

  /** Runs `fn` at a time from now. */
  at(delayMs: number, fn: () => void): void {
    if (delayMs <= 0) fn();
    else this.world.timers.after(delayMs, fn);
  }

  /** What customers got, oldest first. */
  answers(of: { to?: string; tenant?: string } = {}): Answer[] {
    return this.meta.accepted
      .map(({ atMs, to, text, phoneNumberId }) => ({
        atMs,
        to: to.replace('+', ''),
        text: text ?? '',
        phoneNumberId,
      }))
      .filter((answer) => of.to === undefined || answer.to === of.to)
      .filter(
        (answer) =>
          of.tenant === undefined || answer.phoneNumberId.startsWith(this.numberOf(of.tenant).slice(0, -1)),
      );
  }

  texts(to?: string): string[] {
    return this.answers(to === undefined ? {} : { to }).map((answer) => answer.text);
  }

  // --- what the store knows -----------------------------------------------------------------------------------------

  flags(): Promise<FlagRow[]> {
    return this.store.listFlags({ open: true, max: 1_000 });
  }

  async flagged(reason: FlagReason): Promise<number> {
    return (await this.flags()).filter((flag) => flag.reason === reason).length;
  }

  async ref(contact: string, tenantId = this.tenants[0]!.id): Promise<ConversationRef> {
    const ref = await this.store.findConversation({
      tenantId,
      phoneNumberId: this.numberOf(tenantId),
      address: contact,
    });
    if (ref === null) throw new Error(`There is no conversation with ${contact}.`);
    return ref;
  }

  audit() {
    return this.store.audit({ sinceMs: 0, nowMs: this.world.nowMs() });
  }

  /** Nothing is lost, nothing was answered twice, nothing is under way (I3, I9). */
  async expectQuiet(): Promise<void> {
    const audit = await this.audit();
    expect(audit.missing).toEqual([]);
    expect({ underWay: audit.underWay, duplicates: audit.provenDuplicates }).toEqual({
      underWay: 0,
      duplicates: 0,
    });
    this.expectAnsweredOnce();
  }

  /** No word of a customer stands in two answers; texts of a test must be different for this. */
  expectAnsweredOnce(): void {
    const seen = new Map<string, number>();
    for (const { to, text } of this.answers()) {
      if (!text.startsWith('Echo: ')) continue;
      for (const word of text.slice('Echo: '.length).split(' | '))
        seen.set(`${to}: ${word}`, (seen.get(`${to}: ${word}`) ?? 0) + 1);
    }
    expect([...seen].filter(([, count]) => count > 1)).toEqual([]);
  }

  /** What Meta counted, e.g. `refused.130429`. */
  counter(name: string): number {
    return this.meta.log.counters()[name] ?? 0;
  }

  events<K extends EventKind>(kind: K): Extract<SimulatorEvent, { kind: K }>[] {
    const found = this.meta.log.read({ limit: 10_000, kinds: new Set([kind]) });
    return found as Extract<SimulatorEvent, { kind: K }>[];
  }

  /** The sum of a metric's samples, or of those whose labels hold a text. */
  async metric(name: string, label = ''): Promise<number> {
    const lines = (await this.nightdesk.metrics.text()).split('\n');
    return lines
      .filter((line) => line.startsWith(name) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** Nothing reaches Graph until it ends. */
  outage(): { end(): void } {
    this.world.serve(graphUrl, () => ({ kind: 'notSent', code: 'ECONNREFUSED', delayMs: 0 }));
    return { end: () => this.#serveGraph() };
  }

  logged(level: 'warn' | 'error'): string[] {
    return this.world.logged.filter((line) => line.level === level).map((line) => line.message);
  }

  // --- Meta ------------------------------------------------------------------------------------------------------

  #serveGraph(): void {
    const { networkMs } = this.#options;
    this.world.serve(graphUrl, (request) => this.#graph(request), { ...(networkMs && { networkMs }) });
  }

  #graph(request: HttpRequest): VirtualAnswer {
    const { pathname, searchParams } = new URL(request.url);
    const answer = this.meta.handle(
      {
        method: request.method,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: request.headers,
        body: request.body ?? '',
      },
      this.world.nowMs(),
    );
    this.pumpMeta();
    if (answer.kind !== 'held') return answer;
    const response = new Promise<HttpResponse>((resolve) => this.#held.set(answer.answerId, resolve));
    return { kind: 'later', response, delayMs: 0 };
  }

  /** To be called after everything that makes Meta do something. */
  pumpMeta(): void {
    const dueAtMs = this.meta.nextDueAtMs();
    if (dueAtMs === null) return;
    const atMs = Math.max(dueAtMs, this.world.nowMs());
    if (this.#metaAlarm !== null && this.#metaAlarm.atMs <= atMs) return;
    this.#metaAlarm?.cancel();
    const cancel = this.world.timers.after(atMs - this.world.nowMs(), () => {
      this.#metaAlarm = null;
      for (const effect of this.meta.due(this.world.nowMs())) {
        if (effect.kind === 'answer')
          this.#held.get(effect.answerId)?.({ ...effect.response, headers: { ...effect.response.headers } });
        else if (effect.kind === 'webhook')
          this.#deliver(effect.deliveryId, effect.body, effect.headers['x-hub-signature-256']);
      }
      this.pumpMeta();
    });
    this.#metaAlarm = { atMs, cancel };
  }

  #deliver(deliveryId: string, rawBody: Uint8Array, signature: string | undefined): void {
    this.bodies.push({ rawBody, signature });
    const process = this.processes.at(-1);
    const ended = (end: { status: number } | { failed: true }) => {
      this.meta.webhookAnswered(deliveryId, end, this.world.nowMs());
      this.pumpMeta();
    };
    if (!this.isUp || process === undefined) {
      ended({ failed: true });
      return;
    }
    const giveUp = this.world.timers.after(10_000, () => ended({ failed: true }));
    void process.nightdesk.webhook.receive({ rawBody, signature }).then(({ status }) => {
      if (!process.world.isAlive) return;
      giveUp();
      ended({ status });
    });
  }
}

/** A town whose Nightdesk is up and knows its tenants. */
export async function createTown(options: TownOptions = {}): Promise<Town> {
  const town = new Town(options);
  await town.start();
  await town.apply();
  return town;
}
