/**
 * What wakes the processes of a run: they themselves, a Redis of the run's own, or the look-alike of Cloud Tasks with the calls of a
 * scheduler. To let a run be woken otherwise, add its name to `wakes` and how it is opened to `openings`.
 */
import type { Simulator } from '#simulator/index.ts';
import { email, environmentOf } from '../../wake/cloud-tasks/stage.ts';
import { freePort, pause } from '../server-process.ts';
import { diedOverIt } from './balancer.ts';
import { OwnRedis } from './own-redis.ts';

export const wakes = ['local', 'bullmq', 'cloud-tasks'] as const;
export type WakeName = (typeof wakes)[number];

export interface OwnQueue {
  /** Of the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Where wakes come in as requests, if they do. */
  readonly wakePort?: number;
  /** It is killed, and comes back empty; null where it cannot be. */
  readonly crash: (() => Promise<void>) | null;
  /** What it does by itself once the servers are there. */
  serve(): void;
  /** From now on it does what queues do at their worst. */
  setFaults(): void;
  /** What befell it; none of it may be 0. */
  counts(): Record<string, number>;
  close(): Promise<void>;
}

export interface QueueOptions {
  /** Of the scheduler of Cloud Tasks; once a minute if absent, as docs/cloud-run.md has it. */
  sweepCallsEveryMs?: number;
}

type Open = (simulator: Simulator, options: QueueOptions) => Promise<OwnQueue>;

export const openQueue = (wake: WakeName, simulator: Simulator, options: QueueOptions = {}) =>
  openings[wake](simulator, options);

const openings: Readonly<Record<WakeName, Open>> = {
  local: async () => ({
    ...{ env: { WAKE: 'local' }, crash: null },
    serve() {},
    setFaults() {},
    counts: () => ({}),
    close: async () => {},
  }),
  async bullmq() {
    const redis = await OwnRedis.start();
    return {
      env: { WAKE: 'bullmq', REDIS_URL: redis.url },
      crash: () => redis.crash(),
      serve() {},
      setFaults() {},
      counts: () => ({ 'empty restarts of Redis': redis.restarts }),
      close: () => redis.stop(),
    };
  },
  async 'cloud-tasks'(simulator, { sweepCallsEveryMs = 60_000 }) {
    const { tasks, meta } = simulator;
    const wakePort = await freePort();
    const url = `http://127.0.0.1:${wakePort}`;
    // The queue of docs/cloud-run.md.
    tasks.set({
      rate: { perSecond: 500, concurrentMax: 500 },
      retry: {
        attemptsMax: Number.MAX_SAFE_INTEGER,
        ...{ backoffMinMs: 1_000, backoffMaxMs: 60_000, doublingsMax: 6 },
      },
    });
    let triedAgain = 0;
    let diedOver = 0;
    const unlisten = meta.log.listen((event) => {
      if (event.kind !== 'taskAnswered') return;
      if (event.retryAtMs !== null) triedAgain += 1;
      if (event.httpStatus === diedOverIt) diedOver += 1;
    });
    const scheduler = new Scheduler(simulator, `${url}/internal/wake`, sweepCallsEveryMs);
    return {
      env: environmentOf(simulator, url),
      wakePort,
      crash: null,
      serve: () => scheduler.start(),
      setFaults: () =>
        void tasks.set({
          duplicate: { rate: 0.1, maxMs: 2_000 },
          ...{ loseAnswer: { rate: 0.03 }, unavailable: { rate: 0.03 }, hang: { rate: 0.01 } },
        }),
      counts() {
        const counters = meta.log.counters();
        return {
          'tasks made': counters.taskCreated ?? 0,
          'tasks that came twice': counters['fault.tasks.duplicate'] ?? 0,
          'tasks over which a process died': diedOver,
          'tasks tried again': triedAgain,
          'tasks whose making was not answered': counters['fault.tasks.loseAnswer'] ?? 0,
          'tasks that could not be made': counters['fault.tasks.unavailable'] ?? 0,
          'tasks whose making hung': counters['fault.tasks.hang'] ?? 0,
          'sweeps that the scheduler called for': scheduler.answered,
        };
      },
      async close() {
        unlisten();
        await scheduler.stop();
      },
    };
  },
};

/** Cloud Scheduler with one job: it calls again when its last call is over and the time has come. */
class Scheduler {
  readonly #simulator: Simulator;
  readonly #door: string;
  readonly #everyMs: number;
  #life: Promise<void> | null = null;
  readonly #stopping = new AbortController();
  /** Calls that were answered 200. */
  answered = 0;

  constructor(simulator: Simulator, door: string, everyMs: number) {
    this.#simulator = simulator;
    this.#door = door;
    this.#everyMs = everyMs;
  }

  start(): void {
    this.#life = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#life;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const nextMs = Date.now() + this.#everyMs;
      await this.#call();
      while (!signal.aborted && Date.now() < nextMs) await pause(100);
    }
  }

  async #call(): Promise<void> {
    const { tasks } = this.#simulator;
    const claims = { issuer: tasks.settings.issuer, audience: this.#door, email, nowMs: Date.now() };
    const answer = await fetch(this.#door, {
      method: 'POST',
      headers: { authorization: `Bearer ${tasks.tokens.identity(claims)}` },
      body: '{"sweep":true}',
      signal: this.#stopping.signal,
    }).catch(() => null);
    if (answer?.status === 200) this.answered += 1;
  }
}
