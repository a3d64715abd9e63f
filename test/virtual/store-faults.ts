/**
 * A store that fails as told. A failing operation fails before the transaction or after it was rolled back, never after
 * its commit: what a driver reports as failed has not happened.
 */
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';

export interface FailingStore {
  wrap(store: Store): Store;
  /** Share of the operations that fail, by name, or all of them by `*`. */
  rates: Partial<Record<keyof Store | '*', number>>;
  failures: number;
  /** Called after an operation, before its caller hears of it. */
  after: Partial<Record<keyof Store, () => void>>;
}

export function failingStore(random: () => number): FailingStore {
  const failing: FailingStore = {
    rates: {},
    failures: 0,
    after: {},
    wrap: (store) =>
      new Proxy(store, {
        get(target, name: keyof Store) {
          const method = target[name];
          if (typeof method !== 'function') return method;
          return async (...args: unknown[]) => {
            const rate = failing.rates[name] ?? failing.rates['*'] ?? 0;
            if (rate > 0 && random() < rate) {
              failing.failures += 1;
              throw new Fault('storeUnavailable', `The store is away (${name}).`);
            }
            const result: unknown = await Reflect.apply(method, target, args);
            failing.after[name]?.();
            return result;
          };
        },
      }),
  };
  return failing;
}
