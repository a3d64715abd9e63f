/**
 * One queue of the look-alike of Cloud Tasks: tasks wait for their time, leave at the queue's rate, and are attempted until
 * an attempt ends in 2xx; a used name stays taken for a while. Pure: times and ends go in, attempts come out. Delivery is at
 * least once: told to, it attempts a task again that was done.
 * Source: cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues (RateLimits, RetryConfig).
 */
import type { WantedTask } from './task-reading.ts';
import type { TasksSettings } from './tasks-settings.ts';

export interface QueuedTask extends WantedTask {
  readonly name: string;
  readonly createdAtMs: number;
  /** When it may be attempted next. */
  dueAtMs: number;
  dispatches: number;
  /** Answers of any status. */
  responses: number;
  lastStatus: number | null;
  inFlight: number;
  /** It is over, or was deleted, while an attempt was under way. */
  isOver: boolean;
}

export interface AttemptEnd {
  /** Null where there was no answer in time. */
  status: number | null;
  retryAfterMs?: number;
}

export class TaskQueue {
  readonly name: string;
  isPaused = false;
  readonly #settings: () => TasksSettings;
  readonly #tasks = new Map<string, QueuedTask>();
  /** Names that are taken, and until when. */
  readonly #taken = new Map<string, number>();
  #inFlight = 0;
  #bucket: { tokens: number; atMs: number } | null = null;

  constructor(name: string, settings: () => TasksSettings) {
    this.name = name;
    this.#settings = settings;
  }

  list(): QueuedTask[] {
    return [...this.#tasks.values()];
  }

  get(name: string): QueuedTask | undefined {
    return this.#tasks.get(name);
  }

  isTaken(name: string, nowMs: number): boolean {
    return this.#tasks.has(name) || (this.#taken.get(name) ?? 0) > nowMs;
  }

  add(task: WantedTask & { name: string }, nowMs: number, dispatchMs: number): QueuedTask {
    const counts = { dispatches: 0, responses: 0, lastStatus: null, inFlight: 0, isOver: false };
    const queued = { ...task, ...counts, createdAtMs: nowMs, dueAtMs: task.scheduleAtMs + dispatchMs };
    this.#tasks.set(task.name, queued);
    return queued;
  }

  delete(name: string, nowMs: number): boolean {
    const task = this.#tasks.get(name);
    if (!task) return false;
    task.isOver = true;
    this.#tasks.delete(name);
    this.#taken.set(name, nowMs + this.#settings().nameKeptMs);
    return true;
  }

  purge(nowMs: number): void {
    for (const { name } of this.list()) this.delete(name, nowMs);
  }

  /** Attempts it once more, as at-least-once delivery may. */
  repeat(task: QueuedTask, atMs: number): void {
    this.#tasks.set(task.name, { ...task, isOver: false, inFlight: 0, dueAtMs: atMs });
  }

  /** When a task may leave next; null where nothing waits, or the queue does. */
  nextDueAtMs(nowMs: number): number | null {
    if (this.isPaused || this.#inFlight >= this.#settings().rate.concurrentMax) return null;
    let next: number | null = null;
    for (const { dueAtMs, inFlight } of this.#tasks.values())
      if (inFlight === 0 && (next === null || dueAtMs < next)) next = dueAtMs;
    return next === null ? null : Math.max(next, this.#tokenAtMs(nowMs));
  }

  /** The tasks that leave now. */
  take(nowMs: number): QueuedTask[] {
    const { rate } = this.#settings();
    if (this.isPaused) return [];
    const due = this.list()
      .filter(({ dueAtMs, inFlight }) => inFlight === 0 && dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs);
    const taken: QueuedTask[] = [];
    for (const task of due) {
      if (this.#inFlight >= rate.concurrentMax || this.#tokenAtMs(nowMs) > nowMs) break;
      if (this.#bucket !== null) this.#bucket.tokens -= 1;
      this.#inFlight += 1;
      task.inFlight += 1;
      task.dispatches += 1;
      taken.push(task);
    }
    return taken;
  }

  /** When it is attempted again; null where it is over. */
  ended(task: QueuedTask, end: AttemptEnd, nowMs: number): number | null {
    this.#inFlight -= 1;
    task.inFlight -= 1;
    task.lastStatus = end.status;
    if (end.status !== null) task.responses += 1;
    if (task.isOver) return null;
    const isDone = end.status !== null && end.status >= 200 && end.status < 300;
    if (isDone || task.dispatches >= this.#settings().retry.attemptsMax) {
      this.delete(task.name, nowMs);
      return null;
    }
    task.dueAtMs = nowMs + Math.max(this.#backoffMs(task.dispatches), end.retryAfterMs ?? 0);
    return task.dueAtMs;
  }

  /** Doubles `doublingsMax` times, then grows by that much each time, up to the maximum. */
  #backoffMs(failures: number): number {
    const { backoffMinMs, backoffMaxMs, doublingsMax } = this.#settings().retry;
    const doublings = Math.min(failures - 1, doublingsMax);
    const doubled = backoffMinMs * 2 ** doublings;
    return Math.min(backoffMaxMs, doubled * (1 + (failures - 1 - doublings)));
  }

  #tokenAtMs(nowMs: number): number {
    const { perSecond, burst } = this.#settings().rate;
    const before = this.#bucket ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, before.tokens + ((nowMs - before.atMs) / 1_000) * perSecond);
    this.#bucket = { tokens, atMs: nowMs };
    return tokens >= 1 ? nowMs : nowMs + Math.ceil(((1 - tokens) / perSecond) * 1_000);
  }
}
