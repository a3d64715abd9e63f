/** Taps have a life as words have: of buttons and of rows, also one that is met with silence. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import { optionId, tap } from '../virtual/tapping.ts';
import { told, watchedTown } from './watched-town.ts';

const mia = '16505550123';

const pizza = defineDialog({
  name: 'pizza',
  version: 1,
  context: z.object({}),
  start: 'size',
  states: ({ choose, confirm, end }) => ({
    size: choose({
      question: 'Which size?',
      as: 'list',
      options: [
        { id: 'small', title: 'Small' },
        { id: 'large', title: 'Large' },
      ],
      next: 'sure',
    }),
    sure: confirm({ question: 'Sure?', yes: 'ordered', no: 'size' }),
    ordered: end({ say: 'Thank you.' }),
  }),
});

test('from the phone to the blue ticks, and of a second tap to the turn that says nothing', async () => {
  const { town, life } = watchedTown({ tenants: [{ id: 'acme', dialog: 'pizza' }], dialogs: [pizza] });
  await town.start();
  await town.apply();
  town.say(mia, 'hello');
  await town.world.advance(5_000);
  const row = await tap(town, mia, 'Large', { type: 'listReply' });
  const id = optionId(town, 'Yes');
  const button = await tap(town, mia, 'Yes');
  const second = await tap(town, mia, 'Yes', { id });
  await town.world.advance(60_000);
  const way = ['said', 'webhook', 'stored', 'waiting', 'turn'];
  const kindsOf = (wamid: string) => life(wamid).map(({ kind }) => kind);
  const answered = [...way, 'send', 'sent', 'delivered', 'read'];
  expect(kindsOf(row.wamid)).toEqual(answered);
  expect(kindsOf(button.wamid)).toEqual(answered);
  expect(kindsOf(second.wamid)).toEqual(way);
  expect(told(life(button.wamid))).toContainEqual(
    expect.stringMatching(/^turn: Turn 3: pizza\/ordered; 1 send/),
  );
});
