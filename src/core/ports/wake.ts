/**
 * A wake says "look now" and nothing more: the store is the truth. It may be lost, repeated or late; a sweep over
 * unconsumed events finds what no wake announced. Drivers: `wake/local` (in this process), `wake/bullmq` (over Redis). To
 * add a driver, let it pass the suite of `testing/wake-conformance.ts`.
 */
import type { ConversationRef } from '../model/ids.ts';

/** Who waits: a person, or nobody, since it is a timer (a reminder). A driver may serve persons first. */
export type Urgency = 'person' | 'timer';

/** What the health page shows. Away: wakes are made good by the local ones and the sweep; nothing is lost, some are late. */
export interface WakeHealth {
  driver: string;
  state: 'here' | 'away';
}

export interface Wake {
  /** Announces that a conversation has something to do at `atMs` (now, if absent). Never throws. */
  notify(ref: ConversationRef, atMs?: number, urgency?: Urgency): void;
  /** Takes up to `max` announced conversations, round robin over tenants. */
  next(max: number): ConversationRef[];
  /**
   * Told once for each that `next` gave, when the conversation was looked at: its turn committed, refused, or nothing to
   * do. Until then a queue may hold its entry open; what is announced meanwhile is looked at again.
   */
  looked(ref: ConversationRef): void;
  /**
   * Resolves when what was announced of these conversations, or of all, is where it survives this process; at once where
   * absent. Only then may whoever brought the event be told that it is taken. Rejects with the fault `wakeUnavailable`.
   */
  announced?(refs?: readonly ConversationRef[]): Promise<void>;
  /** Called when `next` would return something again. */
  onReady(listener: () => void): void;
  /** Conversations announced and not taken, as far as this process knows. */
  depth(): number;
  /** Absent where nothing can be away. */
  health?(): WakeHealth;
  /** Takes no more; what it holds is handed back, in bounded time. */
  stop(): void | Promise<void>;
}
