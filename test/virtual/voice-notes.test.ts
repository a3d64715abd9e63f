/** Voice notes from the customer's phone to the answer, with the look-alike's files and a transcriber that is a function. */
import { describe, expect, test } from 'vitest';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { ModelFault, type Transcriber, type TranscriptionRequest } from '#core/ports/model.ts';
import type { HttpRequest, World } from '#core/ports/world.ts';
import { readConfig } from '#runtime/config.ts';
import { openTranscriber } from '#runtime/open.ts';
import { type ScriptedModel, scriptedModel } from './models.ts';
import { createTown, type Town, type TownOptions } from './town.ts';

const contact = '16505551234';
const mediaHost = 'https://lookaside.fbsbx.com';
const question = 'Do you open on Sundays?';
const busy = new ModelFault('overloaded', 'busy', { retryable: true });
const deaf = new ModelFault('badRequest', 'cannot read this format', { retryable: false });

/** What each call gives, in turn, and then always the last. */
type Hears = (string | ModelFault | 'hang')[];

function scriptedTranscriber(hears: Hears) {
  const calls: TranscriptionRequest[] = [];
  const transcriber: Transcriber = {
    name: 'scripted',
    transcribe: (request) => {
      const said = hears[Math.min(calls.length, hears.length - 1)]!;
      calls.push(request);
      if (said instanceof ModelFault) return Promise.reject(said);
      if (said !== 'hang') return Promise.resolve({ text: said });
      return new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(deaf)));
    },
  };
  return { calls, transcriber };
}

interface VoiceTown {
  town: Town;
  heard: TranscriptionRequest[];
  /** Requests that reached the host of the files. */
  downloads: HttpRequest[];
  voice(fields?: Record<string, unknown>): void;
}

async function voiceTown(hears: Hears, options: TownOptions = {}): Promise<VoiceTown> {
  const { calls, transcriber } = scriptedTranscriber(hears);
  const publicUrl = mediaHost;
  const town = await createTown({ transcriber: () => transcriber, meta: { publicUrl }, ...options });
  const downloads: HttpRequest[] = [];
  town.world.serve(mediaHost, (request) => {
    downloads.push(request);
    const file = town.meta.media.download(new URL(request.url).searchParams.get('mid') ?? '');
    const answer = file === null ? { status: 404 } : { status: 200, bytes: file.bytes };
    return { kind: 'response', response: { headers: {}, body: '', ...answer }, delayMs: 100 };
  });
  const voice = (fields = {}) => void town.say(contact, '', { type: 'audio', ...fields });
  return { town, heard: calls, downloads, voice };
}

/** A model that keeps what it was asked. */
function listening() {
  const asked: string[][] = [];
  const model = (world: World): ScriptedModel =>
    scriptedModel(world, (call) => {
      asked.push(call.request.messages.map(({ text }) => text));
      return { text: 'Yes.' };
    });
  return { asked, model };
}

describe('with a transcriber', () => {
  test('a voice note is fetched, transcribed and answered', async () => {
    const { town, heard, downloads, voice } = await voiceTown([question]);
    voice();
    await town.world.advance(5_000);
    expect(town.texts()).toEqual([`Echo: [voice] ${question}`]);
    expect(heard).toHaveLength(1);
    expect(Buffer.from(heard[0]!.audio).subarray(0, 4).toString()).toBe('OggS');
    expect(heard[0]!.mimeType).toBe('audio/ogg; codecs=opus');
    expect(downloads.map(({ headers }) => headers.authorization)).toEqual(['Bearer token of acme']);
    await town.expectQuiet();
  });

  test('audio files are read like voice notes, and all that came together is answered together', async () => {
    const { town, voice } = await voiceTown(['one', 'two']);
    voice();
    town.say(contact, 'and written');
    voice({ voice: false, mimeType: 'audio/mpeg' });
    await town.world.advance(5_000);
    expect(town.texts()).toEqual(['Echo: [voice] one | and written | [audio] two']);
    await town.expectQuiet();
  });

  test('a transcript is paid once: no other attempt and no later answer asks for it again', async () => {
    const { asked, model } = listening();
    let failures = 2;
    const failing = (world: World): ScriptedModel => {
      const inner = model(world);
      return { ...inner, reply: (request) => (failures-- > 0 ? Promise.reject(busy) : inner.reply(request)) };
    };
    const { town, heard, voice } = await voiceTown([question], { model: failing });
    voice();
    await town.world.advance(10_000);
    town.say(contact, 'And on Mondays?');
    await town.world.advance(10_000);
    const [first, second] = asked;
    expect(first).toEqual([`[voice] ${question}`]);
    expect(second).toEqual([`[voice] ${question}`, 'Yes.', 'And on Mondays?']);
    expect(heard).toHaveLength(1);
  });

  test('a transcriber that is busy is asked again', async () => {
    const { town, heard, voice } = await voiceTown([busy, question]);
    voice();
    await town.world.advance(10_000);
    expect(town.texts()).toEqual([`Echo: [voice] ${question}`]);
    expect(new Set(heard.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(await town.flags()).toEqual([]);
  });

  test.each([
    ['for good', deaf, 1],
    ['again and again', busy, 3],
  ] as const)(
    'one that fails %s beside a text: the text is answered, and the model knows of the other',
    async (_, fault, attempts) => {
      const { town, heard, voice } = await voiceTown([fault]);
      voice();
      town.say(contact, 'Hello?');
      await town.world.advance(10_000);
      expect(town.texts()).toEqual(['Echo: [voice note that could not be transcribed] | Hello?']);
      expect(heard).toHaveLength(attempts);
      expect(town.logged('warn').filter((line) => line.includes('voice note'))).toHaveLength(1);
      await town.expectQuiet();
    },
  );

  test('one that fails alone, or beside what nobody can read, gets the fallback text and a person', async () => {
    const { town, voice } = await voiceTown([deaf]);
    voice();
    town.say(contact, '', { type: 'sticker' });
    await town.world.advance(10_000);
    expect(town.texts()).toEqual([defaultTexts.fallback]);
    expect(await town.flagged('replyFailed')).toBe(1);
    await town.expectQuiet();
  });

  test('one that takes too long ends with the answer’s deadline: fallback text and a person', async () => {
    const { town, voice } = await voiceTown(['hang']);
    voice();
    await town.world.advance(12_000);
    expect(town.texts()).toEqual([defaultTexts.fallback]);
    expect(await town.flagged('replyTimeout')).toBe(1);
    await town.expectQuiet();
  });

  test('a file that lies elsewhere is not fetched', async () => {
    const { town, heard, voice } = await voiceTown([question], {
      meta: { publicUrl: 'https://example.org' },
    });
    const strangers: HttpRequest[] = [];
    town.world.serve('https://example.org', (request) => {
      strangers.push(request);
      return { kind: 'hang', delayMs: 0 };
    });
    voice();
    await town.world.advance(5_000);
    expect({ strangers, heard }).toEqual({ strangers: [], heard: [] });
    expect(town.texts()).toEqual([defaultTexts.fallback]);
    expect((await town.flags())[0]?.detail).toContain('it lies at https://example.org');
  });

  test('a very long one is cut and says so', async () => {
    const { asked, model } = listening();
    const { town, voice } = await voiceTown(['x'.repeat(30_000)], { model });
    voice();
    await town.world.advance(5_000);
    expect(asked[0]![0]).toHaveLength('[voice] '.length + 20_000 + ' [the rest was cut off]'.length);
  });
});

test('without a transcriber the customer is told so, and nothing is fetched', async () => {
  const town = await createTown();
  town.say(contact, '', { type: 'audio' });
  await town.world.advance(5_000);
  expect(town.texts()).toEqual([defaultTexts.unsupported]);
  expect(town.ai.stats()).toMatchObject({ calls: 0 });
  await town.expectQuiet();
});

test('the transcriber is the one of nightdesk.config.ts, made with the world', async () => {
  const { transcriber } = scriptedTranscriber([question]);
  const config = await readConfig({ env: { DATABASE_URL: 'sqlite::memory:' }, folder: '/nowhere' });
  const town = await createTown();
  const worlds: World[] = [];
  const make = (world: World) => {
    worlds.push(world);
    return transcriber;
  };
  expect(await openTranscriber({ ...config, file: { transcriber: make } }, town.world)).toBe(transcriber);
  expect(worlds).toEqual([town.world]);
  expect(await openTranscriber(config, town.world)).toBeUndefined();
});
