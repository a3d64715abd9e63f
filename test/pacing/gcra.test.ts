import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  debitInbound,
  gcra,
  grantAll,
  type Pace,
  paceOfPerSecond,
  perSecondUnder,
} from '#core/pacing/gcra.ts';

const rates = [1, 5, 10, 20, 80, 250, 1_000];
const startMs = 1_790_000_000_000;

/** Grants at the given times of asking; whoever is refused asks again at the next time. */
function grantsAt(pace: Pace, askedAtMs: number[]): number[] {
  let tatMs = 0;
  const grants: number[] = [];
  for (const nowMs of askedAtMs) {
    const grant = gcra(pace, tatMs, nowMs);
    if (!grant.granted) continue;
    tatMs = grant.tatMs;
    grants.push(nowMs);
  }
  return grants;
}

/** The most that any window of 1,000 ms holds, its end not included. */
function busiestSecond(timesMs: number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (let last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= 1_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

const roomOf = (perSecond: number) => perSecond + Math.max(1, perSecond / 10);

/** Gaps between askings: storms, lulls and everything between, over some seconds. */
const arrivals = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1_500 })), {
    minLength: 1,
    maxLength: 3_000,
  })
  .map((gaps) => {
    let nowMs = startMs;
    return gaps.map((gapMs) => (nowMs += gapMs));
  });

test('I6: at full speed a number never reaches what Meta refuses, and keeps nine tenths of it from 20/s on', () => {
  for (const limit of [1, 5, 10, 20, 80, 250, 1_000]) {
    const pace = paceOfPerSecond(perSecondUnder(limit));
    const asked = Array.from({ length: 20_000 }, (_, i) => startMs + i / 2);
    const grants = grantsAt(pace, asked);
    expect(busiestSecond(grants)).toBeLessThanOrEqual(Math.max(limit, 2));
    if (limit >= 20) expect(grants.length / 10).toBeGreaterThan(limit * 0.9);
  }
});

describe('I6: no pace is exceeded', () => {
  test.each(rates)(
    '%i per second: no window of 1,000 ms holds more, at any pattern of arrivals',
    (perSecond) => {
      fc.assert(
        fc.property(arrivals, (askedAtMs) => {
          const grants = grantsAt(paceOfPerSecond(perSecond), askedAtMs);
          expect(busiestSecond(grants)).toBeLessThanOrEqual(roomOf(perSecond));
        }),
        { numRuns: 60 },
      );
    },
  );

  test.each(rates)(
    '%i per second: nor at the receiver, behind a network that delays by up to 50 ms',
    (perSecond) => {
      const jitterMaxMs = perSecond >= 10 ? 50 : 500 / perSecond;
      fc.assert(
        fc.property(
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 50, maxLength: 50 }),
          (chances) => {
            const everyMs = Array.from({ length: 6_000 }, (_, ms) => startMs + ms);
            const asked = everyMs.flatMap((ms) => [ms, ms]);
            const grants = grantsAt(paceOfPerSecond(perSecond), asked);
            const arrived = grants.map((ms, i) => ms + jitterMaxMs * chances[i % chances.length]!);
            expect(busiestSecond(arrived)).toBeLessThanOrEqual(roomOf(perSecond));
          },
        ),
        { numRuns: 20 },
      );
    },
  );

  test('the worst jitter that is allowed: a whole second late, then on time', () => {
    for (const perSecond of rates) {
      const jitterMs = perSecond >= 10 ? 50 : 500 / perSecond;
      const asked = Array.from({ length: 5_000 }, (_, ms) => startMs + ms).flatMap((ms) =>
        Array<number>(60).fill(ms),
      );
      const grants = grantsAt(paceOfPerSecond(perSecond), asked);
      for (const turnMs of [0, 500, 1_000, 2_345]) {
        const arrived = grants.map((ms) => (ms < startMs + turnMs ? ms + jitterMs : ms));
        expect(busiestSecond(arrived)).toBeLessThanOrEqual(roomOf(perSecond));
      }
    }
  });

  test.each(rates)(
    '%i per second: the pace is used to at least 95 of 100, with timers up to 40 ms late',
    (perSecond) => {
      const pace = paceOfPerSecond(perSecond);
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 20, maxLength: 20 }), (late) => {
          let tatMs = 0;
          let nowMs = startMs;
          let count = 0;
          const endMs = startMs + Math.max(30_000, 60_000 / perSecond);
          for (let i = 0; nowMs < endMs; i++) {
            const grant = gcra(pace, tatMs, nowMs);
            if (grant.granted) {
              tatMs = grant.tatMs;
              count++;
            } else {
              nowMs = Math.ceil(grant.atMs) + late[i % late.length]!;
            }
          }
          expect(count / ((endMs - startMs) / 1_000)).toBeGreaterThanOrEqual(0.95 * perSecond);
        }),
        { numRuns: 20 },
      );
    },
  );

  test("the pair's pace never empties Meta's bucket of 45 with one more every 6 s", () => {
    const pair: Pace = { everyMs: 6_000, burst: 40 };
    const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9_000 })), {
      minLength: 60,
      maxLength: 400,
    });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 20_000 }), (gapsMs, jitterMs) => {
        let nowMs = startMs;
        const grants = grantsAt(
          pair,
          gapsMs.map((gapMs) => (nowMs += gapMs)),
        );
        const arrived = grants.map((ms, i) => ms + (i % 3 === 0 ? jitterMs : 0)).toSorted((a, b) => a - b);
        let tokens = 45;
        let lastMs = startMs;
        for (const ms of arrived) {
          tokens = Math.min(45, tokens + (ms - lastMs) / 6_000) - 1;
          lastMs = ms;
          expect(tokens).toBeGreaterThanOrEqual(0);
        }
      }),
    );
    expect(grantsAt(pair, Array<number>(100).fill(startMs))).toHaveLength(40);
  });

  test('a clock that steps: nothing waits longer than two intervals and the debt, a step costs at most a burst', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: -7_200_000, max: 7_200_000 }), fc.integer({ min: 1, max: 5_000 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(...rates), steps, (perSecond, stepsMs) => {
        const pace = paceOfPerSecond(perSecond);
        const longestWaitMs = 2 * pace.everyMs + pace.debtMs!;
        let tatMs = 0;
        let clockMs = startMs;
        let passedMs = 0;
        const all: number[] = [];
        for (const [stepMs, lastsMs] of [[0, 2_000] as const, ...stepsMs]) {
          clockMs += stepMs;
          const grants: number[] = [];
          for (let ms = 0; ms < lastsMs; ms++) {
            for (;;) {
              const grant = gcra(pace, tatMs, clockMs + ms);
              if (!grant.granted) {
                expect(grant.atMs - (clockMs + ms)).toBeLessThanOrEqual(longestWaitMs + 0.01);
                break;
              }
              tatMs = grant.tatMs;
              grants.push(ms);
            }
          }
          all.push(...grants.map((ms) => passedMs + ms));
          clockMs += lastsMs;
          passedMs += lastsMs;
          expect(busiestSecond(grants)).toBeLessThanOrEqual(roomOf(perSecond));
        }
        expect(busiestSecond(all)).toBeLessThanOrEqual(roomOf(perSecond) + stepsMs.length * pace.burst);
      }),
      { numRuns: 30 },
    );
  });

  test('after a step back one grant is given at once and the next at the pace', () => {
    const pace: Pace = { everyMs: 6_000, burst: 40 };
    const first = gcra(pace, startMs + 3_600_000, startMs);
    expect(first).toEqual({ granted: true, tatMs: startMs + 240_000 });
    expect(gcra(pace, startMs + 240_000, startMs)).toEqual({ granted: false, atMs: startMs + 6_000 });
  });
});

test('a refusal names the earliest time, and at that time it is granted', () => {
  const rate = fc.constantFrom(...rates, 3, 7, 30, 0.5);
  fc.assert(
    fc.property(rate, fc.double({ min: 0, max: 1, noNaN: true }), (perSecond, share) => {
      const pace = paceOfPerSecond(perSecond);
      const tatMs = startMs + share * pace.burst * pace.everyMs;
      const grant = gcra(pace, tatMs, startMs);
      if (grant.granted) return;
      expect(gcra(pace, tatMs, grant.atMs).granted).toBe(true);
      expect(gcra(pace, tatMs, grant.atMs - 1).granted).toBe(false);
    }),
  );
});

describe('grantAll', () => {
  const number = { pace: paceOfPerSecond(80), tatMs: 0 };
  const spent = { pace: { everyMs: 6_000, burst: 2 }, tatMs: startMs + 9_000 };

  test('grants all, in the order of the checks', () => {
    const grant = grantAll([number, { pace: { everyMs: 6_000, burst: 2 }, tatMs: startMs + 6_000 }], startMs);
    expect(grant).toEqual({ granted: true, tatMs: [startMs + 12.5, startMs + 12_000] });
  });

  test('or none, and names the check that takes longest', () => {
    const empty = { pace: { everyMs: 60_000, burst: 1 }, tatMs: startMs + 30_000 };
    expect(grantAll([number, spent], startMs)).toEqual({ granted: false, atMs: startMs + 3_000, index: 1 });
    expect(grantAll([spent, number, empty], startMs)).toEqual({
      granted: false,
      atMs: startMs + 30_000,
      index: 2,
    });
    expect(grantAll([], startMs)).toEqual({ granted: true, tatMs: [] });
  });
});

describe('inbound', () => {
  test.each(rates)(
    'at %i per second a flood takes at most half, and what is sent and counted keeps the pace',
    (perSecond) => {
      const pace = paceOfPerSecond(perSecond);
      let tats = { tatMs: 0, inboundTatMs: 0 };
      let sent = 0;
      let counted = 0;
      const seconds = Math.max(20, 60 / perSecond);
      for (let nowMs = startMs; nowMs < startMs + seconds * 1_000; nowMs++) {
        for (let i = 0; i < 3; i++) {
          const after = debitInbound({ perSecond, ...tats }, nowMs);
          if (after.inboundTatMs !== tats.inboundTatMs) counted++;
          tats = after;
        }
        const grant = gcra(pace, tats.tatMs, nowMs);
        if (grant.granted) {
          tats.tatMs = grant.tatMs;
          sent++;
        }
      }
      const burst = pace.burst + pace.debtMs! / pace.everyMs;
      expect(counted).toBeLessThanOrEqual((perSecond / 2) * seconds + burst);
      expect(sent).toBeGreaterThanOrEqual((perSecond / 2) * seconds * 0.95 - burst);
      expect(sent + counted).toBeLessThanOrEqual(perSecond * seconds + burst + 1);
    },
  );

  test.each(rates)(
    'at %i per second batches are charged in full: no send leaves in time that inbound has taken',
    (perSecond) => {
      const pace = paceOfPerSecond(perSecond);
      const burst = 1 + Math.max(1, perSecond / 20) / 2;
      const batchMax = Math.floor(burst);
      const batchEveryMs = Math.ceil(batchMax * 2 * pace.everyMs) + 1;
      let tats = { tatMs: 0, inboundTatMs: 0 };
      let taken = 0;
      const lastsMs = Math.max(20_000, 60_000 / perSecond);
      for (let ms = 0; ms < lastsMs; ms++) {
        for (
          let grant = gcra(pace, tats.tatMs, startMs + ms);
          grant.granted;
          grant = gcra(pace, tats.tatMs, startMs + ms)
        ) {
          tats.tatMs = grant.tatMs;
          taken++;
        }
        for (let i = 0; i < batchMax && ms % batchEveryMs === 0; i++) {
          const after = debitInbound({ perSecond, ...tats }, startMs + ms);
          if (after.inboundTatMs !== tats.inboundTatMs) taken++;
          tats = after;
        }
      }
      expect(taken).toBeLessThanOrEqual((perSecond * lastsMs) / 1_000 + pace.burst + burst + 1);
    },
  );

  test('a quiet number is charged one interval per message', () => {
    const after = debitInbound({ perSecond: 80, tatMs: 0, inboundTatMs: 0 }, startMs);
    expect(after).toEqual({ tatMs: startMs + 12.5, inboundTatMs: startMs + 25 });
  });

  test('a step back of the clock leaves no debt of hours', () => {
    const after = debitInbound(
      { perSecond: 80, tatMs: startMs + 3_600_000, inboundTatMs: startMs + 3_600_000 },
      startMs,
    );
    expect(after.tatMs - startMs).toBeLessThanOrEqual(80);
    expect(after.inboundTatMs - startMs).toBeLessThanOrEqual(80);
  });
});

test('a pace that can never grant is refused when it is made', () => {
  for (const perSecond of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => paceOfPerSecond(perSecond)).toThrow(RangeError);
  }
  expect(() => gcra({ everyMs: 10, burst: 0 }, 0, startMs)).toThrow(RangeError);
});
