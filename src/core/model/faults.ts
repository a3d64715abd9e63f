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
  /** The event is stored, but the queue that would wake its conversation did not take it; sent again, it wakes again. */
  | 'wakeUnavailable'
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

const retried: ReadonlySet<FaultCode> = new Set([
  'storeUnavailable',
  'wakeUnavailable',
  'overloaded',
  'stopping',
]);

export type Disposition = 'retry' | 'snooze' | 'dead' | 'flag';

/**
 * An error whose message this project wrote: it names ids, codes and what to do, never a token nor what a customer wrote.
 * Only such a message may be logged or printed; of any other error no more than `outlineOf` tells, since a library, a driver
 * or a dialog may quote whatever it was given. A new kind of error that people are to read extends this.
 */
export abstract class KnownError extends Error {}

export class Fault extends KnownError {
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
    this.disposition = options.disposition ?? (retried.has(code) ? 'retry' : 'dead');
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** The text of anything thrown, whoever wrote it: only where no secret can be in it and no log gets it. Else `outlineOf`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a log may hold of anything thrown: the message of what we know, and of the rest its kind, code and place. */
export function outlineOf(error: unknown): string {
  if (error instanceof KnownError) return error.message;
  if (!(error instanceof Error)) return `something of type ${typeof error} was thrown`;
  const [frame = ''] = framesOf(error);
  const place = /([^/\\]+:\d+):\d+$/.exec(frame)?.[1];
  return [kindOf(error), codeOf(error), place && `at ${place}`]
    .filter((part) => part !== undefined)
    .join(' ');
}

const kindForm = /^[A-Z][A-Za-z_]{0,40}$/;
const codeForm = /^[A-Z][A-Z\d_]{1,60}$/;

export function kindOf(error: Error): string {
  return kindForm.test(error.name) ? error.name : 'Error';
}

/** The code that the platform or a library gave an error, where it looks like one. */
export function codeOf(error: Error): string | number | undefined {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'number' || (typeof code === 'string' && codeForm.test(code)) ? code : undefined;
}

/** Files and lines of a stack, innermost first, without the message above them and without the names of functions. */
export function framesOf({ stack, message }: Error): string[] {
  const head = typeof stack === 'string' ? stack.indexOf(message) : -1;
  if (stack === undefined || head < 0) return [];
  return stack
    .slice(head + message.length)
    .split('\n')
    .flatMap((line) => /^ {4}at (?:.*\()?([^\s()]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
}
