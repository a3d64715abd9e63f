/**
 * The turn station: takes conversations that a wake announced, runs their turn, commits it. It holds no state that
 * matters: whatever happens to it, the events are in the mailbox and the sweep finds them. A refused commit runs the
 * turn again with the refusals; an old fence means that somebody else has the conversation, and nothing is done.
 */
import type { TapSigner } from '#core/dialog/buttons.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { runTurn, type TurnOutput } from '#core/dialog/run-turn.ts';
import { limits } from '#core/limits.ts';
import type { Effect } from '#core/model/effects.ts';
import { answerClassOf } from '#core/model/events.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import type {
  RunnableActivity,
  SendRef,
  Store,
  TakenConversation,
  TurnCommit,
  TurnCommitted,
} from '#core/ports/store.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { PhoneNumber, TenantDirectory } from '#core/ports/tenants.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import { commitOf } from './commit.ts';
import { tellCommitted, tellTaken } from './moments.ts';
import { turnIds } from './turn-ids.ts';

export interface TurnDeps {
  world: World;
  store: Pick<Store, 'takeConversations' | 'commitTurn' | 'releaseLease'>;
  wake: Wake;
  directory: TenantDirectory;
  telemetry: Telemetry;
  ownerId: string;
  dialog(name: string): Dialog | undefined;
  /** Whether this process runs activities: then those of a turn start here at once. */
  runsActivities: boolean;
  /** Whether activities can read recordings. */
  transcribes: boolean;
  /** Writes and checks the codes in the ids of a conversation's buttons. */
  signerOf(ref: ConversationRef): TapSigner;
  onCommitted(committed: TurnDone): void;
}

/** What a committed turn hands on. */
export interface TurnDone {
  ref: ConversationRef;
  sends: SendRef[];
  activities: RunnableActivity[];
  cancelled: string[];
  nextTimerAtMs: number | null;
  receipts: { wamid: string; typing: boolean; phoneNumberId: string }[];
  /** Receipt time of the oldest message that the turn took and that wants an answer. */
  oldestReceivedAtMs: number | null;
}

export interface TurnStation {
  start(): void;
  /** Resolves when no turn is under way. */
  stop(): Promise<void>;
}

/** Batches under way at once; more only makes commits larger, not quicker. */
const batchesMax = 4;

export function createTurnStation(deps: TurnDeps): TurnStation {
  let running = 0;
  let stopped = true;
  let idle: (() => void) | null = null;

  const pump = () => {
    while (!stopped && running < batchesMax) {
      const refs = deps.wake.next(limits.takeBatchMax);
      if (refs.length === 0) return;
      running += 1;
      void runBatch(deps, refs).finally(() => {
        running -= 1;
        if (running === 0) idle?.();
        pump();
      });
    }
  };

  return {
    start() {
      stopped = false;
      deps.wake.onReady(pump);
      pump();
    },
    async stop() {
      stopped = true;
      if (running > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
}

async function runBatch(deps: TurnDeps, refs: ConversationRef[]): Promise<void> {
  const looking = new Map(refs.map((ref) => [keyOf(ref), ref]));
  const looked = (ref: ConversationRef) => {
    if (looking.delete(keyOf(ref))) deps.wake.looked(ref);
  };
  try {
    const startedMs = deps.world.clock.monotonicMs();
    const taken = await deps.store.takeConversations({
      refs,
      ownerId: deps.ownerId,
      nowMs: deps.world.clock.nowMs(),
    });
    await Promise.all(
      taken.map(async (each) => {
        if (each.outcome === 'taken') await runOne(deps, each, startedMs);
        if (each.outcome === 'notDue') deps.wake.notify(each.ref, each.dueAtMs);
        looked(each.outcome === 'taken' ? each.lease.ref : each.ref);
      }),
    );
  } catch (error) {
    deps.telemetry.count('nightdesk_store_faults_total', { operation: 'takeConversations' });
    deps.world.log.warn({ err: outlineOf(error) }, 'Conversations could not be taken; they are tried again.');
    const atMs = deps.world.clock.nowMs() + limits.storeRetryMaxMs;
    for (const ref of refs) deps.wake.notify(ref, atMs);
  } finally {
    for (const ref of [...looking.values()]) looked(ref);
  }
}

const keyOf = ({ tenantId, conversationId }: ConversationRef): string => `${tenantId}\n${conversationId}`;

async function runOne(deps: TurnDeps, taken: TakenConversation, startedMs: number): Promise<void> {
  const { world, telemetry } = deps;
  const { ref } = taken.lease;
  if (world.observer !== undefined) tellTaken(world.observer, taken);
  const number = deps.directory.phoneNumber(taken.phoneNumberId);
  const dialog = number === undefined ? undefined : deps.dialog(number.dialog);
  if (number === undefined || dialog === undefined) {
    world.log.error(
      { ...ref, phoneNumberId: taken.phoneNumberId, dialog: number?.dialog },
      'No dialog answers on this number. Add the dialog to nightdesk.config.ts or apply the tenant again; the messages wait.',
    );
    telemetry.count('nightdesk_alerts_total', { reason: 'noDialog' });
    await release(deps, taken, world.clock.nowMs());
    return;
  }
  try {
    const done = await commitOneWay(deps, { taken, number, dialog, nowMs: world.clock.nowMs() });
    telemetry.observe('nightdesk_turn_seconds', (world.clock.monotonicMs() - startedMs) / 1_000);
    if (done !== null) return handOn(deps, taken, done);
    telemetry.count('nightdesk_turns_total', { result: 'fenceOld' });
    world.observer?.observe({ kind: 'fenceRefused', ...ref, turn: taken.lease.fence });
  } catch (error) {
    world.log.error(
      { ...ref, err: outlineOf(error) },
      'A turn was not committed; its events wait in the mailbox and the sweep finds them.',
    );
    await release(deps, taken, world.clock.nowMs() + limits.sweepEveryMs);
  }
}

/** Gives the lease back, due at `dueAtMs`; where even that fails it runs out by itself, since turns do not renew it. */
async function release(deps: TurnDeps, taken: TakenConversation, dueAtMs: number): Promise<void> {
  try {
    await deps.store.releaseLease({ lease: taken.lease, nowMs: dueAtMs });
  } catch (error) {
    deps.telemetry.count('nightdesk_store_faults_total', { operation: 'releaseLease' });
    deps.world.log.warn(
      { ...taken.lease.ref, err: outlineOf(error) },
      'A lease could not be given back; it runs out by itself.',
    );
  }
}

interface Judged {
  output: TurnOutput;
  committed: Extract<TurnCommitted, { outcome: 'committed' }>;
}

/** One way to run the turn of a taken conversation. */
interface Run {
  events: TakenConversation['events'];
  more: boolean;
  /** Why the event cannot be had otherwise: it becomes a dead letter. */
  failed?: string;
}

interface Asked {
  taken: TakenConversation;
  number: PhoneNumber;
  dialog: Dialog;
  nowMs: number;
}

/**
 * A turn that cannot be committed, though the store is well, is run with its first event alone; if that fails too, the
 * event is poison and becomes a dead letter. So one event that nobody foresaw never stops its conversation. Null: old fence.
 */
async function commitOneWay(deps: TurnDeps, asked: Asked): Promise<Judged | null> {
  const { taken } = asked;
  const first = taken.events.slice(0, 1);
  const hasMore = taken.more || taken.events.length > 1;
  const runs: Run[] = [{ events: taken.events, more: taken.more }];
  if (taken.events.length > 1) runs.push({ events: first, more: true });
  for (const run of runs) {
    try {
      return await commitUntilJudged(deps, asked, run);
    } catch (error) {
      if (isFault(error, 'storeUnavailable') || isFault(error, 'stopping')) throw error;
      const failed = outlineOf(error);
      deps.world.log.error(
        { ...taken.lease.ref, events: run.events.length, err: failed },
        'A turn cannot be committed as it is. Its first event is tried alone, and set aside for a person if it fails too.',
      );
      if (run === runs.at(-1))
        return commitUntilJudged(deps, asked, { events: first, more: hasMore, failed });
    }
  }
  return null;
}

/** Runs and commits; a refusal of a limit runs the turn again, a fault of the store commits again. Null: old fence. */
async function commitUntilJudged(deps: TurnDeps, asked: Asked, run: Run): Promise<Judged | null> {
  const { taken, number, dialog, nowMs } = asked;
  const { observer, clock } = deps.world;
  const refused: { name: string; limit: string }[] = [];
  for (let attempt = 1; ; attempt++) {
    const ids = turnIds(taken.lease, nowMs);
    const output = runTurn({
      ...run,
      dialog,
      stored: taken.dialogState,
      nowMs,
      seed: ids.seed,
      settings: number.settings,
      transcribes: deps.transcribes,
      lastFallbackAtMs: taken.lastFallbackAtMs,
      signer: deps.signerOf(taken.lease.ref),
      newId: ids.newId,
      refused,
    });
    const { newId } = ids;
    const commit = commitOf({ taken, output, dialog, number, nowMs, newId, runHere: deps.runsActivities });
    const committed = await commitWithRetry(deps, commit);
    if (committed.outcome === 'fenceOld') return null;
    if (committed.outcome === 'committed') {
      for (const { limit, amount } of commit.activities.flatMap((activity) => activity.claims))
        deps.telemetry.count('nightdesk_limit_used_total', { limit }, amount);
      if (observer !== undefined) tellCommitted(observer, taken, commit, clock.nowMs() - nowMs);
      return { output, committed };
    }
    deps.telemetry.count('nightdesk_turns_total', { result: 'refused' });
    if (attempt > limits.turnAttemptsMax)
      throw new Error(`Turn ${taken.lease.fence} was refused ${attempt} times by limits.`);
    for (const { activityId, limit } of committed.refusals) {
      deps.telemetry.count('nightdesk_limit_refusals_total', { limit });
      const turn = taken.lease.fence;
      observer?.observe({ kind: 'limitRefused', ...taken.lease.ref, turn, activityId, limit });
      refused.push({ name: nameOfActivity(output.effects, activityId), limit });
    }
  }
}

function nameOfActivity(effects: readonly Effect[], activityId: string): string {
  const start = effects.find((effect) => effect.type === 'startActivity' && effect.activityId === activityId);
  return start?.type === 'startActivity' ? start.name : '';
}

/** A commit that failed changed nothing, or is known again by its fence, so it may be tried again while the lease lasts. */
async function commitWithRetry(deps: TurnDeps, commit: TurnCommit): Promise<TurnCommitted> {
  const { clock, timers } = deps.world;
  const untilMs = clock.monotonicMs() + limits.leaseTtlMs / 2;
  for (let failures = 1; ; failures++) {
    try {
      return await deps.store.commitTurn(commit);
    } catch (error) {
      if (!isFault(error, 'storeUnavailable') || clock.monotonicMs() > untilMs) throw error;
      deps.telemetry.count('nightdesk_store_faults_total', { operation: 'commitTurn' });
      const waitMs = backoffMs(
        { failures, baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs },
        deps.world.random,
      );
      await new Promise<void>((resolve) => timers.after(waitMs, resolve));
    }
  }
}

function handOn(deps: TurnDeps, taken: TakenConversation, { output, committed }: Judged): void {
  const { ref } = taken.lease;
  const { telemetry } = deps;
  telemetry.count('nightdesk_turns_total', {
    result: output.deadLetters.length > 0 ? 'poison' : 'committed',
  });
  const wamids = taken.events.flatMap((event) => event.wamid ?? []);
  deps.world.log.debug(
    {
      ...ref,
      turn: taken.lease.fence,
      wamids,
      state: output.stateLabel,
      sends: committed.sends.map((send) => send.sendId),
    },
    'A turn was committed.',
  );
  if (output.late > 0) telemetry.count('nightdesk_late_results_total', {}, output.late);
  for (const result of output.taps) telemetry.count('nightdesk_taps_total', { result });
  for (const { position, outline } of output.deadLetters) {
    telemetry.count('nightdesk_alerts_total', { reason: 'deadLetter' });
    deps.world.log.error(
      { ...ref, position, err: outline },
      'An event made its dialog throw: it is a dead letter, the customer got the fallback text, a person is asked.',
    );
  }
  if (committed.dueAtMs !== null) deps.wake.notify(ref, committed.dueAtMs);
  const wanting = taken.events.filter((event) => answerClassOf[event.kind] === 'answer');
  deps.onCommitted({
    ref,
    sends: committed.sends,
    activities: committed.activities,
    cancelled: committed.cancelled,
    nextTimerAtMs: committed.nextTimerAtMs,
    receipts: output.effects.flatMap((effect) =>
      effect.type === 'markRead'
        ? [{ wamid: effect.wamid, typing: effect.typing, phoneNumberId: taken.phoneNumberId }]
        : [],
    ),
    oldestReceivedAtMs: wanting.length === 0 ? null : Math.min(...wanting.map((event) => event.receivedAtMs)),
  });
}
