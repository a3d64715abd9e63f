/**
 * What stands beside the phone: the server's life, its moments, the clock that it shares with the simulator, the load, and
 * what is wrong with the bot. The supervisor tells it what happens; the page sees it and acts on it by `doors.ts`.
 */
import type { MovableWorld, RealWorld } from '#runtime/world/real-world.ts';
import type { Simulator } from '#simulator/index.ts';
import { callOwner } from '../../command-socket.ts';
import type { Addresses } from '../addresses.ts';
import type { Problem, Problems } from '../problems.ts';
import { type End, momentsFd, type ServerChild } from '../server-child.ts';
import { LiveStream } from './live-stream.ts';
import { Load, type LoadFigures } from './load.ts';
import { MomentBook, readMoments } from './moment-book.ts';
import { SharedClock } from './shared-clock.ts';

export interface ServerLife {
  state: 'starting' | 'ready' | 'stopped' | 'failed';
  pid: number | null;
  restarts: number;
  kills: number;
  /** When it came into this state. */
  sinceMs: number;
}

/** What is not known of a problem is left out. */
type ShownProblem = Pick<Problem, 'source' | 'text'> & { file?: string; line?: number };

export interface WorkbenchState {
  server: ServerLife;
  problems: ShownProblem[];
  clock: { nowMs: number; aheadMs: number };
  load: LoadFigures;
}

export interface WorkbenchOptions {
  /** The supervisor's own, which nobody moves. */
  world: Pick<RealWorld, 'clock' | 'timers'>;
  /** The simulator's. */
  simulated: MovableWorld;
  addresses: Addresses;
  problems: Problems;
  /** Whether its server tells moments and lets its clock be moved; a production one does not. */
  isObserved: boolean;
}

export class Workbench {
  readonly book: MomentBook;
  readonly stream: LiveStream;
  readonly clock: SharedClock;
  readonly load: Load;
  readonly #options: WorkbenchOptions;
  readonly #server: ServerLife;
  #starts = 0;
  #simulator: Simulator | null = null;
  #kill: () => number | null = () => null;

  constructor(options: WorkbenchOptions) {
    const { world, simulated, addresses, problems } = options;
    const { nowMs } = simulated.clock;
    const changed = (): void => this.stream.changed();
    this.#options = options;
    this.#server = { state: 'stopped', pid: null, restarts: 0, kills: 0, sinceMs: nowMs() };
    this.book = new MomentBook({ nowMs });
    problems.onChange(changed);
    this.stream = new LiveStream({ book: this.book, timers: world.timers, state: () => this.state() });
    this.load = new Load({
      ...{ nowMs, timers: world.timers, monotonicMs: world.clock.monotonicMs, onChange: changed },
      phoneNumberIds: async () => ((await this.#simulator?.control.numbers()) ?? []).map(({ id }) => id),
      say: async (said) => this.#simulator?.control.sayMany(said),
    });
    const { databasePath } = addresses;
    this.clock = new SharedClock({
      time: simulated.time,
      moveServer:
        options.isObserved && databasePath !== null
          ? (aheadMs) => callOwner(databasePath, 'clock.move', { aheadMs })
          : {
              refusal:
                'The clock of a server with NODE_ENV=production cannot be moved. Unset it to try that.',
            },
      onMoved: (byMs, aheadMs) => {
        this.book.note({ kind: 'clockMoved', byMs, aheadMs });
        changed();
      },
    });
  }

  state(): WorkbenchState {
    const nowMs = this.#options.simulated.clock.nowMs();
    return {
      server: { ...this.#server },
      problems: this.#options.problems.current().map(shown),
      clock: { nowMs, aheadMs: this.clock.aheadMs() },
      load: this.load.figures(),
    };
  }

  /** To be called once the simulator runs. */
  watch(simulator: Simulator): void {
    this.#simulator = simulator;
    simulator.meta.log.listen((event) => {
      this.book.simulated(event);
      this.load.see(event);
    });
  }

  onKill(kill: () => number | null): void {
    this.#kill = kill;
  }

  /** `kill -9`; the process, or null where none runs. */
  kill(): number | null {
    const pid = this.#kill();
    if (pid === null) return null;
    this.#server.kills += 1;
    this.book.note({ kind: 'serverKilled', pid });
    this.stream.changed();
    return pid;
  }

  /** What the server's environment gets, so that it lives at this time and tells its moments. */
  environment(): Record<string, string> {
    if (!this.#options.isObserved) return {};
    return { DEV_CLOCK_AHEAD_MS: String(this.clock.aheadMs()), DEV_MOMENTS_FD: String(momentsFd) };
  }

  serverStarting(child: ServerChild): void {
    const { pid = 0 } = child;
    this.#starts += 1;
    this.#server.restarts = this.#starts - 1;
    this.book.note({ kind: 'serverStarting', pid });
    this.#enter('starting', pid);
    // What it said last is read before its end is told.
    const read = readMoments(child.moments, (moment) => this.book.told(moment));
    void child.ended.then(async (end) => {
      this.#serverEnded(pid, end);
      await read;
      this.book.note({ kind: 'serverEnded', pid, ...end });
    });
  }

  async serverReady(): Promise<void> {
    await this.clock.tellServer();
    const { pid } = this.#server;
    if (pid === null) return;
    this.book.note({ kind: 'serverReady', pid });
    this.#enter('ready', pid);
  }

  /** The bot's files cannot be used; where a server runs, it goes on. */
  serverRefused(): void {
    if (this.#server.pid === null) this.#enter('failed', null);
  }

  close(): void {
    this.load.stop();
    this.stream.close();
  }

  #serverEnded(pid: number, { code, signal }: End): void {
    // The next one may have begun.
    if (this.#server.pid !== pid) return;
    this.#enter(signal === null && code !== 0 ? 'failed' : 'stopped', null);
  }

  #enter(state: ServerLife['state'], pid: number | null): void {
    Object.assign(this.#server, { state, pid, sinceMs: this.#options.simulated.clock.nowMs() });
    this.stream.changed();
  }
}

function shown({ source, text, file, line }: Problem): ShownProblem {
  return { source, text, ...(file === null ? {} : { file }), ...(line === null ? {} : { line }) };
}
