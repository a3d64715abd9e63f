/**
 * I6: no pace is exceeded over all processes together, seen where it counts: at the receiver, retries included.
 *
 * - A number: no window of 1,000 ms holds more than its limit, as Meta counts, so that it never throttles itself.
 * - A tenant: no window of 1,000 ms holds more than N + max(1, N/10).
 * - A pair of number and customer: one message each 6 s, of which 45 may be borrowed.
 *
 * A slot is granted at the time at which its process asked. Between this and the arrival stand the ways to the store, back
 * and to Meta, and a pause of the process. Where the journeys of a window's sends differ by J ms, they may have been asked for
 * within 1,000 + J ms, so J ms more of the pace arrive. The journeys are measured send by send, which is never more than
 * the plan's delays and `sendWriteMaxMs` allow, and mostly much less. A clock that steps is a rest, or forgets what was
 * taken: each step costs at most one burst.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { GraphCall, Observation } from '../journal.ts';
import type { TenantPlan } from '../plan.ts';
import { numberOf } from '../setting-up.ts';

export const pacesHold: MakeChecker = (view) => new Paces(view);

const windowMs = 1_000;
/** Meta's throughput of a number for which nobody says otherwise. */
const numberPerSecond = 80;
const pairEveryMs = 6_000;
const pairBorrowed = 45;
/** Times are whole milliseconds, while a slot may begin between two of them. */
const roundingMs = 1;
/** A journey is over by then: the mark to the write, and the ways. */
const journeyMaxMs = 5_000;

interface Arrival {
  atMs: number;
  journeyMs: number;
}

/** At even pace and with its burst, a window of W ms holds fewer than `perSecond` * W / 1,000 + `burst`. */
interface Pace {
  name: string;
  perSecond: number;
  burst: number;
}

const burstOf = (perSecond: number) => 1 + Math.max(1, perSecond / 10) / 2;

/** The quickest pace of which no window holds more than `limit`: rate and burst together are the limit. */
function under(limit: number): number {
  const large = (limit - 1) / 1.05;
  return large >= 10 ? large : Math.max(limit - 1.5, limit / 2);
}

class Paces implements Checker {
  readonly invariant = 'I6';
  readonly #view: View;
  readonly #numbers = new Map<string, Pace>();
  readonly #tenants = new Map<string, Pace>();
  /** By pace, what arrived within the last window. */
  readonly #arrivals = new Map<string, Arrival[]>();
  /** By pair, how many messages are borrowed and since when. */
  readonly #pairs = new Map<string, { borrowed: number; atMs: number }>();
  /** By call, when its slot was asked for. */
  readonly #askedAtMs = new Map<number, number>();
  #offMs = 0;
  readonly #steps: { atMs: number; byMs: number }[] = [];

  constructor(view: View) {
    this.#view = view;
    for (const [at, tenant] of view.plan.tenants.entries()) this.#knowTenant(tenant, at);
  }

  #knowTenant({ id, sendsPerSecondMax, numberPerSecond: own, numbers }: TenantPlan, at: number): void {
    if (sendsPerSecondMax !== null)
      this.#tenants.set(id, {
        name: `tenant ${id} (${sendsPerSecondMax} a second)`,
        perSecond: sendsPerSecondMax,
        burst: burstOf(sendsPerSecondMax),
      });
    const limit = own ?? numberPerSecond;
    const perSecond = under(limit);
    for (let number = 0; number < numbers; number += 1) {
      const name = `number ${numberOf(at, number)} (limit ${limit} a second)`;
      this.#numbers.set(numberOf(at, number), { name, perSecond, burst: burstOf(perSecond) });
    }
  }

  see(seen: Observation): void {
    const offMs = this.#view.clockOffMs();
    if (offMs !== this.#offMs) this.#steps.push({ atMs: seen.atMs, byMs: Math.abs(offMs - this.#offMs) });
    this.#offMs = offMs;
    if (seen.kind === 'written') this.#askedAtMs.set(seen.call, this.#askedFor(seen, seen.atMs));
    else if (seen.kind === 'arrived') this.#arrived(seen, seen.atMs);
  }

  /** The row remembers by the process's clock when its slot was asked for. */
  #askedFor({ sendId }: GraphCall, atMs: number): number {
    const row = this.#view.rows.get<{ sending_at_ms: number | null }>(
      'SELECT sending_at_ms FROM send WHERE send_id = ?',
      sendId,
    );
    const askedAtMs = (row?.sending_at_ms ?? atMs + this.#offMs) - this.#offMs;
    const isKnown = askedAtMs <= atMs && atMs - askedAtMs <= journeyMaxMs;
    return isKnown ? askedAtMs : atMs;
  }

  #arrived(call: GraphCall, atMs: number): void {
    const journeyMs = atMs - (this.#askedAtMs.get(call.call) ?? atMs);
    this.#askedAtMs.delete(call.call);
    const arrival = { atMs, journeyMs };
    const number = this.#numbers.get(call.phoneNumberId);
    if (number !== undefined) this.#judge(number, arrival, call);
    const tenant = this.#tenants.get(call.tenantId);
    if (tenant !== undefined) this.#judge(tenant, arrival, call);
    this.#judgePair(call, atMs);
  }

  #judge(pace: Pace, arrival: Arrival, { sendId }: GraphCall): void {
    const inWindow = (this.#arrivals.get(pace.name) ?? []).filter(
      ({ atMs }) => atMs > arrival.atMs - windowMs,
    );
    inWindow.push(arrival);
    this.#arrivals.set(pace.name, inWindow);
    const journeys = inWindow.map(({ journeyMs }) => journeyMs);
    const jitterMs = Math.max(...journeys) - Math.min(...journeys) + roundingMs;
    const sinceMs = arrival.atMs - windowMs - Math.max(...journeys);
    const steps = this.#steps.filter(({ atMs }) => atMs >= sinceMs).length;
    const fewerThan = (pace.perSecond * (windowMs + jitterMs)) / 1_000 + pace.burst * (1 + steps);
    if (inWindow.length < fewerThan) return;
    this.#violated(
      `Within 1,000 ms ${inWindow.length} sends of ${pace.name} arrived at Meta. Their journeys differ by ${jitterMs} ms and the clock stepped ${steps} times, so fewer than ${fewerThan.toFixed(1)} may arrive.`,
      [sendId],
    );
  }

  #judgePair({ phoneNumberId, to, sendId }: GraphCall, atMs: number): void {
    const key = `${phoneNumberId} ${to}`;
    const before = this.#pairs.get(key) ?? { borrowed: 0, atMs };
    const back = (atMs - before.atMs) / pairEveryMs;
    const borrowed = Math.max(0, before.borrowed - back) + 1;
    this.#pairs.set(key, { borrowed, atMs });
    const stepped = this.#steps.reduce((sum, { byMs }) => sum + byMs, 0) / pairEveryMs;
    if (borrowed > pairBorrowed + stepped)
      this.#violated(
        `Customer ${to} got so many messages from number ${phoneNumberId} that ${borrowed.toFixed(1)} are borrowed from the pair's pace of one each 6 s; ${pairBorrowed} may be.`,
        [to, sendId],
      );
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}
