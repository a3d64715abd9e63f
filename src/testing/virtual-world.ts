/**
 * A whole world in one process and without real time: a clock that only moves when it is told to, timers that fire in the
 * order of (time, sequence), chance from a seed, HTTP that is answered by functions, and a log that keeps what was said.
 * The same seed gives the same run, to the last timer, so a failure is one number.
 *
 * Time stands still while promises are worked on. Between two steps everything that can go on without time goes on: a
 * `nextTick` asked for from a microtask runs when no microtask is left, however many of them make new ones.
 *
 * `process()` gives a world of the same time that can be killed: its timers never fire and no answer reaches it, as when
 * a machine loses power, while a request that left it arrives all the same. It can also be paused: what becomes due
 * meanwhile happens when it is resumed, late and in order. To fake another part of the world, add it here and to the
 * `World` port.
 */
import type { Http, HttpRequest, HttpResponse, Log, Timers, World } from '#core/ports/world.ts';
import { HttpFault } from '#core/ports/world.ts';
import { fakeStartMs, seededRandom } from './fake-world.ts';
import { TimerQueue } from './timer-queue.ts';

export interface VirtualWorldOptions {
  seed: number;
  startMs?: number;
}

export interface LogLine {
  level: keyof Log;
  atMs: number;
  fields: Record<string, unknown>;
  message: string;
}

/** How a served origin answers; the look-alikes' own outcomes fit. */
export type VirtualAnswer =
  | { kind: 'response'; response: HttpResponse; delayMs: number }
  /** Acted on, and the socket dies without an answer. */
  | { kind: 'lost'; delayMs: number }
  | { kind: 'lostAfterHeaders'; stallMs: number; delayMs: number }
  /** Acted on and never answered: the caller's own deadline ends it. */
  | { kind: 'hang'; delayMs: number }
  /** Answered when the promise says so. */
  | { kind: 'later'; response: Promise<HttpResponse>; delayMs: number }
  /** Not one byte of it left. */
  | { kind: 'notSent'; code: string; delayMs: number };

/** Called when the request arrives. */
export type Serve = (request: HttpRequest, nowMs: number) => VirtualAnswer;

export interface ServeOptions {
  /** How long a request is under way, drawn for each; none if absent. */
  networkMs?: { minMs: number; maxMs: number };
}

export interface VirtualProcess extends World {
  /** Nothing of this process happens any more. */
  kill(): void;
  /** Nothing of this process happens until it is resumed, as between SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  readonly isAlive: boolean;
  readonly isPaused: boolean;
}

export interface VirtualWorld extends World {
  /** The time as everybody else has it, however the processes' clock was set. */
  nowMs(): number;
  /** What was logged by all processes, oldest first. */
  readonly logged: readonly LogLine[];
  /** Timers that wait. */
  readonly waiting: number;
  /** Answers requests to an origin such as `http://graph.test`. */
  serve(origin: string, serve: Serve, options?: ServeOptions): void;
  /** A world of the same time that can be killed by itself. */
  process(): VirtualProcess;
  /** Does everything that can be done without time passing. */
  settle(): Promise<void>;
  /** Moves the clock by `ms`, and does on the way all that becomes due, in order. */
  advance(ms: number): Promise<void>;
  /** Moves the clock from one due time to the next until the condition holds. @throws Error after `maxMs`. */
  runUntil(condition: () => boolean, maxMs: number): Promise<void>;
  /** As `runUntil`, but says whether it came to hold; where it did not, `maxMs` have passed. */
  reach(condition: () => boolean, maxMs: number): Promise<boolean>;
  /** Time passes and nothing happens, as in a process that is stopped and continued; what was due meanwhile is late. */
  pause(ms: number): void;
  /** Sets the processes' clock of the day and leaves time itself alone; a negative step sets it back, as clocks do. */
  stepClock(ms: number): void;
}

export function createVirtualWorld(options: VirtualWorldOptions): VirtualWorld {
  return new Virtual(options);
}

class Virtual implements VirtualWorld {
  readonly clock = { nowMs: () => this.nowMs() + this.#skewMs, monotonicMs: () => this.#elapsedMs };
  readonly random: () => number;
  readonly timers: Timers;
  readonly http: Http;
  readonly log: Log;
  readonly logged: LogLine[] = [];
  readonly #queue = new TimerQueue();
  readonly #served = new Map<string, { serve: Serve; options: ServeOptions }>();
  readonly #startMs: number;
  #skewMs = 0;
  #elapsedMs = 0;
  #soon: (() => void)[] = [];

  constructor({ seed, startMs = fakeStartMs }: VirtualWorldOptions) {
    this.#startMs = startMs;
    this.random = seededRandom(seed);
    const own = this.process();
    this.timers = own.timers;
    this.http = own.http;
    this.log = own.log;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  serve(origin: string, serve: Serve, options: ServeOptions = {}): void {
    this.#served.set(origin, { serve, options });
  }

  process(): VirtualProcess {
    const gate = new Gate();
    const timers: Timers = {
      after: (delayMs, fn) => {
        if (Number.isNaN(delayMs)) throw new RangeError('A timer was asked for after NaN ms. Mend the sum.');
        // Like the platform's: whole milliseconds, and never at once, so that nothing can spin while time stands still.
        return this.#after(Math.max(1, Math.ceil(delayMs)), gate, fn);
      },
      soon: (fn) => void this.#soon.push(() => gate.pass(fn)),
    };
    return {
      clock: this.clock,
      random: this.random,
      timers,
      http: { request: (request) => this.#request(timers, request) },
      log: this.#log(),
      kill: () => gate.close(),
      pause: () => gate.pause(),
      resume: () => gate.resume((fn) => this.#queue.add(this.#elapsedMs, fn)),
      get isAlive() {
        return !gate.isClosed;
      },
      get isPaused() {
        return gate.isPaused;
      },
    };
  }

  /** A timer behind a gate; taken back, it does not run, be it under way or held at the gate. */
  #after(delayMs: number, gate: Gate, fn: () => void): () => void {
    let isTakenBack = false;
    const run = () => {
      if (!isTakenBack) fn();
    };
    const cancel = this.#queue.add(this.#elapsedMs + delayMs, () => gate.pass(run));
    return () => {
      isTakenBack = true;
      cancel();
    };
  }

  async settle(): Promise<void> {
    // The caller may come from the platform and not from a microtask; then the first tick would run before them all.
    await null;
    for (;;) {
      await noMicrotasksLeft();
      const due = this.#queue.takeDue(this.#elapsedMs);
      if (due !== undefined) {
        due();
        continue;
      }
      if (this.#soon.length === 0) return;
      const soon = this.#soon;
      this.#soon = [];
      for (const fn of soon) fn();
    }
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await this.settle();
    while (this.#step(untilMs)) await this.settle();
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
  }

  async runUntil(condition: () => boolean, maxMs: number): Promise<void> {
    if (await this.#stepUntil(condition, this.#elapsedMs + maxMs)) return;
    throw new Error(`What was waited for did not happen in ${maxMs} ms of virtual time: ${condition}`);
  }

  async reach(condition: () => boolean, maxMs: number): Promise<boolean> {
    const untilMs = this.#elapsedMs + maxMs;
    const isReached = await this.#stepUntil(condition, untilMs);
    if (!isReached) this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
    return isReached;
  }

  async #stepUntil(condition: () => boolean, untilMs: number): Promise<boolean> {
    await this.settle();
    while (!condition()) {
      if (!this.#step(untilMs)) return false;
      await this.settle();
    }
    return true;
  }

  pause(ms: number): void {
    this.#elapsedMs += ms;
  }

  stepClock(ms: number): void {
    this.#skewMs += ms;
  }

  /** Moves the clock to the next due time; false where there is none until then. */
  #step(untilMs: number): boolean {
    const nextAtMs = this.#queue.nextAtMs();
    if (nextAtMs === null || nextAtMs > untilMs) return false;
    this.#elapsedMs = Math.max(this.#elapsedMs, nextAtMs);
    return true;
  }

  #log(): Log {
    const at = (level: keyof Log) => (fields: Record<string, unknown>, message: string) =>
      void this.logged.push({ level, atMs: this.nowMs(), fields, message });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  /** One request: under way, served, answered, or ended before that by its deadline or its signal. */
  #request(timers: Timers, request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      let arrived = false;
      const end = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        cancelDeadline();
        request.signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const fail = (phase: HttpFault['phase'], code: string) =>
        end(() => reject(new HttpFault(phase, code, `The request ended by ${code}.`)));
      const cancelDeadline = timers.after(request.timeoutMs, () =>
        fail(arrived ? 'uncertain' : 'notSent', 'TIMEOUT'),
      );
      const onAbort = () => fail('uncertain', 'ABORTED');
      if (request.signal?.aborted) return onAbort();
      request.signal?.addEventListener('abort', onAbort);
      const served = this.#served.get(new URL(request.url).origin);
      if (served === undefined) return fail('notSent', 'ECONNREFUSED');
      const wait = (ms: number, then: () => void) => (ms <= 0 ? then() : void timers.after(ms, then));
      // What left the process arrives, whatever becomes of it.
      const travel = (ms: number, then: () => void) =>
        ms <= 0 ? then() : void this.#queue.add(this.#elapsedMs + Math.ceil(ms), then);
      travel(drawMs(this.random, served.options.networkMs), () => {
        arrived = true;
        const answer = served.serve(request, this.nowMs());
        wait(answer.delayMs, () => play(answer, wait, fail, (response) => end(() => resolve(response))));
      });
    });
  }
}

/** What stands between a process and everything that happens to it. */
class Gate {
  isClosed = false;
  isPaused = false;
  #held: (() => void)[] = [];

  pass(fn: () => void): void {
    if (this.isClosed) return;
    if (this.isPaused) this.#held.push(fn);
    else fn();
  }

  pause(): void {
    this.isPaused = true;
  }

  /** Hands on what was held, in the order in which it came. */
  resume(handOn: (fn: () => void) => void): void {
    this.isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const fn of held) handOn(() => this.pass(fn));
  }

  close(): void {
    this.isClosed = true;
    this.#held = [];
  }
}

function play(
  answer: VirtualAnswer,
  wait: (ms: number, then: () => void) => void,
  fail: (phase: HttpFault['phase'], code: string) => void,
  done: (response: HttpResponse) => void,
): void {
  if (answer.kind === 'response') done(answer.response);
  else if (answer.kind === 'lost') fail('uncertain', 'ECONNRESET');
  else if (answer.kind === 'lostAfterHeaders') wait(answer.stallMs, () => fail('uncertain', 'ECONNRESET'));
  else if (answer.kind === 'notSent') fail('notSent', answer.code);
  // By a timer of the process, so that no answer reaches a dead or paused one.
  else if (answer.kind === 'later') void answer.response.then((response) => wait(1, () => done(response)));
}

function drawMs(random: () => number, range: { minMs: number; maxMs: number } | undefined): number {
  return range === undefined ? 0 : range.minMs + random() * (range.maxMs - range.minMs);
}

/** Resolves when no microtask is left: the ticks of the platform come after all of them, and before any I/O. */
function noMicrotasksLeft(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
