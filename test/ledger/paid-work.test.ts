/** Paid work in a whole town: what customers get, what the provider charges, and what the ledger says of it. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { failingStore } from '../virtual/store-faults.ts';
import { createPaidTown, customer, drawing, reservedMicros } from './paid-town.ts';

const costMicros = 30_000;
const none = {
  ...{
    starts: 0,
    reservedMicros: 0,
    uncertainMicros: 0,
    spentMicros: 0,
    presumedMicros: 0,
    returnedMicros: 0,
  },
};
/** The first try in the background has been made. */
const firstTryMs = 60_000;
/** All have been. */
const longMs = 55 * 60_000;

describe('I7 what paid work costs is reserved, and ends settled, refunded or visibly uncertain', () => {
  test('a start reserves what it may cost and settles what it did', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('retryWithKey'));
    town.say(customer, 'draw a cat');
    await town.world.advance(300);
    expect(await sums()).toEqual({ ...none, starts: 1, reservedMicros });
    await town.world.advance(2_000);
    expect(town.texts()).toEqual(['drawn: a cat']);
    expect(provider.charges).toHaveLength(1);
    const returnedMicros = reservedMicros - costMicros;
    expect(await sums()).toEqual({ ...none, starts: 1, spentMicros: costMicros, returnedMicros });
  });

  test('a provider that certainly charged nothing is asked again, and at last what was reserved is handed back', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('settleAndFlag'));
    provider.moods.push('refuses', 'refuses', 'refuses');
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['failed: busy']);
    expect(provider.requests).toBe(3);
    expect(await sums()).toEqual({ ...none, starts: 1, returnedMicros: reservedMicros });
  });

  test('what never left costs nothing', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('settleAndFlag'));
    town.world.serve('http://provider.test', () => ({ kind: 'notSent', code: 'ECONNREFUSED', delayMs: 0 }));
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['failed: providerUnreachable']);
    expect(provider.requests).toBe(0);
    expect(await sums()).toEqual({ ...none, starts: 1, returnedMicros: reservedMicros });
  });

  test('retryWithKey: a lost answer is asked for again under the same key, and charged once', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('retryWithKey'));
    provider.moods.push('losesAnswer');
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['drawn: a cat']);
    expect([provider.requests, provider.charges.length]).toEqual([2, 1]);
    expect((await sums()).spentMicros).toBe(costMicros);
  });

  test('retryWithKey: a later refusal proves nothing about an earlier request', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('retryWithKey'));
    provider.moods.push('losesAnswer', 'refuses', 'refuses');
    town.say(customer, 'draw a cat');
    await town.world.advance(8_000);
    expect(town.texts()).toEqual(['failed: busy']);
    expect(await sums()).toEqual({ ...none, starts: 1, uncertainMicros: reservedMicros });
    await town.world.advance(firstTryMs);
    expect(provider.charges).toHaveLength(1);
    expect(await sums()).toMatchObject({ uncertainMicros: 0, spentMicros: costMicros, presumedMicros: 0 });
    expect(await town.flagged('chargeUncertain')).toBe(0);
  });

  test('settleAndFlag: a lost answer counts as spent, is not repeated, and a person is asked', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('settleAndFlag'));
    provider.moods.push('losesAnswer');
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['failed: uncertain']);
    expect(provider.requests).toBe(1);
    expect(await sums()).toMatchObject({ spentMicros: reservedMicros, presumedMicros: reservedMicros });
    expect(await town.flagged('chargeUncertain')).toBe(1);
  });

  test('lookup: a lost answer is looked up; what was charged is given, what was not is asked for again', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('lookup'));
    provider.moods.push('losesAnswer');
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['drawn: a cat']);
    expect([provider.requests, provider.lookups, provider.charges.length]).toEqual([1, 1, 1]);
    expect((await sums()).spentMicros).toBe(costMicros);
  });

  test('lookup: a provider that does not know is asked later, a bounded number of times, then a person is', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('lookup'));
    provider.moods.push('hangs');
    provider.knowsCharges = false;
    town.say(customer, 'draw a cat');
    await town.world.advance(20_000);
    expect(town.texts()).toEqual(['failed: uncertain']);
    expect(await sums()).toEqual({ ...none, starts: 1, uncertainMicros: reservedMicros });
    await town.world.advance(longMs);
    expect(provider.requests).toBe(1);
    expect(provider.lookups).toBe(2 + limits.chargeTriesMax);
    expect(await sums()).toMatchObject({ uncertainMicros: 0, presumedMicros: reservedMicros });
    expect(await town.flagged('chargeUncertain')).toBe(1);
  });

  test('retryMayPayTwice: each request is an entry of its own, and nothing is charged that is not counted', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('retryMayPayTwice'));
    provider.moods.push('losesAnswer');
    town.say(customer, 'draw a cat');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['drawn: a cat']);
    expect(provider.charges.map((each) => each.key).map((key) => key.endsWith('-2'))).toEqual([false, true]);
    expect(await sums()).toMatchObject({
      ...{ starts: 1, spentMicros: reservedMicros + costMicros, presumedMicros: reservedMicros },
    });
  });

  test('a deadline after the request left makes it uncertain; with a key it is found out', async () => {
    const { town, provider, sums } = await createPaidTown(
      drawing('retryWithKey', { deadlineMs: 2_000, requestTimeoutMs: 60_000 }),
    );
    provider.moods.push('hangs');
    town.say(customer, 'draw a cat');
    await town.world.advance(4_000);
    expect(town.texts()).toEqual(['failed: deadline']);
    expect((await sums()).uncertainMicros).toBe(reservedMicros);
    await town.world.advance(firstTryMs);
    expect([provider.requests, provider.charges.length]).toEqual([2, 1]);
    expect(await sums()).toMatchObject({ uncertainMicros: 0, spentMicros: costMicros });
    expect(town.texts()).toEqual(['failed: deadline']);
  });
});

describe('a process that dies', () => {
  test.each([
    ['retryWithKey', ['drawn: a cat'], 1],
    ['lookup', ['drawn: a cat'], 1],
    ['settleAndFlag', ['failed: uncertain'], 1],
    ['retryMayPayTwice', ['drawn: a cat'], 2],
  ] as const)('while the provider works: %s', async (rule, said, charges) => {
    const { town, provider, sums } = await createPaidTown(drawing(rule));
    provider.latencyMs = 3_000;
    town.say(customer, 'draw a cat');
    await town.world.advance(1_000);
    town.crash();
    await town.start();
    await town.world.advance(30_000);
    expect(town.texts()).toEqual(said);
    expect(provider.charges).toHaveLength(charges);
    const { spentMicros, uncertainMicros, reservedMicros: reserved } = await sums();
    expect({ uncertainMicros, reserved }).toEqual({ uncertainMicros: 0, reserved: 0 });
    expect(spentMicros).toBeGreaterThanOrEqual(charges * costMicros);
    await town.expectQuiet();
  });
});

describe('a visit that is over', () => {
  test('what is being paid for goes on, settles, and changes nothing (I8)', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('settleAndFlag'));
    provider.latencyMs = 3_000;
    town.say(customer, 'draw a cat');
    await town.world.advance(1_000);
    town.say(customer, 'stop');
    await town.world.advance(10_000);
    expect(town.texts()).toEqual(['stopped']);
    expect(await sums()).toMatchObject({ spentMicros: costMicros, uncertainMicros: 0, presumedMicros: 0 });
  });

  test('late: reuse gives the result to the next start with equal input, which costs nothing', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('settleAndFlag', { late: 'reuse' }));
    provider.latencyMs = 3_000;
    town.say(customer, 'draw a cat');
    await town.world.advance(1_000);
    town.say(customer, 'stop');
    await town.world.advance(10_000);
    town.say(customer, 'draw a dog');
    await town.world.advance(5_000);
    town.say(customer, 'draw a cat');
    await town.world.advance(5_000);
    town.say(customer, 'draw a cat');
    await town.world.advance(5_000);
    expect(town.texts()).toEqual(['stopped', 'drawn: a dog', 'drawn: a cat', 'drawn: a cat']);
    expect(provider.charges.map((each) => each.input)).toEqual(['a cat', 'a dog', 'a cat']);
    expect(await sums()).toMatchObject({ starts: 3, spentMicros: 3 * costMicros });
  });

  test('late: reuse is for the same customer only', async () => {
    const { town, provider } = await createPaidTown(drawing('settleAndFlag', { late: 'reuse' }));
    provider.latencyMs = 3_000;
    town.say(customer, 'draw a cat');
    await town.world.advance(1_000);
    town.say(customer, 'stop');
    await town.world.advance(10_000);
    town.say('16505550000', 'draw a cat');
    await town.world.advance(10_000);
    expect(provider.charges).toHaveLength(2);
  });

  test('an operator takes over while the provider works: the money is settled, the result is not said', async () => {
    const { town, provider, sums } = await createPaidTown(drawing('retryWithKey'));
    provider.latencyMs = 3_000;
    town.say(customer, 'draw a cat');
    await town.world.advance(1_000);
    await town.command('take', { ...(await town.ref(customer)), by: 'ada' });
    await town.world.advance(20_000);
    expect(town.texts()).toEqual([]);
    expect(await sums()).toMatchObject({ spentMicros: costMicros, uncertainMicros: 0 });
  });
});

test('I7 a process that is held up between the commit of an attempt and the request asks for another attempt first', async () => {
  const failing = failingStore(seededRandom(1));
  const { town, provider, sums } = await createPaidTown(drawing('lookup'), { wrapStore: failing.wrap });
  let pauses = 1;
  const begun: number[] = [];
  failing.after.beginAttempt = () => {
    begun.push(provider.requests);
    if (pauses-- > 0) town.world.pause(limits.attemptAgeMaxMs + 1_000);
  };
  town.say(customer, 'draw a cat');
  await town.world.advance(15_000);
  expect(begun).toEqual([0, 0]);
  expect([provider.requests, provider.charges.length]).toEqual([1, 1]);
  expect(town.texts()).toEqual(['drawn: a cat']);
  expect((await sums()).spentMicros).toBe(costMicros);
});
