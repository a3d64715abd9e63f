/**
 * Wakes inside one process: a round robin over tenants of conversations that are due now, and timers for those due
 * later. Announcing a conversation twice is announcing it once; of two later times the one said last counts.
 */
import type { ConversationRef } from '#core/model/ids.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';

export function createLocalWake(world: Pick<World, 'clock' | 'timers'>): Wake {
  return new LocalWake(world);
}

class LocalWake implements Wake {
  readonly #world: Pick<World, 'clock' | 'timers'>;
  /** Due now, by tenant; the order of the map is the round. */
  readonly #ready = new Map<string, Set<string>>();
  readonly #later = new Map<string, { atMs: number; cancel: () => void }>();
  #depth = 0;
  #listener: () => void = () => {};
  #announced = false;
  #stopped = false;

  constructor(world: Pick<World, 'clock' | 'timers'>) {
    this.#world = world;
  }

  notify(ref: ConversationRef, atMs?: number): void {
    if (this.#stopped) return;
    const waitMs = atMs === undefined ? 0 : atMs - this.#world.clock.nowMs();
    const key = `${ref.tenantId}\n${ref.conversationId}`;
    const later = this.#later.get(key);
    if (waitMs > 0 && atMs !== undefined) {
      // A later due time replaces an earlier one: whoever wakes too early is told when to come back.
      later?.cancel();
      const cancel = this.#world.timers.after(waitMs, () => {
        this.#later.delete(key);
        this.#enqueue(ref);
      });
      this.#later.set(key, { atMs, cancel });
      return;
    }
    later?.cancel();
    this.#later.delete(key);
    this.#enqueue(ref);
  }

  #enqueue(ref: ConversationRef): void {
    let line = this.#ready.get(ref.tenantId);
    if (line === undefined) {
      line = new Set();
      this.#ready.set(ref.tenantId, line);
    }
    if (line.has(ref.conversationId)) return;
    line.add(ref.conversationId);
    this.#depth += 1;
    if (this.#announced) return;
    this.#announced = true;
    this.#world.timers.soon(() => {
      this.#announced = false;
      this.#listener();
    });
  }

  next(max: number): ConversationRef[] {
    const taken: ConversationRef[] = [];
    while (taken.length < max && this.#ready.size > 0) {
      for (const [tenantId, line] of [...this.#ready]) {
        if (taken.length >= max) break;
        this.#ready.delete(tenantId);
        const [conversationId] = line;
        if (conversationId === undefined) continue;
        line.delete(conversationId);
        this.#depth -= 1;
        if (line.size > 0) this.#ready.set(tenantId, line);
        taken.push({ tenantId, conversationId });
      }
    }
    return taken;
  }

  /** Nothing is held open here: what was taken is forgotten. */
  looked(): void {}

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  depth(): number {
    return this.#depth;
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#later.values()) cancel();
    this.#later.clear();
    this.#listener = () => {};
  }
}
