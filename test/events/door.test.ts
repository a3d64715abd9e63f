/** `POST /events` over real HTTP: who may, what is stored, once, and what every refusal says. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { runCommand } from '#runtime/commands.ts';
import { acme, beta, codeOf, customer, jsonOf, makeKey, openShop, paid, write } from './shop.ts';

const { contact: _, ...unaddressed } = paid;

describe('an event of the business', () => {
  test('is in the customer’s mailbox when 202 is answered, and is announced', async () => {
    const shop = await openShop();
    const notified: unknown[] = [];
    const { wake } = shop.door.nightdesk;
    const notify = wake.notify.bind(wake);
    wake.notify = (...args) => {
      notified.push(args[0]);
      notify(...args);
    };
    const answer = await shop.tell(paid);
    expect(answer.status).toBe(202);
    expect(jsonOf(answer)).toEqual({ status: 'stored', conversationId: shop.conversationId });
    expect(shop.facts()).toEqual([
      {
        ...{ tenant_id: 'acme', conversation_id: shop.conversationId },
        business: { name: 'payment.succeeded', data: { order: 'A-1' } },
      },
    ]);
    expect(notified).toEqual([{ tenantId: 'acme', conversationId: shop.conversationId }]);
  });

  test('names its customer by phone as people write it, by id, or by the conversation', async () => {
    const shop = await openShop();
    const [{ contact_id: contactId }] = shop.door.database.all<{ contact_id: string }>(
      "SELECT contact_id FROM contact WHERE tenant_id = 'acme'",
    ) as [{ contact_id: string }];
    const conversationId = shop.conversationId;
    for (const body of [
      { ...paid, contact: { phone: '+1 (555) 000-1111' } },
      { ...paid, contact: { bsuid: customer.bsuid } },
      { ...paid, contact: { contactId } },
      { ...unaddressed, conversationId },
      { name: 'order.shipped', conversationId },
    ])
      expect((await shop.tell(body)).status).toBe(202);
    expect(new Set(shop.facts().map((fact) => fact.conversation_id))).toEqual(new Set([conversationId]));
    expect(shop.facts().at(-1)?.business).toEqual({ name: 'order.shipped', data: null });
  });

  test('I2 is one event for its key, however often and at once it is sent, and however it is written', async () => {
    const shop = await openShop();
    const sent = await Promise.all(
      Array.from({ length: 20 }, () => shop.tell(paid, { idempotencyKey: 'once' })),
    );
    expect(sent.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 202]);
    const raw = `{ "data": {"order":"A-1"}, "name":"payment.succeeded",\n "contact":{"phone":"+1 555 000 1111"}, "phoneNumberId":"${acme.number}"}`;
    const again = await shop.tell(null, { raw, idempotencyKey: 'once' });
    expect([again.status, jsonOf(again)]).toEqual([
      200,
      { status: 'duplicate', conversationId: shop.conversationId },
    ]);
    expect(shop.facts()).toHaveLength(1);
  });

  test('with a key that was used for another is refused with 409, and the first stays', async () => {
    const shop = await openShop();
    await shop.tell(paid, { idempotencyKey: 'k' });
    for (const other of [
      { ...paid, data: { order: 'A-2' } },
      { ...paid, name: 'payment.failed' },
      { ...unaddressed, conversationId: shop.conversationId },
    ]) {
      const answer = await shop.tell(other, { idempotencyKey: 'k' });
      expect([answer.status, codeOf(answer)]).toEqual([409, 'idempotencyKeyUsed']);
    }
    expect(shop.facts()).toHaveLength(1);
    expect((await shop.tell({ ...paid, data: { order: 'A-2' } })).status).toBe(202);
  });
});

describe('who may', () => {
  test('nobody without a live key, whatever they send; the body is not even read', async () => {
    const shop = await openShop();
    const { key } = shop;
    const revoked = await makeKey(shop.door, 'acme');
    await runCommand(shop.door.nightdesk, 'keys.revoke', { ...revoked, tenantId: 'acme', by: 'ann' });
    for (const authorization of [
      null,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key}x`,
      `Bearer ${key} `.trimEnd().toUpperCase(),
      `Basic ${Buffer.from(`:${key}`).toString('base64')}`,
      key,
      `Bearer ${revoked.key}`,
      `Bearer ndk_${'A'.repeat(43)}`,
      `Bearer ${key}, Bearer ${key}`,
    ]) {
      const answer = await shop.tell(paid, { authorization });
      expect([answer.status, codeOf(answer)], String(authorization)).toEqual([401, 'unauthorized']);
    }
    const unread = await shop.door.raw({
      ...{ method: 'POST', target: '/events' },
      headers: [['content-length', '60000']],
    });
    expect(unread.status).toBe(401);
    expect(shop.facts()).toEqual([]);
  });

  test('a key opens at once when it is made, and no more at once when it is revoked; another one stays', async () => {
    const shop = await openShop();
    const second = await makeKey(shop.door, 'acme');
    expect((await shop.tell(paid)).status).toBe(202);
    expect((await shop.tell(paid, { authorization: `bearer ${second.key}` })).status).toBe(202);
    await runCommand(shop.door.nightdesk, 'keys.revoke', { tenantId: 'acme', keyId: shop.keyId, by: 'ann' });
    expect((await shop.tell(paid)).status).toBe(401);
    expect((await shop.tell(paid, { authorization: `Bearer ${second.key}` })).status).toBe(202);
  });

  test('I10 a key speaks for its own tenant: foreign numbers, contacts and conversations are not there', async () => {
    const shop = await openShop();
    const theirs = await write(shop.door, beta);
    const foreign = await makeKey(shop.door, 'beta');
    const authorization = `Bearer ${foreign.key}`;
    for (const [body, code] of [
      [paid, 'unknownNumber'],
      [{ ...unaddressed, conversationId: shop.conversationId }, 'unknownNumber'],
      [{ name: 'x', conversationId: shop.conversationId }, 'unknownConversation'],
      [{ ...paid, phoneNumberId: '404' }, 'unknownNumber'],
    ] as const) {
      const answer = await shop.tell(body, { authorization });
      expect([answer.status, codeOf(answer)]).toEqual([404, code]);
    }
    expect(shop.facts()).toEqual([]);
    const own = await shop.tell({ ...paid, phoneNumberId: beta.number }, { authorization });
    expect(jsonOf(own)).toEqual({ status: 'stored', conversationId: theirs });
  });

  test('a tenant has a few keys, not any number', async () => {
    const shop = await openShop();
    for (let live = 1; live < limits.apiKeysLiveMax; live++) await makeKey(shop.door, 'acme');
    await expect(makeKey(shop.door, 'acme')).rejects.toThrow('Revoke one that nobody uses');
    await expect(makeKey(shop.door, 'nobody')).rejects.toThrow('There is no tenant nobody');
    await makeKey(shop.door, 'beta');
  });
});

describe('whom nobody knows', () => {
  test('gets nothing: 404 says so and what to do, and nothing is stored or made', async () => {
    const shop = await openShop();
    const count = () => shop.door.database.all('SELECT 1 FROM contact').length;
    const before = count();
    for (const [contact, code] of [
      [{ phone: '15559998888' }, 'unknownContact'],
      [{ bsuid: 'US.9' }, 'unknownContact'],
      [{ contactId: 'ctc_0' }, 'unknownContact'],
    ] as const) {
      const answer = await shop.tell({ ...paid, contact }, { idempotencyKey: 'same' });
      expect([answer.status, codeOf(answer)]).toEqual([404, code]);
      expect(answer.body).toContain('once they have written to one of its numbers');
    }
    expect([shop.facts(), count()]).toEqual([[], before]);
    // A refusal does not use the key up: the shop sends the same again when the customer has written.
    expect((await shop.tell(paid, { idempotencyKey: 'same' })).status).toBe(202);
  });
});

describe('bodies that are no events', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['no object', []],
    ['nothing', null],
    ['a field that nobody reads', { ...paid, phone: '15550001111' }],
    ['no name', { ...paid, name: undefined }],
    ['a name with a space', { ...paid, name: 'payment succeeded' }],
    ['a name with a star', { ...paid, name: 'payment.*' }],
    ['a name that ends in a dot', { ...paid, name: 'payment.' }],
    ['a name of a prototype’s', { ...paid, name: '__proto__' }],
    ['a long name', { ...paid, name: 'a'.repeat(65) }],
    ['nobody', unaddressed],
    ['two of them', { ...paid, conversationId: 'cnv_1' }],
    ['a contact of two addresses', { ...paid, contact: { phone: '15550001111', bsuid: 'US.1' } }],
    ['a contact that is a text', { ...paid, contact: '15550001111' }],
    ['a contact of another word', { ...paid, contact: { waId: '15550001111' } }],
    ['a phone that is a number', { ...paid, contact: { phone: 15550001111 } }],
    ['a phone without digits', { ...paid, contact: { phone: '+ () -' } }],
    ['a phone of too many digits', { ...paid, contact: { phone: '1'.repeat(16) } }],
    ['a bsuid with a line break', { ...paid, contact: { bsuid: 'US.1\n' } }],
    ['a bsuid with half a letter', { ...paid, contact: { bsuid: '\ud83d' } }],
    ['no number', { ...paid, phoneNumberId: undefined }],
    ['a number that is not text', { ...paid, phoneNumberId: 1065 }],
    ['a number with a plus', { ...paid, phoneNumberId: '+15550001111' }],
    ['a conversation that is a path', { name: 'x', conversationId: '../cnv' }],
  ];

  test('are answered 400 with the field and what it should be, and never with what was sent', async () => {
    const shop = await openShop();
    for (const [what, body] of wrong) {
      const answer = await shop.tell(body);
      expect([answer.status, codeOf(answer)], what).toEqual([400, 'badEvent']);
      expect(answer.body, what).not.toMatch(/15550001111|US\.1|__proto__|\.\.\/cnv/);
    }
    expect(shop.facts()).toEqual([]);
  });

  test('that are no JSON, too deep, out of range or with a key that is a trap are refused, too', async () => {
    const shop = await openShop();
    const withData = (data: string) => JSON.stringify({ ...paid, data: 'DATA' }).replace('"DATA"', data);
    for (const raw of [
      '',
      '{',
      'name=payment.succeeded',
      Buffer.from([0x7b, 0xff, 0x7d]),
      withData('1e400'),
      withData('{"__proto__":{"admin":true}}'),
      withData(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    ])
      expect((await shop.tell(null, { raw })).status).toBe(400);
    expect(shop.facts()).toEqual([]);
    expect((await shop.tell(null, { raw: withData('"\\u0000 \\ud83d fine"') })).status).toBe(202);
  });

  test('that are too large are answered 413, also where the length is not said', async () => {
    const shop = await openShop();
    const large = JSON.stringify({ ...paid, data: 'x'.repeat(limits.businessEventBytesMax) });
    expect((await shop.tell(null, { raw: large })).status).toBe(413);
    const chunked = await shop.door.raw({
      ...{ method: 'POST', target: '/events' },
      headers: [
        ['authorization', `Bearer ${shop.key}`],
        ['idempotency-key', 'k'],
        ['transfer-encoding', 'chunked'],
      ],
      body: `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    });
    expect(chunked.status).toBe(413);
    // Told before a byte of it is taken in.
    const declared = await shop.door.raw({
      ...{ method: 'POST', target: '/events' },
      headers: [
        ['authorization', `Bearer ${shop.key}`],
        ['content-length', String(limits.businessEventBytesMax + 1)],
      ],
    });
    expect(declared.status).toBe(413);
    expect(shop.facts()).toEqual([]);
  });

  test('without an idempotency key, or with one that is none, are told of the header', async () => {
    const shop = await openShop();
    for (const idempotencyKey of [null, '', 'a b', 'é', 'x'.repeat(201)]) {
      const answer = await shop.tell(paid, { idempotencyKey });
      expect([answer.status, codeOf(answer)]).toEqual([400, 'idempotencyKey']);
    }
    expect((await shop.tell(paid, { idempotencyKey: 'x'.repeat(200) })).status).toBe(202);
  });
});

describe('a store that cannot', () => {
  const failing =
    (operation: 'appendBusiness' | 'findApiKey', error: () => unknown) =>
    (store: Store): Store =>
      new Proxy(store, {
        get: (target, name) =>
          name === operation ? () => Promise.reject(error()) : Reflect.get(target, name),
      });

  test('is answered 503 with Retry-After, and the event counts when it comes again', async () => {
    let away = true;
    const shop = await openShop({
      wrap: (store) =>
        new Proxy(store, {
          get: (target, name: keyof Store) =>
            name === 'appendBusiness' && away
              ? () => Promise.reject(new Fault('storeUnavailable', 'The disk is full.'))
              : target[name],
        }),
    });
    const answer = await shop.tell(paid, { idempotencyKey: 'k' });
    expect([answer.status, codeOf(answer)]).toEqual([503, 'unavailable']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    away = false;
    expect((await shop.tell(paid, { idempotencyKey: 'k' })).status).toBe(202);
  });

  test.each([
    ['findApiKey', new Fault('storeUnavailable', 'The disk is gone.')],
    ['appendBusiness', new Error('a bug that quotes {"order":"A-1"}')],
  ] as const)('that fails in %s opens for nobody and tells nothing', async (operation, error) => {
    const lines: string[] = [];
    const shop = await openShop({ wrap: failing(operation, () => error), log: (line) => lines.push(line) });
    const answer = await shop.tell(paid);
    expect([answer.status, codeOf(answer)]).toEqual([503, 'unavailable']);
    expect(answer.body + lines.join('')).not.toContain('A-1');
    expect(shop.facts()).toEqual([]);
  });
});

test('answers are counted by door and status', async () => {
  const shop = await openShop();
  await shop.tell(paid);
  await shop.tell(paid, { authorization: null });
  await shop.tell({ ...paid, name: '' });
  const text = await shop.door.nightdesk.metrics.text();
  for (const status of [202, 401, 400])
    expect(text).toContain(`nightdesk_event_acks_total{door="events",status="${status}"} 1`);
});
