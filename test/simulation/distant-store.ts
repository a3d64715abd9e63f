/**
 * The store as a process of a simulation has it: a while away, over a connection that breaks. A call is refused before anything
 * was done, or its answer is lost after the commit; either is the fault that the driver of Postgres makes of it. Its caller
 * may be held up before it hears.
 */
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { faultOf } from '#store/postgres/database/faults.ts';
import type { VirtualProcess } from '#testing/virtual-world.ts';
import { happens, type Shared } from './process.ts';
import { isStoreWrite, type StoreWrite } from './store-writes.ts';

/** Never refused: without them nothing starts, and their refusal is the supervisor's matter. */
const spared = new Set<string>(['close', 'readTenants', 'applyTenants', 'rescue']);

export function distantStore(
  process: number,
  store: Store,
  { timers }: VirtualProcess,
  shared: Shared,
): Store {
  const { minMs, maxMs } = shared.plan.storeMs;
  const travel = () =>
    new Promise<void>((resolve) => {
      timers.after(minMs + shared.random('store') * (maxMs - minMs), resolve);
    });
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        await travel();
        if (!spared.has(name) && happens(shared, 'storeRefuses')) {
          shared.journal.note({ kind: 'fault', process, what: `the store refuses ${name}` });
          await travel();
          throw new Fault('storeUnavailable', `The store is away (${name}).`);
        }
        let answer: unknown;
        try {
          answer = await Reflect.apply(method, target, args);
        } finally {
          shared.onStored();
          if (!spared.has(name) && happens(shared, 'heldUp')) shared.pause(process, heldUpMs(shared));
          await travel();
        }
        if (isStoreWrite(name) && isLost(shared, name)) {
          shared.journal.note({ kind: 'answerLost', process, method: name, about: idsIn([args, answer]) });
          throw faultOf(new Error('Connection terminated unexpectedly'));
        }
        return answer;
      };
    },
  });
}

/** Mostly short; the longest outlive a lease, and a send that was marked. */
function heldUpMs(shared: Shared): number {
  const choices = [300, 300, 1_500, 4_000, 12_000, 40_000];
  return choices[Math.floor(shared.random('held up') * choices.length)] ?? 300;
}

/** A stream of chance for each method, so that cutting one out of a plan leaves the others as they were. */
const isLost = (shared: Shared, method: StoreWrite) =>
  !shared.isHealed() && shared.random(`lost ${method}`) < (shared.plan.lostAnswers[method] ?? 0);

/** What a call was about, so that it is told in the story of each. */
function idsIn(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return /Ids?$|^wamid$/.test(key) ? [value] : [];
  if (Array.isArray(value)) return [...new Set(value.flatMap((each) => idsIn(each, key)))];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.entries(value).flatMap(([name, each]) => idsIn(each, name)))];
}
