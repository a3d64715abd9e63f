/**
 * The side of the store: in a worker thread it opens the database, runs what is called there and answers. Answers of one
 * commit travel in one message, as soon as all of them are known and before the next commit begins.
 */
import { nextTick } from 'node:process';
import type { MessagePort } from 'node:worker_threads';
import { configureLimits } from '#core/limits.ts';
import type { CrashPoints } from '#core/ports/crash-points.ts';
import type { Store } from '#core/ports/store.ts';
import { openSqliteStore, type SqliteOptions } from '../index.ts';
import { rulesAsked } from './grant-rules.ts';
import { type Answer, type Call, type OpenRequest, sentError, type ToStore, tellCaller } from './wire.ts';

/** Of the thread that the store lives in. */
export type StoreWorld = Omit<SqliteOptions, 'path' | 'crashPoints' | 'afterRestore'>;

/** Waits for the caller's words until the caller closes the port, which it does when the store was closed or refused. */
export function serveStore(port: MessagePort, world: StoreWorld): void {
  let serve: ((calls: readonly Call[]) => void) | null = null;
  port.on('message', (message: ToStore) => {
    if (message.kind === 'calls') {
      serve?.(message.calls);
      return;
    }
    try {
      const store = open(port, message.request, world);
      serve = servantOf(port, store);
      tellCaller(port, { kind: 'opened', driver: store.driver });
    } catch (error) {
      tellCaller(port, { kind: 'refused', error: sentError(error) });
    }
  });
}

function open(
  port: MessagePort,
  { path, limits, passed, afterRestore }: OpenRequest,
  world: StoreWorld,
): Store {
  configureLimits(limits);
  return openSqliteStore({
    ...world,
    ...{ path, afterRestore },
    ...(passed === null ? {} : { crashPoints: crashPointsAt(port, new Int32Array(passed)) }),
  });
}

/** A point is looked at in the caller's thread; until that is done nothing happens in this one. */
function crashPointsAt(port: MessagePort, passed: Int32Array): CrashPoints {
  return {
    reach(point) {
      Atomics.store(passed, 0, 0);
      tellCaller(port, { kind: 'reached', point });
      Atomics.wait(passed, 0, 0);
    },
  };
}

function servantOf(port: MessagePort, store: Store): (calls: readonly Call[]) => void {
  let answers: Answer[] = [];
  const answer = (known: Answer): void => {
    // A tick comes after all promises that are settled now: what one commit settled is one message.
    if (answers.push(known) > 1) return;
    nextTick(() => {
      tellCaller(port, { kind: 'answers', answers });
      answers = [];
    });
  };
  return (calls) => {
    for (const { id, method, input } of calls) {
      run(store, method, input).then(
        (value) => answer({ id, value }),
        (error: unknown) => answer({ id, error: sentError(error) }),
      );
    }
  };
}

async function run(store: Store, method: Call['method'], input: unknown): Promise<unknown> {
  const called = store[method] as (input: unknown) => Promise<unknown>;
  return called(method === 'grantSends' ? rulesAsked(input) : input);
}
