/**
 * Everything of one run: Meta and its people, the store, the processes that come and go, and the checkers that watch. It
 * does what the plan says, then mends everything and lets the rest come to its end.
 */

import type { Store } from '#core/ports/store.ts';
import type { AuditReport } from '#core/ports/store-operators.ts';
import type { HttpRequest } from '#core/ports/world.ts';
import { runCommand } from '#runtime/commands.ts';
import { type Contact, createMeta, type Meta } from '#simulator/index.ts';
import { openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { createVirtualWorld, type VirtualWorld } from '#testing/virtual-world.ts';
import type { Checker, Invariant, MakeChecker, View, Violation } from './checker.ts';
import { type GraphCall, Journal } from './journal.ts';
import { MetaLink } from './meta-link.ts';
import type { Plan } from './plan.ts';
import { appSecret, createProcess, type Running, type Shared, tokenOf } from './process.ts';
import { Provider } from './provider.ts';
import { Rows } from './rows.ts';
import { metaFaultsOf, numberOf, tenantsFileOf, wabaOf } from './setting-up.ts';
import { providerUrl } from './shop.ts';
import { Teller } from './teller.ts';
import type { Variant } from './variant.ts';
import { Witness } from './witness.ts';

export interface UniverseOptions {
  plan: Plan;
  variant?: Variant;
  checkers: readonly MakeChecker[];
}

export class Universe implements View {
  readonly plan: Plan;
  readonly world: VirtualWorld;
  readonly journal: Journal;
  readonly meta: Meta;
  readonly link: MetaLink;
  readonly teller: Teller;
  readonly rows: Rows;
  readonly witness = new Witness();
  readonly store: Store;
  readonly contacts: Contact[] = [];
  /** By process; null while it is down. */
  readonly slots: (Running | null)[];
  /** Why each process that is down stays down; a restart that was asked for by an older reason is void. */
  readonly #starts: number[];
  readonly #shared: Shared;
  readonly #checkers: Checker[];
  readonly #streams = new Map<string, () => number>();
  #calls = 0;
  #clockOffMs = 0;
  isHealed = false;
  violation: Violation | null = null;

  constructor({ plan, variant, checkers }: UniverseOptions) {
    this.plan = plan;
    this.world = createVirtualWorld({ seed: plan.seed });
    this.journal = new Journal(() => this.world.nowMs());
    this.meta = createMeta({ random: this.#stream('meta'), setup: this.#setup() });
    const database = openDatabase(':memory:');
    this.rows = new Rows(database.raw);
    this.#interfere(database, variant);
    this.store = storeOn(database, { soon: this.world.timers.soon, random: this.#stream('store ids') });
    const calls = new WeakMap<HttpRequest, GraphCall>();
    this.#shared = {
      ...{ plan, variant, calls, store: this.store, journal: this.journal },
      random: (stream) => this.random(stream),
      isHealed: () => this.isHealed,
      onStored: () => this.look(),
      pause: (process, forMs) => this.pause(process, forMs),
      nextCall: () => ++this.#calls,
    };
    this.slots = Array.from({ length: plan.processes }, () => null);
    this.#starts = this.slots.map(() => 0);
    this.link = new MetaLink({
      ...{ meta: this.meta, world: this.world, journal: this.journal, calls, networkMs: plan.networkMs },
      random: (stream) => this.random(stream),
      connectionRefused: () => this.#happens('connectionRefused'),
      running: () => this.running(),
    });
    this.#openProvider();
    this.teller = new Teller({
      ...{ journal: this.journal, timers: this.world.timers },
      random: (stream) => this.random(stream),
      isRepeated: () => this.#happens('factRepeated'),
      hasOtherData: () => this.#happens('factWithOtherData'),
      running: () => this.running(),
    });
    this.#checkers = checkers.map((make) => make(this));
    this.journal.onNote((seen) => {
      for (const checker of this.#checkers) checker.see?.(seen);
    });
    this.meta.faults.set(metaFaultsOf(plan));
  }

  random(stream: string): number {
    return this.#stream(stream)();
  }

  #stream(name: string): () => number {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      let seed = this.plan.seed;
      for (const letter of name) seed = Math.imul(seed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
      stream = seededRandom(seed);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  #happens(rate: keyof Plan['rates']): boolean {
    return !this.isHealed && this.random(rate) < this.plan.rates[rate];
  }

  #openProvider(): void {
    const { plan, world, journal } = this;
    const random = this.#stream('provider');
    const provider = new Provider({ plan, journal, random, isHealed: () => this.isHealed });
    world.serve(providerUrl, (request) => provider.serve(request), { networkMs: plan.networkMs });
  }

  #setup() {
    const { tenants } = this.plan;
    return {
      appSecret,
      webhookUrl: 'http://bot.test/webhooks/whatsapp',
      rules: { opaqueOnFailed: this.plan.failedNamesSend },
      accessTokens: tenants.map(({ id }) => tokenOf(id)),
      phoneNumbers: tenants.flatMap((tenant, at) =>
        Array.from({ length: tenant.numbers }, (_, number) => ({
          id: numberOf(at, number),
          wabaId: wabaOf(at),
          displayNumber: `+${numberOf(at, number)}`,
        })),
      ),
    };
  }

  /** Commits that fail as a full disk's do, and the statements of a variant in the place of the product's. */
  #interfere(database: ReturnType<typeof openDatabase>, variant: Variant | undefined): void {
    const replaced = (sql: string, values: readonly unknown[]) => variant?.statement?.(sql, values) ?? sql;
    const { run, get, all } = database;
    database.run = (sql, ...values) => {
      if (sql === 'COMMIT' && this.#happens('commitFails')) {
        this.journal.note({ kind: 'world', what: 'a commit fails: the disk is full' });
        throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
      }
      return run.call(database, replaced(sql, values), ...values);
    };
    database.get = (<T>(sql: string, ...values: []) =>
      get.call(database, replaced(sql, values), ...values) as T) as typeof get;
    database.all = (<T>(sql: string, ...values: []) =>
      all.call(database, replaced(sql, values), ...values) as T[]) as typeof all;
  }

  // --- what checkers see ----------------------------------------------------------------------------------------

  nowMs(): number {
    return this.world.nowMs();
  }

  clockOffMs(): number {
    return this.#clockOffMs;
  }

  violated(violation: Violation): void {
    this.violation ??= violation;
  }

  /** Shows the checkers what was committed since they last looked. */
  look(): void {
    const changes = this.rows.drain();
    if (changes.length === 0) return;
    this.witness.look(changes);
    for (const checker of this.#checkers) checker.changed?.(changes);
  }

  audit(): Promise<AuditReport> {
    return this.store.audit({ sinceMs: 0, nowMs: this.world.clock.nowMs() });
  }

  /** Lets those checkers look that wait for something to be over. */
  passed(): void {
    for (const checker of this.#checkers) checker.passed?.();
  }

  async end(): Promise<void> {
    this.look();
    for (const checker of this.#checkers) await checker.end?.();
  }

  invariants(): Invariant[] {
    return this.#checkers.map(({ invariant }) => invariant);
  }

  // --- processes ------------------------------------------------------------------------------------------------

  running(): { process: number; running: Running }[] {
    return this.slots.flatMap((running, process) => (running === null ? [] : [{ process, running }]));
  }

  async start(process: number): Promise<void> {
    const start = this.#starts[process] as number;
    const virtual = this.world.process();
    const running = await createProcess(process, virtual, this.#shared);
    try {
      await running.nightdesk.start();
    } catch {
      virtual.kill();
      this.startLater(process, 500);
      return;
    }
    if (this.#starts[process] !== start || this.slots[process] !== null) {
      virtual.kill();
      return;
    }
    this.slots[process] = running;
    this.journal.note({ kind: 'process', process, what: 'started' });
  }

  startLater(process: number, afterMs: number): void {
    const start = this.#starts[process];
    this.world.timers.after(afterMs, () => {
      if (this.#starts[process] === start) void this.start(process);
    });
  }

  crash(process: number, awayMs: number): void {
    const running = this.slots[process];
    if (running === null || running === undefined) return;
    this.#down(process, running, 'crashed');
    this.startLater(process, awayMs);
  }

  stop(process: number, awayMs: number): void {
    const running = this.slots[process];
    if (running === null || running === undefined || running.world.isPaused) return;
    this.slots[process] = null;
    this.#starts[process] = (this.#starts[process] as number) + 1;
    const start = this.#starts[process];
    void running.nightdesk.stop({ deadlineMs: 10_000 }).then(() => {
      if (this.#starts[process] !== start) return;
      this.#down(process, running, 'stopped');
      this.startLater(process, awayMs);
    });
  }

  #down(process: number, running: Running, what: 'crashed' | 'stopped'): void {
    running.world.kill();
    this.slots[process] = null;
    this.#starts[process] = (this.#starts[process] as number) + 1;
    this.journal.note({ kind: 'process', process, what });
    this.link.processDied(process);
  }

  pause(process: number, forMs: number): void {
    const running = this.slots[process];
    if (running === null || running === undefined || running.world.isPaused) return;
    running.world.pause();
    this.journal.note({ kind: 'process', process, what: 'paused' });
    this.world.timers.after(forMs, () => {
      if (!running.world.isAlive || !running.world.isPaused) return;
      running.world.resume();
      this.journal.note({ kind: 'process', process, what: 'resumed' });
    });
  }

  stepClock(byMs: number): void {
    this.#clockOffMs += byMs;
    this.world.stepClock(byMs);
    this.journal.note({ kind: 'world', what: `the clock steps by ${byMs} ms` });
  }

  /** A command on any process that can run it; what it throws is told and forgotten. */
  async command(name: string, args: Record<string, unknown>): Promise<unknown> {
    const able = this.running().filter(({ running }) => !running.world.isPaused);
    const chosen = able[Math.floor(this.random('commands') * able.length)];
    if (chosen === undefined) return null;
    try {
      return await runCommand(chosen.running.nightdesk, name, args);
    } catch (error) {
      const what = `the command ${name} fails: ${error instanceof Error ? error.message : 'for no reason'}`;
      this.journal.note({ kind: 'fault', process: chosen.process, what });
      return null;
    }
  }

  applyTenants(): Promise<unknown> {
    return this.command('tenants.apply', { file: tenantsFileOf(this.plan) });
  }
}
