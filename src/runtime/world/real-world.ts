/**
 * The world of a running process: the machine's clock, timers, chance and network. This folder is the only place that
 * names them; everything else is given them, so that a simulation can put others in their place.
 *
 * A timer never keeps a stopping process alive: whoever must not be left waiting says so by its own stop. `close` takes
 * back all timers and closes the sockets. To add a door to the outside, add it to the `World` port first.
 */
import { type CrashPoints, noCrashPoints } from '#core/ports/crash-points.ts';
import type { Clock, Log, MovableTime, Timers, World } from '#core/ports/world.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';
import { openMomentPipe } from './moment-pipe.ts';
import { MovingTime } from './moving-time.ts';
import { createRandom } from './random.ts';

export interface RealWorldOptions {
  log: Log;
  http?: HttpClientOptions;
  /** Told of every commit and socket write; nobody is if absent. */
  crashPoints?: CrashPoints;
  /** Makes time movable, and that much ahead at first. */
  aheadMs?: number;
  /** The pipe into which moments are written; nobody is told of them if absent. */
  momentsFd?: number;
}

export interface RealWorld extends World {
  readonly crashPoints: CrashPoints;
  /** Takes back every timer and closes every socket; requests under way end as faults. */
  close(): void;
}

/** A world whose time can be moved. */
export type MovableWorld = RealWorld & { readonly time: MovableTime };

/** @throws TypeError, or an error of the system, where moments are wanted in what is no pipe */
export function createRealWorld(options: RealWorldOptions & { aheadMs: number }): MovableWorld;
export function createRealWorld(options: RealWorldOptions): RealWorld;
export function createRealWorld(options: RealWorldOptions): RealWorld {
  const { log, http, crashPoints = noCrashPoints, aheadMs, momentsFd } = options;
  const time =
    aheadMs === undefined
      ? undefined
      : new MovingTime({ clock: realClock, aheadMs, onMoved: () => timers.rearm() });
  const clock = time?.clock ?? realClock;
  const timers = createTimers(time?.clock);
  const client = createHttpClient({ ...http, crashPoints });
  const pipe =
    momentsFd === undefined ? undefined : openMomentPipe({ fd: momentsFd, clock, soon: timers.soon });
  return {
    clock,
    timers,
    random: createRandom(),
    http: client,
    log,
    crashPoints,
    ...(time === undefined ? {} : { time }),
    ...(pipe === undefined ? {} : { observer: pipe }),
    close() {
      timers.close();
      client.close();
      pipe?.close();
    },
  };
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The platform's timers fire at once when asked for longer than this (24.8 days), so longer waits go in steps. */
const timerStepMsMax = 2 ** 31 - 1;

interface Pending {
  handle: NodeJS.Timeout;
  /** By the clock that can be moved; 0 where none can. */
  dueAtMs: number;
  arm(leftMs: number): NodeJS.Timeout;
}

/** With a clock that can be moved, `rearm` is called when it was. */
function createTimers(movable?: Clock): Timers & { rearm(): void; close(): void } {
  const pending = new Set<Pending>();
  return {
    after(delayMs, fn) {
      if (Number.isNaN(delayMs)) {
        throw new RangeError(
          'A timer was asked for after NaN ms, so it would run at once and for ever. Mend the sum.',
        );
      }
      const dueAtMs = movable === undefined ? 0 : movable.monotonicMs() + Math.max(delayMs, 0);
      const entry: Pending = { handle: arm(delayMs), dueAtMs, arm };
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
    rearm() {
      const nowMs = movable?.monotonicMs() ?? 0;
      // Those that are due fire in the order in which they are set again.
      for (const entry of [...pending].sort((a, b) => a.dueAtMs - b.dueAtMs)) {
        clearTimeout(entry.handle);
        entry.handle = entry.arm(entry.dueAtMs - nowMs);
      }
    },
    close() {
      for (const { handle } of pending) clearTimeout(handle);
      pending.clear();
    },
  };
}
