/**
 * Time that can be moved forward. The clocks are the machine's and a lead; a timer waits by the clock that only grows, so a
 * lead that grows makes it due sooner, and one that is due by then fires at once, in the order of their times. What waits
 * by the machine itself (a socket's timeout) is not moved: a request under way must not end by it.
 *
 * Only development asks for it; a world without it has the machine's clock and no cost of this.
 */
import { Fault } from '#core/model/faults.ts';
import type { Clock, MovableTime } from '#core/ports/world.ts';

/** Where a clock is wanted that shows ten years from now, a sum is wrong. */
const aheadMsMax = 10 * 366 * 86_400_000;

export class MovingTime implements MovableTime {
  readonly clock: Clock;
  readonly #onMoved: () => void;
  #aheadMs: number;

  constructor(options: { clock: Clock; aheadMs: number; onMoved: () => void }) {
    const { clock } = options;
    this.#aheadMs = options.aheadMs;
    this.#onMoved = options.onMoved;
    this.clock = {
      nowMs: () => clock.nowMs() + this.#aheadMs,
      monotonicMs: () => clock.monotonicMs() + this.#aheadMs,
    };
  }

  aheadMs(): number {
    return this.#aheadMs;
  }

  moveTo(aheadMs: number): void {
    if (!Number.isSafeInteger(aheadMs) || aheadMs > aheadMsMax)
      throw new Fault(
        'badRequest',
        `The clock cannot be ${aheadMs} ms ahead. Give whole milliseconds, at most ${aheadMsMax}.`,
      );
    if (aheadMs < this.#aheadMs)
      throw new Fault(
        'badRequest',
        `The clock is ${this.#aheadMs} ms ahead and cannot go back to ${aheadMs}: what has happened would not have happened yet. Start anew for that.`,
      );
    this.#aheadMs = aheadMs;
    this.#onMoved();
  }
}
