/** The look-alike of an image provider: real pictures, one charge for each idempotency key, and every way to fail. */
import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { drawPicture } from '#simulator/images/picture.ts';
import { createEventLog, createImages, startSimulator } from '#simulator/index.ts';
import { START_MS, seededRandom } from './virtual-meta.ts';

const create = (settings: object = {}, log = createEventLog()) =>
  createImages({ random: seededRandom(1), log, settings });
type Provider = ReturnType<typeof create>;

interface Asked {
  key?: string;
  nowMs?: number;
  token?: string | null;
  path?: string;
}

const ask = (images: Provider, body: object, { key, nowMs = START_MS, token = 'sk', path }: Asked = {}) =>
  images.handle(
    {
      method: 'POST',
      path: path ?? '/v1/images/generations',
      query: {},
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify({ size: '256x256', ...body }),
    },
    nowMs,
  );

function answerOf(outcome: ReturnType<typeof ask>) {
  if (outcome.kind !== 'response') throw new Error(`Expected an answer, but it was "${outcome.kind}".`);
  const { status, headers, body } = outcome.response;
  return { status, headers, body: JSON.parse(body), callId: outcome.callId };
}

const pictureOf = (outcome: ReturnType<typeof ask>, index = 0): Buffer =>
  Buffer.from(answerOf(outcome).body.data[index].b64_json, 'base64');

/** Reads a PNG by its rules, so that nothing of the writer is believed. */
function readPng(png: Buffer) {
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const named = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(named));
    chunks.push({ type: named.toString('latin1', 0, 4), data: named.subarray(4) });
    at += 12 + length;
  }
  expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND']);
  const [header, palette, data] = chunks.map((chunk) => chunk.data);
  const [width, height] = [header!.readUInt32BE(0), header!.readUInt32BE(4)];
  const rows = inflateSync(data!);
  expect(rows.length).toBe((width + 1) * height);
  const used = new Set<number>();
  for (let at = 0; at < rows.length; at += 1) {
    if (at % (width + 1) === 0) expect(rows[at]).toBe(0);
    else used.add(rows[at]!);
  }
  expect(Math.max(...used) * 3).toBeLessThan(palette!.length);
  const colours = [...used].map((index) => palette!.subarray(index * 3, index * 3 + 3).join());
  return { width, height, colours: new Set(colours) };
}

describe('pictures', () => {
  test('are real, as large as asked, and have the colours that the words name', () => {
    const images = create();
    const { width, height, colours } = readPng(
      pictureOf(ask(images, { prompt: 'a red balloon', size: '512x512' })),
    );
    expect([width, height]).toEqual([512, 512]);
    expect(colours.size).toBeGreaterThan(20);
    expect(colours).toContain('214,52,58');
    expect(readPng(pictureOf(ask(images, { prompt: 'constructor', size: 'auto' })))).toMatchObject({
      width: 1_024,
      height: 1_024,
    });
  });

  test('are the same for the same words, and others for others', () => {
    const [one, again, other] = ['a cat', 'a cat', 'a dog'].map((prompt) =>
      pictureOf(ask(create(), { prompt })),
    );
    expect(one!.equals(again!)).toBe(true);
    expect(one!.equals(other!)).toBe(false);
    const several = ask(create(), { prompt: 'a cat', n: 3 });
    const pictures = [0, 1, 2].map((index) => pictureOf(several, index).toString('base64'));
    expect(new Set(pictures).size).toBe(3);
  });

  test('show the style and the thing that the words name, in either language', () => {
    const pixelsOf = (prompt: string) => drawPicture(prompt, 128, 128).pixels;
    const looks = ['a hill', 'a hill in oil', 'a comic of a hill', 'a hill of cut paper', 'a lighthouse'];
    expect(new Set(looks.map((prompt) => pixelsOf(prompt).join())).size).toBe(looks.length);
    const lit = Math.max(...pixelsOf('a hill'));
    for (const prompt of ['a lighthouse', 'un faro', 'a house', 'mi casa', 'two cats', 'un gato', 'love'])
      expect(Math.max(...pixelsOf(prompt)), prompt).toBeGreaterThan(lit);
    for (const prompt of ['a cathedral', 'a faroff land', 'a glove'])
      expect(Math.max(...pixelsOf(prompt)), prompt).toBe(lit);
  });

  test('what cannot be asked is refused in words, and costs nothing', () => {
    const images = create({ apiKeys: ['sk'] });
    const problem = (body: object, asked?: Asked) => {
      const { status, body: answer } = answerOf(ask(images, body, asked));
      return [status, answer.error.param ?? answer.error.code];
    };
    expect(problem({})).toEqual([400, 'prompt']);
    expect(problem({ prompt: ' ' })).toEqual([400, 'prompt']);
    expect(problem({ prompt: 'a', n: 11 })).toEqual([400, 'n']);
    expect(problem({ prompt: 'a', size: '17x4' })).toEqual([400, 'size']);
    expect(problem({ prompt: 'a', response_format: 'url' })).toEqual([400, 'response_format']);
    expect(problem({ prompt: 'a', output_format: 'webp' })).toEqual([400, 'output_format']);
    expect(problem({ prompt: 'a' }, { token: null })).toEqual([401, 'invalid_api_key']);
    expect(problem({ prompt: 'a' }, { token: 'other' })).toEqual([401, 'invalid_api_key']);
    expect(problem({ prompt: 'a' }, { path: '/v1/images/edits' })).toEqual([404, 'unknown_url']);
    expect(images.charges).toEqual([]);
  });
});

describe('charges', () => {
  const finished = (images: Provider, body: object, asked: Asked) => {
    const outcome = ask(images, body, asked);
    images.ended(outcome.callId, outcome.kind === 'lost' ? 'lost' : 'answered', START_MS + 1);
    return outcome;
  };

  test('one for each key, however often it is asked; without a key one for each request', () => {
    const images = create({ priceCents: 5 });
    const first = finished(images, { prompt: 'a cat', n: 2 }, { key: 'k1' });
    const again = finished(images, { prompt: 'a cat', n: 2 }, { key: 'k1' });
    expect(answerOf(again).headers).toMatchObject({ 'idempotent-replayed': 'true' });
    expect(pictureOf(again).equals(pictureOf(first))).toBe(true);
    expect(images.charges).toMatchObject([
      { idempotencyKey: 'k1', images: 2, amountCents: 10, prompt: 'a cat' },
    ]);
    finished(images, { prompt: 'a cat' }, {});
    finished(images, { prompt: 'a cat' }, {});
    expect(images.stats()).toMatchObject({ charges: 3, chargedCents: 20 });
    const other = answerOf(finished(images, { prompt: 'a dog' }, { key: 'k1' }));
    expect([other.status, other.body.error.code]).toEqual([400, 'idempotency_key_reused']);
    finished(images, { prompt: 'a cat', n: 2 }, { key: 'k1', nowMs: START_MS + 24 * 3_600_000 });
    expect(images.charges).toHaveLength(4);
  });

  test('a provider that knows no keys charges for each request', () => {
    const images = create({ honourKeys: false, loseAnswer: { next: 1 } });
    finished(images, { prompt: 'a cat' }, { key: 'k' });
    finished(images, { prompt: 'a cat' }, { key: 'k' });
    ask(images, { prompt: 'a cat' }, { key: 'k' });
    expect(answerOf(finished(images, { prompt: 'a dog' }, { key: 'k' })).status).toBe(200);
    expect(images.charges).toHaveLength(4);
  });

  test('while the first request runs, its key is in use', () => {
    const images = create();
    const first = ask(images, { prompt: 'a cat' }, { key: 'k' });
    expect(answerOf(ask(images, { prompt: 'a cat' }, { key: 'k' }))).toMatchObject({ status: 409 });
    expect(images.stats().running).toBe(1);
    images.ended(first.callId, 'aborted', START_MS + 1);
    expect(answerOf(ask(images, { prompt: 'a cat' }, { key: 'k' })).status).toBe(200);
    expect(images.charges).toHaveLength(1);
  });

  test('a lost answer was charged, and the key gets the picture without another charge', () => {
    const log = createEventLog();
    const images = create({ loseAnswer: { next: 1 } }, log);
    expect(finished(images, { prompt: 'a cat' }, { key: 'k' }).kind).toBe('lost');
    expect(images.charges).toHaveLength(1);
    readPng(pictureOf(finished(images, { prompt: 'a cat' }, { key: 'k' })));
    expect(images.charges).toHaveLength(1);
    expect(log.counters()).toMatchObject({
      'fault.images.loseAnswer': 1,
      imageCharged: 1,
      'image.repeated': 1,
    });
  });

  test('what fails is not charged and may be tried again with its key', () => {
    const images = create({
      fail: { next: 1 },
      rateLimit: { next: 1 },
      refuse: { next: 1 },
      retryAfterSeconds: 9,
    });
    const statuses = [1, 2, 3, 4].map(() => answerOf(finished(images, { prompt: 'a cat' }, { key: 'k' })));
    expect(statuses.map(({ status }) => status)).toEqual([500, 429, 400, 200]);
    expect(statuses[1]!.headers['retry-after']).toBe('9');
    expect(statuses[2]!.body.error.code).toBe('moderation_blocked');
    expect(images.charges).toHaveLength(1);
  });

  test('one that hangs is charged or not, as it is set', () => {
    const images = create({ hang: { next: 1 } });
    const free = ask(images, { prompt: 'a cat' }, { key: 'k' });
    expect(free.kind).toBe('hang');
    images.ended(free.callId, 'aborted', START_MS + 9);
    expect(images.charges).toEqual([]);
    images.set({ hang: { next: 1, charged: true } });
    const charged = ask(images, { prompt: 'a cat' }, { key: 'k' });
    images.ended(charged.callId, 'aborted', START_MS + 9);
    expect(answerOf(ask(images, { prompt: 'a cat' }, { key: 'k' })).status).toBe(200);
    expect(images.charges).toHaveLength(1);
  });

  test('words in the prompt make faults, too', () => {
    const images = create();
    expect(answerOf(ask(images, { prompt: 'a !refuse cat' })).body.error.code).toBe('moderation_blocked');
    expect(answerOf(ask(images, { prompt: 'a cat !fail' })).status).toBe(500);
    expect(answerOf(ask(images, { prompt: 'a cat !429' })).status).toBe(429);
    expect(ask(images, { prompt: 'a cat !hang' }).kind).toBe('hang');
    expect(ask(images, { prompt: 'a cat !lose' }).kind).toBe('lost');
    expect(ask(images, { prompt: 'a cat !slow 5000' }).delayMs).toBe(5_000);
  });
});

test('over HTTP, with its counters and settings in the control API', async () => {
  const simulator = await startSimulator({
    world: { nowMs: () => START_MS, random: seededRandom(1), setTimer: () => () => {} },
  });
  try {
    const { control, imagesUrl } = simulator;
    const post = (key: string) =>
      fetch(`${imagesUrl}/v1/images/generations`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk', 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ model: 'gpt-image-1', prompt: 'a blue house', size: '256x256' }),
      });
    await control.setImages({ loseAnswer: { next: 1 }, priceCents: 7 });
    await expect(post('order-1')).rejects.toThrow(/fetch failed/);
    const answer = await post('order-1');
    const { data } = (await answer.json()) as { data: { b64_json: string }[] };
    expect(readPng(Buffer.from(data[0]!.b64_json, 'base64'))).toMatchObject({ width: 256, height: 256 });
    expect(await control.imageStats()).toMatchObject({ calls: 2, charges: 1, chargedCents: 7, running: 0 });
    expect(await control.imageCharges()).toMatchObject([
      { idempotencyKey: 'order-1', prompt: 'a blue house' },
    ]);
    expect((await control.clearImages()).priceCents).toBe(4);
    await expect(control.setImages({ speed: 1 } as object)).rejects.toThrow(/no setting \\"images.speed\\"/);
    await control.reset();
    expect((await control.imageStats()).charges).toBe(0);
  } finally {
    await simulator.close();
  }
});
