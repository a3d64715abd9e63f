/**
 * Bodies with anything in them at the door of the business' own systems, from somebody who has a key: none makes it fail,
 * what is no event is not stored, and what is stored can be read by a turn as it was sent.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalOf, readEvent } from '#pipeline/events/read-event.ts';
import { isSignedByStripe, readPayment } from '#pipeline/events/stripe.ts';
import { jsonOf, openShop, paid } from '../events/shop.ts';

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false } as fc.JsonSharedConstraints);
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  json.map((value) => Buffer.from(JSON.stringify(value))),
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
    const bytes = Buffer.from(JSON.stringify(paid));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

test('any bytes are stored or refused, and the server goes on', async () => {
  const shop = await openShop();
  let stored = 0;
  await fc.assert(
    fc.asyncProperty(anyBytes, async (raw) => {
      const { status } = await shop.tell(null, { raw });
      expect([202, 400, 404]).toContain(status);
      if (status === 202) stored += 1;
    }),
    { numRuns: 150 },
  );
  expect(shop.facts()).toHaveLength(stored);
  expect((await shop.tell(paid)).status).toBe(202);
});

test('any data arrives as it was sent, and is a duplicate however its keys are ordered', async () => {
  const shop = await openShop();
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, each]) => [key, turned(each)]),
    );
  };
  let count = 0;
  await fc.assert(
    fc.asyncProperty(json, async (data) => {
      fc.pre(!JSON.stringify(data).includes('__proto__'));
      const idempotencyKey = `any-${++count}`;
      const first = await shop.tell({ ...paid, data }, { idempotencyKey });
      expect(jsonOf(first)).toMatchObject({ status: 'stored' });
      const business = shop.facts().at(-1)?.business;
      expect(business).toEqual({ name: paid.name, data: JSON.parse(JSON.stringify(data)) });
      const again = await shop.tell(turned({ ...paid, data }), { idempotencyKey });
      expect(jsonOf(again)).toMatchObject({ status: 'duplicate' });
    }),
    { numRuns: 150 },
  );
});

test('the readers of bodies and signatures never throw but to say what is wrong', () => {
  fc.assert(
    fc.property(anyBytes, fc.string(), (bytes, header) => {
      expect(['event', 'ignored', 'unreadable']).toContain(readPayment(bytes).kind);
      expect(isSignedByStripe({ rawBody: bytes, header, secrets: ['s', ''], nowMs: 0 })).toBe(false);
      try {
        expect(canonicalOf(JSON.parse(readEvent(bytes).request))).toBe(readEvent(bytes).request);
      } catch (error) {
        expect((error as Error).name).toBe('BadEvent');
      }
    }),
    { numRuns: 1_000 },
  );
});
