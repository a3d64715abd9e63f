/**
 * What the runtime and an activity have to do with each other: what a run is given, what it gives back, and how it says
 * that it failed. An activity that costs money says with each failure whether the provider may have charged for it; who
 * does not know says `maybe`. The money stays reserved until it is known, and is never handed back on a guess.
 *
 * To give activities something new of the world, add it to `ActivityContext` and where the runtime makes one.
 */
import { KnownError } from '../model/faults.ts';
import type { NumberSettings } from './tenants.ts';

/** Files by content: what a customer sent, and what an activity made. */
export interface ActivityFiles {
  put(bytes: Uint8Array, mimeType: string): Promise<{ fileId: string }>;
  get(fileId: string): Promise<{ bytes: Uint8Array; mimeType: string }>;
  /** Gives the file to Meta for this number, or finds that it has it still. */
  upload(fileId: string): Promise<string>;
}

export interface ActivityContext {
  readonly tenantId: string;
  readonly conversationId: string;
  readonly contactId: string;
  readonly phoneNumberId: string;
  readonly settings: NumberSettings;
  /** Aborted when nobody waits any more. Paid work is aborted by its deadline only. */
  readonly signal: AbortSignal;
  /** One per request to the provider: the same in every attempt that the provider should know again. */
  readonly idempotencyKey: string;
  /** 1 is the first. */
  readonly attempt: number;
  readonly isLastAttempt: boolean;
  /** Over the world's HTTP client: its sockets, its limits, its simulation. */
  readonly fetch: typeof globalThis.fetch;
  readonly files: ActivityFiles;
}

export interface ActivityAnswer<Result = unknown> {
  result: Result;
  /** What this run cost, at most what was reserved; all of it if absent. */
  amountMicros?: number;
}

/** One request to the provider. @throws ActivityFault */
export type ActivityRun<Input = unknown, Result = unknown> = (
  input: Input,
  context: ActivityContext,
) => Promise<ActivityAnswer<Result>>;

/** What the provider says about a request that was made with `context.idempotencyKey`, without making it again. */
export type LookedUp<Result = unknown> =
  | { charged: 'yes'; result: Result; amountMicros?: number }
  /** Charged for, and the result is lost. */
  | { charged: 'yes'; lost: true; amountMicros?: number }
  | { charged: 'no' }
  | { charged: 'unknown' };

export type ActivityLookup<Input = unknown, Result = unknown> = (
  input: Input,
  context: ActivityContext,
) => Promise<LookedUp<Result>>;

/** Why an activity has no result. The message names what happened and what to do: never a token, never a customer's words. */
export class ActivityFault extends KnownError {
  override readonly name = 'ActivityFault';
  /** What the dialog sees. */
  readonly code: string;
  /** The same request may succeed soon. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** `no` is a promise: nothing was charged, and what was reserved is handed back. `yes`: charged, and nothing to show for it. */
  readonly charged: 'no' | 'maybe' | 'yes';
  /** Where it is `yes`: how much; all that was reserved if absent. */
  readonly amountMicros: number | undefined;

  constructor(options: {
    code: string;
    message: string;
    retryable: boolean;
    retryAfterMs?: number;
    charged: 'no' | 'maybe' | 'yes';
    amountMicros?: number;
  }) {
    super(options.message);
    this.code = options.code;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.charged = options.charged;
    this.amountMicros = options.amountMicros;
  }
}
