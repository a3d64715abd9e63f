/**
 * The outbox: asks the store for slots, writes what is granted, stores what became of it. `sending` is committed before
 * the socket is written; a sender that finds its grant too old (a paused process) gives it back instead of writing late.
 * Sends of one conversation leave one after the other; settling one frees the next. Uncertain sends are looked at when
 * their wait ends. All state that matters is in the store.
 */

import { Alarm } from '#core/alarm.ts';
import { limits } from '#core/limits.ts';
import { isFault, outlineOf } from '#core/model/faults.ts';
import type { SendAddress, SendBody } from '#core/model/sends.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import { perSecondUnder } from '#core/pacing/gcra.ts';
import type { Granted, PaceRules, SendRef, SendSettlement, SendsSettled, Store } from '#core/ports/store.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { TenantDirectory } from '#core/ports/tenants.ts';
import type { World } from '#core/ports/world.ts';
import { Lanes } from './lanes.ts';
import { type AttemptOutcome, tellAttempt, tellGranted, tellResolved } from './moments.ts';
import { type Answer, settlementOf } from './settlement.ts';

/** One attempt at one message; rejects only for a bug. Never retries. */
export type Transmit = (call: {
  phoneNumberId: string;
  token: string;
  address: SendAddress;
  body: SendBody;
  opaque: string;
  quoteWamid?: string;
  timeoutMs: number;
}) => Promise<Answer>;

export interface OutboxDeps {
  world: World;
  store: Pick<Store, 'grantSends' | 'settleSends' | 'resolveUncertain'>;
  directory: TenantDirectory;
  telemetry: Telemetry;
  ownerId: string;
  transmit: Transmit;
  tokenOf(tenantId: string): string | undefined;
  onAccepted(sendId: string, atMs: number): void;
  /** True where somebody else brings the send again at that time; this station forgets it then. */
  postpone?(send: SendRef, atMs: number): boolean;
  /** Takes the sends that the end of an uncertainty lets go, in the place of this station. */
  handOver?(sends: readonly SendRef[]): void;
}

export interface OutboxStation {
  /** Tells the outbox of sends that may leave. Repeats and stale ones do no harm. */
  offer(sends: readonly SendRef[]): void;
  /** Tenants were changed, which ends their pauses in the store: asks again for what was told to wait. */
  resume(): void;
  /** When to look at uncertain sends at the latest. */
  uncertainAt(atMs: number): void;
  /** Looks at them now. Never throws: what failed is told, and tried again. */
  lookAtUncertain(): Promise<void>;
  inFlight(): number;
  waiting(): number;
  /** Whether sends of this number wait for its pace. */
  isBusy(tenantId: string, phoneNumberId: string): boolean;
  start(): void;
  /** Grants nothing new; resolves when every written send has its answer stored, or at the deadline. */
  stop(options: { deadlineMs: number }): Promise<void>;
}

/** The paces of a number as configuration has them. */
export function paceRulesOf(directory: TenantDirectory, tenantId: string, phoneNumberId: string): PaceRules {
  const number = directory.phoneNumber(phoneNumberId);
  return {
    numberPerSecond: perSecondUnder(number?.sendsPerSecondMax ?? limits.numberSendsPerSecond),
    wabaPerSecond: directory.tenant(tenantId)?.wabaSendsPerSecondMax ?? null,
    tenantPerSecond: directory.tenant(tenantId)?.sendsPerSecondMax ?? null,
    pairEveryMs: limits.pairEveryMs,
    pairBurst: limits.pairBurst,
    wabaId: number?.wabaId ?? '',
    waitDeliveredMs: number?.settings.waitDeliveredMs ?? null,
  };
}

type GrantedSend = Extract<Granted, { outcome: 'granted' }>;

/** The process was paused between the grant and the write: the slot is over, and nothing was written. */
const givenBack: Answer = {
  kind: 'retryLater',
  why: 'notSent',
  scope: 'send',
  retryAfterMs: 0,
  pause: false,
};

export function createOutboxStation(deps: OutboxDeps): OutboxStation {
  return new Station(deps);
}

class Station implements OutboxStation {
  readonly #deps: OutboxDeps;
  readonly #lanes = new Lanes();
  readonly #paceAlarm: Alarm;
  readonly #uncertainAlarm: Alarm;
  /** Sends that wait for their pair alone, each with the timer that offers it again. */
  readonly #pairWaits = new Map<string, () => void>();
  /** Asked for without an answer: what the store may have granted of them was written by nobody. */
  readonly #inDoubt = new Set<string>();
  /** Granted, and its end is not stored yet. */
  readonly #inFlight = new Set<string>();
  #unreachable = 0;
  #granting = false;
  #scheduled = false;
  #stopped = true;
  #startedAtMs = 0;
  #idle: (() => void) | null = null;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#paceAlarm = new Alarm(deps.world, () => this.#schedule());
    this.#uncertainAlarm = new Alarm(deps.world, () => void this.#resolveUncertain());
  }

  start(): void {
    this.#stopped = false;
    this.#startedAtMs = this.#deps.world.clock.nowMs();
    this.#schedule();
  }

  offer(sends: readonly SendRef[]): void {
    for (const send of sends) this.#lanes.add(send);
    if (sends.length > 0) this.#schedule();
  }

  resume(): void {
    this.#lanes.resume();
    this.#schedule();
  }

  uncertainAt(atMs: number): void {
    if (!this.#stopped) this.#uncertainAlarm.atEarliest(atMs);
  }

  lookAtUncertain(): Promise<void> {
    return this.#resolveUncertain();
  }

  inFlight(): number {
    return this.#inFlight.size;
  }

  waiting(): number {
    return this.#lanes.size;
  }

  isBusy(tenantId: string, phoneNumberId: string): boolean {
    return this.#lanes.waitsFor(tenantId, phoneNumberId);
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#deps.world.timers.soon(() => {
      this.#scheduled = false;
      void this.#grant();
    });
  }

  /** Asks for slots for what may leave now; one question at a time, so that the order of a line is kept. */
  async #grant(): Promise<void> {
    if (this.#granting || this.#stopped) return;
    const room = Math.min(limits.grantBatchMax, limits.sendsInFlightMax - this.#inFlight.size);
    const { clock } = this.#deps.world;
    const sends = room > 0 ? this.#lanes.take(room, clock.monotonicMs()) : [];
    if (sends.length === 0) {
      this.#armPace();
      return;
    }
    this.#granting = true;
    const inDoubt = sends.map(({ sendId }) => sendId).filter((sendId) => this.#inDoubt.has(sendId));
    const nowMs = clock.nowMs();
    try {
      const granted = await this.#deps.store.grantSends({
        ownerId: this.#deps.ownerId,
        nowMs,
        sends,
        rulesOf: (send) => paceRulesOf(this.#deps.directory, send.ref.tenantId, send.phoneNumberId),
        ...(inDoubt.length === 0 ? {} : { inDoubt }),
      });
      for (const { outcome, send } of granted) if (outcome !== 'wait') this.#inDoubt.delete(send.sendId);
      this.#handle(granted, nowMs);
    } catch (error) {
      this.#deps.telemetry.count('nightdesk_store_faults_total', { operation: 'grantSends' });
      this.#deps.world.log.warn({ err: outlineOf(error) }, 'No slots could be had for sends; they wait.');
      // A stale offer may name what is on the wire, which is in no doubt.
      for (const { sendId } of sends) if (!this.#inFlight.has(sendId)) this.#inDoubt.add(sendId);
      this.#lanes.putBack(sends, clock.monotonicMs() + limits.storeRetryMaxMs);
    }
    this.#granting = false;
    this.#tellIdle();
    this.#schedule();
  }

  /** What was granted is written and settled, also while stopping. */
  #tellIdle(): void {
    if (this.#inFlight.size === 0 && !this.#granting) this.#idle?.();
  }

  #handle(granted: readonly Granted[], askedAtMs: number): void {
    const { telemetry, world } = this.#deps;
    // By the time that only grows, and the later of two readings: a clock that is set back must not silence a number.
    const nowMs = Math.max(askedAtMs, world.clock.nowMs());
    if (world.observer !== undefined) tellGranted(world.observer, granted);
    const waiting = new Map<number, SendRef[]>();
    for (const each of granted) {
      switch (each.outcome) {
        case 'granted':
          void this.#write(each);
          break;
        case 'wait':
          telemetry.count('nightdesk_pacing_waits_total', { scope: each.scope });
          if (this.#deps.postpone?.(each.send, each.atMs)) break;
          if (each.scope === 'pair') this.#offerAfter(each.send, each.atMs - nowMs);
          else waiting.set(each.atMs, [...(waiting.get(each.atMs) ?? []), each.send]);
          break;
        case 'withdrawn':
          telemetry.count('nightdesk_sends_total', { result: 'withdrawn' });
          if (each.next !== null) this.#lanes.add(each.next);
          break;
        case 'blocked':
        case 'gone':
          break;
      }
    }
    for (const [atMs, sends] of waiting) this.#lanes.putBack(sends, world.clock.monotonicMs() + atMs - nowMs);
  }

  /** A send that waits for its pair alone does not stand in the way of its number's others. */
  #offerAfter(send: SendRef, waitMs: number): void {
    if (this.#stopped) return;
    this.#pairWaits.get(send.sendId)?.();
    const cancel = this.#deps.world.timers.after(waitMs, () => {
      this.#pairWaits.delete(send.sendId);
      this.offer([send]);
    });
    this.#pairWaits.set(send.sendId, cancel);
  }

  #armPace(): void {
    const nextAtMs = this.#lanes.nextAtMs();
    const { clock } = this.#deps.world;
    if (nextAtMs === null || this.#inFlight.size >= limits.sendsInFlightMax) return;
    this.#paceAlarm.atEarliest(clock.nowMs() + nextAtMs - clock.monotonicMs());
  }

  async #write(granted: GrantedSend): Promise<void> {
    const { world, telemetry, directory } = this.#deps;
    this.#inFlight.add(granted.send.sendId);
    const startedMs = world.clock.monotonicMs();
    const isLate = Math.abs(world.clock.nowMs() - granted.grantedAtMs) > limits.sendWriteMaxMs;
    const answer = isLate ? givenBack : await this.#transmit(granted);
    const nowMs = world.clock.nowMs();
    const tookMs = world.clock.monotonicMs() - startedMs;
    telemetry.observe('nightdesk_graph_seconds', tookMs / 1_000);
    const outcome = isLate ? 'lateWrite' : answer.kind;
    this.#report(granted, answer, outcome);
    if (world.observer !== undefined) tellAttempt(world.observer, granted, answer, { outcome, tookMs });
    const wabaId = directory.phoneNumber(granted.send.phoneNumberId)?.wabaId ?? '';
    const notSent = answer.kind === 'retryLater' && answer.why === 'notSent' && answer.scope === 'send';
    if (!isLate) this.#unreachable = notSent ? this.#unreachable + 1 : 0;
    const unreachable = isLate ? 0 : this.#unreachable;
    await this.#settle(settlementOf(granted, answer, { nowMs, wabaId, unreachable, random: world.random }));
    this.#inFlight.delete(granted.send.sendId);
    if (answer.kind === 'accepted') this.#deps.onAccepted(granted.send.sendId, nowMs);
    this.#tellIdle();
    this.#schedule();
  }

  async #transmit(granted: GrantedSend): Promise<Answer> {
    const { world, transmit, tokenOf } = this.#deps;
    const { send } = granted;
    const token = tokenOf(send.ref.tenantId);
    if (token === undefined) return { kind: 'retryLater', why: 'notSent', scope: 'tenant', pause: true };
    try {
      const answer = await transmit({
        phoneNumberId: send.phoneNumberId,
        token,
        address: granted.address,
        body: granted.body,
        opaque: send.sendId,
        ...(granted.quoteWamid === null ? {} : { quoteWamid: granted.quoteWamid }),
        timeoutMs: limits.graphTimeoutMs,
      });
      // A refusal of a token that was exchanged meanwhile says nothing about the new one.
      const isOutdated = answer.kind === 'retryLater' && answer.pause && tokenOf(send.ref.tenantId) !== token;
      return isOutdated ? { ...answer, scope: 'send', retryAfterMs: 0, pause: false } : answer;
    } catch (error) {
      world.log.error(
        { ...send.ref, sendId: send.sendId, err: outlineOf(error) },
        'A send failed in a way that tells nothing; it is uncertain.',
      );
      return { kind: 'uncertain', why: 'noAnswer', probablyRefused: false };
    }
  }

  #report({ send }: GrantedSend, answer: Answer, result: AttemptOutcome): void {
    const { telemetry, world } = this.#deps;
    telemetry.count('nightdesk_sends_total', { result });
    const code = answer.kind === 'accepted' ? undefined : answer.error?.code;
    if (code !== undefined) telemetry.count('nightdesk_send_errors_total', { code });
    if (answer.kind === 'accepted') return;
    const fields = { ...send.ref, sendId: send.sendId, code };
    if (answer.kind === 'refused') world.log.warn(fields, 'A send was refused; its conversation is flagged.');
    else if (answer.kind === 'uncertain')
      world.log.warn(
        { ...fields, why: answer.why },
        'Nobody knows whether a send was accepted; its conversation waits for evidence.',
      );
    else if (answer.pause) {
      telemetry.count('nightdesk_alerts_total', { reason: code === undefined ? 'noToken' : `graph ${code}` });
      world.log.error(
        { ...fields, scope: answer.scope },
        'Sends of this scope are paused until the cause is mended; none is lost. Check token, restrictions and quality, then apply the tenant again.',
      );
    }
  }

  /**
   * What became of a request must be stored: a store that is away is asked until it is back. An answer that cannot be
   * stored as what it is leaves the send uncertain, so that its lane is freed in bounded time.
   */
  async #settle(settlement: SendSettlement): Promise<void> {
    const { store, world, telemetry } = this.#deps;
    const bounds = { baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs };
    for (let failures = 1; ; failures++) {
      try {
        this.#settled(await store.settleSends({ nowMs: world.clock.nowMs(), settlements: [settlement] }));
        return;
      } catch (error) {
        telemetry.count('nightdesk_store_faults_total', { operation: 'settleSends' });
        if (isFault(error, 'storeUnavailable')) {
          const waitMs = backoffMs({ failures, ...bounds }, world.random);
          await new Promise<void>((resolve) => world.timers.after(waitMs, resolve));
          continue;
        }
        const { send, attempt, outcome } = settlement;
        world.log.error(
          { ...send.ref, sendId: send.sendId, err: outlineOf(error) },
          'The answer to a send cannot be stored as what it is. The send is uncertain, now or after a restart.',
        );
        if (outcome.kind === 'uncertain' || isFault(error, 'stopping')) return;
        const unstorable = { kind: 'uncertain', why: 'its answer cannot be stored' } as const;
        const windowMs = limits.uncertainWindowMs;
        settlement = { send, attempt, outcome: { ...unstorable, windowMs, errorCode: null } };
      }
    }
  }

  #settled(settled: SendsSettled): void {
    this.offer(settled.freed);
    if (settled.provenDuplicates > 0)
      this.#deps.telemetry.count('nightdesk_duplicates_proven_total', {}, settled.provenDuplicates);
    for (const { resolveAtMs } of settled.uncertain) this.uncertainAt(resolveAtMs);
  }

  async #resolveUncertain(): Promise<void> {
    if (this.#stopped) return;
    const { store, world, telemetry } = this.#deps;
    try {
      const resolved = await store.resolveUncertain({
        nowMs: world.clock.nowMs(),
        startedAtMs: this.#startedAtMs,
      });
      if (world.observer !== undefined) tellResolved(world.observer, resolved);
      if (resolved.resent.length > 0)
        telemetry.count('nightdesk_uncertain_total', { result: 'resent' }, resolved.resent.length);
      if (resolved.held > 0) telemetry.count('nightdesk_uncertain_total', { result: 'held' }, resolved.held);
      if (resolved.dropped > 0)
        telemetry.count('nightdesk_uncertain_total', { result: 'dropped' }, resolved.dropped);
      const mayLeave = [...resolved.resent, ...resolved.freed];
      (this.#deps.handOver ?? ((sends) => this.offer(sends)))(mayLeave);
      if (resolved.nextAtMs !== null) this.uncertainAt(resolved.nextAtMs);
    } catch (error) {
      telemetry.count('nightdesk_store_faults_total', { operation: 'resolveUncertain' });
      world.log.warn({ err: outlineOf(error) }, 'Uncertain sends could not be looked at; it is tried again.');
      this.uncertainAt(world.clock.nowMs() + limits.sweepEveryMs);
    }
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    this.#stopped = true;
    this.#paceAlarm.cancel();
    this.#uncertainAlarm.cancel();
    for (const cancel of this.#pairWaits.values()) cancel();
    this.#pairWaits.clear();
    if (this.#inFlight.size === 0 && !this.#granting) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#deps.world.timers.after(deadlineMs, resolve);
      this.#idle = () => {
        cancel();
        resolve();
      };
    });
  }
}
