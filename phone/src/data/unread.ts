/**
 * How many answers of each conversation nobody has looked at, and up to which event this page has heard. The browser's tab
 * keeps both, so that a reload neither forgets what was unread nor misses what comes meanwhile. A tab that keeps nothing
 * begins at none.
 */
import type { Place, SimulatorEvent } from './control.ts';

export interface Unread extends Place {
  readonly count: number;
}

export interface Heard {
  /** Of the newest event that was told; those after it are yet to be counted. */
  readonly seq: number;
  /** When that was: another simulator on the same address has other events under the same numbers. */
  readonly atMs: number;
  readonly unread: readonly Unread[];
}

export interface Missed {
  /** False where what was heard is of another simulator, or has been reset since: its counts say nothing. */
  readonly isSame: boolean;
  readonly events: readonly SimulatorEvent[];
}

/** What came after that, of the newest events that the simulator still knows. */
export function missedSince(heard: Pick<Heard, 'seq' | 'atMs'>, past: readonly SimulatorEvent[]): Missed {
  const newest = past.at(-1);
  const known = past.find(({ seq }) => seq === heard.seq);
  if (newest === undefined || newest.seq < heard.seq || (known !== undefined && known.atMs !== heard.atMs))
    return { isSame: false, events: [] };
  const events = past.filter(({ seq }) => seq > heard.seq);
  const resetAt = events.findLastIndex(({ kind }) => kind === 'reset');
  return { isSame: resetAt < 0, events: events.slice(resetAt + 1) };
}

const name = 'nightdesk-phone.heard';

const isUnread = (value: unknown): value is Unread => {
  const { phoneNumberId, contactId, count } = (value ?? {}) as Partial<Record<keyof Unread, unknown>>;
  return typeof phoneNumberId === 'string' && typeof contactId === 'string' && typeof count === 'number';
};

export function readHeard(): Heard | null {
  try {
    const { seq, atMs, unread } = JSON.parse(sessionStorage.getItem(name) ?? 'null') as Partial<Heard>;
    if (typeof seq !== 'number' || typeof atMs !== 'number' || !Array.isArray(unread)) return null;
    return { seq, atMs, unread: unread.filter(isUnread) };
  } catch {
    return null;
  }
}

export function keepHeard(heard: Heard): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(heard));
  } catch {
    // Storage is full or forbidden: the counts hold for as long as the page is open.
  }
}
