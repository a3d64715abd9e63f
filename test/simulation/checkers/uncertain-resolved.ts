/**
 * I11: an uncertain send is resolved in bounded time, by evidence or by policy: within 15 minutes, a minute more where a
 * process has just started and waits anew, and the time of a sweep. Time in which no process ran does not count, nor does
 * what the processes' clock was set by.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange } from '../rows.ts';

export const uncertainResolved: MakeChecker = (view) => new Uncertain(view);

const minuteMs = 60_000;
const capMs = 15 * minuteMs;
const anewMs = minuteMs;
/** A sweep each 5 s, and one that met a store that was away. */
const sweepMs = 10_000;

class Uncertain implements Checker {
  readonly invariant = 'I11';
  readonly #view: View;
  /** Since when each is uncertain, and how much of what does not count there had been by then; oldest first. */
  readonly #since = new Map<string, { atMs: number; notCountedMs: number }>();
  readonly #able = new Set<number>();
  #noneSinceMs: number | null;
  #notCountedMs = 0;
  #offMs = 0;

  constructor(view: View) {
    this.#view = view;
    this.#noneSinceMs = view.nowMs();
  }

  see(seen: Observation): void {
    const offMs = this.#view.clockOffMs();
    this.#notCountedMs += Math.abs(offMs - this.#offMs);
    this.#offMs = offMs;
    if (seen.kind !== 'process') return;
    if (seen.what === 'started' || seen.what === 'resumed') this.#able.add(seen.process);
    else this.#able.delete(seen.process);
    if (this.#able.size === 0) this.#noneSinceMs ??= seen.atMs;
    else if (this.#noneSinceMs !== null) {
      this.#notCountedMs += seen.atMs - this.#noneSinceMs;
      this.#noneSinceMs = null;
    }
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: fresh } of changes) {
      if (table !== 'send' || fresh === null || old?.state === fresh.state) continue;
      const id = String(fresh.send_id);
      if (fresh.state === 'uncertain')
        this.#since.set(id, { atMs: this.#view.nowMs(), notCountedMs: this.#notCountedMs });
      else this.#since.delete(id);
    }
  }

  passed(): void {
    for (const [id, since] of this.#since) if (!this.#isOverdue(id, since)) break;
  }

  #isOverdue(id: string, { atMs, notCountedMs }: { atMs: number; notCountedMs: number }): boolean {
    const waitedMs = this.#view.nowMs() - atMs - (this.#notCountedMs - notCountedMs);
    if (this.#noneSinceMs !== null || waitedMs <= capMs + anewMs + sweepMs) return false;
    this.#view.violated({
      invariant: this.invariant,
      what: `Send ${id} has been uncertain for ${Math.round(waitedMs / 1_000)} s in which a process ran; evidence or its policy must have resolved it after ${capMs / minuteMs} minutes.`,
      subjects: [id],
    });
    return true;
  }
}
