/** What the shop told stands in the life of the message that it led to, and in no other. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineActivity } from '#core/dialog/activity.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { tell } from './business-events.ts';
import { told, watchedTown } from './watched-town.ts';

const mia = '16505550123';

const print = defineActivity({
  name: 'print',
  input: z.object({}),
  output: z.object({ words: z.string() }),
  deadlineMs: 30_000,
  run: () => Promise.resolve({ result: { words: 'Printed.' } }),
});

const shop = defineDialog({
  name: 'shop',
  version: 1,
  context: z.object({}),
  start: 'paying',
  states: ({ waitFor, work, end }) => ({
    paying: waitFor({
      question: 'Pay here.',
      events: { 'payment.succeeded': { say: 'Thank you.', next: 'printing' } },
    }),
    printing: work({ activity: print, input: () => ({}), done: 'done', failed: 'done', refused: 'done' }),
    done: end({ say: 'Printed.' }),
  }),
});

async function paid() {
  const watched = watchedTown({ tenants: [{ id: 'acme', dialog: 'shop' }], dialogs: [shop] });
  const { town } = watched;
  await town.start();
  await town.apply();
  const asked = town.say(mia, 'hello');
  await town.world.advance(30_000);
  const payment = { contact: mia, name: 'payment.succeeded', idempotencyKey: 'order-1' };
  const statuses = [await tell(town, payment)];
  await town.world.advance(30_000);
  statuses.push(await tell(town, payment));
  await town.world.advance(30_000);
  return { ...watched, asked, statuses };
}

test('it was stored, waited for its turn, and came again', async () => {
  const { town, life, asked, statuses } = await paid();
  expect(statuses).toEqual([202, 200]);
  expect(town.texts()).toEqual(['Pay here.', 'Thank you.', 'Printed.']);
  const [, thanks, printed] = town.meta.accepted.map(({ wamid }) => life(wamid));
  const rows = [
    'business: Business event payment.succeeded: stored, waits for its turn',
    'dropped: Business event payment.succeeded came again: it had been stored before',
  ];
  for (const steps of [thanks, printed]) {
    expect(told(steps ?? []).filter((row) => row.includes('Business'))).toEqual(rows);
    expect((steps ?? []).filter(({ toMs }) => toMs === null)).toEqual([]);
  }
  expect(told(thanks ?? [])[1]).toMatch(/^turn: Turn 2: shop\/printing; 1 send/);
  expect(told(printed ?? [])).toContainEqual('activity: Activity print: done');
  expect((thanks ?? [])[0]?.detail).toMatchObject({
    began: {
      kind: 'businessStored',
      door: 'events',
      name: 'payment.succeeded',
      position: expect.any(Number),
    },
    ended: { kind: 'turnTaken' },
  });
  expect(told(life(asked.wamid)).filter((row) => row.includes('Business'))).toEqual([]);
});

test('the stream tells that it was received, stored, or had been stored; of a refused one only the first', async () => {
  const { town, book } = await paid();
  expect(await tell(town, { contact: '19995550000', name: 'order.shipped', idempotencyKey: 'order-2' })).toBe(
    404,
  );
  const seen = book.read({ afterSeq: 0, limit: 5_000 }).filter(({ kind }) => kind.startsWith('business'));
  expect(seen.map(({ kind }) => kind)).toEqual([
    ...['businessReceived', 'businessStored', 'businessReceived', 'businessDuplicate'],
    'businessReceived',
  ]);
  // Whom it is about and what it says is in none.
  expect(JSON.stringify(seen)).not.toContain(mia);
});
