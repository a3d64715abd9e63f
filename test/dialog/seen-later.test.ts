/** Messages of one batch are seen by WhatsApp's time: what is said answers what was seen by then, wherever it stands. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type DialogEvent, defineDialog, dialogActions, dialogGuards } from '#core/dialog/dialog.ts';
import type { MailboxEvent } from '#core/model/events.ts';
import { buttons, template } from '#core/model/send-builders/index.ts';
import { brittle } from '../virtual/dialogs.ts';
import { shop } from './steps/shop.ts';
import { effectsOf, event, nowMs, text, textsOf, turn } from './turns.ts';

/** A message that stands at this position, and was written so many seconds ago. */
const written = (words: string, position: number, secondsAgo: number): MailboxEvent =>
  text(words, { position, sentAtMs: nowMs - secondsAgo * 1_000 });

test('what is said is no answer to what its dialog sees only afterwards (I9, seed 9668)', () => {
  const batch = [written('ask', 1, 1), written('hello', 2, 2)];
  const output = turn(brittle, batch);
  expect(output.consumed.map(({ position }) => position)).toEqual([2, 1]);
  expect(effectsOf(output, 'send')).toMatchObject([{ answersThrough: 2, unseen: [1] }]);
});

test('a flag and a declared silence claim no more', () => {
  const muteOn = { type: 'noAnswer' as const, params: { rule: 'thanks' } };
  const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
    on: {
      text: [
        { guard: ({ event }) => event.text === 'thanks', actions: muteOn },
        { actions: { type: 'say', params: { text: 'yes' } } },
      ],
    },
  });
  const quiet = defineDialog({ name: 'quiet', version: 1, machine, activities: {} });
  const thanked = turn(quiet, [written('hello', 1, 1), written('thanks', 2, 2)]);
  expect(effectsOf(thanked, 'noAnswer')).toMatchObject([{ answersThrough: 2, unseen: [1] }]);
  expect(effectsOf(thanked, 'send')).toEqual([expect.not.objectContaining({ unseen: expect.anything() })]);
  const broken = turn(brittle, [written('ask', 1, 1), written('break', 2, 2)]);
  expect(effectsOf(broken, 'flag')).toMatchObject([{ reason: 'deadLetter', unseen: [1] }]);
});

test('what stands before and was seen before is answered as ever', () => {
  const output = turn(brittle, [written('hello', 1, 3), written('hello', 2, 2), written('hello', 3, 1)]);
  for (const send of effectsOf(output, 'send')) expect(send).not.toHaveProperty('unseen');
});

test('a template that stands for one answer stands for no message that is seen later', () => {
  const news = template({ name: 'news', language: 'en_US' });
  const says = { type: 'say' as const, params: { text: 'yes', ifWindowClosed: news } };
  const machine = setup({ types: { events: {} as DialogEvent }, actions: dialogActions }).createMachine({
    on: { text: { actions: [says, says] } },
  });
  const dialog = defineDialog({ name: 'twice', version: 1, machine, activities: {} });
  const output = turn(dialog, [written('b', 1, 1), written('a', 2, 2)]);
  expect(effectsOf(output, 'send').map(({ ifWindowClosed }) => ifWindowClosed)).toEqual([
    news,
    'nothing',
    news,
    'nothing',
  ]);
});

test('a second tap waits for the answer of the first, though words that were said before stand behind both', () => {
  const body = buttons({ body: 'Which?', buttons: [{ id: 'x', title: 'X' }] });
  const machine = setup({
    types: { events: {} as DialogEvent },
    actions: { ...dialogActions, note: assign({}) },
    guards: dialogGuards,
  }).createMachine({
    initial: 'asking',
    states: {
      asking: {
        on: {
          text: { actions: { type: 'say', params: { body } } },
          button: { guard: { type: 'chose', params: { option: 'x' } }, target: 'waiting' },
        },
      },
      waiting: { after: { 1000: { target: 'asking', actions: { type: 'say', params: { text: 'done' } } } } },
    },
  });
  const dialog = defineDialog({ name: 'waits', version: 1, machine, activities: {} });
  const asked = turn(dialog, [written('hi', 1, 9)]);
  const [id = ''] = /nd\.[^"]+/.exec(JSON.stringify(effectsOf(asked, 'send'))) ?? [];
  const choice = { id, title: 'X' };
  const tapped = turn(dialog, [event('button', { choice }, { position: 2 }), written('hello', 3, 2)], {
    stored: asked.state,
  });
  expect(tapped.consumed.map(({ position }) => position)).toEqual([3, 2]);
  const again = turn(dialog, [event('button', { choice }, { position: 4 })], { stored: tapped.state });
  expect([again.taps, again.effects]).toEqual([['second'], []]);
});

test('the assistant is asked every question of a batch, in whatever order they were seen', () => {
  const named = turn(shop, [written('Carmen', 2, 8)], { stored: turn(shop, [written('hi', 1, 9)]).state });
  const batch = [written('do you wrap it?', 3, 1), written('do you ship?', 4, 2)];
  const output = turn(shop, batch, { stored: named.state });
  expect(textsOf(output)).toEqual([]);
  expect(effectsOf(output, 'startActivity').map(({ input }) => input)).toMatchObject([
    { after: 2, through: 4 },
  ]);
});
