/**
 * Signed bodies with anything in them, through the real station: none makes it throw, none is refused for what it says,
 * and of each something is kept. fast-check prints the seed and the smallest body that fails.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTooDeep } from '#core/json-depth.ts';
import { limits } from '#core/limits.ts';
import { elementsMax } from '#pipeline/webhook/place.ts';
import { damaged, encoded, jsonText, wrongFixture } from './generators.ts';
import { faultOf, nowMs, openBooth, phoneNumberId, sign } from './oracle.ts';

const bytesOf = (text: string) => Buffer.from(text);
const sound = async (body: Uint8Array): Promise<void> => {
  expect(await faultOf(body)).toBeNull();
};

describe('a signed body is kept, whatever stands in it', () => {
  test('recorded webhooks with up to four things wrong', async () => {
    await fc.assert(
      fc.asyncProperty(wrongFixture, (text) => sound(bytesOf(text))),
      { numRuns: 2_000 },
    );
  });

  test('other encodings, compressed, doubled, cut', async () => {
    await fc.assert(fc.asyncProperty(encoded, sound), { numRuns: 600 });
  });

  test('bytes that were damaged under way, and noise', async () => {
    await fc.assert(fc.asyncProperty(damaged, sound), { numRuns: 1_000 });
  });

  test('any value at the place of every part of the envelope', async () => {
    const parts = [
      'root',
      'entry',
      'changes',
      'value',
      'metadata',
      'contacts',
      'messages',
      'message',
      'type',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...parts), jsonText, (part, value) =>
        sound(bytesOf(envelopeWith(part, value))),
      ),
      { numRuns: 1_000 },
    );
  });
});

/** A text message in its envelope, with another value for one part. */
function envelopeWith(part: string, value: string): string {
  const or = (name: string, text: string) => (part === name ? value : text);
  const type = or('type', '"text"');
  const message = or(
    'message',
    `{"id":"wamid.1","from":"1","timestamp":"1794000000","type":${type},"text":{"body":"x"}}`,
  );
  const metadata = or('metadata', `{"phone_number_id":"${phoneNumberId}"}`);
  const messages = or('messages', `[${message}]`);
  const inner = or(
    'value',
    `{"metadata":${metadata},"contacts":${or('contacts', '[{"wa_id":"1"}]')},"messages":${messages}}`,
  );
  const changes = or('changes', `[{"field":"messages","value":${inner}}]`);
  return or('root', `{"entry":${or('entry', `[{"id":"1","changes":${changes}}]`)}}`);
}

describe('how deep JSON nests is told without parsing it', () => {
  /** As deep as a parsed value goes. */
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

  test('for any JSON, with brackets and escapes in its strings', () => {
    const tricky = fc.string({ unit: fc.constantFrom(...'[]{}"\\\\a,:'), maxLength: 30 });
    const value = fc.tuple(
      fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }),
      tricky,
      fc.integer({ min: 90, max: 110 }),
    );
    fc.assert(
      fc.property(value, ([any, text, levels]) => {
        const json = `${'['.repeat(levels)}${JSON.stringify([any, text])}${']'.repeat(levels)}`;
        expect(isTooDeep(json)).toBe(depthOf(JSON.parse(json)) > 100);
      }),
    );
  });

  test.each(['"', '"[[[', '"\\', '"\\"[', '\\"[', ']]]]', '', '"\\\\"['])(
    'for what is no JSON: %j',
    (text) => {
      expect(isTooDeep(text)).toBe(false);
      expect(isTooDeep(`${'['.repeat(101)}${text}`)).toBe(true);
    },
  );
});

describe('a body that brings very much', () => {
  const value = (inner: string) =>
    `{"entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"${phoneNumberId}"},${inner}}}]}]}`;
  const many = (count: number, element: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => element(at)).join(',');

  test.each([
    ['messages', value(`"messages":[${many(20_000, (at) => `{"id":"a${at}","from":"1"}`)}]`)],
    ['statuses', value(`"statuses":[${many(20_000, (at) => `{"id":"a${at}","status":"sent"}`)}]`)],
    ['lists that nobody knows', value(many(20_000, (at) => `"k${at}":[1]`))],
    ['changes', `{"entry":[{"id":"1","changes":[${many(20_000, (at) => `{"field":"f${at}","value":1}`)}]}]}`],
    ['entries', `{"entry":[${many(20_000, () => '{}')}]}`],
  ])('%s: at most so many items, and the body itself', async (_what, body) => {
    const { station, stored } = openBooth();
    expect((await station.receive(sign(bytesOf(body)))).status).toBe(200);
    const items = [
      ...stored.batches.flatMap(({ messages, notices }) => [...messages, ...notices]),
      ...stored.statuses.flatMap(({ statuses }) => statuses),
    ];
    expect(items.length).toBeLessThanOrEqual(elementsMax);
    const kept = stored.batches.flatMap(({ quarantine }) => quarantine.filter(({ bytes }) => bytes !== null));
    expect(kept).toHaveLength(1);
  });

  test('a thousand updates are stored in slices, in their order, before the 200', async () => {
    const { station, stored } = openBooth();
    const body = value(`"messages":[${many(1_000, (at) => `{"id":"a${at}","from":"1"}`)}]`);
    await station.receive(sign(bytesOf(body)));
    const lengths = stored.batches.map(({ messages }) => messages.length);
    expect(Math.max(...lengths)).toBe(limits.appendSliceMax);
    const wamids = stored.batches.flatMap(({ messages }) => messages.map(({ message }) => message.wamid));
    expect(wamids).toEqual(Array.from({ length: 1_000 }, (_, at) => `a${at}`));
  });
});

test('words of senders make no more than so many labels of metrics', async () => {
  const { station, labels } = openBooth();
  for (let body = 0; body < 40; body++) {
    const changes = Array.from({ length: 50 }, (_, at) => ({
      field: `invented_${body}_${at}`,
      value: { messages: [1] },
    }));
    await station.receive(sign(bytesOf(JSON.stringify({ entry: [{ id: '1', changes }] }))));
  }
  const kinds = [...labels].filter((label) => label.startsWith('nightdesk_webhook_items_total'));
  const alerts = [...labels].filter((label) => label.startsWith('nightdesk_alerts_total'));
  expect(kinds).toContain('nightdesk_webhook_items_total {"kind":"other"}');
  expect(Math.max(kinds.length, alerts.length)).toBeLessThanOrEqual(201);
});

test('a body compressed by its sender is not unpacked: it counts as the bytes it is', async () => {
  const { station, stored } = openBooth();
  const { gzipSync } = await import('node:zlib');
  const bomb = gzipSync(Buffer.alloc(50_000_000, '['));
  expect((await station.receive(sign(bomb))).status).toBe(200);
  expect(stored.batches[0]?.quarantine).toMatchObject([{ reason: 'unreadable', bytes: bomb }]);
  expect(stored.batches[0]?.receivedAtMs).toBe(nowMs);
});
