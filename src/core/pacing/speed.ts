/**
 * How much of its pace a scope (number, waba, tenant) may use after the provider said "too fast": half of it each time,
 * then back in even steps while it is quiet; and not at all while a pause lasts. State in, state out; the store keeps it.
 *
 * Additive increase after a halving is what lets senders that know nothing of each other (another app on the same
 * number) find a common pace. A state that lies in the future was written before the clock stepped back: it is over,
 * since the provider slows us again if it must, while a wait of hours would be ours alone.
 */
export interface Speed {
  /** Share of the pace right after `slowedAtMs`, from 1/16 to 1. */
  factor: number;
  slowedAtMs: number;
  /** From `slowedAtMs`; recovery begins when it is over. */
  pauseMs: number;
}

export const fullSpeed: Speed = { factor: 1, slowedAtMs: 0, pauseMs: 0 };

/** Slower than this nothing is learnt any more: a number of 80/s still sends 5/s. */
const factorMin = 1 / 16;
const recoverStep = 1 / 8;
/** Meta counts throughput by the second: whoever was too fast in one is back at full speed a few seconds later. */
const recoverEveryMs = 1_000;
/** Refusals within this belong to the sends that were on the wire together, and halve once. */
const sameBurstMs = 500;
/** Clocks of several processes may differ by this without meaning a step. */
const clockSkewMaxMs = 5_000;
/** A day: no answer may silence a number for longer than a person would notice. */
const pauseMaxMs = 86_400_000;

/** After a throttle (codes 130429, 4, 80007, 613 and the like): half the speed, and a pause if the answer names one. */
export function slowDown(state: Speed, nowMs: number, options: { retryAfterMs?: number } = {}): Speed {
  const pauseMs = Math.min(pauseMaxMs, Math.max(0, options.retryAfterMs ?? 0));
  const elapsedMs = nowMs - state.slowedAtMs;
  const sameBurst = state.factor < 1 && elapsedMs < sameBurstMs && elapsedMs > -clockSkewMaxMs;
  if (sameBurst) return { ...state, pauseMs: Math.max(state.pauseMs, pauseMs + elapsedMs) };
  const remainsMs = Math.max(0, pausedUntilMs(state, nowMs) - nowMs);
  return {
    factor: Math.max(factorMin, factorAt(state, nowMs) / 2),
    slowedAtMs: nowMs,
    pauseMs: Math.max(pauseMs, remainsMs),
  };
}

/** Share of the pace that may be used now: 0 in a pause, else from 1/16 to 1. */
export function speedFactor(state: Speed, nowMs: number): number {
  return pausedUntilMs(state, nowMs) > nowMs ? 0 : factorAt(state, nowMs);
}

/** When the pause ends, or `nowMs` if there is none. */
export function pausedUntilMs(state: Speed, nowMs: number): number {
  if (fromFuture(state, nowMs)) return nowMs;
  return Math.max(nowMs, state.slowedAtMs + state.pauseMs);
}

function factorAt(state: Speed, nowMs: number): number {
  if (fromFuture(state, nowMs)) return 1;
  const quietMs = Math.max(0, nowMs - state.slowedAtMs - state.pauseMs);
  return Math.min(1, state.factor + Math.floor(quietMs / recoverEveryMs) * recoverStep);
}

function fromFuture(state: Speed, nowMs: number): boolean {
  return state.slowedAtMs - nowMs > clockSkewMaxMs;
}
