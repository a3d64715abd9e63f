/** What a customer sends, fetched by a step: from the webhook that only names it to the bytes that other work reads. */
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { checkDialog } from '#core/dialog/check/check.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { fetchMedia } from '#core/dialog/fetch-media.ts';
import { driveDialog, startBot } from '#testing/index.ts';

const photos = defineDialog({
  name: 'photos',
  version: 1,
  context: z.object({
    photo: z.object({ mediaId: z.string(), mimeType: z.string(), sha256: z.string().optional() }).optional(),
    bytes: z.number().default(0),
  }),
  start: 'photo',
  states: ({ waitForMedia, work, end }) => ({
    photo: waitForMedia({ kinds: ['image'], question: 'A photo, please.', keep: 'photo', next: 'fetching' }),
    fetching: work({
      activity: fetchMedia,
      input: ({ photo = { mediaId: '', mimeType: '' } }) => photo,
      done: { keep: ({ bytes }) => ({ bytes }), next: 'done' },
      failed: { say: 'I could not fetch that.', next: 'photo' },
      refused: 'photo',
    }),
    done: end({ say: ({ bytes }) => `I have it: ${bytes} bytes.` }),
  }),
});

let bot: Awaited<ReturnType<typeof startBot>> | undefined;
afterEach(() => bot?.stop());

test('a step fetches a photo, and its result is what it was declared to be', async () => {
  bot = await startBot({
    config: { dialogs: [photos] },
    numbers: [{ name: 'Photos', dialog: 'photos' }],
    reply: () => 'fine',
  });
  const ana = bot.sim.contact('Ana');
  await ana.says('hi');
  await ana.sees('A photo, please.');
  await ana.does('image');
  await ana.sees(/^I have it: [1-9]\d* bytes\.$/);
});

test('one that is gone is asked for again', () => {
  const ana = driveDialog(photos).say('hi').image({ mediaId: 'm7', sha256: 'abc' });
  expect(ana.running).toEqual([
    { name: 'fetchMedia', input: { mediaId: 'm7', mimeType: 'image/jpeg', sha256: 'abc' } },
  ]);
  ana.activityFails('fetchMedia', 'gone').sees('I could not fetch that.').sees('A photo, please.');
  expect(checkDialog(photos).report.isProven).toBe(true);
});
