/** What the steps say where the 24 h service window is closed: the step's template, or the dialog's, once for all that is said. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import type { WindowTemplate } from '#core/dialog/steps/spec.ts';
import { template } from '#core/model/send-builders/index.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';
import { checkDialog } from '#testing/index.ts';
import { createTown } from '../../virtual/town.ts';
import { tell } from '../../workbench/business-events.ts';

interface Order {
  order?: string | undefined;
}

const news = template({ name: 'news', language: 'en_US' });
const paid = ({ order }: Order) =>
  order === undefined ? undefined : template({ name: 'paid', language: 'en_US', body: [order] });
const keepOrder = (data: unknown) => ({ order: (data as { order: string }).order });

function shop(ofDialog?: WindowTemplate<Order>, ofStep?: WindowTemplate<Order>) {
  return defineDialog({
    name: 'shop',
    version: 1,
    context: z.object({ order: z.string().optional() }),
    texts: { en: { thanks: 'Thank you.' }, es: { thanks: 'Gracias.' } },
    start: 'paying',
    ...(ofDialog && { ifWindowClosed: ofDialog }),
    states: ({ waitFor, end, text }) => ({
      paying: waitFor({
        question: 'Pay here.',
        events: { 'payment.succeeded': { keep: keepOrder, say: text('thanks'), next: 'done' } },
        ...(ofStep && { ifWindowClosed: ofStep }),
      }),
      done: end({ say: ['We print it.', 'It comes soon.'] }),
    }),
    events: { 'order.shipped': { say: 'It is on its way.' } },
  });
}

const afterPayment = (dialog: ReturnType<typeof shop>, first = 'hello') =>
  driveDialog(dialog).say(first).business('payment.succeeded', { order: 'A1' });

describe('with the service window closed', () => {
  test('a person is asked for each message where nothing is declared', () => {
    const { said, saidOutsideWindow } = afterPayment(shop());
    expect(said).toEqual(['Thank you.', 'We print it.', 'It comes soon.']);
    expect(saidOutsideWindow).toEqual([null, null, null]);
  });

  test('the template of the dialog leaves once for all that is said', () => {
    const ana = afterPayment(shop(news));
    expect(ana.saidOutsideWindow).toEqual(['[template news]']);
    expect(ana.business('order.shipped').saidOutsideWindow).toEqual(['[template news]']);
    expect(ana.say('hello').saidOutsideWindow).toEqual(['[template news]']);
  });

  test('that of a step leaves for what is said in it, made from what is remembered', () => {
    expect(afterPayment(shop(undefined, paid)).saidOutsideWindow).toEqual(['[template paid] A1', null, null]);
    expect(driveDialog(shop(news, paid)).say('hello').saidOutsideWindow).toEqual([null]);
    expect(afterPayment(shop(news, paid)).saidOutsideWindow).toEqual([
      '[template paid] A1',
      '[template news]',
    ]);
  });

  test('one by language follows the customer', () => {
    const dialog = shop({ en: news, es: template({ name: 'noticias', language: 'es' }) });
    expect(afterPayment(dialog).saidOutsideWindow).toEqual(['[template news]']);
    expect(afterPayment(dialog, 'hola').saidOutsideWindow).toEqual(['[template noticias]']);
  });
});

test('the chats of the checker tell of it, and it proves the dialog as before', () => {
  const { report, graph } = checkDialog(shop(news));
  expect(report.findings).toEqual([]);
  const lines = graph.edges.flatMap(({ said }) => said);
  expect(lines).toContain('Bot: It is on its way. (outside the service window: [template news])');
});

test('nothing but a template is taken: by the compiler, and where there is none, at the start', () => {
  const text = { type: 'text', text: { body: 'no' } } as const;
  // @ts-expect-error a text leaves inside the service window only
  const wrong: WindowTemplate<Order> = text;
  expect(() => shop(wrong)).toThrow('Dialog shop: ifWindowClosed of the dialog is no template.');
  expect(() => shop(news, { en: news, es: wrong as never })).toThrow('ifWindowClosed of step paying');
});

test('before the whole runtime: a payment of the next day is answered by one template, and nobody is asked', async () => {
  const mia = '16505550123';
  const town = await createTown({
    tenants: [{ id: 'acme', dialog: 'shop' }],
    dialogs: [shop(template({ name: 'hello_world', language: 'en_US' }))],
  });
  town.say(mia, 'hello');
  await town.world.advance(5_000);
  // A day and more, of which the server sees nothing.
  await town.stop();
  await town.world.advance(30 * 3_600_000);
  await town.start();
  const payment = { name: 'payment.succeeded', idempotencyKey: 'order-1', data: { order: 'A1' } };
  expect(await tell(town, { contact: mia, ...payment })).toBe(202);
  await town.world.advance(60_000);
  expect(town.events('sendAccepted').map(({ type }) => type)).toEqual(['text', 'template']);
  expect(await town.flags()).toEqual([]);
  expect((await town.audit()).missing).toEqual([]);
});
