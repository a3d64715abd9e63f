/**
 * Each conversation's state as signals, so that a new tick draws one bubble and a new message one row of the chat list.
 * A conversation is loaded when it is opened; before that only its last message is known.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { now, simulatedNowMs } from './clock.ts';
import { getHistory, getSummaries, type Place, type SimulatorEvent } from './control.ts';
import { applied, isArrival, type Message, merged, withAcknowledged } from './history.ts';
import { onConnect, onEvents } from './live.ts';
import { isMadeUp } from './people.ts';
import { keepHeard, missedSince, readHeard } from './unread.ts';

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

/** The simulator was reset: nothing was said yet. What is open stays open, and stands empty but for what is on its way. */
function empty(): void {
  placeOfInbound.clear();
  for (const conversation of all.values()) {
    conversation.messages.value = conversation.messages.value.filter(({ pending }) => pending === 'sending');
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
  if (conversation.messages.value !== before) countUnread(conversation);
}

function countUnread(conversation: Conversation): void {
  if (!looking.value.has(conversation.key)) conversation.unread.value += 1;
}

/** Null before the first event that this tab has ever heard. */
let heard: { seq: number; atMs: number } | null = null;
let isFirstConnection = true;

/** After a reload, and after a time without a connection. What was said meanwhile has been read already. */
function catchUp(past: readonly SimulatorEvent[]): void {
  const wasFirst = isFirstConnection;
  isFirstConnection = false;
  if (heard === null) return;
  const { isSame, events } = missedSince(heard, past);
  if (!isSame) {
    if (wasFirst) for (const conversation of all.values()) markSeen(conversation);
    else {
      empty();
      read().catch(() => {});
    }
  }
  for (const event of events) {
    if (event.kind !== 'sendAccepted' && event.kind !== 'echoed') continue;
    const { phoneNumberId, contactId } = event;
    if (contactId !== null) countUnread(conversationAt({ phoneNumberId, contactId }));
  }
}

onEvents((told, isPast) => {
  if (isPast) catchUp(told);
  else for (const event of told) take(event);
  const newest = told.at(-1);
  if (newest) heard = { seq: newest.seq, atMs: newest.atMs };
  now.value = simulatedNowMs();
});

async function read(): Promise<void> {
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
}

onConnect(read);

const kept = readHeard();
if (kept) {
  heard = kept;
  for (const { count, ...place } of kept.unread) conversationAt(place).unread.value = count;
}

function keep(): void {
  if (heard === null) return;
  const unread = [...all.values()]
    .filter((each) => each.unread.value > 0 && !isMadeUp(each.contactId))
    .map(({ phoneNumberId, contactId, unread: { value } }) => ({ phoneNumberId, contactId, count: value }));
  keepHeard({ ...heard, unread });
}

// A telephone may end a page that is out of sight without a word.
window.addEventListener('pagehide', keep);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') keep();
});
