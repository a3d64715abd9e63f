/**
 * Where a story is played: a simulator that can be driven, its events, and a time. A virtual stage moves its clock as far
 * as a wait needs; a live one waits. Stories are the same on both.
 */
import type { Timers } from '#core/ports/world.ts';
import type { SimulatorClient, SimulatorEvent } from '#simulator/index.ts';

export interface StoryClock {
  readonly isVirtual: boolean;
  nowMs(): number;
  /** Lets time pass. A live clock cannot be moved. @throws Error where the clock is live. */
  advance(ms: number): Promise<void>;
}

export interface Stage {
  readonly control: SimulatorClient;
  readonly clock: StoryClock;
  /** How long a customer waits for what she expects, unless the story says otherwise. */
  readonly patienceMs: number;
  /** Called for every event of the simulator from now on; the returned function ends it. */
  listen(listener: (event: SimulatorEvent) => void): () => void;
  /** Looks now, and anew after events of the simulator, until something is found; null when `withinMs` have passed. */
  watch<T>(look: () => Promise<T | null>, withinMs: number): Promise<T | null>;
  /** What is known of the bot besides, for whoever asks why something did not happen. */
  notes(): Promise<string[]>;
}

/** `watch` where time passes by itself. */
export async function watchLive<T>(
  { timers, listen }: { timers: Pick<Timers, 'after'>; listen: Stage['listen'] },
  look: () => Promise<T | null>,
  withinMs: number,
): Promise<T | null> {
  let isOver = false;
  let isNew = false;
  let wake = (): void => {};
  const cancel = timers.after(withinMs, () => {
    isOver = true;
    wake();
  });
  const stopListening = listen(() => {
    isNew = true;
    wake();
  });
  try {
    for (;;) {
      isNew = false;
      const found = await look();
      if (found !== null || isOver) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isNew || isOver) resolve();
      });
    }
  } finally {
    cancel();
    stopListening();
  }
}
