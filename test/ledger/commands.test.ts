/** What `nightdesk ledger` and `nightdesk limits` tell, of a town in which money was spent. */
import { expect, test } from 'vitest';
import type { LedgerReport } from '#core/ports/store-money.ts';
import type { LimitReport } from '#runtime/money-commands.ts';
import { inWords } from '#surface/cli/results.ts';
import { amountOf } from '#surface/cli/results-money.ts';
import { createPaidTown, drawing } from './paid-town.ts';

const dayMs = 86_400_000;

async function spent() {
  const limits = [
    { name: 'drawings', per: 'contact', windowMs: dayMs, max: 2 },
    { name: 'budget', per: 'tenant', windowMs: dayMs, maxMicros: 1_000_000 },
  ] as const;
  const paid = await createPaidTown(drawing('settleAndFlag', { limits }));
  const { town, provider } = paid;
  for (const [who, times] of [
    ['16505550001', 4],
    ['16505550002', 1],
  ] as const)
    for (let nth = 0; nth < times; nth++) {
      town.say(who, `draw ${nth}`);
      await town.world.advance(5_000);
    }
  provider.moods.push('losesAnswer');
  town.say('16505550003', 'draw a cat');
  await town.world.advance(5_000);
  return paid;
}

test('the ledger sums up per contact, activity and day, and can be narrowed to one', async () => {
  const { town } = await spent();
  const day = new Date(town.world.nowMs()).toISOString().slice(0, 10);
  const report = await town.command<LedgerReport>('ledger');
  expect(report.rows).toEqual([
    {
      ...{ tenantId: 'acme', contactId: null, activity: 'draw', day, currency: 'USD', starts: 4 },
      ...{ spentMicros: 130_000, presumedMicros: 40_000, reservedMicros: 0, uncertainMicros: 0 },
      returnedMicros: 30_000,
    },
  ]);
  expect(inWords('ledger', report).split('\n')[1]?.split(/ +/)).toEqual([
    ...['acme', 'draw', day, '4', '0.13', '0.04', '0.00', '0.00', '0.03', 'USD'],
  ]);
  const per = await town.command<LedgerReport>('ledger', { per: 'contact', day });
  expect(per.rows.map((row) => row.spentMicros)).toEqual([60_000, 30_000, 40_000]);
  const [first] = per.rows;
  const one = await town.command<LedgerReport>('ledger', { contactId: first?.contactId, per: 'activity' });
  expect(one.rows.map((row) => [row.activity, row.spentMicros])).toEqual([['draw', 60_000]]);
  expect((await town.command<LedgerReport>('ledger', { to: '2001-01-01' })).rows).toEqual([]);
  expect(inWords('ledger', { rows: [], unbalanced: 2 })).toContain('2 entries do not add up');
});

test('limits tell what they refused and what others would have', async () => {
  const { town } = await spent();
  const [budget, drawings] = await town.command<LimitReport[]>('limits', { max: '0,1,2,4' });
  expect(drawings).toMatchObject({ limit: 'drawings', max: 2, used: 4, refusals: 2, windows: 3, scopes: 3 });
  expect(drawings?.demand).toEqual([
    { amount: 1, windows: 2 },
    { amount: 4, windows: 1 },
  ]);
  expect(drawings?.wouldRefuse).toEqual([
    { max: 0, units: 6 },
    { max: 1, units: 3 },
    { max: 2, units: 2 },
    { max: 4, units: 0 },
  ]);
  expect(budget).toMatchObject({ limit: 'budget', unit: 'micros', used: 130_000 });
  const words = inWords('limits', await town.command('limits', { limit: 'drawings' }));
  expect(words).toContain('3 at 1, 2 at 2, 0 at 4');
});

test.each([
  ['a day and a span', 'ledger', { day: '2026-01-31', from: '2026-01-31' }],
  ['a day that is none', 'ledger', { day: '2026-13-31' }],
  ['a sum per something else', 'ledger', { per: 'moon' }],
  ['a maximum that is none', 'limits', { max: '3,x' }],
  ['no days', 'limits', { days: 0 }],
])('%s is refused', async (_what, name, args) => {
  const { town } = await createPaidTown(drawing('settleAndFlag'));
  await expect(town.command(name, args)).rejects.toMatchObject({ code: 'badRequest' });
});

test.each([
  [0, '0.00'],
  [1, '0.000001'],
  [40_000, '0.04'],
  [1_234_500, '1.2345'],
  [-20_000_000, '-20.00'],
])('%i millionths are %s', (micros, words) => expect(amountOf(micros)).toBe(words));
