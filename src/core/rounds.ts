/**
 * Takes up only so much in one round of the event loop; the rest has the next ones, in its order. What comes from
 * outside comes in bursts (the answers of one commit, of many sockets at once), and each begins work of its own: without a
 * bound, all of that runs before anybody else is heard.
 */
export class Rounds {
  readonly #soon: (fn: () => void) => void;
  readonly #max: () => number;
  readonly #waiting: { cost: number; take: () => void }[] = [];
  #spent = 0;
  #scheduled = false;

  /** `soon` runs a function in the next round; `max` is what one may cost in sum, where the dearest goes alone. */
  constructor(soon: (fn: () => void) => void, max: () => number) {
    this.#soon = soon;
    this.#max = max;
  }

  /** Runs `take` now where this round has room and nothing waits, else in a later one. */
  run(cost: number, take: () => void): void {
    if (this.#waiting.length > 0 || this.#spent >= this.#max()) {
      this.#waiting.push({ cost, take });
    } else {
      this.#spent += cost;
      take();
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => {
      this.#scheduled = false;
      this.#spent = 0;
      while (this.#spent < this.#max()) {
        const next = this.#waiting.shift();
        if (next === undefined) return;
        this.#spent += next.cost;
        next.take();
      }
      this.#schedule();
    });
  }
}
