/**
 * One timer for the earliest of many times: setting a later time than the one that stands changes nothing. Which is
 * earlier is judged by the time that only grows: where the clock of the day was set, the time said last counts.
 */
import type { World } from './ports/world.ts';

export class Alarm {
  readonly #world: Pick<World, 'clock' | 'timers'>;
  readonly #ring: () => void;
  #standing: { ringsAtMs: number; cancel: () => void } | null = null;

  constructor(world: Pick<World, 'clock' | 'timers'>, ring: () => void) {
    this.#world = world;
    this.#ring = ring;
  }

  /** Rings at `atMs` at the latest; at once where that is past. */
  atEarliest(atMs: number): void {
    const { clock, timers } = this.#world;
    const waitMs = Math.max(0, atMs - clock.nowMs());
    const ringsAtMs = clock.monotonicMs() + waitMs;
    if (this.#standing !== null && this.#standing.ringsAtMs <= ringsAtMs) return;
    this.#standing?.cancel();
    const cancel = timers.after(waitMs, () => {
      this.#standing = null;
      this.#ring();
    });
    this.#standing = { ringsAtMs, cancel };
  }

  cancel(): void {
    this.#standing?.cancel();
    this.#standing = null;
  }
}
