/**
 * Cuts a failing plan down: whatever can be left out while the same invariant is still violated is left out, first in
 * large pieces, then in small ones. What remains is the shortest story that this finds, not the shortest there is.
 */
import type { Invariant } from './checker.ts';
import type { Plan, RateName } from './plan.ts';
import type { StoreWrite } from './store-writes.ts';

export interface Shrunk {
  plan: Plan;
  runs: number;
}

/** True where the plan still violates the invariant. */
export type Fails = (plan: Plan) => Promise<boolean>;

export function failsBy(
  invariant: Invariant,
  simulate: (plan: Plan) => Promise<{ violation: { invariant: Invariant } | null }>,
): Fails {
  return async (plan) => (await simulate(plan)).violation?.invariant === invariant;
}

export async function shrink(plan: Plan, fails: Fails, runsMax = 300): Promise<Shrunk> {
  const shrinker = new Shrinker(plan, fails, runsMax);
  let size: number;
  do {
    size = sizeOf(shrinker.plan);
    await shrinker.dropRates();
    await shrinker.dropLostAnswers();
    await shrinker.dropActions();
    await shrinker.simplify();
  } while (sizeOf(shrinker.plan) < size);
  return { plan: shrinker.plan, runs: shrinker.runs };
}

const sizeOf = (plan: Plan) => JSON.stringify(plan).length;

class Shrinker {
  plan: Plan;
  runs = 0;
  readonly #fails: Fails;
  readonly #runsMax: number;

  constructor(plan: Plan, fails: Fails, runsMax: number) {
    this.plan = plan;
    this.#fails = fails;
    this.#runsMax = runsMax;
  }

  async dropRates(): Promise<void> {
    const names = (Object.keys(this.plan.rates) as RateName[]).filter((name) => this.plan.rates[name] > 0);
    await this.#dropFrom(names, (dropped) => ({
      ...this.plan,
      rates: { ...this.plan.rates, ...Object.fromEntries([...dropped].map((name) => [name, 0])) },
    }));
  }

  async dropLostAnswers(): Promise<void> {
    await this.#dropFrom(Object.keys(this.plan.lostAnswers) as StoreWrite[], (dropped) => {
      const kept = Object.entries(this.plan.lostAnswers).filter(
        ([method]) => !dropped.has(method as StoreWrite),
      );
      return { ...this.plan, lostAnswers: Object.fromEntries(kept) };
    });
  }

  async dropActions(): Promise<void> {
    await this.#dropFrom(this.plan.actions, (dropped) => ({
      ...this.plan,
      actions: this.plan.actions.filter((action) => !dropped.has(action)),
    }));
  }

  async simplify(): Promise<void> {
    const { plan } = this;
    const lastMs = Math.max(0, ...plan.actions.map(({ atMs }) => atMs));
    await this.#try({ ...plan, activeMs: Math.min(plan.activeMs, lastMs + 1_000) });
    for (let processes = 1; processes < this.plan.processes; processes += 1)
      if (await this.#try(withProcesses(this.plan, processes))) break;
    await this.#try({ ...this.plan, batchMax: 1 });
    await this.#try({ ...this.plan, storeMs: { minMs: 1, maxMs: 1 } });
    await this.#try({ ...this.plan, networkMs: { minMs: 1, maxMs: 1 } });
    await this.#try({
      ...this.plan,
      tenants: this.plan.tenants.map((tenant) => ({ ...tenant, quietMs: 0 })),
    });
  }

  /** Leaves out as many items as can be: halves first, then smaller pieces, then single ones. */
  async #dropFrom<T>(items: readonly T[], without: (dropped: ReadonlySet<T>) => Plan): Promise<void> {
    let left = [...items];
    for (let piece = left.length; piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
      for (let at = 0; at < left.length; ) {
        const dropped = new Set(left.slice(at, at + piece));
        if (dropped.size > 0 && (await this.#try(without(dropped))))
          left = left.filter((item) => !dropped.has(item));
        else at += piece;
      }
    }
  }

  async #try(plan: Plan): Promise<boolean> {
    if (this.runs >= this.#runsMax || sizeOf(plan) >= sizeOf(this.plan)) return false;
    this.runs += 1;
    if (!(await this.#fails(plan))) return false;
    this.plan = plan;
    return true;
  }
}

function withProcesses(plan: Plan, processes: number): Plan {
  const actions = plan.actions.filter((action) => !('process' in action) || action.process < processes);
  return { ...plan, processes, actions };
}
