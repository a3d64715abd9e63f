/** The image provider and the checkout beside a bot under test, in the same virtual world. */
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineDialog } from '#core/dialog/define.ts';
import type { HttpRequest } from '#core/ports/world.ts';
import { type Bot, startBot } from '#testing/index.ts';

let bot: Bot;
afterEach(() => bot.stop());

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const request: HttpRequest = {
    ...{ purpose: null, method: 'POST', url, body: JSON.stringify(body), timeoutMs: 5_000 },
    headers: { authorization: 'Bearer sk', 'content-type': 'application/json', ...headers },
  };
  const answering = bot.world.http.request(request).then(
    ({ status, body: text }) => ({ status, body: JSON.parse(text) }),
    (error: unknown) => ({ status: String((error as { code?: string }).code), body: null }),
  );
  await bot.sim.clock.advance(6_000);
  return answering;
}

test('a picture is charged once for its key, though its first answer was lost', async () => {
  bot = await startBot();
  const { control } = bot.sim;
  await control.setImages({ loseAnswer: { next: 1 }, latencyLogNormal: { medianMs: 900, p99Ms: 2_000 } });
  const ask = () =>
    post(
      'http://images.test/v1/images/generations',
      { prompt: 'a cat', size: '256x256' },
      { 'Idempotency-Key': 'k' },
    );
  expect((await ask()).status).toBe('ECONNRESET');
  const { status, body } = await ask();
  expect(status).toBe(200);
  expect(Buffer.from(body.data[0].b64_json, 'base64').subarray(1, 4).toString()).toBe('PNG');
  expect(await control.imageStats()).toMatchObject({ charges: 1, chargedCents: 4, running: 0 });
});

test('a request that hangs ends when whoever asked gives up, and its key may be used again', async () => {
  bot = await startBot();
  const { control } = bot.sim;
  await control.setImages({ hang: { next: 1 } });
  const ask = () =>
    post(
      'http://images.test/v1/images/generations',
      { prompt: 'a cat', size: '256x256' },
      { 'Idempotency-Key': 'k' },
    );
  expect((await ask()).status).toBe('TIMEOUT');
  expect(await control.imageStats()).toMatchObject({ charges: 0, running: 0 });
  expect((await ask()).status).toBe(200);
  expect(await control.imageStats()).toMatchObject({ charges: 1 });
});

test('a page is paid, and whoever is served at the address is told, also later', async () => {
  bot = await startBot();
  const { control, clock } = bot.sim;
  const told: { atMs: number; type: string }[] = [];
  bot.world.serve('http://shop.test', ({ body, headers }, nowMs) => {
    expect(headers['stripe-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
    told.push({ atMs: nowMs, type: JSON.parse(Buffer.from(body as Uint8Array).toString()).type });
    const status = told.length === 1 ? 503 : 200;
    return { kind: 'response', response: { status, headers: {}, body: '' }, delayMs: 10 };
  });
  await control.setCheckout({ webhookUrl: 'http://shop.test/payments' });
  const item = { price_data: { currency: 'usd', unit_amount: 500 } };
  const { body } = await post('http://checkout.test/v1/checkout/sessions', { line_items: [item] });
  expect(body.url).toBe(`http://checkout.test/pay/${body.id}`);
  await control.pay(body.id);
  const paidAtMs = clock.nowMs();
  await clock.advance(3_600_000);
  expect(told.map(({ atMs, type }) => [Math.round((atMs - paidAtMs) / 1_000), type])).toEqual([
    [0, 'checkout.session.completed'],
    [1, 'checkout.session.completed'],
  ]);
  expect(await control.checkoutStats()).toMatchObject({ paid: 1, events: { inFlight: 0, retrying: 0 } });
});

test('a payment reaches the bot under test, or waits while it is down', async () => {
  const shop = defineDialog({
    name: 'shop',
    version: 1,
    context: z.object({}),
    start: 'paying',
    states: ({ waitFor, end }) => ({
      paying: waitFor({
        question: 'Please pay.',
        events: { 'payment.succeeded': { say: 'Thank you.', next: 'paid' } },
      }),
      paid: end(),
    }),
  });
  bot = await startBot({ config: { dialogs: [shop] }, numbers: [{ dialog: 'shop' }] });
  const { control, clock } = bot.sim;
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees('Please pay.');
  const [state] = await bot.store.listStates({ after: null, max: 1 });
  const item = { price_data: { currency: 'usd', unit_amount: 500 } };
  const wanted = { line_items: [item], client_reference_id: state?.conversationId };
  const { body } = await post('http://checkout.test/v1/checkout/sessions', wanted);
  bot.crash();
  await control.pay(body.id);
  await clock.advance(10_000);
  expect(await control.checkoutStats()).toMatchObject({ paid: 1, events: { retrying: 1 } });
  await bot.start();
  await ana.sees('Thank you.', { withinMs: 600_000 });
  expect(await control.checkoutStats()).toMatchObject({ events: { inFlight: 0, retrying: 0 } });
});
