/**
 * The keeper of the mailbox: fires timers that are due, renews leases, and sweeps for work that no wake announced.
 * Polling only repairs; on the hot path everything is told at once. Old rows are pruned here, in small steps with pauses in between, and
 * holds that nobody works are ended by their tenant's rule.
 */
import { Alarm } from '#core/alarm.ts';
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { Rescued, RunnableActivity, SendRef, Store, WorkKind } from '#core/ports/store.ts';
import type { IdleHold } from '#core/ports/store-operators.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { TenantDirectory } from '#core/ports/tenants.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';

export interface KeeperDeps {
  world: World;
  store: Pick<
    Store,
    'fireTimers' | 'findWork' | 'renewLeases' | 'rescue' | 'prune' | 'listIdleHolds' | 'handBack'
  >;
  wake: Wake;
  directory: TenantDirectory;
  telemetry: Telemetry;
  ownerId: string;
  /** What this process does itself; nothing else is looked for. */
  only: readonly WorkKind[];
  retentionMs: number;
  /** Ids of the activities that this process runs, of those included that are over and whose cost it looks for. */
  known(): readonly string[];
  /** Activities that are not this process's any more: cancelled by another, or taken over. */
  onLost(activityIds: string[]): void;
  onActivities(activities: RunnableActivity[]): void;
  /** Something was freed that nobody looks for by itself, and its time runs: `sweep` is to be called. */
  onRescued?(): void;
  /** When the next timer is due, where the keeper sets none itself. */
  onTimer?(atMs: number): void;
  /** Activities that are over, whose cost is to be found out. */
  onCharges(charges: RunnableActivity[]): void;
  onSends(sends: SendRef[]): void;
  onUncertain(atMs: number): void;
  /**
   * Nothing is looked for but when `sweep` and `fireTimers` are called, since whoever calls has the processor only then. What
   * keeps a process in order (leases, holds, pruning) goes on as long as it has one.
   */
  sweepsOnCall?: boolean;
  /** Tenants were applied since the last sweep, perhaps by another process; also called by the first sweep. */
  onTenants(): Promise<void>;
}

export interface Keeper {
  /** Takes over what a dead owner left, finds all work, then keeps sweeping. */
  start(options: { all: boolean }): Promise<Rescued>;
  /** No timer of this process is set where it sweeps on call. */
  timerAt(atMs: number): void;
  /** Tenants were applied by another process, which says so. */
  followTenants(): Promise<void>;
  /** Sweeps now, because another process says that there is something; what is told while a sweep runs is one sweep more. */
  lookNow(): void;
  /** Fires the timers that are due, all of them. Never throws: what failed is told, and found again. */
  fireTimers(): Promise<void>;
  /** Takes over what is dead, looks for all work and prunes. @throws what the store throws */
  sweep(): Promise<void>;
  /** Whether the last sweep found the store able to commit. */
  hasStore(): boolean;
  stop(): void;
}

export function createKeeper(deps: KeeperDeps): Keeper {
  const { world, store } = deps;
  let stopped = true;
  const cancels = new Set<() => void>();
  /** Holds that were alerted about, so that one is told once an idle time. */
  const alerted = new Map<string, number>();
  let storeIsAway = false;
  let tenantsVersion: string | null = null;
  let look: 'none' | 'running' | 'again' = 'none';
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  const guarded = async (operation: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      deps.telemetry.count('nightdesk_store_faults_total', { operation });
      world.log.warn({ operation, err: outlineOf(error) }, 'Upkeep failed and is tried again.');
    }
  };
  const timers = new Alarm(world, () => void guarded('fireTimers', fireTimers));

  const fireTimers = async () => {
    const fired = await store.fireTimers({ nowMs: world.clock.nowMs(), max: limits.sweepBatchMax });
    for (const ref of fired.wakes) {
      world.observer?.observe({ kind: 'timerFired', ...ref });
      deps.wake.notify(ref, undefined, 'timer');
    }
    if (fired.nextTimerAtMs !== null) timerAt(fired.nextTimerAtMs);
  };
  const timerAt = (atMs: number) => {
    if (stopped) return;
    if (deps.sweepsOnCall) deps.onTimer?.(atMs);
    else timers.atEarliest(atMs);
  };
  /** An operator hears once that the store is away, and once that it is back. */
  const noteStore = (away: string | null) => {
    if (storeIsAway === (away !== null)) return;
    storeIsAway = away !== null;
    if (away === null) {
      world.log.warn({}, 'The store can be used again; what waited goes on.');
      return;
    }
    deps.telemetry.count('nightdesk_alerts_total', { reason: 'storeUnavailable' });
    world.log.error(
      { err: away },
      'The store cannot be used, so this server is not ready and takes no messages; Meta keeps them.',
    );
  };
  const findWork = async (nowMs: number) => {
    try {
      const { ownerId, only } = deps;
      const work = await store.findWork({ ownerId, nowMs, max: limits.sweepBatchMax, only });
      noteStore(null);
      return work;
    } catch (error) {
      if (isFault(error, 'storeUnavailable')) noteStore(error.message);
      throw error;
    }
  };
  const followTenants = async (version: string) => {
    if (tenantsVersion === version) return;
    await deps.onTenants();
    tenantsVersion = version;
  };
  const sweep = async () => {
    sweptAtMs = world.clock.monotonicMs();
    const work = await findWork(world.clock.nowMs());
    // The activities found are this process's from here on, so they are handed out whatever becomes of the tenants.
    await guarded('onTenants', () => followTenants(work.tenantsVersion));
    for (const { ref, dueAtMs } of work.conversations) deps.wake.notify(ref, dueAtMs);
    deps.onActivities(work.activities);
    deps.onCharges(work.charges);
    deps.onSends(work.sends);
    if (work.nextTimerAtMs !== null) timerAt(work.nextTimerAtMs);
    if (work.nextUncertainAtMs !== null) deps.onUncertain(work.nextUncertainAtMs);
    // A full answer is a part of a backlog, e.g. after a downtime: the rest is asked for as soon as this is under way.
    const most = Math.max(work.conversations.length, work.activities.length, work.sends.length);
    return most >= limits.sweepBatchMax ? limits.sweepAgainMs : null;
  };
  /** A backlog that this process knows of is looked for no oftener than anything else: the rest waits until most of it is worked off. */
  const sweepOn = async () => {
    const isBusy = deps.wake.depth() > limits.sweepBatchMax / 2;
    const isRecent = world.clock.monotonicMs() - sweptAtMs < limits.sweepEveryMs;
    return isBusy && isRecent ? limits.sweepAgainMs : sweep();
  };
  const rescue = async (all: boolean) => {
    const rescued = await store.rescue({ ownerId: deps.ownerId, nowMs: world.clock.nowMs(), all });
    for (const [what, count] of Object.entries(rescued))
      if (count > 0) deps.telemetry.count('nightdesk_rescues_total', { what }, count);
    return rescued;
  };
  /** Whoever sweeps on call says what it has freed: an activity's fresh deadline would be over by the next call. */
  const rescueAndTell = async (all: boolean) => {
    const rescued = await rescue(all);
    if (deps.sweepsOnCall && Object.values(rescued).some((count) => count > 0)) deps.onRescued?.();
    return rescued;
  };
  const prune = async () => {
    const nowMs = world.clock.nowMs();
    return store.prune({
      nowMs,
      retentionMs: deps.retentionMs,
      dedupeKeepMs: limits.dedupeKeepMs,
      maxRows: limits.pruneStepRows,
    });
  };
  /** What found much is followed by the next step soon; in between the store is the customers'. */
  const pruneOn = async () => {
    const beganMs = world.clock.monotonicMs();
    if ((await prune()) * 2 < limits.pruneStepRows) return null;
    const tookMs = world.clock.monotonicMs() - beganMs;
    return Math.max(limits.pruneAgainMinMs, tookMs * limits.prunePauseTimes);
  };
  const holds = async () => {
    const nowMs = world.clock.nowMs();
    for (const hold of await store.listIdleHolds({ nowMs, idleMs: limits.holdIdleMs, max: 100 }))
      await endHold(hold, nowMs);
  };
  const endHold = async ({ tenantId, conversationId, isUnseen }: IdleHold, nowMs: number) => {
    const ref: ConversationRef = { tenantId, conversationId };
    if (!isUnseen && deps.directory.tenant(tenantId)?.holdIdle === 'handBack') {
      await store.handBack({ ref, by: 'nobody: the hold was idle', nowMs });
      deps.wake.notify(ref);
      return;
    }
    if (nowMs - (alerted.get(ref.conversationId) ?? 0) < limits.holdIdleMs) return;
    alerted.set(ref.conversationId, nowMs);
    deps.telemetry.count('nightdesk_alerts_total', { reason: 'holdIdle' });
    world.log.warn(
      { ...ref },
      'An operator holds this conversation and nobody has written in it for long. Answer it or hand it back.',
    );
  };

  /** Does `work` every `periodMs`, or sooner where the work itself says so. */
  const every = (
    periodMs: number,
    operation: string,
    work: () => Promise<unknown>,
    firstAfterMs = periodMs,
  ) => {
    const next = (afterMs: number) => {
      if (stopped) return;
      const cancel = world.timers.after(afterMs, () => {
        cancels.delete(cancel);
        let soonerMs: number | null = null;
        const run = async () => {
          const answer = await work();
          soonerMs = typeof answer === 'number' ? answer : null;
        };
        void guarded(operation, run).then(() => next(soonerMs ?? periodMs));
      });
      cancels.add(cancel);
    };
    next(firstAfterMs);
  };

  const lookNow = (): void => {
    if (stopped || deps.sweepsOnCall || look === 'again') return;
    if (look === 'running') {
      look = 'again';
      return;
    }
    look = 'running';
    const goOn = () => {
      const again = look === 'again';
      look = 'none';
      if (again) lookNow();
    };
    void guarded('findWork', async () => void (await sweep())).then(goOn);
  };

  return {
    async start({ all }) {
      stopped = false;
      const rescued = await rescueAndTell(all);
      if (deps.sweepsOnCall) every(limits.pruneEveryMs, 'onTenants', deps.onTenants);
      else {
        const againAfterMs = await sweep();
        await fireTimers();
        every(limits.sweepEveryMs, 'findWork', sweepOn, againAfterMs ?? limits.sweepEveryMs);
      }
      every(limits.leaseTtlMs / 3, 'renewLeases', async () => {
        const { ownerId } = deps;
        const { lost } = await store.renewLeases({
          ownerId,
          nowMs: world.clock.nowMs(),
          knows: deps.known(),
        });
        if (lost.length > 0) deps.onLost(lost);
        if (!all) await rescueAndTell(false);
      });
      every(limits.pruneEveryMs / 20, 'prune', pruneOn);
      every(limits.pruneEveryMs, 'listIdleHolds', holds);
      return rescued;
    },
    timerAt: (atMs) => {
      if (!deps.sweepsOnCall) timerAt(atMs);
    },
    fireTimers: () => guarded('fireTimers', fireTimers),
    async sweep() {
      await rescue(false);
      // Whoever applied tenants may have been another process, and this one may have put away what is theirs.
      tenantsVersion = null;
      await sweep();
      await guarded('fireTimers', fireTimers);
      await guarded('listIdleHolds', holds);
      for (let step = 0; step < limits.sweepPruneStepsMax; step++) if ((await prune()) === 0) return;
    },
    followTenants: () => guarded('onTenants', deps.onTenants),
    lookNow,
    hasStore: () => !storeIsAway,
    stop() {
      stopped = true;
      timers.cancel();
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}
