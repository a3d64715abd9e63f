/** Files from the customer's phone to the shop's work and back, and templates where the service window is closed. */
import { expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { type FetchMediaInput, type FetchMediaOutput, fetchMedia } from '#core/dialog/fetch-media.ts';
import { limits } from '#core/limits.ts';
import { image, template } from '#core/model/send-builders/index.ts';
import type { HttpRequest } from '#core/ports/world.ts';
import { createTown, type Town, type TownOptions } from './town.ts';

const contact = '16505551234';
const mediaHost = 'https://lookaside.fbsbx.com';
const hourMs = 3_600_000;

const byRuntime = <O, I>() => fromPromise<O, I>(() => Promise.reject(new Error('run by the runtime')));
const outputOf = <T>(event: unknown) => (event as { output: T }).output;
const say = (text: string) => ({ type: 'say' as const, params: { text } });

/** What the activity was given to read. */
let read: { mimeType: string; size: number }[] = [];
let uploaded: string[] = [];

/** Gives a picture back as it came, and says something after a day. */
const mirror: Dialog = defineDialog({
  name: 'mirror',
  version: 1,
  activities: {
    fetchMedia,
    reflect: {
      deadlineMs: () => 30_000,
      async run(input, { files }) {
        const { fileId } = input as FetchMediaOutput;
        const { bytes, mimeType } = await files.get(fileId);
        read.push({ mimeType, size: bytes.length });
        const again = await files.put(bytes, mimeType);
        const mediaId = await files.upload(again.fileId);
        uploaded.push(mediaId);
        return { result: { mediaId } };
      },
    },
  },
  machine: setup({
    types: { context: {} as { fetched: FetchMediaOutput | null }, events: {} as DialogEvent },
    actors: {
      fetchMedia: byRuntime<FetchMediaOutput, FetchMediaInput>(),
      reflect: byRuntime<{ mediaId: string }, FetchMediaOutput>(),
    },
    actions: dialogActions,
  }).createMachine({
    context: { fetched: null },
    initial: 'idle',
    states: {
      idle: {
        on: {
          text: { target: 'waiting', actions: say('Until tomorrow.') },
          image: 'fetching',
          document: 'fetching',
        },
      },
      waiting: {
        after: {
          [25 * hourMs]: {
            target: 'idle',
            actions: {
              type: 'say',
              params: {
                text: `${'Here I am again, with much to tell. '.repeat(130)}`,
                ifWindowClosed: template({ name: 'hello_world', language: 'en_US' }),
              },
            },
          },
        },
      },
      fetching: {
        invoke: {
          src: 'fetchMedia',
          input: ({ event }) => (event as unknown as { media: FetchMediaInput }).media,
          onDone: {
            target: 'reflecting',
            actions: assign({ fetched: ({ event }) => outputOf<FetchMediaOutput>(event) }),
          },
          onError: {
            target: 'idle',
            actions: {
              type: 'say',
              params: ({ event }) => ({
                text: `not fetched: ${(event as unknown as { error: { code: string } }).error.code}`,
              }),
            },
          },
        },
      },
      reflecting: {
        invoke: {
          src: 'reflect',
          input: ({ context }) => context.fetched!,
          onDone: {
            target: 'idle',
            actions: {
              type: 'say',
              params: ({ event }) => ({
                body: image({ id: outputOf<{ mediaId: string }>(event).mediaId }, { caption: 'you' }),
              }),
            },
          },
          onError: { target: 'idle', actions: say('not reflected') },
        },
      },
    },
  }),
});

async function pictureTown(options: TownOptions = {}): Promise<{ town: Town; downloads: HttpRequest[] }> {
  read = [];
  uploaded = [];
  const town = await createTown({
    tenants: [{ id: 'acme', dialog: 'mirror', settings: { receipts: 'none' } }],
    dialogs: [mirror],
    meta: { publicUrl: mediaHost },
    ...options,
  });
  const downloads: HttpRequest[] = [];
  town.world.serve(mediaHost, (request) => {
    downloads.push(request);
    const file = town.meta.media.download(new URL(request.url).searchParams.get('mid') ?? '');
    const answer = file === null ? { status: 404 } : { status: 200, bytes: file.bytes };
    return { kind: 'response', response: { headers: {}, body: '', ...answer }, delayMs: 100 };
  });
  return { town, downloads };
}

const sent = (town: Town) => town.meta.accepted.map(({ type, text }) => [type, text]);

test('a picture is fetched after the 200, kept, given to Meta once and sent back', async () => {
  const { town, downloads } = await pictureTown();
  town.say(contact, '', { type: 'image' });
  await town.world.advance(10_000);
  expect(sent(town)).toEqual([['image', 'you']]);
  expect(downloads.map(({ headers }) => headers.authorization)).toEqual(['Bearer token of acme']);
  expect(read).toEqual([{ mimeType: expect.stringMatching(/^image\//), size: expect.any(Number) }]);
  const kept = town.meta.media.find(uploaded[0]!, town.world.nowMs());
  expect(uploaded).toHaveLength(1);
  expect(kept?.bytes.length).toBe(read[0]?.size);
  await town.expectQuiet();
});

test('a file that is not there any more is told to the dialog, by its code', async () => {
  const { town } = await pictureTown();
  town.world.serve(mediaHost, () => ({
    kind: 'response',
    response: { status: 404, headers: {}, body: '' },
    delayMs: 1,
  }));
  town.say(contact, '', { type: 'image' });
  await town.world.advance(30_000);
  expect(town.texts()).toEqual(['not fetched: gone']);
  await town.expectQuiet();
});

test('a process that dies while it fetches fetches again, and the customer gets one picture', async () => {
  const { town, downloads } = await pictureTown();
  town.say(contact, '', { type: 'image' });
  await town.world.runUntil(() => downloads.length > 0, 10_000);
  town.crash();
  await town.start();
  await town.world.advance(20_000);
  expect(downloads).toHaveLength(2);
  expect(sent(town)).toEqual([['image', 'you']]);
  await town.expectQuiet();
});

test('what is said a day later leaves as its template, once for all parts, and nobody is asked (I9)', async () => {
  const { town } = await pictureTown();
  town.say(contact, 'see you');
  await town.world.advance(10_000);
  // Nothing ticks while nobody is there, so a day is short.
  await town.stop();
  await town.world.advance(25 * hourMs);
  await town.start();
  await town.world.advance(60_000);
  expect(town.meta.accepted.map(({ type }) => type)).toEqual(['text', 'template']);
  expect(await town.flags()).toEqual([]);
  expect((await town.audit()).missing).toEqual([]);
  expect(limits.serviceWindowMs).toBeLessThan(25 * hourMs);
  await town.expectQuiet();
});
