/**
 * Which wake goes first where more wait than are taken: a person before a reminder, and a tenant that announces little
 * before one that announces much. The rank of a wake is the number of wakes of its tenant that this process announced in
 * the running second, so a tenant's first goes before another's hundredth, whoever came earlier. It costs one number for
 * each tenant of the second and asks nobody. It is no round robin: where quiet tenants alone fill all processes, a loud
 * one waits for its rest until they are done. Among the conversations that a process has taken its ready line is one.
 */
import { limits } from '#core/limits.ts';
import type { Urgency } from '#core/ports/wake.ts';

/** BullMQ serves low numbers first; 0 would be outside of the order. */
const firstRank = 1;
const ranksMax = 1_000;
const windowMs = 1_000;

export class Priorities {
  readonly #announced = new Map<string, number>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** `waitMs` is how far ahead it is due: a pause in what somebody writes is a person who waits. */
  of(wake: { tenantId: string; urgency: Urgency; waitMs: number; monotonicMs: number }): number {
    if (wake.monotonicMs - this.#sinceMs >= windowMs) {
      this.#announced.clear();
      this.#sinceMs = wake.monotonicMs;
    }
    const before = this.#announced.get(wake.tenantId) ?? 0;
    this.#announced.set(wake.tenantId, before + 1);
    const rank = firstRank + Math.min(before, ranksMax - 1);
    return isReminder(wake) ? ranksMax + rank : rank;
  }
}

function isReminder({ urgency, waitMs }: { urgency: Urgency; waitMs: number }): boolean {
  return urgency === 'timer' || waitMs > limits.quietMaxMs;
}
