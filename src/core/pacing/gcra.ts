/**
 * The generic cell rate algorithm: a pace is kept with one number, the theoretical arrival time (TAT), the time at
 * which everything granted so far would have left at an even pace. Numbers in, numbers out; who stores the TAT and
 * whose clock is meant is the store's affair, so a restart grants no new burst and many processes share one pace.
 *
 * With an interval T and a burst B a grant needs `tat <= now + (B-1)T` and moves the TAT to `max(tat, now) + T`.
 * From this follows: a window of W ms, its end not included, holds fewer than W/T + B grants.
 *
 * A TAT is fractional where T is (1000/30 ms): store it as a float, a rounded one loses pace.
 * To pace another thing, give it a `Pace`; to pace by several at once, use `grantAll`.
 */
export interface Pace {
  /** Between two grants, on average. May be fractional. */
  everyMs: number;
  /** Grants at once after a rest. At least 1; a fraction is a tolerance for timers that fire late. */
  burst: number;
  /** How far others may push the TAT without asking (see `debitInbound`); 0 where absent. */
  debtMs?: number;
}

export type Grant = { granted: true; tatMs: number } | { granted: false; atMs: number };

/**
 * Asks for one grant at `nowMs`; a new pace begins with TAT 0. `atMs` is the earliest time at which it would be
 * granted and may be fractional.
 *
 * No grant and no debit leaves a TAT further ahead than burst, debt and one interval. One that is means that the clock
 * stepped back or the pace was quickened; it is believed no more than the next grant at once needs, and that grant
 * stores it repaired. So after a step back nothing waits longer than two intervals and the debt, and a step costs at
 * most one grant too many. A step forward is a rest: at most one burst.
 */
export function gcra(pace: Pace, tatMs: number, nowMs: number): Grant {
  const { everyMs, burst } = checked(pace);
  const toleranceMs = (burst - 1) * everyMs;
  if (isStrange(pace, tatMs, nowMs)) return { granted: true, tatMs: nowMs + toleranceMs + everyMs };
  if (tatMs - toleranceMs > nowMs) return { granted: false, atMs: tatMs - toleranceMs };
  return { granted: true, tatMs: Math.max(tatMs, nowMs) + everyMs };
}

function isStrange(pace: Pace, tatMs: number, nowMs: number): boolean {
  return tatMs - nowMs > (pace.burst + 1) * pace.everyMs + (pace.debtMs ?? 0);
}

/** One of the paces that bind a grant. */
export interface PaceCheck {
  pace: Pace;
  tatMs: number;
}

export type GrantOfAll =
  /** The new TATs, in the order of the checks. */
  | { granted: true; tatMs: number[] }
  /** When all would be granted if nobody else comes, and the check that takes longest. */
  | { granted: false; atMs: number; index: number };

/** All paces grant, or none of them moves. */
export function grantAll(checks: readonly PaceCheck[], nowMs: number): GrantOfAll {
  const tats: number[] = [];
  let refusal: { atMs: number; index: number } | undefined;
  for (const [index, check] of checks.entries()) {
    const grant = gcra(check.pace, check.tatMs, nowMs);
    if (grant.granted) tats.push(grant.tatMs);
    else if (refusal === undefined || grant.atMs > refusal.atMs) refusal = { atMs: grant.atMs, index };
  }
  return refusal === undefined ? { granted: true, tatMs: tats } : { granted: false, ...refusal };
}

/**
 * The pace of `perSecond` sends a second, such that at the *receiver* no window of 1,000 ms holds more than
 * `perSecond + room`, where `room = max(1, perSecond / 10)`. Half of the room is the burst, half is the network's:
 *
 * - Burst `B = 1 + room/2`. At the grant a window of 1,000 ms holds fewer than N + 1 + room/2. A sender may wake up
 *   (B-1)T late without losing pace: 50 ms for N >= 10, 500/N ms below.
 * - A network whose delays differ by J ms makes a window of 1,000 + J ms arrive within 1,000 ms. It holds fewer than
 *   N(1 + J/1000) + 1 + room/2, which is at most N + room + 1 while N J/1000 <= room/2: again J = 50 ms for N >= 10.
 *
 * The whole burst in sends would reach the same count, but leaves nothing for the network.
 */
export function paceOfPerSecond(perSecond: number): Pace {
  if (!(perSecond > 0) || perSecond === Number.POSITIVE_INFINITY) {
    throw new RangeError(
      `A pace must be over 0 per second and finite, not ${perSecond}; pause the number instead.`,
    );
  }
  const everyMs = 1_000 / perSecond;
  return { everyMs, burst: burstOf(perSecond), debtMs: burstOf(perSecond / 2) * everyMs };
}

/**
 * The pace to keep where the receiver itself refuses more than `limit` in any second, as Meta does for a number: rate
 * and burst together stay under it, so that a number at full speed does not throttle itself.
 */
export function perSecondUnder(limit: number): number {
  const evenly = (limit - 1) / 1.05;
  return Math.max(limit / 2, evenly >= 10 ? evenly : limit - 1.5);
}

function burstOf(perSecond: number): number {
  return 1 + Math.max(1, perSecond / 10) / 2;
}

export interface InboundDebit {
  /** The number's pace: Meta counts its messages in and out together. */
  perSecond: number;
  /** TAT of the number. */
  tatMs: number;
  /** TAT of its inbound, which has half the pace. */
  inboundTatMs: number;
}

/**
 * Counts one message that came in against the pace of its number. It has come already, so it asks nobody; but what
 * comes in quicker than half the pace is not counted, so that a flood cannot silence the number's answers.
 */
export function debitInbound(debit: InboundDebit, nowMs: number): { tatMs: number; inboundTatMs: number } {
  const pace = paceOfPerSecond(debit.perSecond);
  const inboundPace: Pace = { everyMs: pace.everyMs * 2, burst: burstOf(debit.perSecond / 2) };
  const inbound = gcra(inboundPace, debit.inboundTatMs, nowMs);
  if (!inbound.granted) return { tatMs: debit.tatMs, inboundTatMs: debit.inboundTatMs };
  const tatMs = isStrange(pace, debit.tatMs, nowMs) ? nowMs + (pace.burst - 1) * pace.everyMs : debit.tatMs;
  return { tatMs: Math.max(tatMs, nowMs) + pace.everyMs, inboundTatMs: inbound.tatMs };
}

function checked(pace: Pace): Pace {
  if (!(pace.everyMs > 0) || !(pace.burst >= 1)) {
    throw new RangeError(
      `A pace needs an interval over 0 ms and a burst of at least 1, not ${pace.everyMs} and ${pace.burst}.`,
    );
  }
  return pace;
}
