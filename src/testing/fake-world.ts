/**
 * A world of one's own for a test: a clock that stands still until it is moved, and chance from a seed, so that a
 * failure can be repeated. To fake another part of the world, add it here.
 */
import type { Clock } from '#core/ports/world.ts';

export interface FakeWorld {
  clock: Clock;
  /** In [0, 1), the same for the same seed. */
  random: () => number;
  nowMs(): number;
  /** Moves the clock; a negative step steps it back, as clocks do. */
  advance(ms: number): void;
}

/** A day in 2026, so that ids and windows look as they will. */
export const fakeStartMs = Date.UTC(2026, 10, 22, 12);

export function fakeWorld(seed: number, startMs: number = fakeStartMs): FakeWorld {
  let nowMs = startMs;
  let monotonicMs = 0;
  return {
    clock: { nowMs: () => nowMs, monotonicMs: () => monotonicMs },
    random: seededRandom(seed),
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
      monotonicMs += Math.max(0, ms);
    },
  };
}

/** mulberry32: small, and good enough to choose what a test does. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
