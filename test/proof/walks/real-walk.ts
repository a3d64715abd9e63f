/**
 * Walks through the gift shop over real HTTP: the shop as an operator runs it, killed by SIGKILL, and look-alikes on a real port. Where it
 * runs and what befalls it there is told by its premises.
 */
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { judge } from '../../walks/checks.ts';
import { Customer } from '../../walks/customer.ts';
import { demanded, Notebook } from '../../walks/notebook.ts';
import { heardOn } from '../../walks/phone.ts';
import {
  drawingsPerDay,
  numbers,
  providerFaults,
  tenantsFile,
  webhookFaults,
  webhookSecretOf,
} from '../../walks/setting.ts';
import { streamOf } from '../../walks/streams.ts';
import { countSeen, countStored, heardBy, type Place } from '../../walks/tally.ts';
import { pause, until } from '../server-process.ts';
import type { Opening, Premises } from './premises.ts';

export interface RealWalkOptions {
  seed: number;
  customers: number;
  honoursKeys: boolean;
  /** So many begin in a second. */
  customersPerSecond: number;
  /** Of each customer. */
  acts?: number;
}

export interface RealWalkReport {
  book: Notebook;
  /** What is wrong, one a line; nothing where all is well. */
  problems: string[];
  /** What the run was to do and did not. */
  missing: string[];
}

const hourMs = 3_600_000;
/** About what a customer takes for each. */
const actMs = 4_000;
/** Seconds that a customer waits for answers, all together. */
const waitsMax = 200;
const settleMs = 15 * 60_000;
/** A customer waits for answers, and servers start again: nobody takes longer. */
const walkMsMax = 6 * hourMs;

type OpenPremises = (of: Opening) => Promise<Premises>;

export async function walkForReal(options: RealWalkOptions, open: OpenPremises): Promise<RealWalkReport> {
  const clock = { aheadMs: 0 };
  const random = streamOf(options.seed);
  const simulator = await startSimulator({
    world: {
      nowMs: () => Date.now() + clock.aheadMs,
      setTimer(delayMs, fn) {
        const handle = setTimeout(fn, delayMs);
        return () => clearTimeout(handle);
      },
      random: () => random('simulator'),
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
  try {
    const honours = options.honoursKeys ? 'yes' : 'no';
    const env = { SHOP_PROVIDERS_URL: simulator.url, SHOP_HONOURS_KEYS: honours };
    const premises = await open({ simulator, env, clock });
    try {
      return await new RealWalk(options, { simulator, premises, random }).run();
    } finally {
      await premises.close();
    }
  } finally {
    await simulator.close();
  }
}

interface Walker extends Place {
  customer: Customer;
}

interface RealWalkParts {
  simulator: Simulator;
  premises: Premises;
  random: (stream: string) => number;
}

class RealWalk {
  readonly #options: RealWalkOptions;
  readonly #book = new Notebook();
  readonly #random: (stream: string) => number;
  readonly #simulator: Simulator;
  readonly #premises: Premises;
  #open = 0;

  constructor(options: RealWalkOptions, { simulator, premises, random }: RealWalkParts) {
    this.#options = options;
    this.#simulator = simulator;
    this.#premises = premises;
    this.#random = random;
  }

  async run(): Promise<RealWalkReport> {
    await this.#furnish();
    const walkers = this.#walkers();
    await this.#walk(walkers);
    const settled = await this.#settle();
    const unanswered = await this.#sayHello(walkers);
    const { missingCount, underWay } = await this.#premises.audit();
    await this.#premises.stop();
    return this.#verdict(walkers, [
      ...(settled ? [] : [`not everything came to an end in ${settleMs / 60_000} minutes`]),
      ...unanswered,
      ...(missingCount + underWay === 0
        ? []
        : [`the audit finds ${missingCount} missing, ${underWay} under way`]),
    ]);
  }

  async #furnish(): Promise<void> {
    const { honoursKeys } = this.#options;
    const { control } = this.#simulator;
    const { url, metaFaults, pagesExpireAfterMs } = this.#premises;
    await this.#premises.applyTenants(tenantsFile);
    await control.setup({ webhookUrl: `${url}/webhooks/whatsapp` });
    await control.setFaults({ ...webhookFaults, ...metaFaults });
    await control.setImages({ ...providerFaults(honoursKeys), latencyMs: { minMs: 500, maxMs: 4_000 } });
    await control.setCheckout({
      webhookUrl: `${url}/events/stripe/${tenantsFile.tenants[0].id}`,
      webhookSecret: webhookSecretOf,
      expireAfterMs: pagesExpireAfterMs,
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
    const { customersPerSecond, acts = 20 } = this.#options;
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
    const faults = this.#premises.befall({
      lastsMs: (walkers.length / customersPerSecond) * 1_000 + acts * actMs,
      random: () => this.#random('kill'),
      killing: () => {
        this.#book.count('kills');
        if (this.#simulator.images.stats().running > 0) this.#book.count('kills while it draws');
      },
      revived: async () => {
        await this.#handBackAll();
        // Whether a request that hangs was charged is for nobody to know.
        await this.#simulator.control.setImages({ hang: { charged: this.#random('hang') < 0.5 } });
      },
    });
    const isOver = () => this.#open === 0;
    while (!isOver() && Date.now() - beganMs < walkMsMax) {
      if (!(await until(isOver, 60_000))) process.stdout.write(`  ${this.#howFar(beganMs)}\n`);
    }
    await faults.stop();
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

  async #handBackAll(): Promise<void> {
    const held = await this.#premises.books.ask(
      "SELECT tenant_id, conversation_id FROM conversation WHERE holder = 'operator' AND merged_into IS NULL",
    );
    await this.#premises.handBack(
      held.map(({ tenant_id, conversation_id }) => ({
        tenantId: String(tenant_id),
        conversationId: String(conversation_id),
      })),
    );
    this.#book.count('hand-backs', held.length);
  }

  /** Until nothing is under way; where a send is uncertain a customer of each number goes on writing, whose statuses are evidence. */
  async #settle(): Promise<boolean> {
    const untilMs = Date.now() + settleMs;
    while (Date.now() < untilMs) {
      await this.#handBackAll();
      await pause(3_000);
      const { ask, end } = this.#premises.books;
      const [open] = await ask(
        `SELECT (SELECT count(*) FROM event WHERE ${end} IS NULL OR ${end} = 'awaiting')
          + (SELECT count(*) FROM activity WHERE state = 'running')
          + (SELECT count(*) FROM send WHERE state IN ('queued','sending','uncertain'))
          + (SELECT count(*) FROM ledger_entry WHERE state NOT IN ('settled','refunded')) AS n`,
      );
      const { updates } = this.#simulator.meta.waiting();
      const { inFlight, retrying } = this.#simulator.checkout.stats().events;
      if (open?.n === 0 && updates + inFlight + retrying + this.#pagesToClose() === 0) return true;
      const uncertain = await ask("SELECT 1 FROM send WHERE state = 'uncertain' LIMIT 1");
      if (uncertain.length === 0) continue;
      for (const { id } of numbers)
        this.#say(
          { phoneNumberId: id, contactId: `1999${id.slice(-7)}` },
          { type: 'text', text: 'still there' },
        );
    }
    return false;
  }

  /** Unpaid pages that will close while we wait. */
  #pagesToClose(): number {
    if (this.#premises.pagesExpireAfterMs > settleMs) return 0;
    return this.#simulator.checkout.list().filter(({ state }) => state === 'open').length;
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

  async #verdict(walkers: readonly Walker[], found: string[]): Promise<RealWalkReport> {
    const { meta, images, checkout } = this.#simulator;
    const { honoursKeys } = this.#options;
    const { books } = this.#premises;
    const book = this.#book;
    const heard = heardBy(meta, walkers);
    const evidence = { books, charges: images.charges, checkouts: checkout.list(), heard, book, honoursKeys };
    const problems = [...found, ...(await judge({ ...evidence, drawingsPerDay }))];
    countSeen(book, this.#simulator, walkers);
    await countStored(book, books);
    this.#premises.count(book);
    const missing = [...demanded, ...this.#premises.demanded].filter((what) => book.of(what) === 0);
    return { book, problems, missing };
  }
}
