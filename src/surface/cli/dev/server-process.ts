/**
 * The life of the server: there is always at most one that serves, and beside it a spare one that has loaded our own code and
 * waits. One loop holds all of it: load the next, let the present one stop, let the next go, wait until something changes or it dies.
 * `restart`, `stop` and `kill` only leave a wish and nudge the loop.
 *
 * A next one that refuses the bot's files changes nothing: the present one goes on, and where there is none, the loop waits
 * for the next change. Only an environment that cannot work ends the loop with exit code 2 as long as no server was ever ready;
 * starting again would only repeat it.
 */
import type { RealWorld } from '#runtime/world/real-world.ts';
import { exitCodes } from '../exit-codes.ts';
import type { StandbyNotice } from '../standby.ts';
import { isPortFree } from './addresses.ts';
import { type End, ServerChild } from './server-child.ts';

export interface ServerStart {
  env: Record<string, string | undefined>;
  host: string;
  port: number;
}

export type Refusal = Extract<StandbyNotice, { kind: 'refused' }>;

/** How long a restart took, from the change, and how long of that nobody served. */
export interface Restarted {
  tookMs: number;
  awayMs: number;
}

export interface ServerProcessOptions {
  world: Pick<RealWorld, 'clock' | 'timers' | 'http'>;
  say: (line: string) => void;
  stopDeadlineMs: number;
  /** Asked before each start. */
  prepare: () => Promise<ServerStart>;
  /** Told which files each next server has loaded, or tried to. */
  onLoaded: (files: readonly string[], refusal: Refusal | null) => void;
  /** Told when a server goes, before it opens anything. */
  onStarting: (child: ServerChild) => void;
  /** Told each time the server answers that it is ready; null where nobody asked for the start. */
  onReady: (restarted: Restarted | null) => Promise<void>;
}

const pollMs = 20;
const pollTimeoutMs = 1_000;
/** A server that finds its port taken says so and ends within this time. */
const refusalMs = 3_000;
const pauseFirstMs = 250;
const pauseMaxMs = 10_000;
/** A server that ran this long has recovered from whatever ended the one before. */
const healthyMs = 10_000;

interface Loaded {
  child: ServerChild;
  start: ServerStart;
}

export class ServerProcess {
  readonly #options: ServerProcessOptions;
  #current: ServerChild | null = null;
  #next: ServerChild | null = null;
  #spare: { child: ServerChild; env: string } | null = null;
  #isStopping = false;
  /** When somebody first wished for the restart that is under way. */
  #wishedAtMs: number | null = null;
  /** A change that no server has loaded yet. */
  #isChanged = false;
  #nudge = (): void => {};
  #wasEverReady = false;
  #readyAtMs: number | null = null;
  #failures = 0;

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  /** Until `stop`, or until the server refuses its environment; returns the exit code. */
  async run(): Promise<number> {
    while (!this.#isStopping) {
      const loaded = await this.#load();
      if (loaded === 'hopeless') return exitCodes.badUse;
      if (loaded === 'refused') await this.#untilChange(this.#current);
      if (loaded === 'refused' || loaded === 'outdated') continue;
      const end = await this.#serve(loaded);
      if (end === null || this.#isStopping) continue;
      if (!this.#wasEverReady && end.code === exitCodes.badUse) return exitCodes.badUse;
      await this.#pauseAfter(end);
    }
    await this.#endAll();
    return exitCodes.ok;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  /** `afresh` where what a process reads when it begins has changed, too. */
  restart(why: string, { afresh }: { afresh: boolean } = { afresh: false }): void {
    if (this.#isStopping) return;
    if (afresh) this.#dropSpare();
    this.#options.say(`${why}: starting the server again.`);
    this.#wishedAtMs ??= this.#options.world.clock.monotonicMs();
    this.#isChanged = true;
    this.#failures = 0;
    this.#nudge();
  }

  stop(): void {
    this.#isStopping = true;
    this.#nudge();
  }

  /** By force; the process that was killed, or null where none serves. */
  kill(): number | null {
    const child = this.#current;
    if (child?.isAlive !== true) return null;
    child.signal('SIGKILL');
    return child.pid ?? null;
  }

  /** The next server, loaded and standing by. */
  async #load(): Promise<Loaded | 'outdated' | 'refused' | 'hopeless'> {
    const { prepare, onLoaded, say } = this.#options;
    const start = await prepare();
    if (this.#isStopping) return 'outdated';
    this.#isChanged = false;
    const child = this.#takeSpare(start) ?? new ServerChild(start.env);
    this.#next = child;
    child.load();
    const notice = await Promise.race([child.notice, this.#untilNudged(child.ended)]);
    if (this.#isStopping || this.#isChanged) {
      child.signal('SIGKILL');
      return 'outdated';
    }
    if (notice?.kind === 'configured') {
      onLoaded(notice.files, null);
      return { child, start };
    }
    const end = await child.ended;
    this.#next = null;
    const isServing = this.#current?.isAlive === true;
    if (!isServing && !this.#wasEverReady && end.code === exitCodes.badUse && !notice?.place)
      return 'hopeless';
    if (notice === null && !isServing) {
      await this.#pauseAfter(end);
      return 'outdated';
    }
    this.#wishedAtMs = null;
    if (notice !== null) onLoaded(notice.files, notice);
    say(
      isServing
        ? 'That was refused, see above. The server goes on as it was, and the next change is tried.'
        : 'That was refused, see above. No server runs until the next change; messages wait meanwhile and are not lost.',
    );
    return 'refused';
  }

  /** Lets the present server stop and the next one go; its end, or null where a change asks for another one. */
  async #serve({ child, start }: Loaded): Promise<End | null> {
    const { world, onReady, say } = this.#options;
    const startedMs = world.clock.monotonicMs();
    await this.#endCurrent();
    if (this.#isStopping) return null;
    const mayAnswerAtOnce = await isPortFree(start.host.replace(/^\[|\]$/g, ''), start.port).catch(
      () => true,
    );
    this.#current = child;
    this.#next = null;
    this.#readyAtMs = null;
    this.#options.onStarting(child);
    child.go();
    // Whoever holds the port might answer in the place of a server that is about to refuse it.
    if (!mayAnswerAtOnce) await Promise.race([child.ended, this.#wait(refusalMs)]);
    if (await this.#becomesReady(child, start)) {
      const nowMs = world.clock.monotonicMs();
      const wishedAtMs = this.#wishedAtMs;
      this.#wishedAtMs = null;
      this.#wasEverReady = true;
      this.#readyAtMs = nowMs;
      const restarted =
        wishedAtMs === null ? null : { tookMs: nowMs - wishedAtMs, awayMs: nowMs - startedMs };
      await onReady(restarted).catch((error: Error) => say(`! ${error.message}`));
      this.#keepSpare(start);
    }
    if (child.isAlive) await this.#untilChange(child);
    return child.isAlive ? null : await child.ended;
  }

  /** False where the child ended before, or is wanted no more. */
  async #becomesReady(child: ServerChild, { host, port }: ServerStart): Promise<boolean> {
    const { http } = this.#options.world;
    const url = `http://${host}:${port}/readyz`;
    while (child.isAlive && !this.#isStopping) {
      const answer = await http
        .request({ purpose: null, method: 'GET', url, headers: {}, timeoutMs: pollTimeoutMs })
        .catch(() => null);
      if (child.isAlive && answer?.status === 200) return true;
      await this.#wait(pollMs);
    }
    return false;
  }

  async #endCurrent(): Promise<void> {
    const { world, say, stopDeadlineMs } = this.#options;
    const child = this.#current;
    if (child === null || !child.isAlive) return;
    child.signal('SIGTERM');
    const cancelKill = world.timers.after(stopDeadlineMs, () => {
      say(`The server did not stop within ${stopDeadlineMs} ms, so it is killed. Nothing is lost by that.`);
      child.signal('SIGKILL');
    });
    await child.ended;
    cancelKill();
  }

  async #endAll(): Promise<void> {
    this.#next?.signal('SIGKILL');
    this.#dropSpare();
    await this.#endCurrent();
  }

  #keepSpare({ env }: ServerStart): void {
    if (this.#spare !== null || this.#isStopping) return;
    this.#spare = { child: new ServerChild(env), env: JSON.stringify(env) };
  }

  /** The spare, where it was started with what is wanted now. */
  #takeSpare({ env }: ServerStart): ServerChild | null {
    const spare = this.#spare;
    if (spare === null) return null;
    if (!spare.child.isAlive || spare.env !== JSON.stringify(env)) {
      this.#dropSpare();
      return null;
    }
    this.#spare = null;
    return spare.child;
  }

  #dropSpare(): void {
    this.#spare?.child.signal('SIGKILL');
    this.#spare = null;
  }

  async #pauseAfter(end: End): Promise<void> {
    if (this.#isChanged || this.#isStopping) return;
    const { world, say } = this.#options;
    const ranMs = this.#readyAtMs === null ? 0 : world.clock.monotonicMs() - this.#readyAtMs;
    this.#failures = ranMs > healthyMs ? 1 : this.#failures + 1;
    const pauseMs = Math.min(pauseMaxMs, pauseFirstMs * 2 ** (this.#failures - 1));
    say(
      `The server ${howItEnded(end)}. It is started again in ${pauseMs} ms; messages wait meanwhile and are not lost.`,
    );
    await this.#untilNudged(this.#wait(pauseMs));
  }

  /** Until there is something new to start, or nobody serves any more. */
  async #untilChange(child: ServerChild | null): Promise<void> {
    if (this.#isChanged || this.#isStopping) return;
    await this.#untilNudged(child?.isAlive === true ? child.ended : new Promise(() => {}));
  }

  /** Until somebody wishes something, or until `other`. */
  async #untilNudged(other: Promise<unknown>): Promise<null> {
    const nudged = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([nudged, other]);
    return null;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.world.timers.after(delayMs, resolve));
  }
}

function howItEnded({ code, signal }: End): string {
  if (signal !== null) return `was ended by ${signal}`;
  if (code === exitCodes.badUse) return 'refused its configuration (exit code 2, see above)';
  return `ended with exit code ${code}`;
}
