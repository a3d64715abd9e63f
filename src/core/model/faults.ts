/**
 * Two kinds of error. A bug throws. A fault is a thing of the world (a full disk, a refused send, a slow model): it
 * is data with a stable code and says what may be done about it. Code never branches on the text of a message.
 * To add a fault, add its code here with its disposition.
 */
export type FaultCode =
  /** The store cannot commit now: disk full, I/O error, lost connection. */
  | 'storeUnavailable'
  /** A commit came with an old fence: another owner has the conversation. */
  | 'fenceOld'
  /** More work waits than may wait; the caller should come back. */
  | 'overloaded'
  /** One item cannot be stored as the data it is (NUL, lone surrogate, a number out of range). */
  | 'badData'
  /** What was asked for does not exist. */
  | 'notFound'
  /** What was asked for is not possible in the state things are in. */
  | 'conflict'
  /** A request was malformed; says which part. */
  | 'badRequest'
  /** The process is stopping. */
  | 'stopping'
  /** An activity did not end in time. */
  | 'deadline'
  /** An activity's provider failed. */
  | 'activityFailed'
  /** An activity was cancelled. */
  | 'cancelled';

export type Disposition = 'retry' | 'snooze' | 'dead' | 'flag';

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly disposition: Disposition;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FaultCode,
    message: string,
    options: { disposition?: Disposition; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.disposition =
      options.disposition ??
      (code === 'storeUnavailable' || code === 'overloaded' || code === 'stopping' ? 'retry' : 'dead');
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** The text of anything thrown, for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
