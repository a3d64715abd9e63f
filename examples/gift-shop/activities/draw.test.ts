/** What is asked of the provider, and what is reserved for it: the same model, quality and size in both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivityContext } from 'nightdesk';
import { designMicros, readShopSettings } from '../settings.ts';
import { drawActivity } from './draw.ts';

const wish = { name: 'Carmen', theme: 'a lighthouse', style: 'oil' } as const;
const onePixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function asked(environment: Record<string, string>): Promise<Record<string, unknown>> {
  let body: Record<string, unknown> = {};
  const context = {
    idempotencyKey: 'key',
    signal: new AbortController().signal,
    fetch: async (_: unknown, init: { body: string }) => {
      body = JSON.parse(init.body) as Record<string, unknown>;
      return Response.json({ created: 1, data: [1, 2, 3, 4].map(() => ({ b64_json: onePixel })) });
    },
    files: { put: async () => ({ fileId: 'file' }) },
  };
  const settings = readShopSettings({ IMAGES_API_KEY: 'key', ...environment });
  await drawActivity(settings).run?.(wish, context as unknown as ActivityContext);
  return body;
}

const reserved = (environment: Record<string, string>) => drawActivity(readShopSettings(environment)).cost;

test('the quality is said in the request, never left to the provider', async () => {
  const { quality, size, model } = await asked({});
  assert.deepEqual(
    { quality, size, model },
    { quality: 'medium', size: '1024x1024', model: 'gpt-image-1.5' },
  );
  assert.equal((await asked({ IMAGES_QUALITY: 'high' })).quality, 'high');
});

test('what is reserved follows model, quality and size', () => {
  assert.deepEqual(reserved({}), { currency: 'USD', amountMicros: 4 * 34_000 });
  assert.deepEqual(reserved({ IMAGES_QUALITY: 'high' }), { currency: 'USD', amountMicros: 4 * 134_000 });
  const { images } = readShopSettings({ IMAGES_MODEL: 'gpt-image-1', IMAGES_QUALITY: 'low' });
  assert.equal(designMicros({ images: { ...images, size: '1536x1024' } }), 17_000);
});

test('a price that nobody wrote down must be told, and is not guessed', () => {
  assert.throws(() => reserved({ IMAGES_MODEL: 'another' }), /prices\.ts, or set IMAGES_PRICE_MICROS/);
  assert.deepEqual(reserved({ IMAGES_MODEL: 'another', IMAGES_PRICE_MICROS: '5000' }), {
    currency: 'USD',
    amountMicros: 20_000,
  });
  assert.throws(() => readShopSettings({ IMAGES_QUALITY: 'auto' }), /low, medium, high/);
});
