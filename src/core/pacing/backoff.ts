/**
 * How long to wait before the next attempt. Two rules: exponential with full jitter for everything, so that what
 * failed together does not come back together; and Meta's own rule for the pair limit.
 * To add a rule, add a function of the number of failures here.
 */
export interface Backoff {
  /** Failures so far, from 1. */
  failures: number;
  baseMs: number;
  maxMs: number;
}

/** Full jitter: anything from 0 to `min(maxMs, baseMs * 2^(failures-1))`. `random` is in [0, 1). */
export function backoffMs({ failures, baseMs, maxMs }: Backoff, random: () => number): number {
  const doublings = Math.max(0, Math.min(failures - 1, 52));
  return Math.floor(random() * Math.min(maxMs, baseMs * 2 ** doublings));
}

/** Beyond this the pair's bucket, empty or not, is full again several times over (45 messages at 6 s each: 270 s). */
const pairBackoffMaxMs = 1_024_000;

/**
 * After error 131056, for the pair only: 1, 4, 16, 64, 256, 1,024 s, without jitter since a pair competes with nobody.
 * `earlierFailures` counts from 0.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp (about the platform, pair rate limits).
 */
export function pairBackoffMs(earlierFailures: number): number {
  const power = Math.max(0, Math.min(earlierFailures, 20));
  return Math.min(pairBackoffMaxMs, 1_000 * 4 ** power);
}
