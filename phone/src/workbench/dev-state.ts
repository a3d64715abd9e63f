/**
 * The supervisor's state as it streams in. What comes faster than the screen is drawn is shown once for each frame. While
 * there is no stream, nothing here is believed: `isConnected` says so, and the last state stays to be seen.
 */
import { signal } from '@preact/signals';
import { noteSimulatorTime } from '../data/clock.ts';
import { Refused } from '../data/control.ts';
import { type DevState, getState } from './doors.ts';

const reconnectMs = 1_000;
/** Who is refused is refused for the same reason again. */
const refusedAgainMs = 15_000;

export const devState = signal<DevState | null>(null);
export const isConnected = signal(false);
/** Why this page may not use the doors. */
export const refusal = signal<string | null>(null);
/** When the state was received, on the page's own stopwatch. */
export const receivedAtMs = signal(0);

type MomentListener = () => void;
const momentListeners = new Set<MomentListener>();
let newest: DevState | null = null;
let hasMoment = false;
let isScheduled = false;

/** Calls back, at most once for each frame, when something happened in the server. */
export function onMoments(listener: MomentListener): () => void {
  momentListeners.add(listener);
  return () => momentListeners.delete(listener);
}

function draw(): void {
  isScheduled = false;
  if (newest !== null) {
    receivedAtMs.value = performance.now();
    // A page that opens after a jump has seen no event yet that tells the time.
    noteSimulatorTime(newest.clock.nowMs);
    devState.value = newest;
    newest = null;
  }
  if (!hasMoment) return;
  hasMoment = false;
  for (const listener of momentListeners) listener();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  if (document.visibilityState === 'visible') requestAnimationFrame(draw);
  else window.setTimeout(draw, reconnectMs);
}

/** As its door answered, before the stream tells it. What the door counted may be older than what the stream has told. */
export function showLoad({ perSecond }: DevState['load']): void {
  if (devState.value === null) return;
  devState.value = { ...devState.value, load: { ...devState.value.load, perSecond } };
}

function take(state: DevState): void {
  newest = state;
  schedule();
}

function listen(): void {
  const source = new EventSource('/_dev/stream');
  source.onopen = () => {
    isConnected.value = true;
  };
  source.addEventListener('state', (event) => take(JSON.parse((event as MessageEvent<string>).data)));
  source.addEventListener('moment', () => {
    hasMoment = true;
    schedule();
  });
  source.onerror = () => {
    source.close();
    isConnected.value = false;
    window.setTimeout(connect, reconnectMs);
  };
}

async function connect(): Promise<void> {
  try {
    take(await getState());
    refusal.value = null;
    listen();
  } catch (error) {
    isConnected.value = false;
    refusal.value = error instanceof Refused ? error.message : null;
    window.setTimeout(connect, error instanceof Refused ? refusedAgainMs : reconnectMs);
  }
}

void connect();
