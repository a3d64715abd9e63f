/**
 * One timer for the earliest of many times, on a clock that may be set.
 */
import { expect, test } from 'vitest';
import { Alarm } from '#core/alarm.ts';
import { createVirtualWorld } from '#testing/virtual-world.ts';

const hourMs = 3_600_000;

function alarm() {
  const world = createVirtualWorld({ seed: 1 });
  const rings: number[] = [];
  const startMs = world.nowMs();
  const made = new Alarm(world, () => rings.push(world.nowMs() - startMs));
  return { world, made, rings };
}

test('rings once, at the earliest of the times', async () => {
  const { world, made, rings } = alarm();
  for (const inMs of [500, 200, 900]) made.atEarliest(world.clock.nowMs() + inMs);
  await world.advance(hourMs);
  expect(rings).toEqual([200]);
});

test.each([-hourMs, hourMs])('a time said after the clock was set by %i ms counts as it is', async (byMs) => {
  const { world, made, rings } = alarm();
  made.atEarliest(world.clock.nowMs() + hourMs / 2);
  world.stepClock(byMs);
  made.atEarliest(world.clock.nowMs() + 1_000);
  await world.advance(3 * hourMs);
  expect(rings).toEqual([1_000]);
});

test('a time that is past rings at once', async () => {
  const { world, made, rings } = alarm();
  made.atEarliest(world.clock.nowMs() - hourMs);
  await world.advance(10);
  expect(rings).toHaveLength(1);
});
