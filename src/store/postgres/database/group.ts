/**
 * One commit for everything of a kind that waits: while a call is under way, what is submitted gathers and shares the next one. A
 * deadlock or a serialization failure has changed nothing, so the group is tried again and then its members singly; what one member
 * is refused for as data, it is refused for alone. What became of a group whose answer was lost nobody knows: all its members hear
 * so, and what they do again finds its dedupe key, its fence or its row as the first time left it.
 */
import { limits } from '#core/limits.ts';
import type { Transaction } from '#core/ports/crash-points.ts';
import { attemptsMax, type Database } from './database.ts';
import { faultOf, isOfOneMember, isRetriable } from './faults.ts';

interface Waiting<I, O> {
  item: I;
  cost: number;
  resolve(answer: O): void;
  reject(error: unknown): void;
}

export interface GroupGiven<I> {
  transaction: Transaction;
  /** The function: gets `{ items, ...shared }` and answers an array, an answer for each item in their order. */
  function: string;
  /** What every call is given beside its items, such as limits. */
  shared?: () => object;
  /** In appended messages, about; a call takes items up to `limits.groupCommitCostMax` of it. */
  costOf?: (item: I) => number;
  /** Calls under way at once: one keeps an order between items, more keep a slow disk busy. */
  callsMax?: number;
}

export class Group<I extends object, O> {
  readonly #db: Database;
  readonly #given: GroupGiven<I>;
  readonly #waiting: Waiting<I, O>[] = [];
  #calls = 0;
  #scheduled = false;

  constructor(db: Database, given: GroupGiven<I>) {
    this.#db = db;
    this.#given = given;
  }

  /** How many items wait for a call. */
  waiting(): number {
    return this.#waiting.length;
  }

  /** @throws Fault as `Database.call` does. */
  submit(item: I): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      this.#waiting.push({ item, cost: this.#given.costOf?.(item) ?? 1, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#calls >= (this.#given.callsMax ?? 2)) return;
    this.#scheduled = true;
    this.#db.soon(() => {
      this.#scheduled = false;
      const members = this.#take();
      if (members.length === 0) return;
      this.#calls += 1;
      void this.#run(members).finally(() => {
        this.#calls -= 1;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #take(): Waiting<I, O>[] {
    let cost = 0;
    let count = 0;
    for (const each of this.#waiting) {
      if (count > 0 && cost + each.cost > limits.groupCommitCostMax) break;
      cost += each.cost;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #run(members: Waiting<I, O>[]): Promise<void> {
    try {
      const answers = await this.#attempt(members);
      for (const [index, member] of members.entries()) {
        const answer = answers[index];
        if (answer === undefined) member.reject(new Error(`${this.#given.function} answered too little.`));
        else member.resolve(answer);
      }
    } catch (error) {
      if (members.length > 1 && (isOfOneMember(error) || isRetriable(error)))
        for (const member of members) await this.#run([member]);
      else for (const member of members) member.reject(faultOf(error));
    }
  }

  async #attempt(members: Waiting<I, O>[]): Promise<O[]> {
    const { transaction, shared } = this.#given;
    const input = { ...shared?.(), items: members.map(({ item }) => item) };
    for (let attempt = 1; ; attempt += 1) {
      try {
        for (const _ of members) this.#db.crashPoints?.reach(`${transaction}.beforeCommit`);
        const answers = await this.#db.attempt<O[]>(this.#given.function, input);
        for (const _ of members) this.#db.crashPoints?.reach(`${transaction}.afterCommit`);
        return answers;
      } catch (error) {
        if (!isRetriable(error) || attempt >= attemptsMax) throw error;
      }
    }
  }
}
