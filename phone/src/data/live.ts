/**
 * What happens in the simulator, as it happens. Events are gathered until the next frame and then told in one batch, so a
 * load of thousands in a second draws the page sixty times, not thousands of times.
 *
 * Connecting is always the same: note the newest event, read everything, then listen from that event on. So a page that
 * lost its connection, or finds another simulator there, needs no rule of its own.
 */
import { batch, signal } from '@preact/signals';
import { noteSimulatorTime } from './clock.ts';
import { type EventKind, getLastSeq, getLog, type SimulatorEvent } from './control.ts';

const reconnectMs = 1_000;
const hiddenFlushMs = 200;
/** Enough to know how the server does when the page opens. */
const eventsBefore = 1_000;
const eventsMax = 5_000;

/** Server-sent events are named by their kind; a name that is not here is not heard. */
const kinds: Readonly<Partial<Record<EventKind, true>>> = {
  said: true,
  echoed: true,
  contactCreated: true,
  contactChanged: true,
  webhookSent: true,
  webhookAnswered: true,
  webhookFailed: true,
  webhookDuplicated: true,
  webhookDropped: true,
  handshake: true,
  sendAccepted: true,
  sendRefused: true,
  answerLost: true,
  answerHeld: true,
  status: true,
  statusSuppressed: true,
  readReceipt: true,
  typing: true,
  modelCalled: true,
  modelEnded: true,
  imageAsked: true,
  imageCharged: true,
  imageEnded: true,
  checkoutCreated: true,
  checkoutPaid: true,
  checkoutExpired: true,
  checkoutRefunded: true,
  paymentEventSent: true,
  paymentEventAnswered: true,
  paymentEventFailed: true,
  settingsChanged: true,
  reset: true,
  driven: true,
};

export type Connection = 'connecting' | 'up' | 'lost';
/** `isPast` marks what was before the page connected: what was read already knows of it. */
type Listener = (events: readonly SimulatorEvent[], isPast: boolean) => void;

export const connection = signal<Connection>('connecting');
/** The newest events, oldest first. */
export const events = signal<readonly SimulatorEvent[]>([]);

const listeners = new Set<Listener>();
const readers: (() => Promise<void>)[] = [];
let gathered: SimulatorEvent[] = [];
let isFlushScheduled = false;
let lastSeq = 0;

/** Calls back with each batch, inside one batch of signals; returns how to stop. */
export function onEvents(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What must be read anew on each connection, before the events that follow. */
export function onConnect(read: () => Promise<void>): void {
  readers.push(read);
}

const isReset = ({ kind }: SimulatorEvent): boolean => kind === 'reset';

function tell(told: readonly SimulatorEvent[], isPast: boolean): void {
  batch(() => {
    const all = [...events.value, ...told];
    // What was before a reset has gone at the simulator, too.
    events.value = all.slice(Math.max(all.findLastIndex(isReset), 0)).slice(-eventsMax);
    for (const listener of listeners) listener(told, isPast);
  });
}

function flush(): void {
  isFlushScheduled = false;
  const told = gathered;
  gathered = [];
  if (told.length > 0) tell(told, false);
}

function gather(event: SimulatorEvent): void {
  // A stream that begins again may tell what is known.
  if (event.seq <= lastSeq) return;
  lastSeq = event.seq;
  noteSimulatorTime(event.atMs);
  gathered.push(event);
  if (isFlushScheduled) return;
  isFlushScheduled = true;
  // A hidden page has no frames.
  if (document.visibilityState === 'visible') requestAnimationFrame(flush);
  else window.setTimeout(flush, hiddenFlushMs);
}

function listen(): void {
  const source = new EventSource(`/_sim/events?after=${lastSeq}`);
  source.onopen = () => {
    connection.value = 'up';
  };
  for (const kind of Object.keys(kinds)) {
    source.addEventListener(kind, (event) => gather(JSON.parse((event as MessageEvent<string>).data)));
  }
  // The browser would connect by itself, but from the same place as the first time; a new beginning misses nothing.
  source.onerror = () => {
    source.close();
    connectLater();
  };
}

function connectLater(): void {
  connection.value = 'lost';
  window.setTimeout(connect, reconnectMs);
}

export async function connect(): Promise<void> {
  try {
    const seq = await getLastSeq();
    const [before] = await Promise.all([
      getLog(Math.max(0, seq - eventsBefore), eventsBefore),
      ...readers.map((read) => read()),
    ]);
    lastSeq = seq;
    events.value = [];
    tell(
      before.filter((event) => event.seq <= seq),
      true,
    );
    listen();
  } catch {
    connectLater();
  }
}
