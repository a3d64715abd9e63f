/**
 * One server as a child process: it loads and stands by, goes when it is told to, and ends. It stands in a process group of
 * its own: a Ctrl-C reaches the supervisor alone, which stops the child in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { exitCodes } from '../exit-codes.ts';
import type { StandbyNotice } from '../standby.ts';

export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Where a server finds the pipe for its moments. */
export const momentsFd = 4;

export class ServerChild {
  readonly #process: ChildProcess;
  /** What it says when it has loaded; null where it ended without a word. */
  readonly notice: Promise<StandbyNotice | null>;
  readonly ended: Promise<End>;
  #isAlive = true;

  constructor(env: Record<string, string | undefined>) {
    this.#process = spawn(
      process.execPath,
      [...process.execArgv, process.argv[1]!, 'start', '--until-stdin-ends', '--standby'],
      { env, stdio: ['pipe', 'inherit', 'inherit', 'ipc', 'pipe'], detached: true },
    );
    // Nothing is written there; the pipe only has to be open.
    this.#process.stdin?.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const end = (how: End): void => {
        this.#isAlive = false;
        resolve(how);
      };
      this.#process.once('error', () => end({ code: exitCodes.failed, signal: null }));
      this.#process.once('exit', (code, signal) => end({ code, signal }));
    });
    this.notice = new Promise((resolve) => {
      this.#process.once('message', (words) => resolve(words as StandbyNotice));
      void this.ended.then(() => resolve(null));
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** What it tells of each message, until its end. */
  get moments(): Readable {
    return this.#process.stdio[momentsFd] as Readable;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It loads the bot's files as they are now. */
  load(): void {
    this.#tell('load');
  }

  /** It takes over: opens the database and the port. */
  go(): void {
    this.#tell('go');
  }

  /** A child that ended meanwhile says so by its end. */
  #tell(word: 'load' | 'go'): void {
    if (this.#process.connected) this.#process.send(word, () => {});
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#process.kill(name);
  }
}
