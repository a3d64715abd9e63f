/**
 * The world of a running process: the machine's clock, timers, chance and network. This folder is the only place that
 * names them; everything else is given them, so that a simulation can put others in their place.
 *
 * A timer never keeps a stopping process alive: whoever must not be left waiting says so by its own stop. `close` takes
 * back all timers and closes the sockets. To add a door to the outside, add it to the `World` port first.
 */
import { randomFillSync } from 'node:crypto';
import { type CrashPoints, noCrashPoints } from '#core/ports/crash-points.ts';
import type { Clock, Log, Timers, World } from '#core/ports/world.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';

export interface RealWorldOptions {
  log: Log;
  http?: HttpClientOptions;
  /** Told of every commit and socket write; nobody is if absent. */
  crashPoints?: CrashPoints;
}

export interface RealWorld extends World {
  readonly crashPoints: CrashPoints;
  /** Takes back every timer and closes every socket; requests under way end as faults. */
  close(): void;
}

export function createRealWorld({ log, http, crashPoints = noCrashPoints }: RealWorldOptions): RealWorld {
  const timers = createTimers();
  const client = createHttpClient({ ...http, crashPoints });
  return {
    clock: realClock,
    timers,
    random: createRandom(),
    http: client,
    log,
    crashPoints,
    close() {
      timers.close();
      client.close();
    },
  };
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The platform's timers fire at once when asked for longer than this (24.8 days), so longer waits go in steps. */
const timerStepMsMax = 2 ** 31 - 1;

function createTimers(): Timers & { close(): void } {
  const pending = new Set<{ handle: NodeJS.Timeout }>();
  return {
    after(delayMs, fn) {
      if (Number.isNaN(delayMs)) {
        throw new RangeError(
          'A timer was asked for after NaN ms, so it would run at once and for ever. Mend the sum.',
        );
      }
      const entry = { handle: arm(delayMs) };
      pending.add(entry);
      return () => {
        if (pending.delete(entry)) clearTimeout(entry.handle);
      };

      function arm(leftMs: number): NodeJS.Timeout {
        const stepMs = Math.min(Math.max(leftMs, 0), timerStepMsMax);
        const handle = setTimeout(() => {
          if (leftMs > timerStepMsMax) entry.handle = arm(leftMs - stepMs);
          else if (pending.delete(entry)) fn();
        }, stepMs);
        return handle.unref();
      }
    },
    soon: (fn) => void setImmediate(fn),
    close() {
      for (const { handle } of pending) clearTimeout(handle);
      pending.clear();
    },
  };
}

const drawsPerFill = 512;

/** Unpredictable, because ids are made from it; filled in blocks, because one call to the system for each draw is slow. */
function createRandom(): () => number {
  const words = new Uint32Array(2 * drawsPerFill);
  let next = words.length;
  return () => {
    if (next === words.length) {
      randomFillSync(words);
      next = 0;
    }
    const high = words[next]! >>> 5;
    const low = words[next + 1]! >>> 6;
    next += 2;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}
