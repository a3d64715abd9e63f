/** What can be done in a chat, handed down to each message. */
import type { Message } from '../data/history.ts';
import type { Said } from '../data/outbox.ts';

export interface ChatActions {
  say(said: Said): void;
  reply(message: Message): void;
  /** Shows a message that is quoted elsewhere. */
  reveal(wamid: string): void;
  openMenu(message: Message, at: HTMLElement): void;
  openList(message: Message): void;
  shareLocation(replyTo: string): void;
}
