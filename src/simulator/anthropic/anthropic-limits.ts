/**
 * A limit per minute as Anthropic counts it: a bucket that fills all the time, not once a minute. Who finds it empty is
 * told after how many seconds it holds enough again.
 * Source: docs.claude.com/en/api/rate-limits.
 */
export interface MinuteBucket {
  /** Takes `amount`, or says how long to wait; with 0 as limit everything is let through. */
  take(amount: number, perMinute: number, nowMs: number): { waitMs: number };
  left(perMinute: number, nowMs: number): number;
  clear(): void;
}

const minuteMs = 60_000;

export function createMinuteBucket(): MinuteBucket {
  let taken = 0;
  let atMs = 0;
  const drain = (perMinute: number, nowMs: number): void => {
    taken = Math.max(0, taken - (Math.max(0, nowMs - atMs) * perMinute) / minuteMs);
    atMs = nowMs;
  };
  return {
    take(amount, perMinute, nowMs) {
      if (perMinute <= 0) return { waitMs: 0 };
      drain(perMinute, nowMs);
      // What is larger than the bucket passes when the bucket is full, or it would never pass.
      const needed = Math.min(amount, perMinute);
      const missing = taken + needed - perMinute;
      if (missing > 0) return { waitMs: Math.ceil((missing * minuteMs) / perMinute) };
      taken += needed;
      return { waitMs: 0 };
    },
    left(perMinute, nowMs) {
      drain(perMinute, nowMs);
      return Math.max(0, Math.floor(perMinute - taken));
    },
    clear() {
      taken = 0;
    },
  };
}
