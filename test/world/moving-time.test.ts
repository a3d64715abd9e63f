/** Time that can be moved forward: what a server lives through when somebody lets ten minutes or a day pass at once. */
import { expect, test } from 'vitest';
import { Alarm } from '#core/alarm.ts';
import { isFault } from '#core/model/faults.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const hourMs = 3_600_000;

const movable = (aheadMs = 0) => createRealWorld({ log, aheadMs });

const faultOf = (work: () => void): string | null => {
  try {
    work();
    return null;
  } catch (error) {
    return isFault(error) ? error.code : String(error);
  }
};

test('a world is as far ahead as it is told, by both clocks', () => {
  const [here, there] = [createRealWorld({ log }), movable(25 * hourMs)];
  expect(here.time).toBeUndefined();
  for (const clock of ['nowMs', 'monotonicMs'] as const) {
    const hereMs = here.clock[clock]();
    const differenceMs = there.clock[clock]() - hereMs;
    expect(differenceMs).toBeGreaterThanOrEqual(25 * hourMs);
    expect(differenceMs).toBeLessThan(25 * hourMs + 1_000);
  }
  const before = there.clock.nowMs();
  there.time.moveTo(26 * hourMs);
  expect(there.clock.nowMs() - before).toBeGreaterThanOrEqual(hourMs);
  expect(there.time.aheadMs()).toBe(26 * hourMs);
});

test('timers that are due by then fire, in their order; the others wait on, and what was taken back stays so', async () => {
  const { timers, time, close } = movable();
  const order: string[] = [];
  const last = new Promise<void>((resolve) => {
    timers.after(3 * hourMs, () => {
      order.push('3 h');
      resolve();
    });
  });
  timers.after(2 * hourMs, () => order.push('2 h'));
  timers.after(1 * hourMs, () => order.push('1 h'));
  timers.after(1 * hourMs, () => order.push('taken back'))();
  timers.after(5 * hourMs, () => order.push('5 h'));
  time.moveTo(4 * hourMs);
  expect(order).toEqual([]);
  await last;
  expect(order).toEqual(['1 h', '2 h', '3 h']);
  const fifth = new Promise<void>((resolve) => void timers.after(1.5 * hourMs, resolve));
  time.moveTo(6 * hourMs);
  await fifth;
  expect(order).toEqual(['1 h', '2 h', '3 h', '5 h']);
  close();
});

test('a timer of more days than the platform can wait in one step is due after as many days', async () => {
  const { timers, time, close } = movable();
  const rang = new Promise<void>((resolve) => void timers.after(60 * 24 * hourMs, resolve));
  let isEarly = false;
  void rang.then(() => {
    isEarly = true;
  });
  time.moveTo(59 * 24 * hourMs);
  await new Promise<void>((resolve) => void timers.after(5, resolve));
  expect(isEarly).toBe(false);
  time.moveTo(61 * 24 * hourMs);
  await rang;
  close();
});

test('an alarm that stands is still the earliest after a move', async () => {
  const world = movable();
  let rings = 0;
  const rang = new Promise<void>((resolve) => {
    const alarm = new Alarm(world, () => {
      rings += 1;
      resolve();
    });
    alarm.atEarliest(world.clock.nowMs() + hourMs);
    world.time.moveTo(hourMs - 20);
    // Later than the one that stands, which now has 20 ms left.
    alarm.atEarliest(world.clock.nowMs() + hourMs);
  });
  await rang;
  expect(rings).toBe(1);
  world.close();
});

test('time neither goes back nor out of bounds', () => {
  const { time } = movable(hourMs);
  expect(faultOf(() => time.moveTo(hourMs - 1))).toBe('badRequest');
  expect(faultOf(() => time.moveTo(Number.NaN))).toBe('badRequest');
  expect(faultOf(() => time.moveTo(1e15))).toBe('badRequest');
  expect(faultOf(() => time.moveTo(hourMs))).toBeNull();
  expect(time.aheadMs()).toBe(hourMs);
});
