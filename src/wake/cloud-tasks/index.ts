/**
 * Wakes as tasks of Google Cloud Tasks, which brings them back as requests to our own door. What is announced becomes a
 * task, now or for its time; a request that is at work on a conversation (`open`) takes what is announced of it meanwhile
 * itself, so the usual message is one task. A task says "look now" and nothing more: made twice it looks twice.
 *
 * A task for now has no name: making one is quicker without, and a used name stays taken for about an hour, which would
 * swallow the next message. A burst becomes two tasks instead: while one is being made, further announcements wait for one
 * more, since the first may have been served before they were stored. A task for a later time is named by the hash of
 * what it says and of that time, so that all processes together make one.
 *
 * The work of a conversation itself is handed to `here`, a wake inside this process. To add a reason to come back at a
 * time, announce it (`announce`) with a body of `task-body.ts`.
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { Fault, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { Urgency, Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import { AccessTokens } from './access-token.ts';
import type { Credentials } from './credentials.ts';
import { type DoorRules, DoorTokens } from './door-token.ts';
import { type TaskBody, writeBody } from './task-body.ts';
import { TasksApi } from './tasks-api.ts';

export { type DoorReason, DoorTokens, type DoorVerdict } from './door-token.ts';
export { type Look, readBody, type TaskBody } from './task-body.ts';
export type { Credentials };

export interface CloudTasksOptions extends DoorRules {
  apiUrl: string;
  queue: string;
  targetUrl: string;
  credentials: Credentials;
}

export interface CloudTasksParts {
  world: World;
  telemetry: Telemetry;
  /** Serves this process while a request is at work. */
  here: Wake;
}

/** What this process still has to do with a conversation, as far as wakes tell. */
export interface HereState {
  isBusy: boolean;
  /** A look that is due later, in this process. */
  untilMs: number | null;
}

export interface CloudTasksWake extends Wake {
  announced(refs?: readonly ConversationRef[]): Promise<void>;
  /** Makes a task of it. */
  announce(body: TaskBody, atMs?: number): void;
  /**
   * From here to `close` a request is at work on the conversation. Requests are counted. `isKept`: should this process die, the
   * queue brings the request again, so what is announced meanwhile needs no task of its own.
   */
  open(ref: ConversationRef, isKept: boolean): void;
  close(ref: ConversationRef, isKept: boolean): void;
  isOpen(ref: ConversationRef): boolean;
  stateOf(ref: ConversationRef): HereState;
  /** Told when what `stateOf` says of a conversation has changed. */
  onChange(listener: (ref: ConversationRef) => void): void;
  readonly door: DoorTokens;
}

export function createCloudTasksWake(options: CloudTasksOptions, parts: CloudTasksParts): CloudTasksWake {
  return new TaskWake(options, parts);
}

/** Named tasks that this process remembers to have made: a few minutes of a busy one. */
const namesKept = 10_000;

interface Making {
  /** Of the task that is being made, and of the one that follows where more was announced meanwhile. */
  current: Promise<void>;
  next: Promise<void> | null;
}

class TaskWake implements CloudTasksWake {
  readonly door: DoorTokens;
  readonly #parts: CloudTasksParts;
  readonly #api: TasksApi;
  readonly #making = new Map<string, Making>();
  readonly #pendingOf = new Map<string, Set<Promise<void>>>();
  readonly #names = new Set<string>();
  readonly #queue: (() => void)[] = [];
  readonly #open = new Map<string, number>();
  /** Of them those that the queue would bring again. */
  readonly #kept = new Map<string, number>();
  readonly #readyHere = new Set<string>();
  readonly #laterHere = new Map<string, number>();
  readonly #looking = new Map<string, number>();
  #inFlight = 0;
  #isAway = false;
  #stopped = false;
  #changed: (ref: ConversationRef) => void = () => {};

  constructor(options: CloudTasksOptions, parts: CloudTasksParts) {
    this.#parts = parts;
    this.door = new DoorTokens(parts.world, options);
    const tokens = new AccessTokens(parts.world, options.credentials);
    this.#api = new TasksApi({ ...options, world: parts.world, tokens });
  }

  notify(ref: ConversationRef, atMs?: number, urgency?: Urgency): void {
    const key = keyOf(ref);
    const nowMs = this.#parts.world.clock.nowMs();
    const isLater = atMs !== undefined && atMs > nowMs;
    const isNear = !isLater || atMs - nowMs <= limits.inRequestWaitMaxMs;
    // A process that stops looks at nothing more: its wakes are for the others.
    if (this.#stopped || !isNear || !this.#open.has(key)) {
      this.announce({ kind: 'conversation', ref, sends: [] }, isLater ? atMs : undefined);
      return;
    }
    if (!this.#kept.has(key))
      this.announce({ kind: 'conversation', ref, sends: [] }, isLater ? atMs : undefined);
    if (isLater) this.#laterHere.set(key, atMs);
    else {
      this.#laterHere.delete(key);
      this.#readyHere.add(key);
    }
    this.#parts.here.notify(ref, atMs, urgency);
    this.#changed(ref);
  }

  announce(body: TaskBody, atMs?: number): void {
    const { clock } = this.#parts.world;
    // Beyond Google's horizon the store keeps it, and the sweep finds it when it is due.
    if (atMs !== undefined && atMs - clock.nowMs() > limits.taskHorizonMs) return;
    const key = body.kind === 'conversation' ? keyOf(body.ref) : '';
    const text = writeBody(body);
    const made = atMs === undefined ? this.#makeNow(text) : this.#makeFor(text, atMs);
    if (made === null) return;
    const pending = this.#pendingOf.get(key) ?? new Set();
    this.#pendingOf.set(key, pending.add(made));
    // Whoever waits for it sees it fail; where nobody does, it was counted and told, and the sweep finds the rest.
    made
      .catch(() => {})
      .then(() => {
        pending.delete(made);
        if (pending.size === 0 && this.#pendingOf.get(key) === pending) this.#pendingOf.delete(key);
      });
  }

  async announced(refs?: readonly ConversationRef[]): Promise<void> {
    const keys = refs === undefined ? [...this.#pendingOf.keys()] : new Set(refs.map(keyOf));
    const pending = [...keys].flatMap((key) => [...(this.#pendingOf.get(key) ?? [])]);
    if (pending.length > 0) await Promise.all(pending);
  }

  #makeNow(text: string): Promise<void> {
    const making = this.#making.get(text);
    if (making !== undefined) {
      making.next ??= making.current.catch(() => {}).then(() => this.#make({ body: text }));
      return making.next;
    }
    const first: Making = { current: this.#make({ body: text }), next: null };
    this.#making.set(text, first);
    const done = (): void => {
      if (first.next === null) this.#making.delete(text);
      else {
        first.current = first.next;
        first.next = null;
        first.current.then(done, done);
      }
    };
    first.current.then(done, done);
    return first.current;
  }

  /** Null where this process has made it before, or is making it. */
  #makeFor(text: string, atMs: number): Promise<void> | null {
    const name = createHash('sha256').update(`${text}\n${atMs}`).digest('hex');
    if (this.#names.has(name)) return null;
    this.#names.add(name);
    const [oldest] = this.#names;
    if (this.#names.size > namesKept && oldest !== undefined) this.#names.delete(oldest);
    return this.#make({ body: text, name, atMs }).catch((error: unknown) => {
      this.#names.delete(name);
      throw error;
    });
  }

  async #make(task: { body: string; name?: string; atMs?: number }): Promise<void> {
    if (this.#inFlight >= limits.tasksMakingMax)
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#inFlight += 1;
    try {
      const result = await this.#api.make(task);
      this.#parts.telemetry.count('nightdesk_wake_tasks_total', { result });
      this.#note(null);
    } catch (error) {
      this.#parts.telemetry.count('nightdesk_wake_tasks_total', { result: 'failed' });
      this.#note(outlineOf(error));
      throw new Fault('wakeUnavailable', outlineOf(error), { retryAfterMs: limits.retryAfterMs });
    } finally {
      const following = this.#queue.shift();
      if (following === undefined) this.#inFlight -= 1;
      else following();
    }
  }

  /** An operator hears once that no tasks can be made, and once that they can again. */
  #note(failed: string | null): void {
    if (this.#isAway === (failed !== null)) return;
    this.#isAway = failed !== null;
    const { log } = this.#parts.world;
    if (failed === null) log.warn({}, 'Tasks can be made again.');
    else {
      this.#parts.telemetry.count('nightdesk_alerts_total', { reason: 'wakeUnavailable' });
      log.error({ err: failed }, 'Conversations cannot be woken now; webhooks are answered 503.');
    }
  }

  open(ref: ConversationRef, isKept: boolean): void {
    for (const counts of isKept ? [this.#open, this.#kept] : [this.#open]) add(counts, keyOf(ref), 1);
  }

  close(ref: ConversationRef, isKept: boolean): void {
    for (const counts of isKept ? [this.#open, this.#kept] : [this.#open]) add(counts, keyOf(ref), -1);
  }

  isOpen(ref: ConversationRef): boolean {
    return this.#open.has(keyOf(ref));
  }

  stateOf(ref: ConversationRef): HereState {
    const key = keyOf(ref);
    const isBusy = this.#readyHere.has(key) || (this.#looking.get(key) ?? 0) > 0;
    return { isBusy, untilMs: this.#laterHere.get(key) ?? null };
  }

  onChange(listener: (ref: ConversationRef) => void): void {
    this.#changed = listener;
  }

  next(max: number): ConversationRef[] {
    return this.#parts.here.next(max).filter((ref) => {
      const key = keyOf(ref);
      this.#readyHere.delete(key);
      this.#laterHere.delete(key);
      if (this.#open.has(key)) {
        add(this.#looking, key, 1);
        return true;
      }
      // Its request was given up meanwhile, and nothing is done outside of one.
      this.#parts.here.looked(ref);
      this.announce({ kind: 'conversation', ref, sends: [] });
      return false;
    });
  }

  looked(ref: ConversationRef): void {
    add(this.#looking, keyOf(ref), -1);
    this.#parts.here.looked(ref);
    this.#changed(ref);
  }

  onReady(listener: () => void): void {
    this.#parts.here.onReady(listener);
  }

  depth(): number {
    return this.#parts.here.depth();
  }

  health() {
    return { driver: 'cloud-tasks', state: this.#isAway ? ('away' as const) : ('here' as const) };
  }

  stop(): void | Promise<void> {
    this.#stopped = true;
    return this.#parts.here.stop();
  }
}

/** What is counted to nothing is not there. */
function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

const keyOf = ({ tenantId, conversationId }: ConversationRef): string => `${tenantId}\n${conversationId}`;
