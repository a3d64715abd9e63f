/** What an activity must declare, and what passes its schemas. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ActivitySpec, defineActivity } from '#core/dialog/activity.ts';
import { DialogRefused, defineDialog } from '#core/dialog/dialog.ts';
import { ActivityFault } from '#core/ports/activity.ts';
import type { OwnDeps } from '#pipeline/activity/own.ts';
import { findHandlers } from '#runtime/own-activities.ts';
import { drawing, shop } from './paid-town.ts';

type Spec = ActivitySpec<{ what: string }, { what: string }, { drawn: string }, { drawn: string }>;

const free: Spec = {
  name: 'draw',
  input: z.object({ what: z.string().trim() }),
  output: z.object({ drawn: z.string() }),
  deadlineMs: 1_000,
  run: async ({ what }) => ({ result: { drawn: what } }),
};
const cost = { currency: 'USD', amountMicros: 40_000 };
const hourMs = 3_600_000;

describe('what costs money in the dark is refused', () => {
  const bad: [string, Partial<Spec>, string][] = [
    ['a cost without a rule for the uncertain request', { cost }, 'Set onUncertain'],
    ['a rule that is none', { cost, onUncertain: 'hope' as 'lookup' }, 'not "hope"'],
    [
      'a limit of nobody',
      { limits: [{ name: 'm', per: 'planet' as 'tenant', windowMs: 1, max: 1 }] },
      'per contact or per tenant',
    ],
    ['a limit below nothing', { limits: [{ name: 'm', per: 'tenant', windowMs: 1, max: -1 }] }, 'from 0 on'],
    ['no time at all', { deadlineMs: 0 }, 'over 0'],
    ['a lookup that is not there', { cost, onUncertain: 'lookup' }, 'there is no lookup'],
    ['a cost of nothing', { cost: { ...cost, amountMicros: 0 }, onUncertain: 'lookup' }, 'lookup'],
    [
      'a fraction of a millionth',
      { cost: { ...cost, amountMicros: 0.5 }, onUncertain: 'retryWithKey' },
      'whole number',
    ],
    [
      'a currency that is none',
      { cost: { ...cost, currency: '$' }, onUncertain: 'retryWithKey' },
      'three capital letters',
    ],
    [
      'a limit of money on free work',
      { limits: [{ name: 'm', per: 'tenant', windowMs: hourMs, maxMicros: 1 }] },
      'has no cost',
    ],
    ['a result kept of free work', { late: 'reuse' }, 'there is no cost'],
    ['a name that is none', { name: 'draw it' }, 'its name must begin'],
    ['no attempt at all', { attemptsMax: 0 }, 'attemptsMax'],
    [
      'a limit of no time',
      { limits: [{ name: 'm', per: 'tenant', windowMs: 0, max: 1 }] },
      'windowMs over 0',
    ],
  ];
  test.each(bad)('%s', (_what, over, why) => {
    expect(() => defineActivity({ ...free, ...over })).toThrow(DialogRefused);
    expect(() => defineActivity({ ...free, ...over })).toThrow(why);
  });

  test('also where a dialog declares it by hand, or under another name', () => {
    const dialog = shop(drawing('retryWithKey'));
    const declared = { draw: { deadlineMs: () => 1, cost } };
    expect(() => defineDialog({ ...dialog, activities: declared })).toThrow('Set onUncertain');
    const renamed = { draw: defineActivity({ ...free, name: 'paint' }) };
    expect(() => defineDialog({ ...dialog, activities: renamed })).toThrow('stands under the name draw');
  });

  test('one name for two activities', () => {
    const deps = { fetchWithin: () => globalThis.fetch } as unknown as OwnDeps;
    const dialogs = [shop(drawing('retryWithKey')), { ...shop(drawing('lookup')), name: 'other' }];
    expect(() => findHandlers(dialogs, new Map(), deps)).toThrow(
      'another dialog has another one of that name',
    );
    const [dialog] = dialogs;
    expect(() => findHandlers([dialog!, { ...dialog!, name: 'same' }], new Map(), deps)).not.toThrow();
  });
});

describe('schemas', () => {
  const context = {} as Parameters<ReturnType<typeof defineActivity>['run']>[1];

  test('the input is what the schema makes of it, or refused by place and not by value', () => {
    const draw = defineActivity(free);
    expect(draw.acceptInput?.({ what: ' a cat ' })).toEqual({ what: 'a cat' });
    expect(() => draw.acceptInput?.({ what: 4711 })).toThrow('does not fit its schema at what.');
    expect(() => draw.acceptInput?.({ what: 4711 })).not.toThrow('4711');
  });

  test('a result that does not fit was paid for, and is not asked for again', async () => {
    const paid: Partial<Spec> = { cost, onUncertain: 'retryWithKey' };
    const run: Spec['run'] = async () => ({ result: { drawn: 4 } as never, amountMicros: 30_000 });
    const fault = await defineActivity({ ...free, ...paid, run })
      .run({ what: 'x' }, context)
      .then(
        () => null,
        (error: unknown) => error as ActivityFault,
      );
    expect(fault).toBeInstanceOf(ActivityFault);
    expect(fault).toMatchObject({
      code: 'badResult',
      retryable: false,
      charged: 'yes',
      amountMicros: 30_000,
    });
  });

  test('limits are claims: of starts, or of money by the most that a start may cost', () => {
    const draw = defineActivity({
      ...{ ...free, cost, onUncertain: 'retryWithKey' },
      limits: [
        {
          name: 'drawings',
          per: 'contact',
          windowMs: hourMs,
          max: ({ extra }) => Number(extra?.drawingsMax ?? 3),
        },
        { name: 'budget', per: 'tenant', windowMs: hourMs, maxMicros: 1_000_000 },
      ],
    });
    expect(draw.claims?.({ extra: { drawingsMax: 5 } }, 'con_1')).toEqual([
      { limit: 'drawings', scope: 'con_1', windowMs: hourMs, max: 5, amount: 1 },
      { limit: 'budget', scope: '', windowMs: hourMs, max: 1_000_000, amount: 40_000, unit: 'micros' },
    ]);
  });
});
