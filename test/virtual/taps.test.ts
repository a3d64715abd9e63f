/** Taps before the whole runtime: each is counted as what it was taken as. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import { optionId, tap } from './tapping.ts';
import { createTown } from './town.ts';

const mia = '16505550123';

const pizza = defineDialog({
  name: 'pizza',
  version: 1,
  context: z.object({ size: z.string().optional() }),
  start: 'size',
  states: ({ choose, confirm, end }) => ({
    size: choose({
      question: 'Which size?',
      options: [
        { id: 'small', title: 'Small' },
        { id: 'large', title: 'Large' },
      ],
      keep: 'size',
      next: 'sure',
    }),
    sure: confirm({ question: 'Sure?', yes: 'ordered', no: 'size' }),
    ordered: end({ say: 'Thank you.' }),
  }),
});

test('a tap is counted by what it was taken as, and no tap as none', async () => {
  const town = await createTown({ tenants: [{ id: 'acme', dialog: 'pizza' }], dialogs: [pizza] });
  town.say(mia, 'hello');
  await town.world.advance(5_000);
  const counted = async () =>
    Object.fromEntries(
      await Promise.all(
        ['option', 'second', 'stale', 'unwanted', 'foreign'].map(async (result) => [
          result,
          await town.metric('nightdesk_taps_total', `result="${result}"`),
        ]),
      ),
    );
  const none = { option: 0, second: 0, stale: 0, unwanted: 0, foreign: 0 };
  expect(await counted()).toEqual(none);
  const large = optionId(town, 'Large');
  await tap(town, mia, 'Large');
  expect(await counted()).toEqual({ ...none, option: 1 });
  await tap(town, mia, 'Large', { id: large });
  expect(await counted()).toEqual({ ...none, option: 1, second: 1 });
  await tap(town, mia, 'No');
  await tap(town, mia, 'Small', { id: large.replace('.large.', '.small.') });
  expect(await counted()).toEqual({ ...none, option: 2, second: 1, stale: 1 });
  await tap(town, '16505550999', 'Small');
  expect(await counted()).toEqual({ option: 2, second: 1, stale: 1, unwanted: 0, foreign: 1 });
});
