/** A dialog of steps before the real runtime: minted ids go out to the phone and come back through the webhook. */
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineActivity } from '#core/dialog/activity.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { startBot } from '#testing/bot/start-bot.ts';

let started = 0;
const draw = defineActivity({
  name: 'draw',
  input: z.object({ style: z.string() }),
  output: z.object({ words: z.string() }),
  deadlineMs: 30_000,
  run: (input) => {
    started += 1;
    return Promise.resolve({ result: { words: `A ${input.style} picture.` } });
  },
});

const pictures = defineDialog({
  name: 'pictures',
  version: 1,
  context: z.object({ style: z.string().optional(), words: z.string().optional() }),
  start: 'style',
  states: ({ choose, work, end }) => ({
    style: choose({
      question: 'Which style?',
      options: [
        { id: 'comic', title: 'Comic' },
        { id: 'oil', title: 'Oil' },
      ],
      keep: 'style',
      next: 'drawing',
    }),
    drawing: work({
      activity: draw,
      input: ({ style = '' }) => ({ style }),
      say: 'I am painting.',
      done: { keep: ({ words }) => ({ words }), next: 'done' },
      failed: 'style',
      refused: 'style',
    }),
    done: end({ say: ({ words }) => words ?? '' }),
  }),
  assistant: true,
});

let bot: Awaited<ReturnType<typeof startBot>>;
afterEach(() => bot.stop());

test('two taps start one work, also with a power cut between them, and a question is answered on the way', async () => {
  started = 0;
  bot = await startBot({
    config: { dialogs: [pictures] },
    numbers: [{ name: 'Pictures', dialog: 'pictures' }],
    reply: (asked) => `You asked: ${asked.join(', ')}`,
  });
  const ana = bot.sim.contact('Ana');
  await ana.says('hi');
  await ana.sees({ text: 'Which style?', buttons: ['Comic', 'Oil'] });
  await ana.says('how long does it take?');
  await ana.sees('You asked: how long does it take?');
  await ana.sees({ text: 'Which style?', buttons: ['Comic', 'Oil'] });
  await ana.taps('Comic');
  await ana.sees('I am painting.');
  await ana.sees('A comic picture.');
  bot.crash();
  await bot.start();
  await ana.taps('Comic');
  await ana.seesNothingFor(120_000);
  expect(started).toBe(1);
  expect(await bot.flags()).toEqual([]);
  // Each tap has its end, also the one that was met with silence.
  expect(await bot.command('audit', { days: 1 })).toMatchObject({ missing: [], underWay: 0 });
});
