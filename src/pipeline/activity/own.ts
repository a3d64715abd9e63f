/**
 * Activities that a business wrote itself. A free one is simply run. Of a paid one each attempt is committed before the
 * provider is asked, and every way in which it can end says what it says about the money: an answer settles it, a proof
 * that nothing was charged hands it back, and anything else leaves it uncertain, to be cleared up by the rule that the
 * activity declares. A request that nobody may repeat is never repeated, whatever the deadline still allows.
 *
 * To add a rule for uncertain requests, add it to `OnUncertain`, here, and to `beginAttempt` of every store.
 */
import type { ActivityDeclaration } from '#core/dialog/dialog.ts';
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { OnUncertain } from '#core/model/ledger.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import {
  type ActivityAnswer,
  type ActivityContext,
  ActivityFault,
  type ActivityFiles,
} from '#core/ports/activity.ts';
import { FileFault } from '#core/ports/files.ts';
import { ModelFault } from '#core/ports/model.ts';
import type { RunnableActivity, Store } from '#core/ports/store.ts';
import type { OpenCharge } from '#core/ports/store-money.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { TenantDirectory } from '#core/ports/tenants.ts';
import { HttpFault, type World } from '#core/ports/world.ts';
import type { ActivityHandler, ActivityResult } from './station.ts';

export interface OwnDeps {
  world: World;
  store: Pick<Store, 'beginAttempt' | 'endAttempt'>;
  telemetry: Telemetry;
  directory: TenantDirectory;
  ownerId: string;
  /** Over the world's HTTP client; a request takes at most so long, where it is said. */
  fetchWithin(requestTimeoutMs: number | undefined): typeof globalThis.fetch;
  filesOf(activity: RunnableActivity): ActivityFiles;
}

interface Attempt {
  fetch: typeof globalThis.fetch;
  activity: RunnableActivity;
  signal: AbortSignal;
  isLast: boolean;
  nth: number;
}

/** A paid attempt with its rule at hand. */
interface PaidAttempt extends Attempt {
  charge: OpenCharge;
}

type Run = NonNullable<ActivityDeclaration['run']>;

/** How the station runs an activity that its dialog declares with a `run`. */
export function createOwnHandler(deps: OwnDeps, declaration: ActivityDeclaration, run: Run): ActivityHandler {
  const fetch = deps.fetchWithin(declaration.requestTimeoutMs);
  return async (activity, signal, isLast, nth) => {
    const attempt = { fetch, activity, signal, isLast, nth };
    const { charge } = activity;
    if (charge !== undefined) return paid(deps, declaration, run, { ...attempt, charge });
    try {
      const context = contextOf(deps, attempt, activity.activityId);
      return { result: (await run(activity.input, context)).result };
    } catch (error) {
      throw faultOf(error);
    }
  };
}

/** What a provider knows of a request whose end nobody saw. */
async function lookUp(
  deps: OwnDeps,
  { lookup }: ActivityDeclaration,
  attempt: PaidAttempt,
  idempotencyKey: string,
): Promise<ActivityResult | 'notCharged' | 'unknown'> {
  if (lookup === undefined) return 'unknown';
  const found = await lookup(attempt.activity.input, contextOf(deps, attempt, idempotencyKey));
  if (found.charged === 'no') return 'notCharged';
  if (found.charged === 'unknown') return 'unknown';
  if ('result' in found) return settled(deps, attempt, found);
  const { activityId } = attempt.activity;
  const lost = new ActivityFault({
    code: 'resultLost',
    message: `The provider has charged for activity ${activityId} and has no result of it any more.`,
    retryable: false,
    charged: 'yes',
    ...(found.amountMicros === undefined ? {} : { amountMicros: found.amountMicros }),
  });
  throw judged(deps, lost, attempt);
}

async function paid(
  deps: OwnDeps,
  declaration: ActivityDeclaration,
  run: Run,
  attempt: PaidAttempt,
): Promise<ActivityResult> {
  const begun = await begin(deps, declaration, attempt);
  if (typeof begun !== 'string') return begun;
  attempt.signal.throwIfAborted();
  try {
    const answer = await run(attempt.activity.input, contextOf(deps, attempt, begun));
    return settled(deps, attempt, answer);
  } catch (error) {
    const fault = judged(deps, faultOf(error, attempt.charge.onUncertain), attempt);
    if (fault.retryable && !attempt.signal.aborted)
      await endAttempt(deps, attempt, fault.charged === 'no' ? 'no' : 'maybe');
    throw fault;
  }
}

/** The key under which the provider may be asked now, or what it has answered before. @throws ActivityFault */
async function begin(
  deps: OwnDeps,
  declaration: ActivityDeclaration,
  attempt: PaidAttempt,
): Promise<string | ActivityResult> {
  const { activity, charge } = attempt;
  for (let looked = false; ; ) {
    attempt.signal.throwIfAborted();
    const askedAtMs = deps.world.clock.monotonicMs();
    const begun = await deps.store.beginAttempt(attemptOf(deps, activity));
    if (begun.outcome === 'begun') {
      if (deps.world.clock.monotonicMs() - askedAtMs <= limits.attemptAgeMaxMs) return begun.idempotencyKey;
      // The process may have been held up for so long that another one has the activity by now: it is asked for anew.
      await endAttempt(deps, attempt, 'no');
      continue;
    }
    if (begun.outcome === 'gone')
      throw nothingAsked('cancelled', `Nobody waits for activity ${activity.activityId} any more.`);
    if (begun.outcome === 'refused')
      throw nothingAsked('limitRefused', `The limit ${begun.limit} has no room for a second request.`);
    const { activityId } = activity;
    const known =
      charge.onUncertain === 'lookup' && !looked
        ? await lookUpSafely(deps, declaration, attempt, begun.idempotencyKey)
        : 'unknown';
    if (typeof known !== 'string') return known;
    if (known === 'unknown')
      throw new ActivityFault({
        code: 'uncertain',
        message: `Nobody knows whether the provider has charged for activity ${activityId}.`,
        retryable: charge.onUncertain === 'lookup' && !attempt.isLast,
        charged: 'maybe',
      });
    looked = true;
    await endAttempt(deps, attempt, 'disproved');
  }
}

/** A provider that cannot be asked about a request says nothing about it. */
async function lookUpSafely(...args: Parameters<typeof lookUp>): ReturnType<typeof lookUp> {
  try {
    return await lookUp(...args);
  } catch (error) {
    if (error instanceof ActivityFault && error.charged === 'yes') throw error;
    const [{ world }, , { activity }] = args;
    const fields = { ...activity.ref, activityId: activity.activityId, err: outlineOf(error) };
    world.log.warn(fields, `What activity ${activity.name} cost could not be looked up.`);
    return 'unknown';
  }
}

const nothingAsked = (code: string, message: string) =>
  new ActivityFault({ code, message, retryable: false, charged: 'maybe' });

/** A request that may have been charged for is repeated only where the rule allows; where it does not, the dialog is told so. */
function judged(deps: OwnDeps, fault: ActivityFault, attempt: PaidAttempt): ActivityFault {
  const { activity, charge, isLast } = attempt;
  if (fault.charged === 'yes') {
    const known = amountOf(deps, activity, charge, fault.amountMicros);
    return copyOf(fault, { retryable: false, amountMicros: known ?? charge.amountMicros });
  }
  if (fault.charged === 'maybe' && charge.onUncertain === 'settleAndFlag')
    return copyOf(fault, { code: 'uncertain', retryable: false });
  return copyOf(fault, { retryable: fault.retryable && !isLast });
}

function copyOf(
  fault: ActivityFault,
  change: { code?: string; retryable: boolean; amountMicros?: number },
): ActivityFault {
  const { code, message, charged, retryAfterMs } = fault;
  const waits = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new ActivityFault({ code, message, charged, ...waits, ...change });
}

/** What an attempt that failed says; a library may have wrapped the cause. */
function faultOf(error: unknown, onUncertain?: OnUncertain): ActivityFault {
  const chain: unknown[] = [];
  for (let each = error; each instanceof Error && chain.length < causesMax; each = each.cause)
    chain.push(each);
  const own = chain.find((each) => each instanceof ActivityFault);
  if (own !== undefined) return own;
  const http = chain.find((each) => each instanceof HttpFault);
  if (http !== undefined)
    return new ActivityFault({
      code: http.phase === 'notSent' ? 'providerUnreachable' : 'providerSilent',
      message: `The provider gave no whole answer (${http.code}).`,
      retryable: true,
      charged: http.phase === 'notSent' ? 'no' : 'maybe',
    });
  const known = chain.find((each) => each instanceof ModelFault || each instanceof FileFault);
  if (known !== undefined)
    return new ActivityFault({
      ...{ code: known.code, message: known.message, retryable: known.retryable, charged: 'maybe' },
      ...(known instanceof ModelFault && known.retryAfterMs !== undefined
        ? { retryAfterMs: known.retryAfterMs }
        : {}),
    });
  return new ActivityFault({
    code: 'activityFailed',
    message: outlineOf(error),
    // Nobody knows what it was: to ask again costs nothing where the provider knows the request again.
    retryable: onUncertain === 'retryWithKey' || onUncertain === 'lookup',
    charged: 'maybe',
  });
}

const causesMax = 8;

function settled(deps: OwnDeps, { activity, charge }: PaidAttempt, answer: ActivityAnswer): ActivityResult {
  const amountMicros = amountOf(deps, activity, charge, answer.amountMicros);
  return { result: answer.result, charge: { kind: 'charged', amountMicros } };
}

/** Never over what was reserved: a provider that takes more breaks the declaration, and somebody must see that. */
function amountOf(
  { world, telemetry }: OwnDeps,
  activity: RunnableActivity,
  charge: OpenCharge,
  amountMicros: number | undefined,
): number | null {
  if (amountMicros === undefined) return null;
  const isCovered = amountMicros >= 0 && amountMicros <= charge.amountMicros;
  if (Number.isSafeInteger(amountMicros) && isCovered) return amountMicros;
  telemetry.count('nightdesk_alerts_total', { reason: 'overCharged' });
  world.log.error(
    { ...activity.ref, activityId: activity.activityId, amountMicros, reservedMicros: charge.amountMicros },
    `Activity ${activity.name} says that it cost what it did not reserve; it is counted with all that it did. Raise cost.amountMicros to the most that one start may cost.`,
  );
  return null;
}

function attemptOf({ ownerId, world }: OwnDeps, { ref, activityId }: RunnableActivity) {
  return { ref, activityId, ownerId, nowMs: world.clock.nowMs() };
}

/** Asked until the store is back: what is told of the money must not be lost while the process lives. */
async function endAttempt(
  deps: OwnDeps,
  { activity, signal }: PaidAttempt,
  charged: 'no' | 'disproved' | 'maybe',
): Promise<void> {
  for (let failures = 1; ; failures++) {
    try {
      await deps.store.endAttempt({ ...attemptOf(deps, activity), charged });
      return;
    } catch (error) {
      if (!isFault(error, 'storeUnavailable') || signal.aborted) throw error;
      deps.telemetry.count('nightdesk_store_faults_total', { operation: 'endAttempt' });
      const bounds = { baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs };
      const waitMs = backoffMs({ failures, ...bounds }, deps.world.random);
      await new Promise<void>((resolve) => deps.world.timers.after(waitMs, resolve));
    }
  }
}

function contextOf(
  deps: OwnDeps,
  { fetch: request, activity, signal, isLast, nth }: Attempt,
  idempotencyKey: string,
): ActivityContext {
  const { ref, contactId, phoneNumberId } = activity;
  return {
    ...ref,
    contactId,
    phoneNumberId,
    settings: deps.directory.phoneNumber(phoneNumberId)?.settings ?? {},
    signal,
    idempotencyKey,
    attempt: nth,
    isLastAttempt: isLast,
    fetch: (input, init) => request(input, { signal, ...init }),
    files: deps.filesOf(activity),
  };
}
