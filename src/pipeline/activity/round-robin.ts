/**
 * A queue with one line per tenant, served in turns: a tenant with ten thousand entries delays a tenant with one by
 * one slot.
 */
export class RoundRobin<T> {
  readonly #lines = new Map<string, T[]>();
  size = 0;

  push(tenantId: string, item: T): void {
    const line = this.#lines.get(tenantId);
    if (line === undefined) this.#lines.set(tenantId, [item]);
    else line.push(item);
    this.size += 1;
  }

  /** The next item of the next tenant that `mayTake` allows; that tenant goes to the end of the round. */
  next(mayTake: (tenantId: string) => boolean): T | undefined {
    for (const [tenantId, line] of this.#lines) {
      if (!mayTake(tenantId)) continue;
      const item = line.shift();
      this.#lines.delete(tenantId);
      if (line.length > 0) this.#lines.set(tenantId, line);
      if (item === undefined) continue;
      this.size -= 1;
      return item;
    }
    return undefined;
  }
}
