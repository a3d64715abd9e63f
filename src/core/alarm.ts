/**
 * One timer for the earliest of many times: setting a later time than the one that stands changes nothing.
 */
import type { World } from './ports/world.ts';

export class Alarm {
  readonly #world: Pick<World, 'clock' | 'timers'>;
  readonly #ring: () => void;
  #standing: { atMs: number; cancel: () => void } | null = null;

  constructor(world: Pick<World, 'clock' | 'timers'>, ring: () => void) {
    this.#world = world;
    this.#ring = ring;
  }

  /** Rings at `atMs` at the latest; at once where that is past. */
  atEarliest(atMs: number): void {
    if (this.#standing !== null && this.#standing.atMs <= atMs) return;
    this.#standing?.cancel();
    const cancel = this.#world.timers.after(Math.max(0, atMs - this.#world.clock.nowMs()), () => {
      this.#standing = null;
      this.#ring();
    });
    this.#standing = { atMs, cancel };
  }

  cancel(): void {
    this.#standing?.cancel();
    this.#standing = null;
  }
}
