/**
 * What a phone shows: the messages of each conversation in both directions, with their ticks, and what Meta remembers of
 * it (the service window, the free entry point). Histories are capped per conversation; the index from wamid to message
 * is capped over all. Both drop the oldest: they serve a page and read receipts, never a proof.
 */
export type Tick = 'accepted' | 'sent' | 'delivered' | 'read' | 'played' | 'failed';

export interface HistoryMessage {
  readonly wamid: string;
  readonly direction: 'in' | 'out';
  readonly atMs: number;
  readonly type: string;
  readonly text: string | null;
  /** The type's own object, as sent or as delivered by webhook. */
  readonly body: unknown;
  readonly replyTo: string | null;
  readonly opaque: string | null;
  readonly forwarded: boolean;
  /** Inbound: the ad or post it came from, in Meta's own words. */
  readonly referral: Readonly<Record<string, unknown>> | null;
  /** Outbound: how far it got. Inbound: always "sent". */
  status: Tick;
  errorCode: number | null;
  /** Inbound: when a webhook that carried it was first answered 200. */
  acknowledgedAtMs: number | null;
  /** Inbound: when the business marked it as read (or a later message). */
  readAtMs: number | null;
}

export interface Conversation {
  readonly phoneNumberId: string;
  readonly contactId: string;
  messages: HistoryMessage[];
  lastInboundAtMs: number | null;
  freeEntryUntilMs: number;
  typingUntilMs: number;
  lastAtMs: number;
  /** Meta's hosted agent answers: the business gets `standby` instead of `messages`. */
  isWithAgent: boolean;
}

export interface Conversations {
  open(phoneNumberId: string, contactId: string): Conversation;
  find(phoneNumberId: string, contactId: string): Conversation | undefined;
  list(): Conversation[];
  add(conversation: Conversation, message: HistoryMessage): void;
  /** Undefined when the message is unknown or has been forgotten. */
  lookUp(wamid: string): { conversation: Conversation; message: HistoryMessage } | undefined;
  clear(): void;
}

export const SERVICE_WINDOW_MS = 24 * 3_600_000;
const INDEX_MAX = 200_000;

const RANK: Readonly<Record<Tick, number>> = {
  accepted: 0,
  failed: 1,
  sent: 1,
  delivered: 2,
  read: 3,
  played: 4,
};

export function raiseTick(message: HistoryMessage, status: Tick): void {
  if (RANK[status] > RANK[message.status]) message.status = status;
}

export function createConversations(options: { messagesMax?: number } = {}): Conversations {
  const messagesMax = options.messagesMax ?? 500;
  const byKey = new Map<string, Conversation>();
  const byWamid = new Map<string, { conversation: Conversation; message: HistoryMessage }>();
  const keyOf = (phoneNumberId: string, contactId: string): string => `${phoneNumberId}|${contactId}`;

  return {
    open(phoneNumberId, contactId) {
      const key = keyOf(phoneNumberId, contactId);
      let conversation = byKey.get(key);
      if (!conversation) {
        conversation = {
          phoneNumberId,
          contactId,
          messages: [],
          lastInboundAtMs: null,
          freeEntryUntilMs: 0,
          typingUntilMs: 0,
          lastAtMs: 0,
          isWithAgent: false,
        };
        byKey.set(key, conversation);
      }
      return conversation;
    },
    find: (phoneNumberId, contactId) => byKey.get(keyOf(phoneNumberId, contactId)),
    list: () => [...byKey.values()],
    add(conversation, message) {
      conversation.messages.push(message);
      conversation.lastAtMs = message.atMs;
      if (conversation.messages.length > 2 * messagesMax) {
        conversation.messages = conversation.messages.slice(-messagesMax);
      }
      byWamid.set(message.wamid, { conversation, message });
      if (byWamid.size > INDEX_MAX) {
        const oldest = byWamid.keys().next().value;
        if (oldest !== undefined) byWamid.delete(oldest);
      }
    },
    lookUp: (wamid) => byWamid.get(wamid),
    clear() {
      byKey.clear();
      byWamid.clear();
    },
  };
}
