/**
 * A message of a story, said or seen. Its ticks are waited for: `isRead()` of what the bot sent waits until the
 * customer has read it, of what she said until the business has marked it as read.
 */
import type { HistoryMessage } from '#simulator/index.ts';
import { type ShownMessage, titlesOf } from './sights.ts';

export interface StoryMessage {
  readonly wamid: string;
  /** Meta's name of the kind. */
  readonly type: string;
  readonly text: string | null;
  /** The kind's own object, as it went over the wire. */
  readonly body: unknown;
  readonly atMs: number;
  /** The wamid of the message that it quotes. */
  readonly replyTo: string | null;
  /** Titles of its reply buttons. */
  readonly buttons: readonly string[];
  /** Titles of its list rows. */
  readonly rows: readonly string[];
  /** Waits until it has reached the other side: the customer's phone, or a webhook that was answered 200. */
  isDelivered(): Promise<void>;
  /** Waits until it was read. */
  isRead(): Promise<void>;
}

/** Waits until the message as it is then fulfils the condition. @throws Error that explains. */
export type WaitFor = (
  wamid: string,
  what: string,
  condition: (message: HistoryMessage) => boolean,
) => Promise<void>;

const isTickOf = (ticks: readonly string[]) => (message: HistoryMessage) => ticks.includes(message.status);

export function storyMessage(message: ShownMessage, waitFor: WaitFor): StoryMessage {
  const { wamid, type, text, body, atMs, replyTo } = message;
  const isHers = message.direction === 'in';
  return {
    ...{ wamid, type, text, body, atMs, replyTo },
    buttons: titlesOf(message, 'buttons'),
    rows: titlesOf(message, 'rows'),
    isDelivered: () =>
      isHers
        ? waitFor(wamid, 'was acknowledged by the server', (now) => now.acknowledgedAtMs !== null)
        : waitFor(wamid, 'was delivered', isTickOf(['delivered', 'read', 'played'])),
    isRead: () =>
      isHers
        ? waitFor(wamid, 'was marked as read by the business', (now) => now.readAtMs !== null)
        : waitFor(wamid, 'was read', isTickOf(['read', 'played'])),
  };
}
