/**
 * Customers walk through the gift shop at random, in seconds. `npm run proof -- walks --virtual` does it with 2,000 of
 * them, `npm run proof -- walks` over real HTTP with a server that is killed.
 */
import { expect, test } from 'vitest';
import { withoutCause } from './causes.ts';
import { crowd } from './crowd.ts';
import failed from './failed-seeds.json' with { type: 'json' };
import { walk } from './walk.ts';

interface Seed {
  seed: number;
  customers: number;
  honoursKeys: boolean;
  found: string;
}

const always: Seed[] = [
  { seed: 1, customers: 100, honoursKeys: true, found: 'with keys: charges are settled entries' },
  {
    seed: 2,
    customers: 60,
    honoursKeys: false,
    found: 'without: no more charges than settled and uncertain',
  },
];

/** A seed that failed once stays, though a change of the walks may make other walks of it. */
const seeds: Seed[] = [...always, ...failed];

test.each(seeds.map((each) => [each.found, each] as const))(
  'I7 I12 walks: %s',
  async (_, { found: __, ...of }) => {
    const { problems, missing } = await walk(of);
    expect(problems).toEqual([]);
    // Few customers do not meet everything.
    if (of.customers >= 100) expect(missing).toEqual([]);
  },
  240_000,
);

test('the same seed is the same walk', async () => {
  const few = { seed: 7, customers: 8, honoursKeys: true };
  expect((await walk(few)).hash).toBe((await walk(few)).hash);
});

test('I7 one tap that is delivered 50 times at once starts one generation', async () => {
  const { shop, customer, ended } = await crowd({ seed: 1 });
  const tap = customer.tap('draw');
  await shop.deliverAgain(tap, 50);
  await ended();
  expect(shop.delivered(tap)).toBe(51);
  expect(shop.charges()).toBe(1);
  expect(shop.starts()).toBe(1);
  await shop.close();
});

test('I7 the last free generation, asked for by 20 taps in different messages, is granted once', async () => {
  const { shop, customer, ended } = await crowd({ seed: 2, drawingsPerDay: 1 });
  for (let nth = 0; nth < 20; nth++) customer.tap('draw');
  await ended();
  expect(shop.charges()).toBe(1);
  expect(shop.starts()).toBe(1);
  customer.tap('again');
  await ended();
  expect(shop.charges()).toBe(1);
  expect(shop.refusals()).toBe(1);
  await shop.close();
});

test('the checks find a start that has no cause of its own', () => {
  const starts = [
    { id: 'a', causes: ['tap 1', 'tap 2'] },
    { id: 'b', causes: ['tap 1'] },
    { id: 'c', causes: ['tap 2', 'tap 1'] },
  ];
  expect(withoutCause(starts.slice(0, 2))).toEqual([]);
  expect(withoutCause(starts)).toEqual(['c']);
});
