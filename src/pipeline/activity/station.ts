/**
 * The activity station: slow or paid work outside any transaction. An activity has one deadline that counts from the
 * turn that started it, waiting for a slot and all attempts included; at the deadline it is aborted and fails, whatever
 * it does then is late. Slots are given round robin over tenants, under a ceiling per tenant and one for the process, so a
 * tenant whose model hangs delays nobody else. The end is stored once, with the event that tells the dialog.
 */
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import type { ModelUsage } from '#core/ports/model.ts';
import type { MomentDetails } from '#core/ports/observer.ts';
import type { ActivityOutcome, RunnableActivity, Store } from '#core/ports/store.ts';
import type { BudgetAlert, BudgetRule, ChargeEnd } from '#core/ports/store-money.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { World } from '#core/ports/world.ts';
import { failedBy } from './faults.ts';
import { RoundRobin } from './round-robin.ts';

export interface ActivityResult {
  result: unknown;
  usage?: ModelUsage;
  /** Of paid work. */
  charge?: ChargeEnd;
}

/** Runs one attempt, the `nth`. A retryable fault of a model, of media, of files or of an activity is tried again while the deadline allows; anything else fails. */
export type ActivityHandler = (
  activity: RunnableActivity,
  signal: AbortSignal,
  isLastAttempt: boolean,
  nth: number,
) => Promise<ActivityResult>;

export interface ActivityDeps {
  world: World;
  store: Pick<Store, 'settleActivity'>;
  telemetry: Telemetry;
  ownerId: string;
  handler(name: string): ActivityHandler | undefined;
  attemptsMaxOf(name: string): number;
  /** What a tenant wants to be told of, as its money is spent. */
  budgetOf(tenantId: string): BudgetRule | undefined;
  /** Ceiling of running activities of a tenant. */
  ceilingOf(tenantId: string): number;
  onAlerts(tenantId: string, alerts: readonly BudgetAlert[]): void;
  /** The end is stored: the conversation has something to do. */
  onSettled(ref: ConversationRef, activity: RunnableActivity, seconds: number): void;
  /** Nothing of it runs here any more: its end is stored, or it was cancelled before. */
  onOver?(activity: RunnableActivity): void;
}

export interface ActivityStation {
  start(activities: RunnableActivity[]): void;
  cancel(activityIds: string[]): void;
  running(): number;
  waiting(): number;
  /** Ids of all that this process has, those included whose end is not stored yet. */
  known(): string[];
  /** Takes nothing new; resolves when all have ended or the deadline passed, which aborts the rest without an end. */
  stop(options: { deadlineMs: number }): Promise<void>;
}

interface Entry {
  activity: RunnableActivity;
  abort: AbortController;
  cancelDeadline: () => void;
  state: 'waiting' | 'running' | 'ended';
}

type Ended = Pick<ActivityOutcome, 'result' | 'fault' | 'usage' | 'charge'>;

export function createActivityStation(deps: ActivityDeps): ActivityStation {
  return new Station(deps);
}

class Station implements ActivityStation {
  readonly #deps: ActivityDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new RoundRobin<Entry>();
  readonly #runningOf = new Map<string, number>();
  #running = 0;
  readonly #unsettled = new Set<string>();
  #stopped = false;
  #isPumpSoon = false;
  #idle: (() => void) | null = null;

  constructor(deps: ActivityDeps) {
    this.#deps = deps;
  }

  running(): number {
    return this.#running;
  }

  waiting(): number {
    return this.#waiting.size;
  }

  known(): string[] {
    return [...this.#entries.keys(), ...this.#unsettled];
  }

  start(activities: RunnableActivity[]): void {
    const { clock, timers } = this.#deps.world;
    for (const activity of activities) {
      if (this.#stopped || this.#entries.has(activity.activityId)) continue;
      const entry: Entry = {
        activity,
        abort: new AbortController(),
        state: 'waiting',
        cancelDeadline: () => {},
      };
      entry.cancelDeadline = timers.after(Math.max(0, activity.deadlineAtMs - clock.nowMs()), () =>
        this.#expire(entry),
      );
      this.#entries.set(activity.activityId, entry);
      // Found after a restart when its time was up: it is not begun for nothing.
      if (activity.deadlineAtMs <= clock.nowMs()) this.#expire(entry);
      else this.#waiting.push(activity.ref.tenantId, entry);
    }
    this.#pump();
  }

  cancel(activityIds: string[]): void {
    for (const id of activityIds) {
      const entry = this.#entries.get(id);
      if (entry === undefined || entry.state === 'ended') continue;
      // What is being paid for goes on, so that it is known what it cost; the store has cancelled it, its result is late.
      if (entry.state === 'running' && entry.activity.charge !== undefined) continue;
      this.#deps.telemetry.count('nightdesk_activities_total', {
        activity: entry.activity.name,
        result: 'cancelled',
      });
      if (this.#deps.world.observer !== undefined)
        this.#tellEnded(entry, { outcome: 'cancelled', code: null, tookMs: 0 });
      this.#end(entry);
      this.#deps.onOver?.(entry.activity);
    }
    this.#pump();
  }

  #pump(): void {
    const hasSlot = (tenantId: string) =>
      (this.#runningOf.get(tenantId) ?? 0) < this.#deps.ceilingOf(tenantId);
    for (let begun = 0; !this.#stopped && this.#running < limits.activitiesTotalMax; begun++) {
      if (begun >= limits.activitiesBegunAtOnceMax) {
        this.#pumpSoon();
        return;
      }
      const entry = this.#waiting.next(hasSlot);
      if (entry === undefined) return;
      // One whose time is up is ended by its own timer, which comes now: it must not cost a call.
      if (entry.state !== 'waiting' || entry.activity.deadlineAtMs <= this.#deps.world.clock.nowMs())
        continue;
      void this.#run(entry);
    }
  }

  /** To begin one takes part of a millisecond; after so many others get their turn. */
  #pumpSoon(): void {
    if (this.#isPumpSoon) return;
    this.#isPumpSoon = true;
    this.#deps.world.timers.soon(() => {
      this.#isPumpSoon = false;
      this.#pump();
    });
  }

  async #run(entry: Entry): Promise<void> {
    const { activity } = entry;
    const { tenantId } = activity.ref;
    const startedMs = this.#deps.world.clock.monotonicMs();
    entry.state = 'running';
    this.#running += 1;
    this.#deps.world.observer?.observe({
      kind: 'activityStarted',
      ...activity.ref,
      ...{ activityId: activity.activityId, activity: activity.name },
      ...{ turn: activity.fence, restarts: activity.restarts },
    });
    this.#runningOf.set(tenantId, (this.#runningOf.get(tenantId) ?? 0) + 1);
    const outcome = await this.#attempts(entry);
    if (entry.abort.signal.aborted) return;
    this.#end(entry);
    this.#pump();
    await this.#settle(entry, outcome, (this.#deps.world.clock.monotonicMs() - startedMs) / 1_000);
  }

  async #attempts(entry: Entry): Promise<Ended> {
    const { activity, abort } = entry;
    const handler = this.#deps.handler(activity.name);
    if (handler === undefined)
      return {
        fault: { code: 'activityFailed', message: `There is no activity ${activity.name} in this process.` },
      };
    const attemptsMax = this.#deps.attemptsMaxOf(activity.name);
    for (let nth = 1; ; nth++) {
      try {
        return await handler(activity, abort.signal, nth >= attemptsMax, nth);
      } catch (error) {
        // Before the provider is asked the store is read: while it is away nothing was tried yet, and nothing is lost but time.
        const storeIsAway = isFault(error, 'storeUnavailable');
        const { fault, isRetryable, retryAfterMs, charge } = failedBy(error);
        if (abort.signal.aborted || !(storeIsAway || (isRetryable && nth < attemptsMax)))
          return { fault, ...(charge && { charge }) };
        const bounds = { baseMs: limits.activityBackoffBaseMs, maxMs: limits.activityBackoffMaxMs };
        const backoff = backoffMs({ failures: nth, ...bounds }, this.#deps.world.random);
        const waitMs = Math.max(retryAfterMs, backoff);
        this.#deps.world.observer?.observe({
          kind: 'activityRetried',
          ...activity.ref,
          ...{ activityId: activity.activityId, attempt: nth, waitMs },
          code: storeIsAway ? 'storeUnavailable' : fault.code,
        });
        if (storeIsAway) nth -= 1;
        await new Promise<void>((resolve) => this.#deps.world.timers.after(waitMs, resolve));
        if (abort.signal.aborted) return {};
      }
    }
  }

  #expire(entry: Entry): void {
    if (entry.state === 'ended') return;
    const { activity } = entry;
    const waited = entry.state === 'waiting' ? ' before it got a slot' : '';
    this.#end(entry, 'deadline');
    this.#pump();
    void this.#settle(
      entry,
      {
        fault: {
          code: 'deadline',
          message: `${activity.name} took longer than ${activity.deadlineMs} ms${waited}`,
        },
      },
      activity.deadlineMs / 1_000,
    );
  }

  /** Frees the slot and aborts what still runs; what it gives from now on is not looked at. */
  #end(entry: Entry, why: 'deadline' | 'ended' = 'ended'): void {
    const { tenantId } = entry.activity.ref;
    entry.cancelDeadline();
    if (entry.state === 'running') {
      this.#running -= 1;
      const left = (this.#runningOf.get(tenantId) ?? 1) - 1;
      if (left === 0) this.#runningOf.delete(tenantId);
      else this.#runningOf.set(tenantId, left);
    }
    entry.state = 'ended';
    this.#entries.delete(entry.activity.activityId);
    // Without a reason an error would be made, stack and all, for each activity that ends well.
    entry.abort.abort(why);
  }

  /** Stores the end; a store that is away is asked again until it is back or the process stops. */
  async #settle(entry: Entry, outcome: Ended, seconds: number): Promise<void> {
    const { activity } = entry;
    const { store, world, telemetry, ownerId } = this.#deps;
    const budget = activity.charge && this.#deps.budgetOf(activity.ref.tenantId);
    this.#unsettled.add(activity.activityId);
    for (let failures = 1; ; failures++) {
      try {
        const settled = await store.settleActivity({
          ref: activity.ref,
          activityId: activity.activityId,
          ownerId,
          nowMs: world.clock.nowMs(),
          ...outcome,
          ...(budget && { budget }),
        });
        this.#deps.onAlerts(activity.ref.tenantId, settled.alerts ?? []);
        const result =
          settled.outcome === 'late'
            ? 'late'
            : outcome.fault === undefined
              ? 'done'
              : outcome.fault.code === 'deadline'
                ? 'deadline'
                : 'failed';
        telemetry.count('nightdesk_activities_total', { activity: activity.name, result });
        if (activity.charge !== undefined)
          telemetry.count('nightdesk_charges_total', {
            activity: activity.name,
            end: outcome.charge?.kind ?? 'unknown',
          });
        telemetry.observe('nightdesk_activity_seconds', seconds, { activity: activity.name });
        const code = outcome.fault?.code ?? null;
        if (world.observer !== undefined)
          this.#tellEnded(entry, { outcome: result, code, tookMs: seconds * 1_000 });
        if (outcome.usage !== undefined) this.#countTokens(outcome.usage);
        if (outcome.fault !== undefined)
          world.log.warn(
            { ...activity.ref, activityId: activity.activityId, code: outcome.fault.code },
            `Activity ${activity.name} failed.`,
          );
        if (settled.outcome === 'stored') this.#deps.onSettled(activity.ref, activity, seconds);
        break;
      } catch (error) {
        telemetry.count('nightdesk_store_faults_total', { operation: 'settleActivity' });
        if (!isFault(error, 'storeUnavailable')) {
          world.log.error(
            { ...activity.ref, activityId: activity.activityId, err: outlineOf(error) },
            'The end of an activity cannot be stored; it will be run again after a restart.',
          );
          break;
        }
        await new Promise<void>((resolve) =>
          world.timers.after(
            backoffMs(
              { failures, baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs },
              world.random,
            ),
            resolve,
          ),
        );
      }
    }
    this.#unsettled.delete(activity.activityId);
    this.#deps.onOver?.(activity);
    if (this.#entries.size === 0 && this.#unsettled.size === 0) this.#idle?.();
  }

  #tellEnded(
    { activity }: Entry,
    end: Pick<MomentDetails['activityEnded'], 'outcome' | 'code' | 'tookMs'>,
  ): void {
    this.#deps.world.observer?.observe({
      kind: 'activityEnded',
      ...activity.ref,
      ...{ activityId: activity.activityId, activity: activity.name },
      ...end,
    });
  }

  #countTokens(usage: ModelUsage): void {
    this.#deps.telemetry.count(
      'nightdesk_model_tokens_total',
      { model: usage.model, direction: 'in' },
      usage.inputTokens,
    );
    this.#deps.telemetry.count(
      'nightdesk_model_tokens_total',
      { model: usage.model, direction: 'out' },
      usage.outputTokens,
    );
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    this.#stopped = true;
    for (const entry of [...this.#entries.values()]) if (entry.state === 'waiting') this.#end(entry);
    if (this.#entries.size > 0 || this.#unsettled.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#deps.world.timers.after(deadlineMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const entry of [...this.#entries.values()]) this.#end(entry);
  }
}
