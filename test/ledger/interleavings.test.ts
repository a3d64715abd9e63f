/**
 * I7 in every order of things: starts, attempts, ends, cancels, deaths, rescues, sweeps and hand-overs come as chance has
 * it, told by whoever owns the entry and by others. After each step the ledger adds up, nothing that has ended moves, and
 * the limits have exactly what they are owed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { LateRule, OnUncertain } from '#core/model/ledger.ts';
import type { ChargeEnd } from '#core/ports/store-money.ts';
import { hourMs, otherOwner, owner } from '#testing/store-conformance/scene.ts';
import { customer, openStage, type Stage } from '../spec/stage.ts';

type Step =
  | { do: 'start'; onUncertain: OnUncertain; late: LateRule; input: number; runHere: boolean }
  | { do: 'begin'; nth: number; ownerId: string }
  | { do: 'endAttempt'; nth: number; ownerId: string; charged: 'no' | 'disproved' | 'maybe' }
  | { do: 'settle'; nth: number; ownerId: string; charge: ChargeEnd | null }
  | { do: 'cancel'; nth: number }
  | { do: 'takeOver' | 'handBack' | 'merge' | 'retention' }
  | { do: 'rescue'; ownerId: string; all: boolean }
  | { do: 'sweep'; ownerId: string; afterMs: number };

const nth = fc.nat(7);
const ownerId = fc.constantFrom(owner, otherOwner);
const charge = fc.oneof(
  fc.record({ kind: fc.constant('charged' as const), amountMicros: fc.option(fc.nat(100)) }),
  fc.record({ kind: fc.constantFrom('notCharged' as const, 'disproved' as const, 'unknown' as const) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      onUncertain: fc.constantFrom('retryWithKey', 'lookup', 'settleAndFlag', 'retryMayPayTwice'),
      late: fc.constantFrom('discard', 'reuse'),
      input: fc.nat(1),
      runHere: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('begin' as const), nth, ownerId }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('endAttempt' as const), nth, ownerId },
      charged: fc.constantFrom('no', 'disproved', 'maybe'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('settle' as const), nth, ownerId, charge: fc.option(charge) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), nth }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('takeOver', 'handBack', 'merge', 'retention') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rescue' as const), ownerId, all: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('sweep' as const), ownerId },
      afterMs: fc.constantFrom(0, limits.leaseTtlMs, limits.chargeBackoffMaxMs),
    }),
  },
);

class Run {
  readonly stage: Stage = openStage();
  readonly started: string[] = [];
  readonly #ended = new Map<string, string>();
  #isMerged = false;
  #ref: ConversationRef | null = null;

  async take(each: Step): Promise<void> {
    const { stage } = this;
    const { store, nowMs } = stage;
    if (each.do === 'start' || each.do === 'cancel') return this.#turn(each);
    if (this.#ref === null) return;
    const ref = this.#ref;
    const activityId = this.started['nth' in each ? each.nth % this.started.length : 0] ?? 'act_none';
    const attempt = { ref, activityId, ownerId: 'ownerId' in each ? each.ownerId : owner, nowMs };
    if (each.do === 'begin') await store.beginAttempt(attempt);
    if (each.do === 'endAttempt') await store.endAttempt({ ...attempt, charged: each.charged });
    if (each.do === 'settle') await this.#settle(attempt, each.charge);
    if (each.do === 'rescue') await store.rescue({ ownerId: each.ownerId, nowMs, all: each.all });
    if (each.do === 'takeOver') await stage.takeOver(ref);
    if (each.do === 'handBack') await stage.handBack(ref).catch(() => {});
    if (each.do === 'retention') await stage.retention();
    if (each.do === 'merge' && !this.#isMerged) {
      this.#isMerged = true;
      await stage.merge('survives');
    }
    if (each.do === 'sweep') {
      stage.advance(each.afterMs);
      await store.findWork({ ownerId: each.ownerId, nowMs: stage.nowMs, max: 10 });
    }
  }

  async #turn(each: Extract<Step, { do: 'start' | 'cancel' }>): Promise<void> {
    const { stage } = this;
    this.#ref = await stage.say('something', { from: customer });
    if (each.do === 'cancel') {
      const activityId = this.started[each.nth % this.started.length];
      await stage.turnIfAny(this.#ref, {
        cancelledActivities: activityId === undefined ? [] : [activityId],
      });
      return;
    }
    const activityId = `act_${this.started.length}`;
    const { onUncertain, late, runHere } = each;
    const claims = [
      { limit: 'starts', scope: '', windowMs: 1_000 * hourMs * 24, max: 1_000, amount: 1 },
      {
        limit: 'money',
        scope: '',
        windowMs: 1_000 * hourMs * 24,
        max: 100_000,
        amount: 100,
        unit: 'micros' as const,
      },
    ];
    const cost = { currency: 'USD', amountMicros: 100, onUncertain, late };
    const activity = { activityId, name: 'draw', input: each.input, deadlineMs: 60_000, claims, cost };
    this.started.push(activityId);
    await stage.turnIfAny(this.#ref, { activities: [activity], runHere });
  }

  /** Nobody says that a request was charged for which was never begun. */
  async #settle(
    attempt: Parameters<Stage['store']['beginAttempt']>[0],
    charge: ChargeEnd | null,
  ): Promise<void> {
    const entry = this.#row(attempt.activityId);
    if (charge?.kind === 'charged' && entry?.state === 'reserved') return;
    const isDone = charge?.kind === 'charged';
    await this.stage.store.settleActivity({
      ...attempt,
      ...(isDone ? { result: 'x' } : { fault: { code: 'failed', message: 'failed' } }),
      ...(charge && { charge }),
    });
  }

  #row(activityId: string) {
    return this.stage.row(
      'SELECT * FROM ledger_entry WHERE activity_id = ? ORDER BY request DESC',
      activityId,
    );
  }

  async check(): Promise<void> {
    const { stage } = this;
    const { rows, unbalanced } = await stage.store.readLedger({ by: [] });
    expect(unbalanced).toBe(0);
    const count = (sql: string) => Number(stage.row(`SELECT ${sql} AS n FROM ledger_entry`)?.n ?? 0);
    const [sums] = rows;
    const { reservedMicros = 0, uncertainMicros = 0, spentMicros = 0, returnedMicros = 0 } = sums ?? {};
    expect(reservedMicros + uncertainMicros + spentMicros + returnedMicros).toBe(100 * count('count(*)'));
    const used = await this.#used();
    expect(used.starts ?? 0).toBe(count("coalesce(sum(request = 1 AND state <> 'refunded'), 0)"));
    expect(used.money ?? 0).toBe(reservedMicros + uncertainMicros + spentMicros);
    this.#nothingMoves();
  }

  async #used(): Promise<Record<string, number>> {
    const limitRows = await this.stage.store.readLimits({ sinceMs: 0 });
    return Object.fromEntries(limitRows.map((row) => [row.limit, row.used]));
  }

  /** What has ended stays as it ended. */
  #nothingMoves(): void {
    for (const activityId of this.started) {
      for (const request of [1, 2, 3, 4]) {
        const row = this.stage.row(
          "SELECT state, spent_micros, presumed, postings FROM ledger_entry WHERE activity_id = ? AND request = ? AND state IN ('settled','refunded')",
          ...[activityId, request],
        );
        if (row === undefined) continue;
        const key = `${activityId}/${request}`;
        const known = this.#ended.get(key) ?? JSON.stringify(row);
        expect(JSON.stringify(row), `${key} has ended`).toBe(known);
        this.#ended.set(key, known);
      }
    }
  }

  /** Time goes on, nobody dies any more, and nothing is found out: everything ends. */
  async finish(): Promise<void> {
    const { stage } = this;
    const { store } = stage;
    for (let round = 0; round < limits.chargeTriesMax + 3; round++) {
      stage.advance(limits.chargeBackoffMaxMs + limits.leaseTtlMs);
      await store.rescue({ ownerId: owner, nowMs: stage.nowMs, all: true });
      const { activities, charges } = await store.findWork({ ownerId: owner, nowMs: stage.nowMs, max: 100 });
      for (const { ref, activityId } of [...activities, ...charges])
        await store.settleActivity({
          ...{ ref, activityId, ownerId: owner, nowMs: stage.nowMs },
          fault: { code: 'failed', message: 'failed' },
        });
      // What the last owner still holds ends, too.
      for (const activityId of this.started)
        if (this.#ref !== null)
          await store.settleActivity({
            ...{ ref: this.#ref, activityId, ownerId: owner, nowMs: stage.nowMs },
            fault: { code: 'failed', message: 'failed' },
          });
    }
    await this.check();
    const open = stage.row(
      "SELECT count(*) AS n FROM ledger_entry WHERE state NOT IN ('settled','refunded')",
    );
    expect(open?.n).toBe(0);
  }
}

test('I7 whatever happens in whatever order, the ledger adds up and every entry ends once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const run = new Run();
      try {
        for (const each of steps) {
          await run.take(each);
          await run.check();
        }
        await run.finish();
      } finally {
        await run.stage.close();
      }
    }),
    { numRuns: 40, seed: 20_260_131 },
  );
}, 120_000);
