import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import type { Log } from '#core/ports/world.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const dayMs = 86_400_000;

describe('timers', () => {
  test('run once, in the order of their time, and `soon` before them', async () => {
    const { timers, close } = createRealWorld({ log: quiet });
    const order: string[] = [];
    // Far enough from each other that a busy machine does not make them due at once.
    await new Promise<void>((resolve) => {
      timers.after(1_000, () => resolve());
      timers.after(500, () => order.push('after'));
      timers.soon(() => order.push('soon'));
    });
    expect(order).toEqual(['soon', 'after']);
    close();
  });

  test('are taken back one by one, or all at once by close', async () => {
    const { timers, close } = createRealWorld({ log: quiet });
    const ran: string[] = [];
    timers.after(1, () => ran.push('first'))();
    timers.after(1, () => ran.push('second'));
    close();
    await new Promise<void>((resolve) => createRealWorld({ log: quiet }).timers.after(15, resolve));
    expect(ran).toEqual([]);
  });

  test('wait longer than the platform can in one step', () => {
    vi.useFakeTimers();
    try {
      const { timers } = createRealWorld({ log: quiet });
      const ran = vi.fn();
      const takenBack = vi.fn();
      timers.after(60 * dayMs, ran);
      const cancel = timers.after(60 * dayMs, takenBack);
      vi.advanceTimersByTime(59 * dayMs);
      expect(ran).not.toHaveBeenCalled();
      cancel();
      vi.advanceTimersByTime(2 * dayMs);
      expect(ran).toHaveBeenCalledTimes(1);
      expect(takenBack).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  test('refuse a delay that is no number', () => {
    const { timers } = createRealWorld({ log: quiet });
    expect(() => timers.after(Number.NaN, () => {})).toThrow(RangeError);
  });

  test('do not keep a process alive that has nothing else to do', async () => {
    const script = `
      const { createRealWorld } = await import('#runtime/world/real-world.ts');
      createRealWorld({ log: console }).timers.after(600_000, () => {});
      console.log('end');`;
    const flags = ['--conditions=nightdesk-source', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 20_000 });
    expect(stdout).toBe('end\n');
  });
});

test('chance is in [0, 1), even, and different in every draw', () => {
  const { random } = createRealWorld({ log: quiet });
  const draws = Array.from({ length: 20_000 }, random);
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  expect(new Set(draws).size).toBe(draws.length);
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
});

test('the clock counts milliseconds since 1970, and the monotonic one only grows', () => {
  const { clock } = createRealWorld({ log: quiet });
  expect(clock.nowMs()).toBeGreaterThan(Date.UTC(2026, 0));
  expect(Number.isInteger(clock.nowMs())).toBe(true);
  const before = clock.monotonicMs();
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before);
});
