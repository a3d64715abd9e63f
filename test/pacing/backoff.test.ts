import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs, pairBackoffMs } from '#core/pacing/backoff.ts';
import { fullSpeed, pausedUntilMs, slowDown, speedFactor } from '#core/pacing/speed.ts';

const startMs = 1_790_000_000_000;

describe('backoff', () => {
  test('full jitter: anything from 0 to the doubled base, never over the maximum', () => {
    const input = fc.record({
      failures: fc.integer({ min: 0, max: 5_000 }),
      baseMs: fc.integer({ min: 1, max: 10_000 }),
      maxMs: fc.integer({ min: 1, max: 600_000 }),
    });
    fc.assert(
      fc.property(input, fc.double({ min: 0, max: 0.999_999, noNaN: true }), (backoff, chance) => {
        const waitMs = backoffMs(backoff, () => chance);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(backoff.maxMs);
        if (backoff.failures <= 1) expect(waitMs).toBeLessThanOrEqual(backoff.baseMs);
      }),
    );
    const almost = () => 0.999_999;
    expect(
      [1, 2, 3, 4, 9].map((failures) => backoffMs({ failures, baseMs: 1_000, maxMs: 30_000 }, almost)),
    ).toEqual([999, 1_999, 3_999, 7_999, 29_999]);
  });

  test('the pair backs off by 4^n seconds', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 1_000].map(pairBackoffMs)).toEqual([
      1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000, 1_024_000, 1_024_000,
    ]);
  });
});

describe('speed', () => {
  test('halves down to a sixteenth and comes back by an eighth every quiet second', () => {
    let speed = fullSpeed;
    const factors: number[] = [];
    for (let i = 0; i < 6; i++) {
      speed = slowDown(speed, startMs + i * 600);
      factors.push(speedFactor(speed, startMs + i * 600));
    }
    expect(factors).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16, 1 / 16]);
    const lastMs = startMs + 3_000;
    expect([999, 1_000, 2_000, 7_000, 8_000, 900_000].map((ms) => speedFactor(speed, lastMs + ms))).toEqual([
      1 / 16,
      3 / 16,
      5 / 16,
      15 / 16,
      1,
      1,
    ]);
  });

  test('the refusals of sends that were on the wire together halve once', () => {
    let speed = fullSpeed;
    for (let i = 0; i < 64; i++) speed = slowDown(speed, startMs + i);
    expect(speedFactor(speed, startMs + 64)).toBe(1 / 2);
  });

  test('a pause stops everything until it ends; recovery begins there', () => {
    const speed = slowDown(fullSpeed, startMs, { retryAfterMs: 60_000 });
    expect(pausedUntilMs(speed, startMs + 1)).toBe(startMs + 60_000);
    expect(speedFactor(speed, startMs + 59_999)).toBe(0);
    expect(speedFactor(speed, startMs + 60_000)).toBe(1 / 2);
    expect(speedFactor(speed, startMs + 61_000)).toBe(5 / 8);
    expect(pausedUntilMs(speed, startMs + 99_000)).toBe(startMs + 99_000);
  });

  test('a later throttle never shortens a pause, and one of the same burst may lengthen it', () => {
    const paused = slowDown(fullSpeed, startMs, { retryAfterMs: 60_000 });
    expect(pausedUntilMs(slowDown(paused, startMs + 5_000), startMs + 5_000)).toBe(startMs + 60_000);
    const longer = slowDown(paused, startMs + 400, { retryAfterMs: 90_000 });
    expect(pausedUntilMs(longer, startMs + 400)).toBe(startMs + 90_400);
    expect(speedFactor(longer, startMs + 90_400)).toBe(1 / 2);
  });

  test('any history: the factor stays in its range, recovers in 8 quiet seconds, and a clock step makes nothing wait for hours', () => {
    const refusal = fc.record({
      stepMs: fc.integer({ min: -7_200_000, max: 7_200_000 }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(refusal, { minLength: 1, maxLength: 20 }), (refusals) => {
        let speed = fullSpeed;
        let nowMs = startMs;
        for (const { stepMs, retryAfterMs } of refusals) {
          nowMs += stepMs;
          speed = slowDown(speed, nowMs, retryAfterMs === undefined ? {} : { retryAfterMs });
          expect(pausedUntilMs(speed, nowMs) - nowMs).toBeLessThanOrEqual(31_000);
          const factor = speedFactor(speed, pausedUntilMs(speed, nowMs));
          expect(factor).toBeGreaterThanOrEqual(1 / 16);
          expect(factor).toBeLessThanOrEqual(1);
          expect(speedFactor(speed, nowMs + 31_000 + 8_000)).toBe(1);
          expect(speedFactor(speed, nowMs - 3_600_000)).toBe(1);
        }
      }),
    );
  });
});
