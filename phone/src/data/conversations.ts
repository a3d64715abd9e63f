/**
 * Each conversation's state as signals, so that a new tick draws one bubble and a new message one row of the chat list.
 * A conversation is loaded when it is opened; before that only its last message is known.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { now, simulatedNowMs } from './clock.ts';
import { getHistory, getSummaries, type Place, type SimulatorEvent } from './control.ts';
import { applied, isArrival, type Message, merged, withAcknowledged } from './history.ts';
import { onConnect, onEvents } from './live.ts';

const typingMsMax = 25_000;

export interface Conversation extends Place {
  readonly key: string;
  readonly messages: Signal<readonly Message[]>;
  /** Whether the messages are the whole history. */
  readonly isLoaded: Signal<boolean>;
  readonly isTyping: Signal<boolean>;
  /** Until when the business may write freely; null before the customer's first message. */
  readonly windowUntilMs: Signal<number | null>;
  readonly unread: Signal<number>;
  readonly last: ReadonlySignal<Message | null>;
}

const all = new Map<string, Conversation>();
/** By wamid, to find the conversation of a webhook that was answered. */
const placeOfInbound = new Map<string, Conversation>();
const typingTimers = new Map<string, number>();
const inboundRememberedMax = 20_000;
const messagesMax = 1_000;
const messagesKept = 500;
const windowMs = 24 * 3_600_000;

/** The conversations that a person looks at right now; set by the phones. */
export const looking = signal<ReadonlySet<string>>(new Set());

export const keyOf = ({ phoneNumberId, contactId }: Place): string => `${phoneNumberId} ${contactId}`;

export function conversationAt(place: Place): Conversation {
  const key = keyOf(place);
  const known = all.get(key);
  if (known) return known;
  const messages = signal<readonly Message[]>([]);
  const made: Conversation = {
    phoneNumberId: place.phoneNumberId,
    contactId: place.contactId,
    key,
    messages,
    isLoaded: signal(false),
    isTyping: signal(false),
    windowUntilMs: signal<number | null>(null),
    unread: signal(0),
    last: computed(() => messages.value.findLast(({ type }) => type !== 'reaction') ?? null),
  };
  all.set(key, made);
  return made;
}

export const conversations = (): IterableIterator<Conversation> => all.values();

function rememberInbound(conversation: Conversation, messages: readonly Message[]): void {
  for (const { wamid, direction, acknowledgedAtMs } of messages) {
    if (direction === 'in' && acknowledgedAtMs === null) placeOfInbound.set(wamid, conversation);
  }
  while (placeOfInbound.size > inboundRememberedMax) {
    placeOfInbound.delete(placeOfInbound.keys().next().value ?? '');
  }
}

function showTyping(conversation: Conversation, forMs: number): void {
  window.clearTimeout(typingTimers.get(conversation.key));
  conversation.isTyping.value = forMs > 0;
  if (forMs <= 0) return;
  const stop = () => showTyping(conversation, 0);
  typingTimers.set(conversation.key, window.setTimeout(stop, Math.min(forMs, typingMsMax)));
}

/** Reads the history of a conversation that is shown. */
export async function load(conversation: Conversation): Promise<void> {
  const { messages, windowUntilMs, typingUntilMs } = await getHistory(conversation);
  batch(() => {
    conversation.messages.value = merged(messages, conversation.messages.value);
    conversation.windowUntilMs.value = windowUntilMs;
    conversation.isLoaded.value = true;
    rememberInbound(conversation, messages);
    showTyping(conversation, typingUntilMs - simulatedNowMs());
  });
}

export function markSeen(conversation: Conversation): void {
  conversation.unread.value = 0;
}

function acknowledge(event: Extract<SimulatorEvent, { kind: 'webhookAnswered' }>): void {
  for (const { wamid, status } of event.subjects) {
    const conversation = wamid !== null && status === null ? placeOfInbound.get(wamid) : undefined;
    if (conversation === undefined || wamid === null) continue;
    placeOfInbound.delete(wamid);
    conversation.messages.value = withAcknowledged(conversation.messages.value, wamid, event.atMs);
  }
}

/** The simulator was reset: nothing was said yet. What is open stays open, and stands empty. */
function empty(): void {
  placeOfInbound.clear();
  for (const conversation of all.values()) {
    conversation.messages.value = [];
    conversation.windowUntilMs.value = null;
    markSeen(conversation);
    showTyping(conversation, 0);
  }
}

function take(event: SimulatorEvent): void {
  if (event.kind === 'reset') empty();
  if (event.kind === 'webhookAnswered') acknowledge(event);
  if (!('contactId' in event) || !('phoneNumberId' in event) || event.contactId === null) return;
  const conversation = conversationAt({ phoneNumberId: event.phoneNumberId, contactId: event.contactId });
  const before = conversation.messages.value;
  const after = applied(before, event);
  conversation.messages.value = after.length > messagesMax ? after.slice(-messagesKept) : after;
  if (event.kind === 'typing') showTyping(conversation, event.untilMs - event.atMs);
  if (!isArrival(event)) return;
  if (event.kind === 'said') {
    rememberInbound(conversation, conversation.messages.value.slice(-1));
    conversation.windowUntilMs.value = event.atMs + windowMs;
    return;
  }
  showTyping(conversation, 0);
  const isNew = conversation.messages.value !== before;
  if (isNew && !looking.value.has(conversation.key)) conversation.unread.value += 1;
}

onEvents((told, isPast) => {
  if (isPast) return;
  for (const event of told) take(event);
  now.value = simulatedNowMs();
});

onConnect(async () => {
  const summaries = await getSummaries();
  batch(() => {
    for (const { phoneNumberId, contact, lastMessage } of summaries) {
      const conversation = conversationAt({ phoneNumberId, contactId: contact.id });
      if (!conversation.isLoaded.value && lastMessage) {
        conversation.messages.value = merged([lastMessage], conversation.messages.value);
        rememberInbound(conversation, [lastMessage]);
      }
    }
  });
  const loaded = [...all.values()].filter(({ isLoaded }) => isLoaded.value);
  await Promise.all(loaded.map(load));
});
