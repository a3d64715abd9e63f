import { expect, test } from 'vitest';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { limits } from '#core/limits.ts';
import { median, waits } from './measure.ts';
import { createTown } from './town.ts';

test('a model that hangs: the fallback text is accepted by 10 s + 500 ms, and the flag came in the same commit', async () => {
  const town = await createTown();
  const { atMs } = town.say('16505551234', '!hang');
  await town.world.runUntil(() => town.answers().length > 0, 10_500);
  const [answer] = town.answers();
  expect(answer?.text).toBe(defaultTexts.fallback);
  expect(answer?.atMs).toBeGreaterThanOrEqual(atMs + limits.replyTimeoutMs);
  const [flag] = await town.flags();
  const [send] = await town.store.listSends({ states: ['accepted'], max: 10 });
  expect(flag).toMatchObject({ reason: 'replyTimeout', createdAtMs: send?.createdAtMs });
  expect(town.ai.stats()).toMatchObject({ running: 0 });
  await town.world.advance(60_000);
  await town.expectQuiet();
  expect(town.answers()).toHaveLength(1);
});

test('a shorter replyTimeoutMs of a number counts for its conversations', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', settings: { replyTimeoutMs: 2_000 } }] });
  town.say('16505551234', '!hang');
  await town.world.runUntil(() => town.answers().length > 0, 2_500);
});

test('calls that hang under the ceiling delay nobody: other conversations of the tenant are answered as if alone', async () => {
  const town = await createTown();
  for (let i = 0; i < limits.activitiesPerTenantMax - 1; i += 1) town.say(`1650777${1000 + i}`, `!hang ${i}`);
  await town.world.advance(1_000);
  for (let i = 0; i < 20; i += 1) {
    town.say(`1650888${1000 + i}`, `hello ${i}`);
    await town.world.advance(400);
  }
  const others = waits(town, 'acme');
  expect(others).toHaveLength(20);
  expect(Math.max(...others)).toBeLessThan(320);
});

test('200 conversations of one tenant that hang never delay another tenant', async () => {
  const town = await createTown({ tenants: [{ id: 'acme' }, { id: 'bolt' }] });
  for (let i = 0; i < 200; i += 1) town.say(`1650777${1000 + i}`, `!hang ${i}`, { tenant: 'acme' });
  for (let i = 0; i < 100; i += 1) {
    town.at(i * 100, () => void town.say(`1650888${1000 + i}`, `hello ${i}`, { tenant: 'bolt' }));
  }
  await town.world.advance(10_500);
  const quick = waits(town, 'bolt');
  expect(quick).toHaveLength(100);
  expect(median(quick)).toBeLessThan(310);
  expect(Math.max(...quick)).toBeLessThan(320);
  // Those that never got a slot are told as early as those that had one.
  expect(await town.flagged('replyTimeout')).toBe(200);
  expect(town.ai.stats().calls).toBe(32 + 100);
  // Their texts leave at the pace of their number.
  await town.world.advance(5_000);
  expect(waits(town, 'acme')).toHaveLength(200);
  await town.world.advance(60_000);
  await town.expectQuiet();
});

test('a late answer of a model is not sent after the fallback text (I8)', async () => {
  const town = await createTown();
  town.say('16505551234', '!slow 12000');
  await town.world.advance(60_000);
  expect(town.texts()).toEqual([defaultTexts.fallback]);
  await town.expectQuiet();
});
