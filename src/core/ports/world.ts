/**
 * The world as a station sees it: time, timers, chance, the network and the log are passed in, so that the same
 * code runs on a real machine and inside a simulation with a seed. The real one lives in `runtime/world/` and is the
 * only place that may name the platform's clock, timers, chance or sockets.
 */
import { KnownError } from '../model/faults.ts';
import type { CrashPoints, RequestPurpose } from './crash-points.ts';
import type { Observer } from './observer.ts';

export interface Clock {
  /** Milliseconds since 1970 by this process' clock; may step backwards. */
  nowMs(): number;
  /** Milliseconds that only grow, for durations. */
  monotonicMs(): number;
}

export interface Timers {
  /** Runs `fn` once after `delayMs`; the returned function takes it back and may be called at any time. */
  after(delayMs: number, fn: () => void): () => void;
  /** Runs `fn` after the I/O that is ready now has been handled, so that what comes together is worked on together. */
  soon(fn: () => void): void;
}

/** Time that can be moved forward, as if what lies between had passed; only development asks for it. */
export interface MovableTime {
  /** How far the clock is ahead of the machine's. */
  aheadMs(): number;
  /** Both clocks go on from there, and timers that are due by then fire in their order. @throws Fault where it lies behind. */
  moveTo(aheadMs: number): void;
}

export interface HttpRequest {
  /** Names its crash points; null where it is no server's, which has none. */
  purpose: RequestPurpose | null;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
  /** From the call to the whole answer, waiting for a socket included. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** The answer's body is wanted as it is, not as text. */
  bytes?: true;
  /** A larger answer ends as a fault with the code `BODY_TOO_LARGE`; the client's own limit if absent. */
  bodyBytesMax?: number;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Where the request asked for bytes; `body` is empty then. */
  bytes?: Uint8Array;
}

/**
 * A request without an answer. `notSent`: no byte of it left (refused, no such host, no connection in time), so a
 * repeat cannot double anything. `uncertain`: it may have been acted on.
 */
export class HttpFault extends KnownError {
  override readonly name = 'HttpFault';
  readonly phase: 'notSent' | 'uncertain';
  /** The system's or our own code: `ECONNREFUSED`, `ECONNRESET`, `TIMEOUT`, `ABORTED`, ... */
  readonly code: string;

  constructor(phase: 'notSent' | 'uncertain', code: string, message: string) {
    super(message);
    this.phase = phase;
    this.code = code;
  }
}

export interface Http {
  /** @throws HttpFault where there is no whole answer. */
  request(request: HttpRequest): Promise<HttpResponse>;
}

/** Structured log; never given tokens or what a customer wrote. */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface World {
  clock: Clock;
  timers: Timers;
  /** In [0, 1). */
  random: () => number;
  http: Http;
  log: Log;
  /** Absent where nothing is told of them. */
  crashPoints?: CrashPoints;
  /** Told of each message's way; absent where nobody watches. */
  observer?: Observer;
  /** Absent where time is the machine's. */
  time?: MovableTime;
}
