/** The page of paid work: its example is defined and run as it stands, and the codes it tells of are those in use. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { ledgerTransitions } from '#core/model/ledger.ts';
import { readPage } from './page.ts';

const path = 'docs/paid-work.md';
const text = readFileSync(path, 'utf8');
const page = readPage(path);

beforeAll(() => page.open());
afterAll(() => page.close());

const main = `
import { generate } from './generate.ts';
const context = (status) => ({
  fetch: async (_url, init) => new Response(init.body, { status }),
  files: { put: async (bytes, mimeType) => ({ fileId: mimeType + ' ' + bytes.length }) },
  idempotencyKey: 'key',
});
const input = generate.acceptInput({ name: 'Ada', theme: 'stars' });
const told = (error) => ({ code: error.code, charged: error.charged });
console.log(JSON.stringify({
  claims: generate.claims({}, 'con_1').map(({ limit, unit }) => [limit, unit ?? 'starts']),
  done: await generate.run(input, context(200)),
  busy: await generate.run(input, context(429)).catch(told),
  failed: await generate.run(input, context(500)).catch(told),
}));
`;

test('the example does what it says', async () => {
  const { stdout } = await page.node('--input-type=module', '-e', main);
  expect(JSON.parse(stdout)).toEqual({
    claims: [
      ['designs', 'starts'],
      ['budget', 'micros'],
    ],
    done: { result: { fileId: 'image/png 26' }, amountMicros: 38_000 },
    busy: { code: 'busy', charged: 'no' },
    failed: { code: 'failed', charged: 'maybe' },
  });
}, 30_000);

test('its numbers are those in force, and it links the table', () => {
  expect(text).toContain(`after ${limits.chargeTriesMax} tries`);
  expect(text).toContain('(spec/ledger.md)');
  expect(ledgerTransitions.asking.notCharged, 'a later refusal proves nothing').toBe('uncertain');
});
