import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { median } from './measure.ts';
import { createTown } from './town.ts';

const contact = '16505551234';

describe('a tenant with 2,000 messages waiting', () => {
  test('delays a tenant with one by no more than about one slot', async () => {
    const town = await createTown({ tenants: [{ id: 'acme' }, { id: 'bolt' }] });
    await town.stop();
    for (let i = 0; i < 2_000; i += 1) town.say(`1650${1_000_000 + i}`, `m${i}`, { tenant: 'acme' });
    await town.world.advance(60_000);
    await town.start();
    town.meta.retryNow(town.world.nowMs());
    town.pumpMeta();
    await town.world.advance(500);
    const { atMs } = town.say(contact, 'only one', { tenant: 'bolt' });
    await town.world.runUntil(() => town.answers({ tenant: 'bolt' }).length === 1, 1_000);
    expect(town.answers({ tenant: 'bolt' })[0]!.atMs - atMs).toBeLessThan(330);
    expect(town.answers({ tenant: 'acme' }).length).toBeLessThan(200);
  });
});

test('a tenant never has more calls running than its ceiling, all tenants together no more than the process may', async () => {
  const tenants = Array.from({ length: 20 }, (_, i) => ({ id: `t${i}` }));
  const town = await createTown({ tenants });
  town.ai.set({ latencyMs: { minMs: 2_000, maxMs: 2_000 } });
  for (const { id } of tenants) {
    for (let i = 0; i < 40; i += 1) town.say(`1650777${1_000 + i}`, `hello ${id} ${i}`, { tenant: id });
  }
  await town.world.advance(1_000);
  expect(town.ai.stats().running).toBe(limits.activitiesTotalMax);
  await town.world.advance(30_000);
  expect(town.ai.stats().runningMax).toBe(limits.activitiesTotalMax);
  expect(town.answers()).toHaveLength(20 * 40);
  const firsts = tenants.map(({ id }) =>
    Math.min(...town.answers({ tenant: id }).map((answer) => answer.atMs)),
  );
  expect(Math.max(...firsts) - Math.min(...firsts)).toBeLessThan(2_100);
});

test('a ceiling of one tenant holds for it alone', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', activitiesMax: 2 }, { id: 'bolt' }] });
  town.ai.set({ latencyMs: { minMs: 1_000, maxMs: 1_000 } });
  for (let i = 0; i < 10; i += 1) {
    town.say(`1650777${1_000 + i}`, `a${i}`, { tenant: 'acme' });
    town.say(`1650888${1_000 + i}`, `b${i}`, { tenant: 'bolt' });
  }
  await town.world.advance(1_200);
  expect([town.answers({ tenant: 'acme' }).length, town.answers({ tenant: 'bolt' }).length]).toEqual([2, 10]);
  await town.world.advance(5_000);
  const gaps = town.answers({ tenant: 'acme' }).map((answer) => answer.atMs);
  expect(median(gaps) - gaps[0]!).toBeGreaterThanOrEqual(2_000);
});
