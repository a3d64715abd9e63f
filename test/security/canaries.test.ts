/**
 * Canaries through everything that goes well, and through bodies that cannot be used: none stands in a log line, a metric
 * or a list, but where an operator asks for a conversation.
 */
import { describe, expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import type { WebhookItem } from '#testing/webhooks.ts';
import { customers, everything, found, secrets } from './canaries.ts';
import { expectClean, failing, logged, minuteMs, openTown, receive, say, webhooksOf } from './canary-town.ts';

describe('the search', () => {
  test('finds a canary in each of its forms, and none in the words around it', () => {
    for (const [name, value] of Object.entries(everything)) {
      const forms = [
        value,
        value.toUpperCase(),
        JSON.stringify({ value }),
        JSON.stringify(JSON.stringify({ value })),
        `https://x.test/?a=${encodeURIComponent(value)}`,
        `Basic ${Buffer.from(`user:${value}@`).toString('base64')}`,
        Buffer.from(`${value}!`).toString('hex'),
      ];
      for (const text of forms)
        expect([text, found(text).some((each) => each.startsWith(name))]).toEqual([text, true]);
    }
    expect(found('the secret of the tenant was not verified; the metrics of the database are there')).toEqual(
      [],
    );
  });
});

describe('where all goes well', () => {
  test('messages of every kind', async () => {
    const town = await openTown();
    const w = webhooksOf(town);
    const { text, caption, filename, place, phone, name } = customers;
    const items: WebhookItem[] = [
      w.text({ text }),
      w.image({ caption }),
      w.document({ caption, filename }),
      w.voice(),
      w.location({ latitude: 1, longitude: 2, name: place }),
      w.contacts({ contacts: [{ name: { formatted_name: name }, phones: [{ phone, wa_id: phone }] }] }),
      w.reaction({ to: 'wamid.x', emoji: '👍' }),
      w.order({ catalogId: '1', items: [{ product_retailer_id: caption }], text }),
      w.edit({ original: 'wamid.x', text }),
      w.unsupported({ subtype: caption }),
      w.unknown({ extra: { [caption]: text } }),
      w.button({ id: text, title: caption }),
      w.list({ id: text, title: caption, description: place }),
      w.templateButton({ payload: text, text: caption }),
      w.waFlowReply({ response: { answer: text, [caption]: phone } }),
      w.echo({ text }),
      w.standby({ text }),
      w.changedAddress({ phone: `${phone}0` }),
      w.valueError({ code: 131000, title: text }),
      w.notice({ field: 'account_update', value: { event: text, phone_number: phone } }),
      w.notice({ field: text, value: { text } }),
      w.notice({ field: 'field_of_tomorrow', value: { messages: [{ text }] } }),
    ];
    for (const item of items) expect(await receive(town, w.body([item]))).toBe(200);
    expect(await receive(town, w.body(items))).toBe(200);
    expect(logged(town)).toContain('A turn was committed.');
    await expectClean(town);
  });

  test('an answer, a hand-off, an operator’s words and their transcript', async () => {
    const town = await openTown();
    await say(town);
    expect(town.texts()).toEqual([customers.answer]);
    const ref = await town.ref(customers.phone);
    const by = customers.by;
    await town.command('take', { ...ref, by });
    await town.command('reply', { ...ref, by, text: customers.operator });
    await town.world.advance(minuteMs);
    await town.command('handback', { ...ref, by });
    await say(town);
    const transcript = JSON.stringify(await town.command('transcript', { ...ref }));
    expect(found(transcript, customers)).toEqual(
      expect.arrayContaining([expect.stringContaining('operator')]),
    );
    expect(found(transcript, secrets)).toEqual([]);
    await expectClean(town);
  });

  test('a hold that nobody works', async () => {
    const town = await openTown();
    await say(town);
    await town.command('take', { ...(await town.ref(customers.phone)), by: customers.by });
    town.world.pause(9 * 60 * minuteMs);
    await town.world.advance(2 * minuteMs);
    expect(logged(town)).toContain('An operator holds this conversation');
    await expectClean(town);
  });
});

describe('bodies that cannot be used', () => {
  const { text, phone } = customers;
  test.each([
    ['no JSON', `{"text":"${phone} quokka`],
    ['a list', JSON.stringify([text, phone])],
    ['no entries', JSON.stringify({ [phone]: phone, object: text })],
    ['an entry without changes', JSON.stringify({ entry: [{ id: phone, [phone]: phone }] })],
    ['a change that is a text', JSON.stringify({ entry: [{ id: '1', changes: [text, phone] }] })],
    ['a message that is a text', bodyOf({ messages: [text, phone] })],
    [
      'NUL in an id',
      bodyOf({ messages: [{ id: `wamid.\u0000${phone}`, from: phone, type: 'text', text: { body: text } }] }),
    ],
    [
      'half a surrogate pair',
      bodyOf({ messages: [{ id: `w\ud800${phone}`, from: phone, type: 'text', text: { body: text } }] }),
    ],
    [
      'a number out of range',
      bodyOf({
        messages: [{ id: 'wamid.n', from: phone, type: 'text', text: { body: text, n: 1 } }],
      }).replace('"n":1', '"n":1e400'),
    ],
    [
      'a time out of range',
      bodyOf({
        messages: [{ id: 'wamid.t', from: phone, timestamp: '9e99', type: 'text', text: { body: text } }],
      }),
    ],
    [
      'a number that nobody has',
      bodyOf({ messages: [{ id: 'wamid.u', from: phone, type: 'text', text: { body: text } }] }, '404404'),
    ],
  ])('%s', async (_what, body) => {
    const town = await openTown();
    expect(await receive(town, body)).toBe(200);
    await say(town);
    await expectClean(town);
  });

  test('a store that refuses the data', async () => {
    const refusing = failing('append', () => new Fault('badData', 'The content cannot be stored.'), 1);
    const town = await openTown({ wrapStore: refusing });
    expect(await say(town)).toBe(200);
    expect(logged(town)).toContain('A signed webhook body cannot be stored as data');
    await expectClean(town);
  });
});

function bodyOf(value: object, phoneNumberId = '100000'): string {
  const metadata = { display_phone_number: '1', phone_number_id: phoneNumberId };
  const profile = { name: customers.name, username: customers.username };
  const contacts = [{ wa_id: customers.phone, profile }];
  const changes = [
    { field: 'messages', value: { messaging_product: 'whatsapp', metadata, contacts, ...value } },
  ];
  return JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '20000', changes }] });
}
