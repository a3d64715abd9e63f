/** How the look-alike of a model behaves, changeable while it runs. To add a fault, add it here and ask it in anthropic.ts. */
import { defaultLatency, type LatencySettings } from './latency.ts';

export interface CallFault {
  rate: number;
  next: number;
}

export type CallFaultName = 'hang' | 'fail' | 'rateLimit' | 'overload' | 'loseAnswer' | 'cut' | 'streamError';

export interface ModelSettings extends LatencySettings {
  /** Between two chunks of a stream. */
  chunkMs: number;
  replyPrefix: string;
  /** Empty: every key is good, but there must be one. */
  apiKeys: readonly string[];
  /** More running calls than this answer 429. 0: no limit. */
  concurrentMax: number;
  /** What a 429 or 529 made by a fault asks to wait. */
  retryAfterSeconds: number;
  /** More requests in a minute answer 429 and say when there is room again. 0: no limit. */
  requestsPerMinuteMax: number;
  /** Likewise for tokens of input. */
  inputTokensPerMinuteMax: number;
  hang: CallFault;
  /** 500 api_error. */
  fail: CallFault;
  rateLimit: CallFault;
  overload: CallFault;
  /** The socket is destroyed without an answer; the call was made all the same. */
  loseAnswer: CallFault;
  /** A stream ends in the middle, a plain answer in the middle of its body. */
  cut: CallFault;
  /** A stream ends in the middle by an error event: overloaded. */
  streamError: CallFault;
}

export const defaultModelSettings = (): ModelSettings => ({
  ...defaultLatency(),
  chunkMs: 0,
  replyPrefix: 'Echo: ',
  apiKeys: [],
  concurrentMax: 0,
  retryAfterSeconds: 1,
  requestsPerMinuteMax: 0,
  inputTokensPerMinuteMax: 0,
  hang: { rate: 0, next: 0 },
  fail: { rate: 0, next: 0 },
  rateLimit: { rate: 0, next: 0 },
  overload: { rate: 0, next: 0 },
  loseAnswer: { rate: 0, next: 0 },
  cut: { rate: 0, next: 0 },
  streamError: { rate: 0, next: 0 },
});
