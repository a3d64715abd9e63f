/**
 * A conversation's messages as data, and what an event changes in them. Messages are never changed in place: one that is
 * the same object looks the same, so it need not be drawn again. To show a new kind of event, add it to `applied`.
 */
import type { HistoryMessage, SimulatorEvent, Tick } from './control.ts';

export interface Message extends Readonly<HistoryMessage> {
  /** Not at the simulator yet, or refused by it. */
  readonly pending?: 'sending' | 'refused';
  /** What the simulator said when it refused. */
  readonly problem?: string;
  /** The owner wrote it by hand, on their own phone. */
  readonly isEcho?: boolean;
}

const rank: Readonly<Record<Tick, number>> = {
  accepted: 0,
  failed: 1,
  sent: 1,
  delivered: 2,
  read: 3,
  played: 4,
};

type Arrival = Extract<SimulatorEvent, { kind: 'said' | 'echoed' | 'sendAccepted' }>;

export const isArrival = (event: SimulatorEvent): event is Arrival =>
  event.kind === 'said' || event.kind === 'echoed' || event.kind === 'sendAccepted';

export function messageOf(event: Arrival): Message {
  return {
    wamid: event.wamid,
    direction: event.kind === 'said' ? 'in' : 'out',
    atMs: event.atMs,
    type: event.type,
    text: event.text,
    body: event.body,
    replyTo: 'replyTo' in event ? event.replyTo : null,
    opaque: 'opaque' in event ? event.opaque : null,
    forwarded: event.kind === 'said' && event.forwarded,
    referral: event.kind === 'said' ? event.referral : null,
    status: event.kind === 'sendAccepted' ? 'accepted' : 'sent',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
    ...(event.kind === 'echoed' ? { isEcho: true } : {}),
  };
}

/** In the order of their times as they came; what is not sent yet comes last. */
function ordered(messages: readonly Message[]): readonly Message[] {
  if (messages.every(({ pending }) => pending === undefined)) return messages;
  return [...messages.filter(({ pending }) => !pending), ...messages.filter(({ pending }) => pending)];
}

/** With the message added, or moved to where it really was said. */
export function withMessage(messages: readonly Message[], message: Message): readonly Message[] {
  const known = messages.find(({ wamid }) => wamid === message.wamid);
  if (known && !known.pending) return messages;
  return ordered([...messages.filter((each) => each !== known), message]);
}

export function withChange(
  messages: readonly Message[],
  wamid: string,
  change: (message: Message) => Message,
): readonly Message[] {
  const at = messages.findIndex((each) => each.wamid === wamid);
  const message = messages[at];
  if (message === undefined) return messages;
  const changed = change(message);
  return changed === message ? messages : messages.with(at, changed);
}

const further = (message: Message, status: Tick, errorCode: number | null): Message =>
  rank[status] > rank[message.status] ? { ...message, status, errorCode } : message;

/** Reading a message reads all before it. */
function withRead(messages: readonly Message[], wamid: string, readAtMs: number): readonly Message[] {
  const read = messages.find((each) => each.wamid === wamid);
  if (read === undefined) return messages;
  return messages.map((each) => {
    const isRead =
      each.direction === 'in' && !each.pending && each.atMs <= read.atMs && each.readAtMs === null;
    return isRead ? { ...each, readAtMs } : each;
  });
}

export function withAcknowledged(
  messages: readonly Message[],
  wamid: string,
  atMs: number,
): readonly Message[] {
  return withChange(messages, wamid, (message) =>
    message.direction === 'out' || message.acknowledgedAtMs !== null
      ? message
      : { ...message, acknowledgedAtMs: atMs },
  );
}

/** The messages after an event of this conversation; the same list where it changes nothing. */
export function applied(messages: readonly Message[], event: SimulatorEvent): readonly Message[] {
  if (isArrival(event)) return withMessage(messages, messageOf(event));
  if (event.kind === 'status') {
    const { wamid, status, code } = event;
    if (!(status in rank)) return messages;
    return withChange(messages, wamid, (message) => further(message, status as Tick, code));
  }
  if (event.kind === 'readReceipt') return withRead(messages, event.wamid, event.atMs);
  return messages;
}

/** The history as the simulator told it, with what is known that it did not know yet when it was asked. */
export function merged(told: readonly Message[], known: readonly Message[]): readonly Message[] {
  const byWamid = new Map(known.map((message) => [message.wamid, message]));
  const both = told.map((message) => {
    const seen = byWamid.get(message.wamid);
    byWamid.delete(message.wamid);
    if (!seen) return message;
    return {
      ...further(message, seen.status, seen.errorCode),
      acknowledgedAtMs: message.acknowledgedAtMs ?? seen.acknowledgedAtMs,
      readAtMs: message.readAtMs ?? seen.readAtMs,
    };
  });
  const sinceMs = told.at(-1)?.atMs ?? 0;
  const later = [...byWamid.values()].filter(({ pending, atMs }) => pending || atMs >= sinceMs);
  return ordered([...both, ...later]);
}
