/**
 * What wants to leave, in memory: one line per phone number, by priority, and the time until which a number must wait
 * for its pace. It only remembers what to ask the store for; whoever forgets it loses time, not sends.
 */
import { type SendPriority, sendPriorities } from '#core/model/sends.ts';
import type { SendRef } from '#core/ports/store.ts';

interface Line {
  byPriority: Record<SendPriority, SendRef[]>;
  /** By the clock that only grows. */
  waitUntilMs: number;
}

export class Lanes {
  readonly #lines = new Map<string, Line>();
  readonly #known = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  /** Puts a send at the end of its number's line; one that stands there already is not put twice. */
  add(send: SendRef): void {
    if (this.#known.has(send.sendId)) return;
    this.#known.add(send.sendId);
    this.#line(send).byPriority[send.priority].push(send);
  }

  /** Puts sends back where they were, and lets their number wait. */
  putBack(sends: readonly SendRef[], waitUntilMs: number): void {
    for (const send of [...sends].reverse()) {
      if (this.#known.has(send.sendId)) continue;
      this.#known.add(send.sendId);
      const line = this.#line(send);
      line.byPriority[send.priority].unshift(send);
      line.waitUntilMs = Math.max(line.waitUntilMs, waitUntilMs);
    }
  }

  /** Up to `max` sends of numbers that need not wait, one number after the other. */
  take(max: number, nowMs: number): SendRef[] {
    const taken: SendRef[] = [];
    for (const [key, line] of [...this.#lines]) {
      if (taken.length >= max) break;
      if (line.waitUntilMs > nowMs) continue;
      this.#lines.delete(key);
      for (const priority of sendPriorities) {
        const batch = line.byPriority[priority].splice(0, max - taken.length);
        for (const send of batch) this.#known.delete(send.sendId);
        taken.push(...batch);
      }
      if (sendPriorities.some((priority) => line.byPriority[priority].length > 0)) this.#lines.set(key, line);
    }
    return taken;
  }

  /** When the next waiting number may go on, or null where none waits. */
  nextAtMs(): number | null {
    let next: number | null = null;
    for (const line of this.#lines.values())
      next = next === null ? line.waitUntilMs : Math.min(next, line.waitUntilMs);
    return next;
  }

  /** No number waits for its pace any more: the store is asked again. */
  resume(): void {
    for (const line of this.#lines.values()) line.waitUntilMs = 0;
  }

  waitsFor(tenantId: string, phoneNumberId: string): boolean {
    return this.#lines.has(`${tenantId}\n${phoneNumberId}`);
  }

  #line(send: SendRef): Line {
    const key = `${send.ref.tenantId}\n${send.phoneNumberId}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { byPriority: { operator: [], reply: [], other: [] }, waitUntilMs: 0 };
      this.#lines.set(key, line);
    }
    return line;
  }
}
