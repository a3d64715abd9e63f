/**
 * Timers in the order in which they fire: by time, and those of one time in the order in which they were set. A binary
 * heap; a timer that was taken back stays in it until its time and is passed over.
 */
interface Entry {
  atMs: number;
  sequence: number;
  fn: (() => void) | null;
}

const isBefore = (a: Entry, b: Entry) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);

export class TimerQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0;
  size = 0;

  /** Sets a timer; the returned function takes it back and may be called at any time. */
  add(atMs: number, fn: () => void): () => void {
    const entry: Entry = { atMs, sequence: this.#sequence++, fn };
    this.#rise(entry);
    this.size += 1;
    return () => {
      if (entry.fn === null) return;
      entry.fn = null;
      this.size -= 1;
    };
  }

  nextAtMs(): number | null {
    this.#passOver();
    return this.#heap[0]?.atMs ?? null;
  }

  /** The first timer that is due at `nowMs`, taken out. */
  takeDue(nowMs: number): (() => void) | undefined {
    this.#passOver();
    const first = this.#heap[0];
    if (first === undefined || first.atMs > nowMs || first.fn === null) return undefined;
    const { fn } = first;
    first.fn = null;
    this.size -= 1;
    this.#removeFirst();
    return fn;
  }

  #passOver(): void {
    while (this.#heap[0]?.fn === null) this.#removeFirst();
  }

  #rise(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
