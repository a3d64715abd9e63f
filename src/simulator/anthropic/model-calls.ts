/**
 * The record of calls to the model look-alike: a ring of the newest, totals, and how many ran at one time at most.
 */
export type CallEnd = 'answered' | 'aborted' | 'lost';

export interface ModelCall {
  readonly callId: string;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  /** Null while it runs. */
  end: CallEnd | null;
  readonly httpStatus: number | null;
  readonly model: string;
  readonly apiKey: string | null;
  /** User texts since the last assistant message. */
  readonly texts: readonly string[];
  readonly stream: boolean;
  /** The reply's text, or null where there is none. */
  readonly reply: string | null;
}

export interface ModelStats {
  calls: number;
  running: number;
  /** The most calls that ever ran at one time. */
  runningMax: number;
  byStatus: Record<string, number>;
}

export interface ModelCalls {
  start(call: ModelCall, outcome: string): void;
  /** The call, or undefined when it has ended already. */
  end(callId: string, end: CallEnd, nowMs: number): ModelCall | undefined;
  running(): number;
  stats(): ModelStats;
  /** The newest calls, oldest first. */
  list(limit: number): ModelCall[];
  clear(): void;
}

const CALLS_KEPT_MAX = 10_000;

export function createModelCalls(): ModelCalls {
  let ring: ModelCall[] = [];
  let callCount = 0;
  let runningMax = 0;
  const running = new Map<string, ModelCall>();
  const byStatus = new Map<string, number>();
  return {
    start(call, outcome) {
      ring[callCount % CALLS_KEPT_MAX] = call;
      callCount += 1;
      running.set(call.callId, call);
      runningMax = Math.max(runningMax, running.size);
      byStatus.set(outcome, (byStatus.get(outcome) ?? 0) + 1);
    },
    end(callId, end, nowMs) {
      const call = running.get(callId);
      if (!call) return undefined;
      running.delete(callId);
      call.endedAtMs = nowMs;
      call.end = end;
      return call;
    },
    running: () => running.size,
    stats: () => ({
      calls: callCount,
      running: running.size,
      runningMax,
      byStatus: Object.fromEntries(byStatus),
    }),
    list(limit) {
      const kept: ModelCall[] = [];
      const from = Math.max(0, callCount - Math.min(limit, CALLS_KEPT_MAX));
      for (let at = from; at < callCount; at += 1) {
        const call = ring[at % CALLS_KEPT_MAX];
        if (call) kept.push(call);
      }
      return kept;
    },
    clear() {
      ring = [];
      callCount = 0;
      runningMax = running.size;
      byStatus.clear();
    },
  };
}
