/**
 * The clock of the simulator and the server, moved forward together: first Meta's, so that what was on its way arrives
 * before the server's own timers run out, then the server's. A server that is down just then learns it at its start, and
 * one that is starting is told again when it is ready.
 */
import { Fault, isFault } from '#core/model/faults.ts';
import type { MovableTime } from '#core/ports/world.ts';

export interface SharedClockOptions {
  /** The simulator's. */
  time: MovableTime;
  /** Null where the server's clock cannot be moved, with the reason. */
  moveServer: ((aheadMs: number) => Promise<unknown>) | { refusal: string };
  onMoved: (byMs: number, aheadMs: number) => void;
}

export class SharedClock {
  readonly #options: SharedClockOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SharedClockOptions) {
    this.#options = options;
  }

  aheadMs(): number {
    return this.#options.time.aheadMs();
  }

  /** @throws Fault where it cannot be moved so */
  jump(byMs: number): Promise<number> {
    const jumped = this.#last.then(() => this.#jump(byMs));
    this.#last = jumped.catch(() => {});
    return jumped;
  }

  /** To be called when a server is ready: it may have been starting while the clock was moved. */
  async tellServer(): Promise<void> {
    const { moveServer } = this.#options;
    if (this.aheadMs() > 0 && typeof moveServer === 'function') await moveServer(this.aheadMs());
  }

  async #jump(byMs: number): Promise<number> {
    const { time, moveServer, onMoved } = this.#options;
    if (!Number.isSafeInteger(byMs) || byMs <= 0)
      throw new Fault(
        'badRequest',
        `"jumpMs" must be whole milliseconds over 0: time only goes forward. To go back, stop nightdesk dev and start it again with another database.`,
      );
    if (typeof moveServer !== 'function') throw new Fault('conflict', moveServer.refusal);
    const aheadMs = time.aheadMs() + byMs;
    time.moveTo(aheadMs);
    onMoved(byMs, aheadMs);
    try {
      await moveServer(aheadMs);
    } catch (error) {
      if (!isFault(error, 'storeUnavailable')) throw error;
    }
    return aheadMs;
  }
}
