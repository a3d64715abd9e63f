/** I1 I2 A body that is stored in slices is one body to Meta: 200 after the last of them, and nothing twice when it comes again. */
import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { AppendBatch, Store } from '#core/ports/store.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { acme, appSecrets, openDoor, signatureOf, wabaId } from '../security/door.ts';

const webhooks = createWebhooks({ phoneNumberId: acme.number, wabaId });
const body = webhooks.body(Array.from({ length: 300 }, (_, at) => webhooks.text({ text: `message ${at}` })));
const request = { rawBody: Buffer.from(body), signature: signatureOf(appSecrets[0], body) };
const holds = (batch: AppendBatch, text: string) =>
  batch.messages.some(({ message }) => message.content.text === text);

/** A store that fails once for the slice that holds message 150. */
function failingOnce(fault: Fault): (store: Store) => Store {
  let failed = false;
  return (store) =>
    Object.assign(Object.create(store) as Store, {
      append: async (batch: AppendBatch) => {
        if (failed || !holds(batch, 'message 150')) return store.append(batch);
        failed = true;
        throw fault;
      },
    });
}

test('a slice that is not stored makes it 503; the body brought again is stored once', async () => {
  const door = await openDoor({ wrap: failingOnce(new Fault('storeUnavailable', 'The disk is full.')) });
  expect((await door.nightdesk.webhook.receive(request)).status).toBe(503);
  expect(door.events().length).toBe(300 - limits.appendSliceMax);
  expect((await door.nightdesk.webhook.receive(request)).status).toBe(200);
  const texts = door.events().map(({ raw }) => (JSON.parse(raw) as { text: { body: string } }).text.body);
  expect(new Set(texts).size).toBe(300);
  expect(texts).toHaveLength(300);
});

test('a slice that cannot be stored as data keeps the body as bytes, and the others are stored', async () => {
  const door = await openDoor({ wrap: failingOnce(new Fault('badData', 'It is no data.')) });
  expect((await door.nightdesk.webhook.receive(request)).status).toBe(200);
  expect(door.events().length).toBe(300 - limits.appendSliceMax);
  expect(door.quarantine()).toEqual([' badData']);
});

test('in the order of the body', async () => {
  const door = await openDoor();
  expect((await door.nightdesk.webhook.receive(request)).status).toBe(200);
  const order = door.database.all<{ raw: string }>('SELECT raw FROM event ORDER BY rowid');
  expect(order.map(({ raw }) => (JSON.parse(raw) as { text: { body: string } }).text.body)).toEqual(
    Array.from({ length: 300 }, (_, at) => `message ${at}`),
  );
});
