/**
 * The agenda: everything the look-alike will do later, ordered by due time, then by the order of asking.
 *
 * The simulator owns no timers. Whoever drives it (the HTTP shell with a real clock, a simulation with a virtual one)
 * asks `nextDueAtMs()`, waits in its own way and calls `run(nowMs)`. Equal due times run in the order they were set, so
 * a seeded run is the same run every time. A binary heap: setting and taking cost O(log n).
 */
export interface Agenda {
  at(dueAtMs: number, action: (nowMs: number) => void): void;
  nextDueAtMs(): number | null;
  /** Runs what is due, including what those actions set for this same moment. */
  run(nowMs: number): void;
  size(): number;
  clear(): void;
}

interface Entry {
  readonly dueAtMs: number;
  readonly order: number;
  readonly action: (nowMs: number) => void;
}

const isEarlier = (a: Entry, b: Entry): boolean =>
  a.dueAtMs < b.dueAtMs || (a.dueAtMs === b.dueAtMs && a.order < b.order);

export function createAgenda(): Agenda {
  let heap: Entry[] = [];
  let order = 0;

  const push = (entry: Entry): void => {
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isEarlier(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  };

  const pop = (): Entry => {
    const first = heap[0]!;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && isEarlier(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isEarlier(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  };

  return {
    at(dueAtMs, action) {
      order += 1;
      push({ dueAtMs, order, action });
    },
    nextDueAtMs: () => heap[0]?.dueAtMs ?? null,
    run(nowMs) {
      while (heap.length > 0 && heap[0]!.dueAtMs <= nowMs) pop().action(nowMs);
    },
    size: () => heap.length,
    clear() {
      heap = [];
    },
  };
}
