/**
 * A wake says "look now" and nothing more: the store is the truth. It may be lost, repeated or late; a sweep over
 * unconsumed events finds what no wake announced. Drivers: `wake/local` (in this process); queues come beside it.
 */
import type { ConversationRef } from '../model/ids.ts';

export interface Wake {
  /** Announces that a conversation has something to do at `atMs` (now, if absent). Never throws. */
  notify(ref: ConversationRef, atMs?: number): void;
  /** Takes up to `max` announced conversations, round robin over tenants. */
  next(max: number): ConversationRef[];
  /** Called when `next` would return something again. */
  onReady(listener: () => void): void;
  /** Conversations announced and not taken. */
  depth(): number;
  stop(): void;
}
