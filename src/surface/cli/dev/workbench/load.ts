/**
 * A load of made customers, who write through the simulator as people do. Each waits for its answer and then rests as long
 * as Meta's pair limit wants, so the load is made of many who write a little; new ones come only when all others are busy.
 */
import type { Timers } from '#core/ports/world.ts';
import type { Say, SimulatorEvent } from '#simulator/index.ts';

export interface LoadFigures {
  perSecond: number;
  asked: number;
  answered: number;
  waiting: number;
}

export interface LoadOptions {
  timers: Timers;
  /** For how fast the load is; only grows. */
  monotonicMs: () => number;
  /** The time of the customers. */
  nowMs: () => number;
  phoneNumberIds: () => Promise<string[]>;
  say: (said: Say[]) => Promise<unknown>;
  onChange: () => void;
}

/** What a made customer's id begins with, so that a page can leave them out. */
export const loadPrefix = 'load-';
export const perSecondMax = 200;

const tickMs = 50;
const restMs = 6_000;
const customersMax = 5_000;

const questions = [
  'what does a bouquet cost?',
  'are you open on Saturday?',
  'do you deliver?',
  'can I pay by card?',
  'is my order ready?',
];

interface Customer {
  id: string;
  name: string;
  phone: string;
  restsUntilMs: number;
  unanswered: number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #customers = new Map<string, Customer>();
  /** Those that wait for nothing, the longest rested first. */
  #idle: Customer[] = [];
  #perSecond = 0;
  #asked = 0;
  #answered = 0;
  #owed = 0;
  #tickedAtMs = 0;
  #cancel: (() => void) | null = null;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  figures(): LoadFigures {
    const waiting = this.#asked - this.#answered;
    return { perSecond: this.#perSecond, asked: this.#asked, answered: this.#answered, waiting };
  }

  set(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#options.onChange();
    if (perSecond === 0) this.stop();
    if (perSecond === 0 || this.#cancel !== null) return;
    this.#owed = 1;
    this.#tickedAtMs = this.#options.monotonicMs();
    this.#arm(0);
  }

  stop(): void {
    this.#perSecond = 0;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** An accepted send answers all that its customer has asked. */
  see(event: SimulatorEvent): void {
    if (event.kind !== 'sendAccepted' || event.contactId === null) return;
    const customer = this.#customers.get(event.contactId);
    if (customer === undefined || customer.unanswered === 0) return;
    this.#answered += customer.unanswered;
    customer.unanswered = 0;
    this.#idle.push(customer);
    this.#options.onChange();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.timers.after(delayMs, () => {
      const again = (): void => {
        if (this.#cancel !== null) this.#arm(tickMs);
      };
      // What the simulator refuses once, e.g. in a reset, it takes the next time.
      this.#tick().then(again, again);
    });
  }

  async #tick(): Promise<void> {
    const { monotonicMs, phoneNumberIds, say, onChange } = this.#options;
    const nowMs = monotonicMs();
    // What a busy machine could not ask in a second is not asked later.
    this.#owed = Math.min(
      this.#owed + (this.#perSecond * (nowMs - this.#tickedAtMs)) / 1_000,
      this.#perSecond,
    );
    this.#tickedAtMs = nowMs;
    const count = Math.floor(this.#owed);
    if (count === 0) return;
    this.#owed -= count;
    const numbers = await phoneNumberIds();
    if (numbers.length === 0) return;
    const said = Array.from({ length: count }, () => this.#question(numbers));
    await say(said);
    onChange();
  }

  #question(numbers: readonly string[]): Say {
    const customer = this.#next();
    this.#asked += 1;
    customer.unanswered += 1;
    customer.restsUntilMs = this.#options.nowMs() + restMs;
    const { id, name, phone } = customer;
    return {
      // A customer keeps to one business.
      phoneNumberId: numbers[Number(id.slice(loadPrefix.length)) % numbers.length]!,
      contact: { id, name, phone },
      type: 'text',
      text: `Question ${this.#asked}: ${questions[this.#asked % questions.length]}`,
    };
  }

  #next(): Customer {
    const [rested] = this.#idle;
    const isRested = rested !== undefined && rested.restsUntilMs <= this.#options.nowMs();
    if (rested !== undefined && (isRested || this.#customers.size >= customersMax)) {
      this.#idle.shift();
      return rested;
    }
    if (this.#customers.size < customersMax) return this.#newCustomer();
    // All wait for their answers: whoever came first asks once more.
    const [first] = this.#customers.values();
    if (first === undefined) return this.#newCustomer();
    this.#customers.delete(first.id);
    this.#customers.set(first.id, first);
    return first;
  }

  #newCustomer(): Customer {
    const number = String(this.#customers.size + 1).padStart(4, '0');
    const customer: Customer = {
      id: `${loadPrefix}${number}`,
      name: `Load ${number}`,
      phone: `1650556${number}`,
      restsUntilMs: 0,
      unanswered: 0,
    };
    this.#customers.set(customer.id, customer);
    return customer;
  }
}
