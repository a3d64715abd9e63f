/**
 * Meta's two send limits, as published (developers.facebook.com/documentation/business-messaging/whatsapp/throughput and
 * .../about-the-platform#rate-limits).
 *
 * Throughput: at most N messages, inbound and outbound together, in any second of one phone number. A ring of the last N
 * times answers it exactly in constant time. Inbound messages are never refused, but they take places.
 * Pair limit: one message per 6 s from a number to a contact, bursts up to 45 by borrowing: a token bucket. A refused
 * send costs nothing in either limit.
 */
export const PAIR_BURST_MAX = 45;
export const PAIR_REFILL_MS = 6_000;
export const THROUGHPUT_WINDOW_MS = 1_000;

export const HOUR_MS = 3_600_000;

/** At most so many of something in any stretch of `windowMs`. */
export interface RateWindow {
  hasRoom(nowMs: number): boolean;
  take(nowMs: number): void;
  /** When there will be room again, or was. */
  roomAtMs(): number;
}

export type ThroughputWindow = RateWindow;

export function createRateWindow(countMax: number, windowMs: number): RateWindow {
  const takenAtMs = new Float64Array(countMax).fill(Number.NEGATIVE_INFINITY);
  let oldest = 0;
  return {
    hasRoom: (nowMs) => takenAtMs[oldest]! <= nowMs - windowMs,
    take(nowMs) {
      takenAtMs[oldest] = nowMs;
      oldest = (oldest + 1) % countMax;
    },
    roomAtMs: () => takenAtMs[oldest]! + windowMs,
  };
}

/** `perSecond` 0 means unlimited. */
export function createThroughputWindow(perSecond: number): ThroughputWindow {
  if (perSecond > 0) return createRateWindow(perSecond, THROUGHPUT_WINDOW_MS);
  return { hasRoom: () => true, take: () => {}, roomAtMs: () => Number.NEGATIVE_INFINITY };
}

export interface PairLimit {
  hasRoom(pair: string, nowMs: number): boolean;
  take(pair: string, nowMs: number): void;
  clear(): void;
}

export function createPairLimit(): PairLimit {
  // One number per pair: the time at which its bucket will be full again. Absent or past means full.
  const fullAtMs = new Map<string, number>();
  const debtMs = (pair: string, nowMs: number): number => Math.max(0, (fullAtMs.get(pair) ?? 0) - nowMs);
  return {
    hasRoom: (pair, nowMs) => debtMs(pair, nowMs) <= (PAIR_BURST_MAX - 1) * PAIR_REFILL_MS,
    take(pair, nowMs) {
      fullAtMs.set(pair, nowMs + debtMs(pair, nowMs) + PAIR_REFILL_MS);
    },
    clear: () => fullAtMs.clear(),
  };
}
