/** From the page on which a customer pays to what the chat says, with a crash, a hold and a handler that throws in between. */
import { afterEach, expect, test } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import {
  type BusinessDialogEvent,
  type DialogEvent,
  defineDialog,
  dialogActions,
  type EventSchemas,
} from '#core/dialog/dialog.ts';
import type { HttpRequest } from '#core/ports/world.ts';
import { type Bot, startBot } from '#testing/index.ts';

const address = 'US.13491208655302741918';
const hourMs = 3_600_000;
let bot: Bot;
afterEach(() => bot.stop());

const say = (text: string) => ({ type: 'say' as const, params: { text } });

const shop = defineDialog({
  name: 'shop',
  version: 1,
  activities: {},
  machine: setup({
    types: { events: {} as DialogEvent | BusinessDialogEvent },
    actions: dialogActions,
  }).createMachine({
    initial: 'paying',
    states: {
      paying: {
        on: {
          text: { actions: say('Here is your link.') },
          'business.payment.succeeded': { target: 'paid', actions: say('You paid. Thank you!') },
          'business.payment.expired': { actions: say('The link is too old; here is another.') },
        },
      },
      paid: { on: { text: { actions: say('Your gift is on its way.') } } },
    },
  }),
});

const start = async (eventData: EventSchemas = {}) => {
  bot = await startBot({ config: { dialogs: [{ ...shop, eventData }] }, numbers: [{ dialog: 'shop' }] });
  const ana = bot.sim.contact('Ana', { userId: address });
  await ana.says('a gift, please');
  await ana.sees('Here is your link.');
  return ana;
};

/** A page for the only conversation there is. */
async function page(): Promise<string> {
  const [{ conversationId }] = await conversations();
  const request: HttpRequest = {
    ...{ purpose: null, method: 'POST', url: 'http://checkout.test/v1/checkout/sessions', timeoutMs: 5_000 },
    headers: { authorization: 'Bearer sk', 'content-type': 'application/json' },
    body: JSON.stringify({
      client_reference_id: conversationId,
      line_items: [{ price_data: { currency: 'usd', unit_amount: 500 } }],
    }),
  };
  const answered = bot.world.http.request(request);
  await bot.sim.clock.advance(100);
  return (JSON.parse((await answered).body) as { id: string }).id;
}

async function conversations(): Promise<[{ tenantId: string; conversationId: string }]> {
  const ref = await bot.store.findConversation({
    tenantId: 'test',
    phoneNumberId: '106540352242920',
    address,
  });
  if (ref === null) throw new Error('Ana has no conversation.');
  return [ref];
}

test('a customer pays, and the chat says so once, though the provider tells it twice', async () => {
  const ana = await start();
  await bot.sim.control.setCheckout({ duplicateEvent: { next: 1 } });
  await bot.sim.control.pay(await page());
  await ana.sees('You paid. Thank you!');
  await ana.seesNothingFor(hourMs);
  await ana.says('and now?');
  await ana.sees('Your gift is on its way.');
  expect(await bot.flags()).toEqual([]);
});

test('a payment whose data does not fit is stored all the same, and a person is asked', async () => {
  const ana = await start({ 'payment.succeeded': z.object({ table: z.number() }) });
  await bot.sim.control.pay(await page());
  await ana.seesNothingFor(60_000);
  expect((await bot.flags()).map(({ reason, detail }) => [reason, detail])).toEqual([
    ['deadLetter', 'The data of the event "payment.succeeded" does not fit its schema at table.'],
  ]);
});

test('a payment while the bot is down is told again and heard when it is back', async () => {
  const ana = await start();
  const id = await page();
  bot.crash();
  await bot.sim.control.pay(id);
  await bot.sim.clock.advance(60_000);
  await bot.start();
  await bot.sim.clock.advance(hourMs);
  await ana.sees('You paid. Thank you!');
});

test('a payment while a person holds the chat waits for the hand-back', async () => {
  const ana = await start();
  const id = await page();
  const [ref] = await conversations();
  await bot.command('take', { ...ref, by: 'ann' });
  await bot.sim.control.pay(id);
  await ana.seesNothingFor(60_000);
  await bot.command('handback', { ...ref, by: 'ann' });
  await ana.sees('You paid. Thank you!');
});

test('a link that grows too old is told, and what no state takes asks for a person', async () => {
  const ana = await start();
  const [first, second] = [await page(), await page()];
  await bot.sim.control.expireCheckout(first);
  await ana.sees(/too old/);
  await bot.sim.control.pay(second);
  await ana.sees('You paid. Thank you!');
  await bot.sim.control.pay(await page());
  await ana.seesNothingFor(60_000);
  expect((await bot.flags()).map(({ reason, detail }) => [reason, detail])).toEqual([
    ['businessEvent', 'the dialog has no answer to the event "payment.succeeded" of the business'],
  ]);
});
