/**
 * Ids that somebody else chose, down to the rows of a real store: one id is one message or one customer, two ids are
 * two, and what is no id of ours leads nowhere. An id is taken exactly as it came or not at all.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acme,
  appSecrets,
  beta,
  type Door,
  openDoor,
  post,
  sharedPath,
  signatureOf,
} from '../security/door.ts';
import { hostileId } from './generators.ts';

interface Message {
  id?: unknown;
  from?: unknown;
  from_user_id?: unknown;
}

function bodyOf(messages: readonly Message[], phoneNumberId: unknown = acme.number): string {
  const value = {
    metadata: { phone_number_id: phoneNumberId },
    messages: messages.map((message) => ({ type: 'text', text: { body: 'x' }, from: '1', ...message })),
  };
  return JSON.stringify({ entry: [{ id: '1', changes: [{ field: 'messages', value }] }] });
}

async function receive(door: Door, body: string): Promise<number> {
  const signature = signatureOf(appSecrets[0], body);
  return (await door.nightdesk.webhook.receive({ rawBody: Buffer.from(body), signature })).status;
}

const count = (door: Door, table: string): number =>
  door.database.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count ?? 0;

function empty(door: Door): void {
  for (const table of ['event', 'quarantine', 'contact', 'contact_address', 'conversation', 'notice'])
    door.database.run(`DELETE FROM ${table}`);
}

const usable = (id: string, charsMax: number) =>
  id !== '' && id.length <= charsMax && id.isWellFormed() && !/\p{Cc}/u.test(id);

describe('ids of messages', () => {
  test('two are two messages, or the body is kept; one twice is one', async () => {
    const door = await openDoor();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(hostileId, { minLength: 1, maxLength: 4 }), async (ids) => {
        empty(door);
        const body = bodyOf(ids.map((id) => ({ id })));
        expect(await receive(door, body)).toBe(200);
        expect(await receive(door, body)).toBe(200);
        const good = ids.filter((id) => usable(id, 512));
        expect(count(door, 'event')).toBe(good.length);
        expect(count(door, 'quarantine')).toBe(good.length < ids.length ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });

  test('a message is not taken for the copy of another', async () => {
    const door = await openDoor();
    const copy = JSON.stringify({
      entry: [
        {
          id: '1',
          changes: [
            {
              field: 'standby',
              value: {
                metadata: { phone_number_id: acme.number },
                standby: { messages: [{ id: 'wamid.X', from: '1', type: 'text', text: { body: 'x' } }] },
              },
            },
          ],
        },
      ],
    });
    expect(await receive(door, copy)).toBe(200);
    for (const suffix of [':standby', '\nstandby', '\\nstandby', ' standby'])
      expect(await receive(door, bodyOf([{ id: `wamid.X${suffix}` }]))).toBe(200);
    expect(count(door, 'event') + count(door, 'quarantine')).toBe(5);
  });

  test.each(['1e400', '12345678901234567890', '1.5', 'true', '[]', '{"a":1}', 'null', '-1e400'])(
    'the JSON value %s is none',
    async (value) => {
      const door = await openDoor();
      expect(await receive(door, bodyOf([{ id: 'ID' }]).replace('"ID"', value))).toBe(200);
      expect([count(door, 'event'), count(door, 'quarantine')]).toEqual([0, 1]);
    },
  );
});

describe('addresses of customers', () => {
  test('two are two contacts, or the body is kept', async () => {
    const door = await openDoor();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(hostileId, { minLength: 2, maxLength: 4 }), async (ids) => {
        empty(door);
        const messages = ids.map((id, at) => ({ id: `wamid.${at}`, from: undefined, from_user_id: id }));
        expect(await receive(door, bodyOf(messages))).toBe(200);
        const good = ids.filter((id) => usable(id, 256));
        expect(count(door, 'contact')).toBe(good.length);
        expect(count(door, 'event')).toBe(good.length);
        expect(count(door, 'quarantine')).toBe(good.length < ids.length ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });

  test('phones that differ in what no screen shows are different phones', async () => {
    const door = await openDoor();
    const phones = ['1650', '1650\u200b', '1650\u202e', '\u06f1650', '1650 '];
    await receive(door, bodyOf(phones.map((from, at) => ({ id: `wamid.${at}`, from }))));
    expect(count(door, 'contact')).toBe(phones.length);
  });
});

describe('phone number ids', () => {
  test('any but our own leads to no mailbox', async () => {
    const door = await openDoor();
    const near = fc.constantFrom(
      ` ${acme.number}`,
      `${acme.number}\0`,
      `+${acme.number}`,
      `${acme.number}.0`,
      '0',
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostileId, near), async (phoneNumberId) => {
        fc.pre(phoneNumberId !== acme.number && phoneNumberId !== beta.number);
        empty(door);
        expect(await receive(door, bodyOf([{ id: 'wamid.1' }], phoneNumberId))).toBe(200);
        expect([count(door, 'event'), count(door, 'quarantine')]).toEqual([0, 1]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('tenant ids in the path', () => {
  test('any but those of tenants are answered 401, or are no path at all', async () => {
    const door = await openDoor();
    const body = bodyOf([{ id: 'wamid.1' }]);
    const raw = fc.string({ unit: fc.constantFrom(...'%/.;?#\\~azAZ09_-\u00ff'), maxLength: 30 });
    const path = fc.oneof(
      hostileId.map((id) => encodeURIComponent(id.toWellFormed())),
      raw,
    );
    await fc.assert(
      fc.asyncProperty(path, async (id) => {
        fc.pre(!/^(acme|beta|[?#].*)?$/.test(id));
        const { status } = await door.raw(post(body, signatureOf(acme.secret, body), `${sharedPath}/${id}`));
        expect([400, 401, 404, 414, 431]).toContain(status);
      }),
      { numRuns: 300 },
    );
    expect([count(door, 'event'), count(door, 'quarantine')]).toEqual([0, 0]);
  });
});
