/** How the look-alike of a model behaves, changeable while it runs. To add a fault, add it here and ask it in anthropic.ts. */
import type { RangeMs } from './draw.ts';

export interface CallFault {
  rate: number;
  next: number;
}

export interface ModelSettings {
  latencyMs: RangeMs;
  /** Between two chunks of a stream. */
  chunkMs: number;
  replyPrefix: string;
  /** Empty: every key is good, but there must be one. */
  apiKeys: readonly string[];
  /** More running calls than this answer 429. 0: no limit. */
  concurrentMax: number;
  retryAfterSeconds: number;
  hang: CallFault;
  /** 500 api_error. */
  fail: CallFault;
  rateLimit: CallFault;
  overload: CallFault;
  /** The socket is destroyed without an answer; the call was made all the same. */
  loseAnswer: CallFault;
  /** A stream ends in the middle, a plain answer in the middle of its body. */
  cut: CallFault;
}

export const defaultModelSettings = (): ModelSettings => ({
  latencyMs: { minMs: 0, maxMs: 0 },
  chunkMs: 0,
  replyPrefix: 'Echo: ',
  apiKeys: [],
  concurrentMax: 0,
  retryAfterSeconds: 1,
  hang: { rate: 0, next: 0 },
  fail: { rate: 0, next: 0 },
  rateLimit: { rate: 0, next: 0 },
  overload: { rate: 0, next: 0 },
  loseAnswer: { rate: 0, next: 0 },
  cut: { rate: 0, next: 0 },
});
