/**
 * What this process has under way for the conversations on which a request of the task queue is at work, so that the
 * request ends when, and only when, nothing is left to do now. The store is the truth, so what it says as work goes by is
 * what counts: a turn that was committed has started activities and made sends, a settled send frees the next, a wait
 * has its time. What waits for longer than a request may is told on (`later`) and forgotten here.
 * To add a kind of work, mark it where the store tells that it began, and take the mark away where it tells the end.
 */
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Granted, RunnableActivity, SendRef, SendsSettled, Store } from '#core/ports/store.ts';
import type { World } from '#core/ports/world.ts';
import type { CloudTasksWake, Look, TaskBody } from '#wake/cloud-tasks/index.ts';

type Wakes = Pick<CloudTasksWake, 'announce' | 'isOpen' | 'stateOf' | 'onChange'>;

export interface UnderWayParts {
  world: Pick<World, 'clock'>;
  wake: Wakes;
}

/** Where a conversation stands. `due` is what must be looked at, at that time, by whoever waits. */
export type Standing =
  | { kind: 'busy' }
  | { kind: 'waits'; untilMs: number; due: Look | null }
  | { kind: 'idle' }
  /** The store could not be asked: nobody knows. */
  | { kind: 'unknown' };

interface Marks {
  activities: Set<string>;
  sends: Set<string>;
  looks: Map<Look, number>;
  isUnknown: boolean;
}

export class UnderWay {
  readonly #parts: UnderWayParts;
  readonly #marks = new Map<string, Marks>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(parts: UnderWayParts) {
    this.#parts = parts;
    parts.wake.onChange((ref) => this.#changed(keyOf(ref)));
  }

  standingOf(ref: ConversationRef): Standing {
    const marks = this.#marks.get(keyOf(ref));
    if (marks?.isUnknown) return { kind: 'unknown' };
    const here = this.#parts.wake.stateOf(ref);
    if (here.isBusy || (marks !== undefined && marks.activities.size + marks.sends.size > 0))
      return { kind: 'busy' };
    let standing: Standing =
      here.untilMs === null ? { kind: 'idle' } : { kind: 'waits', untilMs: here.untilMs, due: null };
    for (const [due, untilMs] of marks?.looks ?? [])
      if (standing.kind === 'idle' || (standing.kind === 'waits' && untilMs < standing.untilMs))
        standing = { kind: 'waits', untilMs, due };
    return standing;
  }

  /** Calls `listener` when the standing of the conversation may have changed, until the returned function is called. */
  listen(ref: ConversationRef, listener: () => void): () => void {
    const key = keyOf(ref);
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  /** No request is at work on the conversation any more. What runs nevertheless the next one waits for, if it comes here. */
  forget(ref: ConversationRef): void {
    if (this.#parts.wake.isOpen(ref)) return;
    const marks = this.#marks.get(keyOf(ref));
    if (marks === undefined) return;
    marks.sends.clear();
    marks.looks.clear();
    marks.isUnknown = false;
    if (marks.activities.size === 0) this.#marks.delete(keyOf(ref));
  }

  begun(activities: readonly RunnableActivity[]): void {
    for (const { ref, activityId } of activities)
      this.#mark(ref, (marks) => void marks.activities.add(activityId));
  }

  /** Nothing of it runs here any more: its end is stored, or it was taken from us. */
  over({ ref, activityId }: RunnableActivity): void {
    this.#unmark(ref, (marks) => marks.activities.delete(activityId));
  }

  /** Sends that may leave: those on which a request is at work are the answer, the others are announced. */
  offered(sends: readonly SendRef[]): SendRef[] {
    const others = new Map<string, SendRef[]>();
    const here: SendRef[] = [];
    for (const send of sends) {
      if (this.#parts.wake.isOpen(send.ref)) {
        here.push(send);
        this.#mark(send.ref, (marks) => void marks.sends.add(send.sendId));
      } else others.set(keyOf(send.ref), [...(others.get(keyOf(send.ref)) ?? []), send]);
    }
    for (const [first, ...rest] of others.values())
      if (first !== undefined)
        this.#parts.wake.announce({ kind: 'conversation', ref: first.ref, sends: [first, ...rest] });
    return here;
  }

  /** A send that must wait for longer than a request may is brought again by a task for its time. */
  postpone(send: SendRef, atMs: number): boolean {
    if (atMs - this.#parts.world.clock.nowMs() <= limits.inRequestWaitMaxMs) return false;
    this.#later({ kind: 'conversation', ref: send.ref, sends: [send] }, atMs);
    this.#sendOver(send);
    return true;
  }

  /** Something of all conversations is due at `atMs`; a request that is at work on `ref` waits for it where it is near. */
  lookAt(at: Look, atMs: number, ref?: ConversationRef): void {
    const isNear = atMs - this.#parts.world.clock.nowMs() <= limits.inRequestWaitMaxMs;
    if (ref !== undefined && isNear && this.#parts.wake.isOpen(ref)) {
      this.#mark(ref, ({ looks }) => void looks.set(at, Math.min(looks.get(at) ?? atMs, atMs)));
      return;
    }
    // All that is due in one second has one task.
    const every = limits.taskLookEveryMs;
    this.#later({ kind: 'look', at }, Math.ceil(atMs / every) * every);
  }

  looked(ref: ConversationRef, at: Look): void {
    this.#unmark(ref, ({ looks }) => looks.delete(at));
  }

  /** The store as the stations are to see it. */
  watch(store: Store): Store {
    return overlay(store, {
      takeConversations: async (input) => {
        try {
          const taken = await store.takeConversations(input);
          // Whoever has it may be dead: when its lease is over somebody must look again.
          for (const each of taken)
            if (each.outcome === 'leased')
              this.#later({ kind: 'conversation', ref: each.ref, sends: [] }, this.#leaseOverAtMs());
          return taken;
        } catch (error) {
          for (const ref of input.refs) this.#unknown(ref);
          throw error;
        }
      },
      commitTurn: async (commit) => {
        const committed = await store.commitTurn(commit);
        if (committed.outcome !== 'committed') return committed;
        this.begun(committed.activities);
        for (const { dueAtMs } of commit.timers) this.lookAt('timers', dueAtMs, commit.lease.ref);
        return committed;
      },
      grantSends: async (request) => {
        try {
          const granted = await store.grantSends(request);
          for (const each of granted) this.#granted(each);
          return granted;
        } catch (error) {
          for (const { ref } of request.sends) this.#unknown(ref);
          throw error;
        }
      },
      settleSends: async (input) => {
        const settled = await store.settleSends(input);
        this.#settled(settled);
        for (const { send } of input.settlements)
          if (!settled.freed.some(({ sendId }) => sendId === send.sendId)) this.#sendOver(send);
        return { ...settled, uncertain: [] };
      },
      resolveUncertain: async (input) => {
        const resolved = await store.resolveUncertain(input);
        if (resolved.nextAtMs !== null) this.lookAt('uncertain', resolved.nextAtMs);
        return { ...resolved, nextAtMs: null };
      },
    });
  }

  /** All who meet a lease within its time come back at one time. */
  #leaseOverAtMs(): number {
    return (Math.floor(this.#parts.world.clock.nowMs() / limits.leaseTtlMs) + 2) * limits.leaseTtlMs;
  }

  #granted(each: Granted): void {
    const { send } = each;
    switch (each.outcome) {
      case 'granted':
      case 'wait':
        break;
      case 'withdrawn':
        this.#sendOver(send);
        if (each.next !== null) this.offered([each.next]);
        break;
      case 'blocked':
      case 'gone':
        this.#sendOver(send);
    }
  }

  #settled(settled: SendsSettled): void {
    for (const send of settled.freed)
      if (this.#parts.wake.isOpen(send.ref))
        this.#mark(send.ref, (marks) => void marks.sends.add(send.sendId));
    for (const { send, resolveAtMs } of settled.uncertain) this.lookAt('uncertain', resolveAtMs, send.ref);
  }

  #sendOver(send: SendRef): void {
    this.#unmark(send.ref, (marks) => marks.sends.delete(send.sendId));
  }

  #later(body: TaskBody, atMs: number): void {
    const { wake, world } = this.#parts;
    wake.announce(body, atMs > world.clock.nowMs() ? atMs : undefined);
  }

  #unknown(ref: ConversationRef): void {
    this.#mark(ref, (marks) => {
      marks.isUnknown = true;
    });
  }

  #mark(ref: ConversationRef, change: (marks: Marks) => void): void {
    if (!this.#parts.wake.isOpen(ref)) return;
    const key = keyOf(ref);
    let marks = this.#marks.get(key);
    if (marks === undefined) {
      marks = { activities: new Set(), sends: new Set(), looks: new Map(), isUnknown: false };
      this.#marks.set(key, marks);
    }
    change(marks);
    this.#changed(key);
  }

  #unmark(ref: ConversationRef, change: (marks: Marks) => unknown): void {
    const key = keyOf(ref);
    const marks = this.#marks.get(key);
    if (marks === undefined) return;
    change(marks);
    if (marks.activities.size === 0) this.forget(ref);
    this.#changed(key);
  }

  #changed(key: string): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener();
  }
}

const keyOf = ({ tenantId, conversationId }: ConversationRef): string => `${tenantId}\n${conversationId}`;

/** `store` with some of its methods replaced; the others are its own. */
function overlay(store: Store, methods: Partial<Store>): Store {
  const bound = new Map<PropertyKey, unknown>(Object.entries(methods));
  return new Proxy(store, {
    get(target, name) {
      const known = bound.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const own: unknown = value.bind(target);
      bound.set(name, own);
      return own;
    },
  });
}
