/** Schemas of the business' own events: refused at the door, given to the dialog as they say, and typed by them. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { checkDialog } from '#core/dialog/check/check.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { type BusinessEventsOf, type DialogEvent, dialogActions } from '#core/dialog/dialog.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';
import { effectsOf, event, text, turn } from '../dialog/turns.ts';
import { codeOf, jsonOf, openShop, paid } from './shop.ts';

const shippedData = z.object({ order: z.string(), parcels: z.number().default(1) });
const eventData = { 'order.shipped': shippedData, 'order.lost': z.unknown() };

const parcels = defineDialog({
  name: 'parcels',
  version: 1,
  context: z.object({ order: z.string().optional() }),
  start: 'waiting',
  states: ({ waitFor, end }) => ({
    waiting: waitFor({
      question: 'I tell you when it leaves.',
      events: {
        'order.shipped': {
          when: (_, { order }) => order.startsWith('A'),
          keep: ({ order }) => ({ order }),
          say: 'It is on its way.',
          next: 'sent',
        },
      },
    }),
    sent: end({ say: ({ order }) => `Order ${order} has left.` }),
  }),
  eventData,
  events: {
    'order.shipped': {
      keep: (data) => {
        expectTypeOf(data).toEqualTypeOf<{ order: string; parcels: number }>();
        return { order: data.order };
      },
    },
    'order.lost': {},
  },
});

const shipped = { ...paid, name: 'order.shipped', data: { order: 'A-1' } };

describe('at the door', () => {
  test('a body whose data does not fit is answered 400 with the names of the fields, and nothing is stored', async () => {
    const shop = await openShop({ dialogs: [parcels] });
    const answer = await shop.tell({ ...shipped, data: { order: 7, parcels: 'two, for Noor' } });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'badData']);
    const { message } = jsonOf(answer).error as { message: string };
    expect(message).toBe('"data" of "order.shipped" does not fit its schema at order, parcels.');
    expect((await shop.tell({ ...shipped, data: undefined })).status).toBe(400);
    expect(shop.facts()).toEqual([]);
    // The key of what was refused is not used up.
    expect((await shop.tell(shipped, { idempotencyKey: 'event-1' })).status).toBe(202);
    expect(shop.facts().map(({ business }) => business)).toEqual([
      { name: 'order.shipped', data: { order: 'A-1' } },
    ]);
  });

  test('an event that nobody declares stays as it is, also where its name is that of a method', async () => {
    const shop = await openShop({ dialogs: [parcels] });
    for (const body of [
      paid,
      { ...shipped, name: 'order.lost', data: [1] },
      { ...shipped, name: 'toString' },
    ])
      expect((await shop.tell(body)).status).toBe(202);
    const without = await openShop();
    expect((await without.tell({ ...shipped, data: 7 })).status).toBe(202);
  });

  test('two dialogs declare an event by one schema, or the bot does not start', async () => {
    const named = (name: string, schema: typeof shippedData) =>
      defineDialog({
        ...{ name, version: 1, context: z.object({}), start: 'only' },
        states: ({ end }) => ({ only: end({ say: 'Bye.' }) }),
        eventData: { 'order.shipped': schema },
      });
    await openShop({ dialogs: [parcels, named('again', shippedData)] });
    await expect(openShop({ dialogs: [parcels, named('other', shippedData.clone())] })).rejects.toThrow(
      'The dialogs parcels and other declare the event "order.shipped" by two schemas. Give both the same one.',
    );
  });
});

describe('in the dialog', () => {
  test('the data is what the schema makes of it, by type and by value', () => {
    const machine = setup({
      types: { events: {} as DialogEvent | BusinessEventsOf<typeof eventData> },
      actions: dialogActions,
    }).createMachine({
      initial: 'open',
      states: {
        open: {
          on: {
            text: { actions: { type: 'say', params: { text: 'Hello.' } } },
            'business.order.shipped': {
              actions: {
                type: 'say',
                params: ({ event: { data } }) => ({ text: `${data.order.trim()}: ${data.parcels}` }),
              },
            },
          },
        },
      },
    });
    const dialog = defineDialog({ name: 'machine', version: 1, machine, eventData });
    driveDialog(dialog).say('hi').business('order.shipped', { order: 'A-1' }).sees('A-1: 1');
    driveDialog(parcels).say('hi').business('order.shipped', { order: 'A-2' }).sees('Order A-2 has left.');
    expect(checkDialog(parcels).report.isProven).toBe(true);
  });

  test('what was stored before the schema and does not fit is a dead letter, and a person is asked', () => {
    const stored = turn(parcels, [text('hi')]).state;
    const old = event(
      'business',
      { business: { name: 'order.shipped', data: { order: 7 } } },
      { wamid: null },
    );
    const output = turn(parcels, [old], { stored });
    expect(output.stateLabel).toBe('parcels/waiting');
    expect(output.deadLetters).toMatchObject([
      { fault: 'The data of the event "order.shipped" does not fit its schema at order.' },
    ]);
    expect(effectsOf(output, 'flag')).toMatchObject([{ reason: 'deadLetter' }]);
  });

  test('an event that is not declared is none, for the compiler', () => {
    defineDialog({
      ...{ name: 'slips', version: 1, context: z.object({}), start: 'only' },
      states: ({ end }) => ({ only: end({ say: 'Bye.' }) }),
      eventData,
      // @ts-expect-error: a slip of the pen
      events: { 'order.shiped': {} },
    });
  });
});
