/**
 * What a store and its caller in another thread say to each other. Calls go one way and answers the other, as many in
 * one message as came together. An error loses its class on such a way, so it is written down here and made again there.
 * To add a kind of error that callers tell apart, add it to `SentError` and both functions below.
 */
import type { MessagePort } from 'node:worker_threads';
import { codeOf, type Disposition, Fault, type FaultCode, kindOf, messageOf } from '#core/model/faults.ts';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import type { Store } from '#core/ports/store.ts';
import { StoreRefused } from '../database/database.ts';

/** The first message: which file, and what is in force in the caller's thread and must be in this one. */
export interface OpenRequest {
  path: string;
  limits: Readonly<Record<string, number>>;
  /** Where crash points are watched: the store waits at each until its caller's thread has looked at it. */
  passed: SharedArrayBuffer | null;
  afterRestore: boolean;
}

export type Method = Exclude<keyof Store, 'driver'>;

export interface Call {
  id: number;
  method: Method;
  input: unknown;
}

export type Answer = { id: number; value: unknown } | { id: number; error: SentError };

export type ToStore = { kind: 'open'; request: OpenRequest } | { kind: 'calls'; calls: Call[] };

export type FromStore =
  | { kind: 'opened'; driver: string }
  | { kind: 'refused'; error: SentError }
  | { kind: 'reached'; point: CrashPoint }
  | { kind: 'answers'; answers: Answer[] };

/** Ports take anything; these take what the other side understands. */
export const tellStore = (port: MessagePort, message: ToStore): void => port.postMessage(message);
export const tellCaller = (port: MessagePort, message: FromStore): void => port.postMessage(message);

interface Words {
  message: string;
  stack: string | undefined;
  cause: SentError | null;
}

export type SentError =
  | (Words & { kind: 'fault'; code: FaultCode; disposition: Disposition; retryAfterMs: number | undefined })
  | (Words & { kind: 'refused'; reason: StoreRefused['reason'] })
  | (Words & { kind: 'bug'; name: string; code: string | number | undefined });

export function sentError(error: unknown): SentError {
  const { stack, cause } = error instanceof Error ? error : { stack: undefined, cause: undefined };
  const words = {
    message: messageOf(error),
    stack,
    cause: cause instanceof Error ? sentError(cause) : null,
  };
  if (error instanceof Fault) {
    const { code, disposition, retryAfterMs } = error;
    return { ...words, kind: 'fault', code, disposition, retryAfterMs };
  }
  if (error instanceof StoreRefused) return { ...words, kind: 'refused', reason: error.reason };
  if (error instanceof Error) return { ...words, kind: 'bug', name: kindOf(error), code: codeOf(error) };
  return { ...words, kind: 'bug', name: 'Error', code: undefined };
}

export function receivedError(sent: SentError): Error {
  const error = madeAgain(sent);
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

function madeAgain(sent: SentError): Error {
  const { message } = sent;
  const cause = sent.cause === null ? {} : { cause: receivedError(sent.cause) };
  if (sent.kind === 'fault') {
    const { code, disposition, retryAfterMs } = sent;
    return new Fault(code, message, {
      disposition,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...cause,
    });
  }
  if (sent.kind === 'refused') return new StoreRefused(sent.reason, message);
  const { name, code } = sent;
  return Object.assign(new Error(message, cause), { name }, code === undefined ? {} : { code });
}
