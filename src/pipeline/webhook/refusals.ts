/**
 * Bodies that the store did not take, or the queue their wakes: 503, and Meta brings them again. Each is counted; the log tells of the first, then
 * now and then of how many there were since, because a full disk must not be filled by the log that says so.
 */
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { World } from '#core/ports/world.ts';

export interface Refusal {
  status: 503;
  retryAfterSeconds: number;
}

export class Refusals {
  readonly #world: Pick<World, 'clock' | 'log'>;
  readonly #telemetry: Telemetry;
  #untold = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor({ world, telemetry }: { world: Pick<World, 'clock' | 'log'>; telemetry: Telemetry }) {
    this.#world = world;
    this.#telemetry = telemetry;
  }

  refuse(error: unknown): Refusal {
    const isStored = isFault(error, 'wakeUnavailable');
    if (!isStored) this.#telemetry.count('nightdesk_store_faults_total', { operation: 'append' });
    this.#untold += 1;
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#toldAtMs >= limits.refusalLogEveryMs) {
      const code = isFault(error) ? error.code : 'storeUnavailable';
      this.#world.log.warn(
        { code, bodies: this.#untold, err: outlineOf(error) },
        isStored
          ? 'Webhook bodies were stored, but no queue took the wakes; they were answered 503, and when Meta sends them again they wake again.'
          : 'Webhook bodies were not stored and were answered 503; Meta will send them again.',
      );
      this.#untold = 0;
      this.#toldAtMs = nowMs;
    }
    return { status: 503, retryAfterSeconds: Math.ceil(limits.retryAfterMs / 1_000) };
  }
}
