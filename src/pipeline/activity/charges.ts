/**
 * Charges that nobody waits for: their activity is over, and whether its provider has charged is not known. The rule of
 * the activity says how it can be found out: by asking again under the same key, or by looking the request up. Each try is
 * one attempt of the activity with a time of its own, a few at once; what it finds is settled, what it does not find is
 * tried again later by the store's word, a bounded number of times. A result that comes of it is late.
 */
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import type { ActivityOutcome, RunnableActivity, Store } from '#core/ports/store.ts';
import type { BudgetAlert, BudgetRule } from '#core/ports/store-money.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { World } from '#core/ports/world.ts';
import { failedBy } from './faults.ts';
import type { ActivityHandler } from './station.ts';

export interface ChargesDeps {
  world: World;
  store: Pick<Store, 'settleActivity'>;
  telemetry: Telemetry;
  ownerId: string;
  handler(name: string): ActivityHandler | undefined;
  budgetOf(tenantId: string): BudgetRule | undefined;
  onAlerts(tenantId: string, alerts: readonly BudgetAlert[]): void;
}

export interface ChargesStation {
  start(charges: readonly RunnableActivity[]): void;
  running(): number;
  /** Resolves when none is under way of those that are now. */
  idle(): Promise<void>;
  known(): string[];
  /** Takes nothing new and aborts what is under way, which stays uncertain; resolves when all have ended. */
  stop(): Promise<void>;
}

type Found = Pick<ActivityOutcome, 'result' | 'fault' | 'charge'>;

export function createChargesStation(deps: ChargesDeps): ChargesStation {
  const { world, telemetry } = deps;
  const running = new Map<string, { abort: AbortController; ended: Promise<void> }>();
  let stopped = false;

  const settle = async (activity: RunnableActivity, found: Found, signal: AbortSignal) => {
    const { ref, activityId } = activity;
    const budget = deps.budgetOf(ref.tenantId);
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const nowMs = world.clock.nowMs();
        const settled = await deps.store.settleActivity({
          ...{ ref, activityId, ownerId: deps.ownerId, nowMs, ...found },
          ...(budget === undefined ? {} : { budget }),
        });
        deps.onAlerts(ref.tenantId, settled.alerts ?? []);
        return;
      } catch (error) {
        telemetry.count('nightdesk_store_faults_total', { operation: 'settleActivity' });
        if (!isFault(error, 'storeUnavailable')) throw error;
        const bounds = { baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs };
        const waitMs = backoffMs({ failures, ...bounds }, world.random);
        await new Promise<void>((resolve) => world.timers.after(waitMs, resolve));
      }
    }
  };

  const tryOne = async (activity: RunnableActivity, stop: AbortSignal) => {
    const found = await findOut(deps, activity, stop);
    telemetry.count('nightdesk_charges_total', {
      activity: activity.name,
      end: found.charge?.kind ?? 'unknown',
    });
    await settle(activity, found, stop);
  };

  return {
    start(charges) {
      for (const activity of charges) {
        const { activityId } = activity;
        if (stopped || running.has(activityId)) continue;
        const abort = new AbortController();
        const ended = tryOne(activity, abort.signal)
          .catch((error: unknown) =>
            world.log.error(
              { ...activity.ref, activityId, err: outlineOf(error) },
              'What an activity cost cannot be settled; it is tried again after a restart.',
            ),
          )
          .finally(() => running.delete(activityId));
        running.set(activityId, { abort, ended });
      }
    },
    running: () => running.size,
    async idle() {
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
    known: () => [...running.keys()],
    async stop() {
      stopped = true;
      const all = [...running.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}

/** One try. Whoever does not answer in time has told nothing. */
async function findOut(deps: ChargesDeps, activity: RunnableActivity, stop: AbortSignal): Promise<Found> {
  const handler = deps.handler(activity.name);
  if (handler === undefined)
    return { fault: { code: 'activityFailed', message: `There is no activity ${activity.name}.` } };
  const abort = new AbortController();
  const inTime = new Promise<Found>((resolve) => {
    const end = () => {
      cancel();
      abort.abort('deadline');
      resolve({ fault: { code: 'deadline', message: `${activity.name} did not answer.` } });
    };
    const cancel = deps.world.timers.after(limits.chargeTryTimeoutMs, end);
    stop.addEventListener('abort', end, { once: true });
    abort.signal.addEventListener('abort', cancel, { once: true });
  });
  const tried = handler(activity, abort.signal, true, 1).then(
    ({ result, charge }): Found => ({ result, ...(charge && { charge }) }),
    (error: unknown): Found => {
      const { fault, charge } = failedBy(error);
      return { fault, ...(charge && { charge }) };
    },
  );
  const found = await Promise.race([tried, inTime]);
  abort.abort();
  return found;
}
