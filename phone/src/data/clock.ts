/**
 * The simulator's time, which need not be this machine's: its clock may be virtual and jump. Each live event says what time
 * it is there. `now` moves by itself so that what is drawn of time does not grow old.
 */
import { signal } from '@preact/signals';

const toleratedMs = 1_500;
const redrawMs = 10_000;

let offsetMs = 0;

/** The simulator's time at the last redraw. */
export const now = signal(Date.now());

export const simulatedNowMs = (): number => Date.now() + offsetMs;

export function noteSimulatorTime(atMs: number): void {
  const seenOffsetMs = atMs - Date.now();
  if (Math.abs(seenOffsetMs - offsetMs) < toleratedMs) return;
  offsetMs = seenOffsetMs;
  now.value = simulatedNowMs();
}

window.setInterval(() => {
  now.value = simulatedNowMs();
}, redrawMs);
