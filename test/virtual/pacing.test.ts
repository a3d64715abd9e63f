import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, mostInOneSecond, waits } from './measure.ts';
import { createTown, type Town, type TownTenant } from './town.ts';

/** `count` messages of as many contacts within `overMs`. */
function crowd(town: Town, tenant: string, count: number, overMs: number, prefix: string): void {
  for (let i = 0; i < count; i += 1) {
    const contact = `1650${prefix}${1000 + i}`;
    town.at(
      Math.floor((i * overMs) / count),
      () => void town.say(contact, `hello ${prefix} ${i}`, { tenant }),
    );
  }
}

/** Measured once: what it is compared with does not change. */
let quiet: Promise<number> | undefined;

function quietMedian(): Promise<number> {
  quiet ??= measureQuiet();
  return quiet;
}

async function measureQuiet(): Promise<number> {
  const town = await createTown({ tenants: [{ id: 'acme' }, { id: 'bolt' }] });
  crowd(town, 'bolt', 50, 5_000, '888');
  await town.world.advance(6_000);
  return median(waits(town, 'bolt'));
}

describe.each([
  { what: 'a tenant limited to 10 a second', perSecond: 10, tenant: { sendsPerSecondMax: 10 } },
  { what: 'a number limited to 10 a second', perSecond: 10, tenant: { numberPerSecond: 10 } },
  { what: 'a tenant limited to 80 a second', perSecond: 80, tenant: { sendsPerSecondMax: 80 } },
  { what: 'a number limited to 80 a second', perSecond: 80, tenant: { numberPerSecond: 80 } },
])('$what', ({ perSecond, tenant }) => {
  test('200 messages in 5 s: all are answered, no second at the receiver holds more than the pace and a tenth, others wait no longer (I6)', async () => {
    const town = await createTown({ tenants: [{ id: 'acme', ...tenant }, { id: 'bolt' }] });
    crowd(town, 'acme', 200, 5_000, '777');
    crowd(town, 'bolt', 50, 5_000, '888');
    await town.world.advance(45_000);
    const answers = town.answers({ tenant: 'acme' });
    expect(answers).toHaveLength(200);
    expect(mostInOneSecond(answers)).toBeLessThanOrEqual(perSecond + Math.max(1, perSecond / 10));
    const alone = await quietMedian();
    const busy = median(waits(town, 'bolt'));
    expect(busy).toBeLessThanOrEqual(Math.max(alone * 1.2, alone + 20));
    await town.expectQuiet();
  });
});

test('the pace is used up, not undercut: at 10 a second 200 answers take hardly more than 20 s', async () => {
  const town = await createTown({
    tenants: [{ id: 'acme', sendsPerSecondMax: 10, settings: { receipts: 'none' } }],
  });
  crowd(town, 'acme', 200, 5_000, '777');
  await town.world.runUntil(() => town.answers().length === 200, 21_500);
});

test('any pace, any crowd, any network within 50 ms: no second at the receiver holds more than the pace and a tenth (I6)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer({ min: 1, max: 1_000_000 }),
        perSecond: fc.constantFrom(10, 15, 30, 80),
        scope: fc.constantFrom('tenant', 'number'),
        count: fc.integer({ min: 20, max: 120 }),
        overMs: fc.integer({ min: 1, max: 4_000 }),
        networkMs: fc.integer({ min: 0, max: 50 }),
      }),
      async ({ seed, perSecond, scope, count, overMs, networkMs }) => {
        const tenant: TownTenant = {
          id: 'acme',
          ...(scope === 'tenant' ? { sendsPerSecondMax: perSecond } : { numberPerSecond: perSecond }),
        };
        const town = await createTown({
          seed,
          tenants: [tenant],
          networkMs: { minMs: 1, maxMs: 1 + networkMs },
        });
        crowd(town, 'acme', count, overMs, '777');
        // What comes in takes up to half of a number's pace.
        await town.world.advance(overMs + (2_000 * count) / perSecond + 2_000);
        expect(town.answers()).toHaveLength(count);
        expect(mostInOneSecond(town.answers())).toBeLessThanOrEqual(perSecond + Math.max(1, perSecond / 10));
        await town.stop();
      },
    ),
    { numRuns: 15, seed: 20_261_122 },
  );
});

test('two processes on one store share one pace, and a restart grants no new burst (I6)', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', sendsPerSecondMax: 10 }] });
  await town.start({ singleOwner: false });
  crowd(town, 'acme', 120, 3_000, '777');
  await town.world.advance(4_000);
  town.crash();
  await town.start();
  await town.world.advance(30_000);
  expect(mostInOneSecond(town.answers())).toBeLessThanOrEqual(11);
  expect(new Set(town.texts()).size).toBe(town.texts().length);
});

test('a burst to one customer keeps the pace of the pair: never refused by it, and nothing is dropped (I6)', async () => {
  const town = await createTown({
    tenants: [{ id: 'acme', settings: { repliesPerContactPerHourMax: 500 } }],
  });
  for (let i = 0; i < 60; i += 1) town.at(i * 400, () => void town.say('16505551234', `line ${i}`));
  for (let i = 0; i < 20; i += 1)
    town.at(20_000 + i * 500, () => void town.say(`1650888${1000 + i}`, `other ${i}`));
  await town.world.advance(40_000);
  expect(town.answers({ to: '16505551234' }).length).toBeLessThan(60);
  const others = town.answers().filter((answer) => answer.to !== '16505551234');
  expect(others).toHaveLength(20);
  await town.world.advance(180_000);
  const words = town.texts('16505551234').flatMap((text) => text.slice('Echo: '.length).split(' | '));
  expect(words).toEqual(Array.from({ length: 60 }, (_, i) => `line ${i}`));
  expect(town.meta.log.counters()['refused.131056'] ?? 0).toBe(0);
  await town.expectQuiet();
});
