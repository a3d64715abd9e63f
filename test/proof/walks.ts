/**
 * Walks through the gift shop over real HTTP: the server as an operator runs it, on a real file, killed by SIGKILL, and
 * look-alikes on a real port. Time is real; a few times all clocks are put ahead by four hours while the server is dead, so
 * that customers have been silent and reminders are due. `--virtual` walks on a virtual clock instead, where weeks pass.
 */
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { judge } from '../walks/checks.ts';
import { Customer } from '../walks/customer.ts';
import { demanded, Notebook } from '../walks/notebook.ts';
import { heardOn } from '../walks/phone.ts';
import {
  drawingsPerDay,
  numbers,
  providerFaults,
  tenantsFile,
  webhookFaults,
  webhookSecretOf,
} from '../walks/setting.ts';
import { streamOf } from '../walks/streams.ts';
import { countSeen, countStored, heardBy, type Place } from '../walks/tally.ts';
import { walk } from '../walks/walk.ts';
import { pause, ServerProcess } from './server-process.ts';

interface Options {
  seed: number;
  customers: number;
  honoursKeys: boolean;
  customersPerSecond: number;
}

const hourMs = 3_600_000;
const leapMs = 4 * hourMs;
const leaps = 3;
const acts = 20;
/** Seconds that a customer waits for answers, all together. */
const waitsMax = 200;
const settleMs = 15 * 60_000;
const timeOfTheReal = ['reminders', 'welcomes back', 'leaps of four hours'] as const;

export async function proveWalks(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      customers: { type: 'string', default: '2000' },
      'no-keys': { type: 'boolean', default: false },
      virtual: { type: 'boolean', default: false },
      'per-second': { type: 'string', default: '3' },
    },
  });
  const options = {
    seed: Number(values.seed),
    customers: Number(values.customers),
    honoursKeys: !values['no-keys'],
    customersPerSecond: Number(values['per-second']),
  };
  const how = values.virtual ? 'on a virtual clock' : 'over HTTP, on a file, with SIGKILLs';
  const keys = options.honoursKeys ? 'honours idempotency keys' : 'knows nothing of idempotency keys';
  process.stdout.write(
    `${options.customers} customers walk ${how}, seed ${options.seed}; the provider ${keys}\n`,
  );
  const startedMs = Date.now();
  const { book, problems, missing } = values.virtual
    ? await walk(options)
    : await new RealWalk(options).run();
  for (const [what, times] of book.figures) process.stdout.write(`  ${String(times).padStart(8)}  ${what}\n`);
  for (const problem of problems.slice(0, 50)) process.stdout.write(`  MISSED    ${problem}\n`);
  for (const what of missing) process.stdout.write(`  MISSED    the run had no ${what}\n`);
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  process.stdout.write(`${problems.length} problems, ${missing.length} figures missing, ${seconds} s\n`);
  return problems.length === 0 && missing.length === 0;
}

interface Walker extends Place {
  customer: Customer;
}

class RealWalk {
  readonly #options: Options;
  readonly #book = new Notebook();
  readonly #random: (stream: string) => number;
  readonly #env: Record<string, string> = {};
  #aheadMs = 0;
  #simulator!: Simulator;
  #server!: ServerProcess;
  #open = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#random = streamOf(options.seed);
  }

  async run() {
    await this.#start();
    try {
      const walkers = this.#walkers();
      await this.#walk(walkers);
      await this.#killed(true);
      const settled = await this.#settle();
      const unanswered = await this.#sayHello(walkers);
      const { missingCount, underWay } = await this.#server.command<{
        missingCount: number;
        underWay: number;
      }>('audit', { days: 3 });
      await this.#server.stop();
      return this.#verdict(walkers, [
        ...(settled ? [] : [`not everything came to an end in ${settleMs / 60_000} minutes`]),
        ...unanswered,
        ...(missingCount + underWay === 0
          ? []
          : [`the audit finds ${missingCount} missing, ${underWay} under way`]),
      ]);
    } finally {
      await this.#server.stop();
      await this.#simulator.close();
      if (process.env.KEEP_PROOF === undefined) this.#server.remove();
    }
  }

  async #start(): Promise<void> {
    const { honoursKeys } = this.#options;
    this.#simulator = await startSimulator({
      world: {
        nowMs: () => Date.now() + this.#aheadMs,
        setTimer(delayMs, fn) {
          const handle = setTimeout(fn, delayMs);
          return () => clearTimeout(handle);
        },
        random: () => this.#random('simulator'),
      },
      setup: {
        appSecret: 'app secret',
        verifyToken: 'verify',
        accessTokens: tenantsFile.tenants.map(({ accessToken }) => accessToken),
        phoneNumbers: numbers,
        timings: { webhookRetryFirstMs: 200, webhookRetryFactor: 1.6, webhookRetryMaxMs: 3_000 },
      },
      model: { latencyMs: { minMs: 50, maxMs: 500 } },
    });
    const { url, control } = this.#simulator;
    Object.assign(this.#env, { SHOP_PROVIDERS_URL: url, SHOP_HONOURS_KEYS: honoursKeys ? 'yes' : 'no' });
    const shop = new URL('../walks/shop-config.ts', import.meta.url).pathname;
    const config = `export { default } from ${JSON.stringify(shop)};\n`;
    this.#server = new ServerProcess({ simulatorUrl: url, config, env: this.#env });
    await this.#server.start();
    await this.#server.command('tenants.apply', { file: tenantsFile });
    await control.setup({ webhookUrl: `${this.#server.url}/webhooks/whatsapp` });
    await control.setFaults(webhookFaults);
    await control.setImages({ ...providerFaults(honoursKeys), latencyMs: { minMs: 500, maxMs: 4_000 } });
    await control.setCheckout({
      webhookUrl: `${this.#server.url}/events/stripe/${tenantsFile.tenants[0].id}`,
      webhookSecret: webhookSecretOf,
      expireAfterMs: hourMs,
      duplicateEvent: { rate: 0.3 },
      lateEvent: { rate: 0.1, minMs: 2_000, maxMs: 20_000 },
      loseAnswer: { rate: 0.03 },
      fail: { rate: 0.03 },
    });
  }

  #walkers(): Walker[] {
    const { meta, control } = this.#simulator;
    return Array.from({ length: this.#options.customers }, (_, index) => {
      const phoneNumberId = numbers[index % numbers.length]?.id ?? '';
      const spec = { phone: `1650${String(index).padStart(7, '0')}`, name: `Customer ${index}` };
      const { id: contactId } = meta.contacts.create(spec);
      const isOpen = (page: string) =>
        this.#simulator.checkout.list().some(({ id, state }) => id === page && state === 'open');
      const ifOpen = (page: string, act: () => Promise<unknown>) => {
        const open = isOpen(page);
        if (open) act().catch(() => {});
        return open;
      };
      this.#book.count('customers');
      const customer = new Customer({
        ...{ index, book: this.#book, pace: { minMs: 300, maxMs: 9_000, silences: false } },
        random: () => this.#random(`customer ${index}`),
        messages: () => meta.conversations.find(phoneNumberId, contactId)?.messages ?? [],
        say: (fields) => this.#say({ phoneNumberId, contactId }, fields),
        payment: {
          pay: (page) => ifOpen(page, () => control.pay(page)),
          decline: (page) => ifOpen(page, () => control.declinePayment(page)),
          expire: (page) => ifOpen(page, () => control.expireCheckout(page)),
        },
        after: (delayMs, fn) => void setTimeout(fn, delayMs),
      });
      return { customer, phoneNumberId, contactId };
    });
  }

  #said = 0;

  /** The name is ours, so that what is said is known at once. */
  #say({ phoneNumberId, contactId }: Place, fields: Readonly<Record<string, unknown>>): { wamid: string } {
    const wamid = `wamid.walk${++this.#said}`;
    void this.#simulator.control.say({ ...fields, wamid, phoneNumberId, contact: contactId });
    return { wamid };
  }

  async #walk(walkers: readonly Walker[]): Promise<void> {
    this.#open = walkers.length;
    const { customersPerSecond } = this.#options;
    for (const [index, { customer }] of walkers.entries()) {
      let left = acts;
      let waits = waitsMax;
      const step = () => {
        // Most people wait for an answer, however slow this machine is.
        if (this.#waitsForAnswer(walkers[index]) && waits > 0 && this.#random('patience') < 0.8) {
          waits -= 1;
          setTimeout(step, 1_000);
          return;
        }
        const waitMs = customer.act();
        left -= 1;
        if (left === 0) this.#open -= 1;
        else setTimeout(step, waitMs);
      };
      setTimeout(step, (index / customersPerSecond) * 1_000);
    }
    const beganMs = Date.now();
    const wholeMs = (walkers.length / customersPerSecond) * 1_000;
    for (let leapt = 0, toldMs = beganMs; this.#open > 0; ) {
      if (Date.now() - toldMs > 60_000) {
        toldMs = Date.now();
        process.stdout.write(`  ${this.#howFar(beganMs)}\n`);
      }
      await pause(3_000 + this.#random('kill') * 9_000);
      const isNight = leapt < leaps && Date.now() - beganMs > (wholeMs * (leapt + 1)) / (leaps + 1);
      if (isNight) leapt += 1;
      await this.#killed(isNight);
      await this.#handBackAll();
      // Whether a request that hangs was charged is for nobody to know.
      await this.#simulator.control.setImages({ hang: { charged: this.#random('hang') < 0.5 } });
    }
  }

  /** For whoever watches a run of half an hour. */
  #howFar(beganMs: number): string {
    const { updates } = this.#simulator.meta.waiting();
    const minutes = Math.round((Date.now() - beganMs) / 60_000);
    const done = this.#options.customers - this.#open;
    return `after ${minutes} min: ${done} customers done, ${this.#book.of('kills')} kills, ${updates} webhooks wait`;
  }

  #waitsForAnswer(place: Place | undefined): boolean {
    if (place === undefined) return false;
    const { messages } = this.#simulator.meta.conversations.find(place.phoneNumberId, place.contactId) ?? {};
    return messages?.at(-1)?.direction === 'in';
  }

  /** SIGKILL, now and then for a night, which all clocks take for one. */
  async #killed(isNight: boolean): Promise<void> {
    this.#book.count('kills');
    if (this.#simulator.images.stats().running > 0) this.#book.count('kills while it draws');
    await this.#server.kill();
    if (isNight) {
      this.#book.count('leaps of four hours');
      this.#aheadMs += leapMs;
      this.#env.DEV_CLOCK_AHEAD_MS = String(this.#aheadMs);
    }
    await this.#server.start();
  }

  async #handBackAll(): Promise<void> {
    const held = this.#query<{ tenant_id: string; conversation_id: string }>(
      "SELECT tenant_id, conversation_id FROM conversation WHERE holder = 'operator' AND merged_into IS NULL",
    );
    for (const { tenant_id: tenantId, conversation_id: conversationId } of held) {
      await this.#server.command('handback', { tenantId, conversationId, by: 'ann' });
      this.#book.count('hand-backs');
    }
  }

  #query<T>(sql: string): T[] {
    const db = new DatabaseSync(this.#server.databasePath, { readOnly: true });
    try {
      return db.prepare(sql).all() as T[];
    } finally {
      db.close();
    }
  }

  /** Until nothing is under way; where a send is uncertain a customer of each number goes on writing, whose statuses are evidence. */
  async #settle(): Promise<boolean> {
    const untilMs = Date.now() + settleMs;
    while (Date.now() < untilMs) {
      await this.#handBackAll();
      await pause(3_000);
      const open = this.#query<{ n: number }>(
        `SELECT (SELECT count(*) FROM event WHERE end IS NULL OR end = 'awaiting')
          + (SELECT count(*) FROM activity WHERE state = 'running')
          + (SELECT count(*) FROM send WHERE state IN ('queued','sending','uncertain'))
          + (SELECT count(*) FROM ledger_entry WHERE state NOT IN ('settled','refunded')) AS n`,
      );
      const { updates } = this.#simulator.meta.waiting();
      const { inFlight, retrying } = this.#simulator.checkout.stats().events;
      if (open[0]?.n === 0 && updates + inFlight + retrying === 0) return true;
      const uncertain = this.#query("SELECT 1 FROM send WHERE state = 'uncertain' LIMIT 1");
      if (uncertain.length === 0) continue;
      for (const { id } of numbers)
        this.#say(
          { phoneNumberId: id, contactId: `1999${id.slice(-7)}` },
          { type: 'text', text: 'still there' },
        );
    }
    return false;
  }

  async #sayHello(walkers: readonly Walker[]): Promise<string[]> {
    const lastOf = ({ phoneNumberId, contactId }: Place) =>
      heardOn(this.#simulator.meta.conversations.find(phoneNumberId, contactId)?.messages ?? []).at(-1)
        ?.wamid;
    const before = walkers.map(lastOf);
    for (const walker of walkers) {
      this.#say(walker, { type: 'text', text: 'hello' });
      await pause(20);
    }
    const isAnswered = (walker: Walker, index: number) => lastOf(walker) !== before[index];
    for (let waited = 0; waited < 60 && !walkers.every(isAnswered); waited++) await pause(1_000);
    await this.#settle();
    return walkers.flatMap((walker, index) =>
      isAnswered(walker, index) ? [] : [`customer ${index} said hello and was not answered`],
    );
  }

  #verdict(walkers: readonly Walker[], found: string[]) {
    const { meta, images, checkout } = this.#simulator;
    const { honoursKeys } = this.#options;
    const book = this.#book;
    const db = new DatabaseSync(this.#server.databasePath, { readOnly: true });
    const heard = heardBy(meta, walkers);
    const evidence = { db, charges: images.charges, checkouts: checkout.list(), heard, book, honoursKeys };
    const problems = [...found, ...judge({ ...evidence, drawingsPerDay })];
    countSeen(book, this.#simulator, walkers);
    countStored(book, db);
    db.close();
    const missing = [...demanded, ...timeOfTheReal].filter((what) => book.of(what) === 0);
    return { book, problems, missing };
  }
}
