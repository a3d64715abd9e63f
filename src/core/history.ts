/**
 * What was said in a conversation, put together of its rows: customers' messages, the owner's words on their phone, and our sends.
 * Drivers of the store read the rows, each by its own statements; the words and their order are the same for all. To show another kind
 * of message, add what stands for it to `wordsOf`.
 */
import type { MessageContent } from './model/events.ts';
import type { SendBody, SendState } from './model/sends.ts';
import { wordsOfSend } from './model/words-of-send.ts';
import type { HistoryEntry } from './ports/store.ts';
import type { TranscriptLine } from './ports/store-operators.ts';

/** `content` is JSON, as it is stored. */
export interface TranscriptEventRow {
  kind: string;
  receivedAtMs: number;
  content: string;
}

/** `body` is JSON, as it is stored. */
export interface TranscriptSendRow {
  origin: string;
  state: SendState;
  delivery: string;
  createdAtMs: number;
  body: string;
}

export interface HistoryEventRow extends TranscriptEventRow {
  position: number;
  fence: number;
  ending: string;
}

export interface HistorySendRow {
  fence: number;
  origin: string;
  createdAtMs: number;
  body: string;
}

/** The words of a message, or what stands for them. */
function wordsOf(kind: string, content: MessageContent): string {
  if (content.text !== undefined) return content.text;
  if (content.choice !== undefined) return content.choice.title;
  if (content.media?.caption !== undefined) return `[${kind}] ${content.media.caption}`;
  if (content.location !== undefined)
    return `[location] ${content.location.name ?? ''} ${content.location.latitude}, ${content.location.longitude}`;
  if (content.order !== undefined)
    return `[order of ${content.order.items.length} items] ${content.order.text ?? ''}`;
  return `[${kind}]`;
}

/** An echo is what the owner wrote on their phone. */
function writerOf(kind: string): 'customer' | 'operator' {
  return kind === 'echo' ? 'operator' : 'customer';
}

const contentOf = (row: TranscriptEventRow) => JSON.parse(row.content) as MessageContent;
const wordsOfStored = (json: string): string => wordsOfSend(JSON.parse(json) as SendBody);

/** What a model is shown: the last `max` of these rows, which come newest first, in the order of turns. */
export function historyOf(rows: {
  events: readonly HistoryEventRow[];
  sends: readonly HistorySendRow[];
  max: number;
}): HistoryEntry[] {
  const events = rows.events.map<HistoryEntry>((row) => {
    const content = contentOf(row);
    return {
      role: writerOf(row.kind),
      fence: row.fence,
      position: row.position,
      atMs: row.receivedAtMs,
      kind: row.kind,
      text: wordsOf(row.kind, content),
      ...(content.media === undefined ? {} : { media: content.media }),
      seen: row.ending === 'seenByOperator',
    };
  });
  const sends = rows.sends.map<HistoryEntry>((row) => ({
    role: row.origin === 'operator' ? 'operator' : 'bot',
    fence: row.fence,
    position: null,
    atMs: row.createdAtMs,
    kind: 'send',
    text: wordsOfStored(row.body),
    seen: false,
  }));
  const held = new Set(
    [...events, ...sends].filter((each) => each.role === 'operator').map((each) => each.fence),
  );
  // By turn; a turn's sends answer its events, so they come after them. Under one hold people spoke by turns: by time.
  const withinTurn = (a: HistoryEntry, b: HistoryEntry) =>
    held.has(a.fence) ? a.atMs - b.atMs : Number(a.position === null) - Number(b.position === null);
  return [...events.reverse(), ...sends.reverse()]
    .sort((a, b) => a.fence - b.fence || withinTurn(a, b))
    .slice(-rows.max);
}

/** What people are shown: the last `max` of these rows, which come newest first, by time. */
export function transcriptOf(rows: {
  events: readonly TranscriptEventRow[];
  sends: readonly TranscriptSendRow[];
  max: number;
}): TranscriptLine[] {
  const events = rows.events.map<TranscriptLine>((row) => ({
    role: writerOf(row.kind),
    atMs: row.receivedAtMs,
    kind: row.kind,
    text: wordsOf(row.kind, contentOf(row)),
    state: null,
  }));
  const sends = rows.sends.map<TranscriptLine>((row) => ({
    role: row.origin === 'operator' ? 'operator' : 'bot',
    atMs: row.createdAtMs,
    kind: 'send',
    text: wordsOfStored(row.body),
    state: row.delivery === 'none' ? row.state : row.delivery,
  }));
  return [...events.reverse(), ...sends.reverse()].sort((a, b) => a.atMs - b.atMs).slice(-rows.max);
}
