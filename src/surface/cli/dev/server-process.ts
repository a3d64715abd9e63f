/**
 * The life of the server as a child process: it is started, becomes ready, ends, and is started again, at once when
 * somebody asked for it and with growing pauses when it died. One loop holds all of it; `restart`, `stop` and `kill` only
 * leave a wish and nudge the loop.
 *
 * A child that ends with exit code 2 before it was ever ready has said what is wrong with the configuration; starting it
 * again would only repeat that, so the loop ends with the same code. The child stands in a process group of its own: a
 * Ctrl-C reaches the supervisor alone, which stops the child in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { RealWorld } from '#runtime/world/real-world.ts';
import { exitCodes } from '../exit-codes.ts';
import { isPortFree } from './addresses.ts';

export interface ServerStart {
  env: Record<string, string | undefined>;
  host: string;
  port: number;
}

export interface ServerProcessOptions {
  world: Pick<RealWorld, 'clock' | 'timers' | 'http'>;
  say: (line: string) => void;
  stopDeadlineMs: number;
  /** Asked before each start. */
  prepare: () => Promise<ServerStart>;
  /** Told each time the server answers that it is ready. */
  onReady: () => Promise<void>;
}

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const pollMs = 50;
const pollTimeoutMs = 1_000;
/** A server that finds its port taken says so and ends within this time. */
const refusalMs = 3_000;
const pauseFirstMs = 250;
const pauseMaxMs = 10_000;
/** A server that ran this long has recovered from whatever ended the one before. */
const healthyMs = 10_000;

export class ServerProcess {
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | null = null;
  #isStopping = false;
  /** Why somebody wants a restart. */
  #restartFor: string | null = null;
  #wasEverReady = false;
  #readyAtMs: number | null = null;
  #failures = 0;
  #endPause = (): void => {};
  #cancelKill = (): void => {};

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  /** Until `stop`, or until the server refuses its configuration; returns the exit code. */
  async run(): Promise<number> {
    while (!this.#isStopping) {
      const end = await this.#live();
      if (this.#isStopping) break;
      if (!this.#wasEverReady && end.code === exitCodes.badUse) return exitCodes.badUse;
      await this.#pauseAfter(end);
    }
    return exitCodes.ok;
  }

  restart(why: string): void {
    if (this.#isStopping || this.#restartFor !== null) return;
    this.#restartFor = why;
    this.#endChild();
  }

  stop(): void {
    this.#isStopping = true;
    this.#endChild();
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #endChild(): void {
    const child = this.#child;
    this.#endPause();
    if (child === null) return;
    child.kill('SIGTERM');
    const { world, say, stopDeadlineMs } = this.#options;
    this.#cancelKill();
    this.#cancelKill = world.timers.after(stopDeadlineMs, () => {
      say(`The server did not stop within ${stopDeadlineMs} ms, so it is killed. Nothing is lost by that.`);
      child.kill('SIGKILL');
    });
  }

  /** One child, from its start to its end. */
  async #live(): Promise<End> {
    const { prepare, onReady, say } = this.#options;
    const start = await prepare();
    const mayAnswerAtOnce = await isPortFree(start.host.replace(/^\[|\]$/g, ''), start.port).catch(
      () => true,
    );
    if (this.#isStopping) return { code: exitCodes.ok, signal: null };
    this.#restartFor = null;
    this.#readyAtMs = null;
    const child = spawn(
      process.execPath,
      [...process.execArgv, process.argv[1]!, 'start', '--until-stdin-ends'],
      { env: start.env, stdio: ['pipe', 'inherit', 'inherit'], detached: true },
    );
    this.#child = child;
    // Nothing is written there; the pipe only has to be open.
    child.stdin?.on('error', () => {});
    const ended = new Promise<End>((resolve) => {
      child.once('error', () => resolve({ code: exitCodes.failed, signal: null }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    void ended.then(() => {
      this.#child = null;
      this.#cancelKill();
    });
    // Whoever holds the port might answer in the place of a server that is about to refuse it.
    if (!mayAnswerAtOnce) await Promise.race([ended, this.#wait(refusalMs)]);
    if (await this.#becomesReady(child, start)) {
      this.#wasEverReady = true;
      this.#readyAtMs = this.#options.world.clock.monotonicMs();
      await onReady().catch((error: Error) => say(`! ${error.message}`));
    }
    return ended;
  }

  /** False where the child ended before. */
  async #becomesReady(child: ChildProcess, { host, port }: ServerStart): Promise<boolean> {
    const { http } = this.#options.world;
    while (this.#child === child) {
      const answer = await http
        .request({
          purpose: null,
          method: 'GET',
          url: `http://${host}:${port}/readyz`,
          headers: {},
          timeoutMs: pollTimeoutMs,
        })
        .catch(() => null);
      if (this.#child === child && answer?.status === 200) return true;
      await this.#wait(pollMs);
    }
    return false;
  }

  async #pauseAfter(end: End): Promise<void> {
    const { world, say } = this.#options;
    if (this.#restartFor !== null) {
      say(`${this.#restartFor}: starting the server again.`);
      this.#failures = 0;
      return;
    }
    const ranMs = this.#readyAtMs === null ? 0 : world.clock.monotonicMs() - this.#readyAtMs;
    this.#failures = ranMs > healthyMs ? 1 : this.#failures + 1;
    const pauseMs = Math.min(pauseMaxMs, pauseFirstMs * 2 ** (this.#failures - 1));
    say(
      `The server ${howItEnded(end)}. It is started again in ${pauseMs} ms; messages wait meanwhile and are not lost.`,
    );
    await new Promise<void>((resolve) => {
      const cancel = world.timers.after(pauseMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
    this.#endPause = () => {};
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
