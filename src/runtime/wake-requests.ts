/**
 * The requests of the task queue: each is worked on while it is open, so a platform that gives a processor to requests only
 * (Cloud Run) needs no loop in the background. A request takes its conversation, and what comes of that here: the turn, its
 * activities, their results' turns, its sends. It is answered 200 when nothing is left to do now and whatever is due later
 * has a task; 503 where the store or the queue is away, where the process stops, and before the queue's own deadline: then
 * the queue brings the task again, here or elsewhere.
 *
 * One call of a scheduler sweeps: what a dead process left is taken over, conversations and sends that no task announces get
 * one, timers and uncertain sends are looked at, old rows are pruned. A process that frees what a dead one held calls for a sweep by a
 * task, since a fresh deadline runs from there. To add a kind of request, add it to `task-body.ts`
 * and to `work`.
 */
import { limits } from '#core/limits.ts';
import { outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { RunnableActivity, SendRef, Store } from '#core/ports/store.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { World } from '#core/ports/world.ts';
import type { ChargesStation } from '#pipeline/activity/charges.ts';
import type { ActivityStation } from '#pipeline/activity/station.ts';
import type { Keeper } from '#pipeline/mailbox/keeper.ts';
import type { OutboxStation } from '#pipeline/outbox/station.ts';
import type { CloudTasksWake, DoorVerdict, Look } from '#wake/cloud-tasks/index.ts';
import { readBody } from '#wake/cloud-tasks/task-body.ts';
import { UnderWay } from './under-way.ts';

export interface WakeAnswer {
  status: 200 | 400 | 401 | 403 | 503;
  retryAfterSeconds?: number;
}

/** The stations that work for a request. */
export interface Hands {
  outbox: Pick<OutboxStation, 'offer' | 'lookAtUncertain'>;
  activity: Pick<ActivityStation, 'start'>;
  keeper: Pick<Keeper, 'fireTimers' | 'sweep'>;
  charges: Pick<ChargesStation, 'idle'>;
}

export interface WakeRequestsParts {
  world: World;
  telemetry: Telemetry;
  wake: CloudTasksWake;
}

type Ended = 'done' | 'late' | 'unknown' | 'stopping';

export class WakeRequests {
  readonly wake: CloudTasksWake;
  /** How the outbox does its part. */
  readonly ofOutbox = {
    postpone: (send: SendRef, atMs: number) => this.#underWay.postpone(send, atMs),
    handOver: (sends: readonly SendRef[]) => this.offer(sends),
  };
  /** How the keeper does its part. */
  readonly ofKeeper = {
    sweepsOnCall: true,
    onTimer: (atMs: number) => this.lookAt('timers', atMs),
    onRescued: () => this.wake.announce({ kind: 'sweep' }),
  };
  readonly #parts: WakeRequestsParts;
  readonly #underWay: UnderWay;
  readonly #stopping = new Set<() => void>();
  #hands: Hands | null = null;
  #isStopped = false;
  /** Conversations that the sweep which looks now took in. */
  #swept: ConversationRef[] = [];
  /** Never fails. */
  #looked: Promise<void> = Promise.resolve();
  #nextSweep: Promise<WakeAnswer> | null = null;

  constructor(parts: WakeRequestsParts) {
    this.#parts = parts;
    this.wake = parts.wake;
    this.#underWay = new UnderWay(parts);
  }

  /** The store as the stations are to see it. */
  watch(store: Store): Store {
    return this.#underWay.watch(store);
  }

  /** To be called once the stations are there, before the first request. */
  connect(hands: Hands): void {
    this.#hands = hands;
  }

  /** Sends that may leave: at once where a request is at work on their conversation, else by a task. */
  offer(sends: readonly SendRef[]): void {
    const here = this.#underWay.offered(sends);
    if (here.length > 0) this.#hands?.outbox.offer(here);
  }

  lookAt(at: Look, atMs: number): void {
    this.#underWay.lookAt(at, atMs);
  }

  activityOver(activity: RunnableActivity): void {
    this.#underWay.over(activity);
  }

  /** Activities that a sweep found are this process' from here on: the request that sweeps is at work on them. */
  takeIn(activities: RunnableActivity[]): void {
    for (const { ref } of activities) {
      this.wake.open(ref, false);
      this.#swept.push(ref);
    }
    this.#underWay.begun(activities);
    this.#hands?.activity.start(activities);
  }

  /** Whether the request may go on; what it brings need not be read before. */
  async admit(authorization: string | undefined): Promise<DoorVerdict> {
    const { telemetry, wake } = this.#parts;
    const verdict = await wake.door.check(authorization);
    if (verdict.ok) return verdict;
    telemetry.count('nightdesk_wake_refusals_total', { reason: verdict.reason });
    telemetry.count('nightdesk_wake_requests_total', { status: verdict.status });
    return verdict;
  }

  /** Works on an admitted request. */
  async run(rawBody: Uint8Array): Promise<WakeAnswer> {
    const answer = await this.#work(rawBody).catch((error: unknown): WakeAnswer => {
      this.#parts.world.log.warn(
        { err: outlineOf(error) },
        'A request of the task queue was not finished; the queue brings it again.',
      );
      return later();
    });
    this.#parts.telemetry.count('nightdesk_wake_requests_total', { status: answer.status });
    return answer;
  }

  async #work(rawBody: Uint8Array): Promise<WakeAnswer> {
    const body = readBody(rawBody);
    if (body === null) return { status: 400 };
    if (this.#isStopped || this.#hands === null) return later();
    switch (body.kind) {
      case 'conversation':
        return this.#serve(body.ref, body.sends);
      case 'look':
        await this.#look(body.at);
        await this.wake.announced();
        return { status: 200 };
      case 'sweep':
        return this.#sweepNext(this.#hands);
    }
  }

  async #serve(ref: ConversationRef, sends: readonly SendRef[]): Promise<WakeAnswer> {
    const deadlineMs = this.#deadlineMs();
    this.wake.open(ref, true);
    this.offer(sends);
    this.wake.notify(ref);
    const ended = await this.#untilIdle(ref, deadlineMs, true);
    await this.wake.announced([ref]);
    return answerOf(ended);
  }

  /** What was freed after a sweep has looked is not in it, so who calls meanwhile has the next one, all of them together. */
  #sweepNext(hands: Hands): Promise<WakeAnswer> {
    this.#nextSweep ??= this.#looked.then(() => {
      this.#nextSweep = null;
      return this.#sweep(hands);
    });
    return this.#nextSweep;
  }

  async #sweep(hands: Hands): Promise<WakeAnswer> {
    const deadlineMs = this.#deadlineMs();
    const swept: ConversationRef[] = [];
    this.#swept = swept;
    const look = hands.keeper.sweep();
    this.#looked = look.catch(() => {});
    try {
      await look;
    } finally {
      const ended = await Promise.all(swept.map((ref) => this.#untilIdle(ref, deadlineMs, false)));
      if (ended.every((each) => each === 'done')) await this.#orLate(hands.charges.idle(), deadlineMs);
    }
    await this.wake.announced();
    return { status: 200 };
  }

  /** The last moment at which an answer may be on its way, by the time that only grows. */
  #deadlineMs(): number {
    return this.#parts.world.clock.monotonicMs() + limits.taskDeadlineMs - limits.taskAnswerReserveMs;
  }

  /**
   * Waits until the conversation has nothing to do now, and closes it in that very moment, so that whatever is announced
   * afterwards becomes a task.
   */
  async #untilIdle(ref: ConversationRef, deadlineMs: number, isKept: boolean): Promise<Ended> {
    const { clock, timers } = this.#parts.world;
    const close = (ended: Ended): Ended => {
      this.wake.close(ref, isKept);
      this.#underWay.forget(ref);
      return ended;
    };
    for (;;) {
      // What one step sets off is under way before anybody judges.
      await new Promise<void>(timers.soon);
      const standing = this.#underWay.standingOf(ref);
      const leftMs = deadlineMs - clock.monotonicMs();
      if (this.#isStopped) return close('stopping');
      if (standing.kind === 'unknown') return close('unknown');
      if (standing.kind === 'idle') return close('done');
      if (leftMs <= 0) return close('late');
      if (standing.kind === 'busy') {
        await this.#change(ref, leftMs);
        continue;
      }
      const waitMs = standing.untilMs - clock.nowMs();
      if (waitMs > 0) await this.#change(ref, Math.min(waitMs, leftMs));
      else if (standing.due !== null) {
        this.#underWay.looked(ref, standing.due);
        await this.#look(standing.due);
      }
      // The wake inside this process rings in this moment.
      else await this.#change(ref, Math.min(limits.retryAfterMs, leftMs));
    }
  }

  async #look(at: Look): Promise<void> {
    await (at === 'timers' ? this.#hands?.keeper.fireTimers() : this.#hands?.outbox.lookAtUncertain());
  }

  /** Until the conversation's standing may have changed, the process stops, or the time is over. */
  #change(ref: ConversationRef, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        unlisten();
        this.#stopping.delete(end);
        resolve();
      };
      const cancel = this.#parts.world.timers.after(waitMs, end);
      const unlisten = this.#underWay.listen(ref, end);
      this.#stopping.add(end);
    });
  }

  async #orLate(done: Promise<void>, deadlineMs: number): Promise<void> {
    const { clock, timers } = this.#parts.world;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = timers.after(Math.max(0, deadlineMs - clock.monotonicMs()), resolve);
    });
    await Promise.race([done, late]);
    cancel();
  }

  /** Requests that are at work end as not done. */
  stop(): void {
    this.#isStopped = true;
    for (const end of [...this.#stopping]) end();
  }
}

function answerOf(ended: Ended): WakeAnswer {
  return ended === 'done' ? { status: 200 } : later();
}

function later(): WakeAnswer {
  return { status: 503, retryAfterSeconds: Math.ceil(limits.retryAfterMs / 1_000) };
}
