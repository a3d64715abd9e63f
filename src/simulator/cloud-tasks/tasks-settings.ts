/** How the look-alike of Cloud Tasks behaves, changeable while it runs. To add a fault, add it here and ask it in tasks.ts. */
import type { CallFault } from '../anthropic/model-settings.ts';
import type { RangeMs } from '../draw.ts';

export interface TasksSettings {
  /** Whole names. Empty: every queue exists. */
  queues: readonly string[];
  /** Of the tokens that tasks bring. */
  issuer: string;
  /** A used name stays taken for about this long after its task is done or deleted. */
  nameKeptMs: number;
  /** As Google's `rateLimits`: a bucket of `burst` that fills at `perSecond`, and attempts under way at once. */
  rate: { perSecond: number; burst: number; concurrentMax: number };
  /** As Google's `retryConfig`. */
  retry: { attemptsMax: number; backoffMinMs: number; backoffMaxMs: number; doublingsMax: number };
  /** Of the API's answers. */
  latencyMs: RangeMs;
  /** From the time that a task is due to its attempt. */
  dispatchMs: RangeMs;
  /** 503, nothing made. */
  unavailable: CallFault;
  /** Never answered, nothing made. */
  hang: CallFault;
  /** Made, and the socket dies without an answer. */
  loseAnswer: CallFault;
  /** A task that was attempted is attempted once more, whatever came of it. */
  duplicate: CallFault & RangeMs;
}

const none = (): CallFault => ({ rate: 0, next: 0 });

/** Google's own defaults of a queue. */
export const defaultTasksSettings = (): TasksSettings => ({
  queues: [],
  issuer: 'https://accounts.google.com',
  nameKeptMs: 3_600_000,
  rate: { perSecond: 500, burst: 100, concurrentMax: 1_000 },
  retry: { attemptsMax: 100, backoffMinMs: 100, backoffMaxMs: 3_600_000, doublingsMax: 16 },
  latencyMs: { minMs: 0, maxMs: 0 },
  dispatchMs: { minMs: 0, maxMs: 0 },
  unavailable: none(),
  hang: none(),
  loseAnswer: none(),
  duplicate: { ...none(), minMs: 0, maxMs: 0 },
});
