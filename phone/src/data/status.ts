/**
 * Whether the server takes webhooks, how many wait for it, and how long the last answer took. All of it is read off what
 * the simulator saw; nobody asks the server.
 */
import { signal } from '@preact/signals';
import { getWaiting, type SimulatorEvent, type Waiting } from './control.ts';
import { gathered } from './gathered.ts';
import { onConnect, onEvents } from './live.ts';

export type Tone = 'idle' | 'up' | 'down';

export interface ServerStatus {
  readonly tone: Tone;
  readonly text: string;
  /** Since when, or at what time it was seen last. */
  readonly atMs: number | null;
  readonly httpStatus: number | null;
}

const countMs = 120;

export const server = signal<ServerStatus>({
  tone: 'idle',
  text: 'no message yet',
  atMs: null,
  httpStatus: null,
});
export const waiting = signal<Waiting>({ updates: 0, inFlight: 0, retrying: 0, scheduled: 0 });
export const lastAnswer = signal<{ readonly tookMs: number; readonly atMs: number } | null>(null);

/** The oldest message of each conversation that has no answer yet. */
const unanswered = new Map<string, number>();

function noteServer(event: SimulatorEvent): void {
  const { kind, atMs } = event;
  if (kind === 'webhookAnswered' || (kind === 'handshake' && event.ok)) {
    server.value = { tone: 'up', text: 'up', atMs, httpStatus: 200 };
  } else if (kind === 'webhookFailed' || kind === 'handshake') {
    server.value = { tone: 'down', text: 'down', atMs, httpStatus: event.httpStatus };
  }
}

function noteAnswer(event: SimulatorEvent): void {
  if (event.kind === 'reset') unanswered.clear();
  if (event.kind !== 'said' && event.kind !== 'sendAccepted') return;
  const key = `${event.phoneNumberId} ${event.contactId}`;
  if (event.kind === 'said') {
    if (!unanswered.has(key)) unanswered.set(key, event.atMs);
    return;
  }
  const saidAtMs = unanswered.get(key);
  if (saidAtMs === undefined) return;
  unanswered.delete(key);
  lastAnswer.value = { tookMs: event.atMs - saidAtMs, atMs: event.atMs };
}

async function count(): Promise<void> {
  waiting.value = await getWaiting();
}

const countLater = gathered(count, countMs);

onConnect(count);
onEvents((told) => {
  for (const event of told) {
    noteServer(event);
    noteAnswer(event);
  }
  if (told.some(({ kind }) => kind.startsWith('webhook') || kind === 'said' || kind === 'reset'))
    countLater();
});
