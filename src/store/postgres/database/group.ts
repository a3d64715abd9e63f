/**
 * One commit for everything of a kind that waits: while calls are under way, what is submitted gathers and shares the next one. A
 * deadlock or a serialization failure has changed nothing, so the group is tried again and then its members singly; what one member
 * is refused for as data, it is refused for alone. What became of a group whose answer was lost nobody knows: all its members hear
 * so, and what they do again finds its dedupe key, its fence or its row as the first time left it.
 */
import { limits } from '#core/limits.ts';
import type { CrashPoint, Transaction } from '#core/ports/crash-points.ts';
import { attemptsMax, type Database } from './database.ts';
import { faultOf, isOfOneMember, isRetriable } from './faults.ts';

interface Waiting<I, O> {
  item: I;
  cost: number;
  keys: readonly string[];
  resolve(answer: O): void;
  reject(error: unknown): void;
}

/** Under way at once: one works while another waits for the disk. */
const callsMax = 2;

type GroupDatabase = Pick<Database, 'attempt' | 'soon' | 'crashPoints'>;

export interface GroupForm<I, O> {
  inputOf(items: readonly I[]): object;
  answersOf(answer: unknown, items: readonly I[]): O[];
}

export interface GroupGiven<I, O> {
  /** Left out, it only reads. */
  transaction?: Transaction;
  /** The function: gets `{ items, ...shared }` and answers an array, an answer for each item in their order. */
  function: string;
  /** Where the function wants another form of its items or answers in another. */
  form?: GroupForm<I, O>;
  /** What every call is given beside its items, such as limits. */
  shared?: () => object;
  /** In appended messages, about; a call takes items up to `limits.groupCommitCostMax` of it. */
  costOf?: (item: I) => number;
  /** How many must wait before a second call goes beside one that is under way: fewer, fuller calls cost less. Default 1. */
  besideMin?: number;
  /** Items that share a key are taken in the order in which they came: two of them are never in two calls at once. */
  keysOf?: (item: I) => readonly string[];
}

export class Group<I extends object, O> {
  readonly #db: GroupDatabase;
  readonly #given: GroupGiven<I, O>;
  #waiting: Waiting<I, O>[] = [];
  /** Of what is in calls that are under way. */
  readonly #keys = new Set<string>();
  #calls = 0;
  #scheduled = false;

  constructor(db: GroupDatabase, given: GroupGiven<I, O>) {
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
      const { costOf, keysOf } = this.#given;
      const waiting = { item, cost: costOf?.(item) ?? 1, keys: keysOf?.(item) ?? [], resolve, reject };
      this.#waiting.push(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    const waitingMin = this.#calls === 0 ? 1 : (this.#given.besideMin ?? 1);
    if (this.#scheduled || this.#waiting.length < waitingMin || this.#calls >= callsMax) return;
    this.#scheduled = true;
    this.#db.soon(() => {
      this.#scheduled = false;
      const members = this.#take();
      if (members.length === 0) return;
      this.#calls += 1;
      void this.#run(members).finally(() => {
        this.#calls -= 1;
        for (const { keys } of members) for (const key of keys) this.#keys.delete(key);
        this.#schedule();
      });
      this.#schedule();
    });
  }

  /** What may not go yet lets nothing pass that shares a key with it. */
  #take(): Waiting<I, O>[] {
    const taken: Waiting<I, O>[] = [];
    const left: Waiting<I, O>[] = [];
    const blocked = new Set(this.#keys);
    let cost = 0;
    for (const each of this.#waiting) {
      const isFull = taken.length > 0 && cost + each.cost > limits.groupCommitCostMax;
      if (isFull || each.keys.some((key) => blocked.has(key))) {
        left.push(each);
        for (const key of each.keys) blocked.add(key);
        if (isFull) cost = Number.POSITIVE_INFINITY;
      } else {
        taken.push(each);
        cost += each.cost;
      }
    }
    this.#waiting = left;
    for (const { keys } of taken) for (const key of keys) this.#keys.add(key);
    return taken;
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
    const { transaction, shared, form } = this.#given;
    const items = members.map(({ item }) => item);
    const input = { ...shared?.(), ...(form?.inputOf(items) ?? { items }) };
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#reach(transaction && `${transaction}.beforeCommit`, members.length);
        const answer = await this.#db.attempt<O[]>(this.#given.function, input);
        this.#reach(transaction && `${transaction}.afterCommit`, members.length);
        return form?.answersOf(answer, items) ?? answer;
      } catch (error) {
        if (!isRetriable(error) || attempt >= attemptsMax) throw error;
      }
    }
  }

  #reach(point: CrashPoint | undefined, members: number): void {
    if (point !== undefined) for (let i = 0; i < members; i += 1) this.#db.crashPoints?.reach(point);
  }
}
