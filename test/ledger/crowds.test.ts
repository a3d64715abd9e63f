/** Many at once: one tap delivered many times, many taps for the last free unit, and budgets that several share. */
import { expect, test } from 'vitest';
import { createPaidTown, customer, drawing, type PaidTown, reservedMicros } from './paid-town.ts';

const dayMs = 86_400_000;
const perContact = { name: 'drawings', per: 'contact', windowMs: dayMs } as const;
const budget = { name: 'budget', per: 'tenant', windowMs: dayMs } as const;

/** The body that Meta has sent last comes again, many times at once. */
async function deliverAgain({ town }: PaidTown, times: number): Promise<void> {
  const body = town.bodies.at(-1);
  if (body === undefined) throw new Error('Meta has sent nothing yet.');
  const receive = () => town.nightdesk.webhook.receive(body);
  await town.done(Promise.all(Array.from({ length: times }, receive)));
}

test('I7 50 simultaneous deliveries of one message start one generation', async () => {
  const paid = await createPaidTown(drawing('retryWithKey'));
  const { town, provider, sums } = paid;
  provider.latencyMs = 3_000;
  town.say(customer, 'draw a cat');
  await town.world.advance(50);
  await deliverAgain(paid, 50);
  await town.world.advance(10_000);
  expect(town.texts()).toEqual(['drawn: a cat']);
  expect(provider.requests).toBe(1);
  expect((await sums()).starts).toBe(1);
});

test('I7 the last free unit, asked for by 20 messages at once, is granted once', async () => {
  const limits = [{ ...perContact, max: 3 }];
  const { town, provider, sums } = await createPaidTown(drawing('retryWithKey', { limits }));
  for (const what of ['one', 'two']) {
    town.say(customer, `draw ${what}`);
    await town.world.advance(3_000);
  }
  for (let nth = 0; nth < 20; nth++) town.say(customer, `draw ${nth}`);
  await town.world.advance(120_000);
  expect(provider.charges).toHaveLength(3);
  expect((await sums()).starts).toBe(3);
  const [row] = await town.store.readLimits({ sinceMs: 0 });
  expect(row).toMatchObject({ limit: 'drawings', max: 3, used: 3 });
  expect(row!.used).toBeLessThanOrEqual(row!.max);
});

test('I7 the last unit of a tenant, asked for by 20 customers at once, is granted once', async () => {
  const limits = [{ ...budget, max: 1 }];
  const { town, provider } = await createPaidTown(drawing('retryWithKey', { limits }));
  for (let nth = 0; nth < 20; nth++) town.say(`165055500${nth + 10}`, 'draw a cat');
  await town.world.advance(60_000);
  expect(provider.charges).toHaveLength(1);
  expect(town.texts().filter((text) => text === 'drawn: a cat')).toHaveLength(1);
  expect(town.texts().filter((text) => text === 'failed: limitRefused')).toHaveLength(19);
  const [row] = await town.store.readLimits({ sinceMs: 0 });
  expect(row).toMatchObject({ used: 1, refusals: 19, demand: [{ amount: 20, windows: 1 }] });
});

test('a refund gives the customer their unit back, in the same window', async () => {
  const limits = [{ ...perContact, max: 1 }];
  const { town, provider } = await createPaidTown(drawing('settleAndFlag', { limits, attemptsMax: 1 }));
  provider.moods.push('refuses');
  for (const what of ['a cat', 'a dog', 'a cow']) {
    town.say(customer, `draw ${what}`);
    await town.world.advance(5_000);
  }
  expect(town.texts()).toEqual(['failed: busy', 'drawn: a dog', 'failed: limitRefused']);
});

test('a limit of money is judged by the most that may be spent, and counts what was', async () => {
  const limits = [{ ...budget, maxMicros: 100_000 }];
  const { town, provider } = await createPaidTown(drawing('retryWithKey', { limits }));
  provider.costMicros = 30_000;
  const used = async () => (await town.store.readLimits({ sinceMs: 0 }))[0]?.used;
  // 0 + 40, 30 + 40, 60 + 40 fit into 100; 90 + 40 does not.
  for (const what of ['one', 'two', 'three', 'four']) {
    town.say(customer, `draw ${what}`);
    await town.world.advance(5_000);
  }
  expect(await used()).toBe(90_000);
  expect(provider.charges).toHaveLength(3);
  expect(town.texts().at(-1)).toBe('failed: limitRefused');
  expect(reservedMicros).toBe(40_000);
});

test('a tenant is told once of each share of its daily budget', async () => {
  const { town, provider } = await createPaidTown(drawing('retryWithKey'), {
    tenants: [
      {
        id: 'acme',
        dialog: 'shop',
        budget: { currency: 'USD', perDayMicros: 100_000, alertAtPercent: [50, 100] },
      },
    ],
  });
  const told = () => town.logged('warn').filter((line) => line.includes('of its budget'));
  for (const [nth, expected] of [0, 1, 1, 2, 2].entries()) {
    town.say(customer, `draw ${nth}`);
    await town.world.advance(5_000);
    expect(told()).toHaveLength(expected);
  }
  expect(provider.charges).toHaveLength(5);
  expect(await town.metric('nightdesk_budget_alerts_total', 'percent="50"')).toBe(1);
});
