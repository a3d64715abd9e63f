/** The look-alike of a checkout: pages that are paid once, and events that are signed, repeated and retried. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createCheckout, createEventLog, startSimulator, type WebhookEnd } from '#simulator/index.ts';
import { START_MS, seededRandom } from './virtual-meta.ts';

const hookUrl = 'http://shop.test/payments';
const dayMs = 24 * 3_600_000;

/** As a payment library does it: any `v1` over `t.body`, and not older than five minutes. */
function isSigned(header: string, body: string, secret: string, nowMs: number): boolean {
  const parts = header.split(',').map((part) => part.split('=') as [string, string]);
  const seconds = Number(parts.find(([name]) => name === 't')?.[1]);
  const wanted = createHmac('sha256', secret).update(`${seconds}.${body}`).digest();
  return (
    Math.abs(nowMs / 1_000 - seconds) <= 300 &&
    parts
      .filter(([name]) => name === 'v1')
      .some(([, hex]) => timingSafeEqual(Buffer.from(hex, 'hex'), wanted))
  );
}

const form = [
  'mode=payment',
  'line_items[0][quantity]=2',
  'line_items[0][price_data][currency]=EUR',
  'line_items[0][price_data][unit_amount]=250',
  'line_items[0][price_data][product_data][name]=Gift <card>',
  'client_reference_id=order-1',
  'metadata[conversation]=cnv_1',
  'success_url=https://shop.test/thanks',
]
  .map((pair) => pair.split('=').map(encodeURIComponent).join('='))
  .join('&');

const item = { price_data: { currency: 'usd', unit_amount: 500, product_data: { name: 'Card' } } };

function open(settings: object = {}) {
  const log = createEventLog();
  const checkout = createCheckout({ random: seededRandom(1), log, publicUrl: () => 'http://pay.test' });
  checkout.set({ webhookUrl: hookUrl, ...settings });
  const desk = {
    ...{ log, checkout },
    nowMs: START_MS,
    told: [] as {
      type: string;
      atMs: number;
      id: string;
      isGood: boolean;
      object: Record<string, unknown>;
    }[],
    answer: (): WebhookEnd => ({ status: 200 }),
    run(forMs: number) {
      const untilMs = desk.nowMs + forMs;
      for (;;) {
        const dueAtMs = checkout.nextDueAtMs();
        if (dueAtMs === null || dueAtMs > untilMs) break;
        desk.nowMs = Math.max(desk.nowMs, dueAtMs);
        for (const { deliveryId, url, headers, body } of checkout.due(desk.nowMs)) {
          expect(url).toBe(hookUrl);
          const text = Buffer.from(body).toString('utf8');
          const { id, type, data } = JSON.parse(text);
          const isGood = isSigned(headers['stripe-signature']!, text, 'whsec_simulator', desk.nowMs);
          desk.told.push({ type, atMs: desk.nowMs, id, isGood, object: data.object });
          checkout.eventAnswered(deliveryId, desk.answer(), desk.nowMs);
        }
      }
      desk.nowMs = untilMs;
    },
    ask(method: string, path: string, body: string | object = '', headers: Record<string, string> = {}) {
      const isText = typeof body === 'string';
      const outcome = checkout.handle(
        {
          ...{ method, path, query: {} },
          headers: {
            authorization: 'Bearer sk_test',
            'content-type': isText ? 'application/x-www-form-urlencoded' : 'application/json',
            ...headers,
          },
          body: isText ? body : JSON.stringify(body),
        },
        desk.nowMs,
      );
      if (outcome.kind !== 'response') return { status: outcome.kind, body: {}, text: '', headers: {} };
      const { response } = outcome;
      const isJson = response.headers['content-type']?.includes('json');
      return { ...response, text: response.body, body: isJson ? JSON.parse(response.body) : {} };
    },
    create: (body: string | object = { line_items: [item] }, headers: Record<string, string> = {}) =>
      desk.ask('POST', '/v1/checkout/sessions', body, headers),
  };
  return desk;
}

describe('a page', () => {
  test('is asked for in the form encoding of payment libraries, paid, and told of once', () => {
    const desk = open();
    const made = desk.create(form);
    expect(made).toMatchObject({
      status: 200,
      body: {
        object: 'checkout.session',
        amount_total: 500,
        currency: 'eur',
        client_reference_id: 'order-1',
        metadata: { conversation: 'cnv_1' },
        payment_status: 'unpaid',
        status: 'open',
        url: expect.stringMatching(/^http:\/\/pay\.test\/pay\/cs_test_/),
      },
    });
    const path = new URL(made.body.url).pathname;
    const page = desk.ask('GET', path);
    expect(page.text).toContain('<button autofocus>Pay 5.00 EUR</button>');
    expect(page.text).toContain('<li>2 × Gift &lt;card&gt;</li>');
    expect(desk.ask('POST', path)).toMatchObject({
      status: 303,
      headers: { location: 'https://shop.test/thanks' },
    });
    expect(desk.ask('POST', path).text).toContain('Paid. Thank you.');
    desk.run(10 * dayMs);
    expect(desk.told).toMatchObject([
      {
        type: 'checkout.session.completed',
        isGood: true,
        object: {
          id: made.body.id,
          payment_status: 'paid',
          status: 'complete',
          client_reference_id: 'order-1',
        },
      },
    ]);
    expect(desk.ask('GET', `/v1/checkout/sessions/${made.body.id}`).body).toMatchObject({
      payment_status: 'paid',
    });
    expect(desk.checkout.stats()).toMatchObject({ created: 1, paid: 1, takings: { eur: 500 } });
  });

  test('that nobody pays expires after a day, and can be ended before', () => {
    const desk = open();
    const [one, two] = [desk.create(), desk.create()];
    expect(desk.ask('POST', `/v1/checkout/sessions/${two.body.id}/expire`).body).toMatchObject({
      status: 'expired',
    });
    expect(desk.ask('POST', `/v1/checkout/sessions/${two.body.id}/expire`).status).toBe(400);
    desk.run(dayMs - 1);
    expect(desk.told.map(({ type }) => type)).toEqual(['checkout.session.expired']);
    desk.run(1);
    expect(desk.told.map(({ object }) => object.id)).toEqual([two.body.id, one.body.id]);
    expect(() => desk.checkout.pay(one.body.id, desk.nowMs)).toThrow(/is expired already/);
    expect(desk.ask('GET', new URL(one.body.url).pathname).text).toContain('This page has expired.');
  });

  test('a refused card leaves it open; what was paid can be given back in parts', () => {
    const desk = open();
    const { body } = desk.create();
    desk.checkout.decline(body.id, desk.nowMs);
    const { paymentId } = desk.checkout.pay(body.id, desk.nowMs);
    const refund = (amount?: number) =>
      desk.ask('POST', '/v1/refunds', { payment_intent: paymentId, amount });
    expect(refund(200).body).toMatchObject({ object: 'refund', amount: 200, status: 'succeeded' });
    expect(refund(400)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('300') } },
    });
    expect(refund().body.amount).toBe(300);
    expect(desk.ask('POST', '/v1/refunds', { payment_intent: 'pi_none' }).status).toBe(404);
    desk.run(1_000);
    expect(desk.told.map(({ type }) => type)).toEqual([
      'payment_intent.payment_failed',
      'checkout.session.completed',
      'charge.refunded',
      'charge.refunded',
    ]);
    expect(desk.checkout.stats().takings).toEqual({ usd: 0 });
  });

  test('what cannot be asked is refused with the field that is wrong', () => {
    const desk = open({ apiKeys: ['sk_test'] });
    const param = (body: object) => desk.create(body).body.error?.param;
    expect(param({})).toBe('line_items');
    expect(param({ mode: 'subscription' })).toBe('mode');
    expect(param({ line_items: [{ price: 'price_1' }] })).toBe('line_items[0][price_data]');
    const priced = (price: object) => ({ line_items: [{ price_data: { ...item.price_data, ...price } }] });
    expect(param(priced({ unit_amount: 1.5 }))).toBe('line_items[0][price_data][unit_amount]');
    expect(param(priced({ unit_amount: 0 }))).toBe('line_items');
    expect(param(priced({ currency: 'euro' }))).toBe('line_items[0][price_data][currency]');
    expect(param({ line_items: [{ ...item, quantity: 0 }] })).toBe('line_items[0][quantity]');
    expect(param({ line_items: [item, priced({ currency: 'eur' }).line_items[0]] })).toBe('line_items');
    expect(desk.create({}, { authorization: 'Bearer other' }).status).toBe(401);
    expect(desk.create({}, { authorization: '' }).status).toBe(401);
    const basic = `Basic ${Buffer.from('sk_test:').toString('base64')}`;
    expect(desk.create({ line_items: [item] }, { authorization: basic }).status).toBe(200);
    expect(desk.ask('GET', '/v1/checkout/sessions/none').status).toBe(404);
    expect(desk.ask('GET', '/pay/none').status).toBe(404);
    expect(() => desk.checkout.set({ webhookUrl: 'nowhere' })).toThrow(/must be an address/);
  });

  test('the same key is the same page, though its first answer was lost', () => {
    const desk = open({ loseAnswer: { next: 1 } });
    expect(desk.create(form, { 'idempotency-key': 'order-1' }).status).toBe('lost');
    const again = desk.create(form, { 'idempotency-key': 'order-1' });
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true' });
    expect(desk.checkout.list()).toHaveLength(1);
    expect(desk.create({ line_items: [item] }, { 'idempotency-key': 'order-1' }).status).toBe(400);
    desk.checkout.set({ fail: { next: 1 }, hang: { next: 1 } });
    expect(desk.create().status).toBe('hang');
    expect(desk.create().status).toBe(500);
    expect(desk.checkout.list()).toHaveLength(1);
  });
});

describe('an event', () => {
  const paid = (settings: object = {}) => {
    const desk = open(settings);
    const { body } = desk.create();
    desk.checkout.pay(body.id, desk.nowMs);
    return desk;
  };

  test('is tried again until it is answered 2xx, ever more rarely, and signed anew each time', () => {
    const desk = paid();
    const ends: WebhookEnd[] = [{ status: 500 }, { failed: true }, { status: 301 }, { status: 204 }];
    desk.answer = () => ends.shift() ?? { status: 200 };
    desk.run(dayMs);
    expect(desk.told.map(({ atMs }) => atMs - START_MS)).toEqual([0, 1_000, 5_000, 21_000]);
    expect(new Set(desk.told.map(({ id }) => id)).size).toBe(1);
    expect(desk.told.every(({ isGood }) => isGood)).toBe(true);
    expect(desk.log.counters()).toMatchObject({ paymentEventFailed: 3, paymentEventAnswered: 1 });
  });

  test('is given up after three days', () => {
    const desk = paid();
    desk.answer = () => ({ failed: true });
    desk.run(10 * dayMs);
    expect(desk.told.at(-1)!.atMs - START_MS).toBeLessThan(3 * dayMs);
    expect(desk.told.length).toBeGreaterThan(8);
    expect(desk.told.every(({ isGood }) => isGood)).toBe(true);
    expect(desk.checkout.stats().events).toEqual({ inFlight: 0, retrying: 0 });
    desk.checkout.pay(desk.create().body.id, desk.nowMs);
    desk.run(0);
    expect(desk.checkout.stats().events).toEqual({ inFlight: 0, retrying: 1 });
    desk.answer = () => ({ status: 200 });
    expect(desk.checkout.retryNow(desk.nowMs)).toBe(1);
    desk.run(0);
    expect(desk.checkout.stats().events).toEqual({ inFlight: 0, retrying: 0 });
    desk.run(dayMs);
    expect(desk.told.filter(({ atMs }) => atMs > desk.nowMs - dayMs)).toHaveLength(0);
  });

  test('is tried at once when told so, which is instead of the attempt that was due', () => {
    const desk = paid();
    desk.answer = () => ({ failed: true });
    desk.run(500);
    expect(desk.checkout.retryNow(desk.nowMs)).toBe(1);
    desk.run(10_000);
    expect(desk.told.map(({ atMs }) => atMs - START_MS)).toEqual([0, 500, 4_500]);
  });

  test('comes twice, late or wrongly signed where a fault says so', () => {
    const twice = paid({ duplicateEvent: { next: 1 } });
    twice.run(1_000);
    expect(twice.told.map(({ id }) => id)).toEqual([twice.told[0]!.id, twice.told[0]!.id]);
    const late = paid({ lateEvent: { next: 1, minMs: 60_000, maxMs: 60_000 } });
    late.run(59_999);
    expect(late.told).toEqual([]);
    late.run(1);
    expect(late.told).toHaveLength(1);
    const forged = paid({ badSignature: { next: 1 } });
    forged.answer = () => ({ status: forged.told.at(-1)!.isGood ? 200 : 400 });
    forged.run(dayMs);
    expect(forged.told.map(({ isGood }) => isGood)).toEqual([false, true]);
    const untold = paid({ webhookUrl: null });
    untold.run(dayMs);
    expect(untold.told).toEqual([]);
    expect(untold.log.counters()).toMatchObject({ paymentEventFailed: 1 });
  });
});

test('over HTTP: a page is made, paid by its button, and the shop is called back', async () => {
  const arrived = Promise.withResolvers<{ signature: string; text: string }>();
  const shop = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      response.end();
      arrived.resolve({ signature: String(request.headers['stripe-signature']), text });
    });
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  const simulator = await startSimulator({
    world: {
      nowMs: () => START_MS,
      random: seededRandom(1),
      // What is due now runs at once, what is later never.
      setTimer: (delayMs, fn) => {
        if (delayMs === 0) fn();
        return () => {};
      },
    },
  });
  try {
    const { control, checkoutUrl } = simulator;
    const webhookUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/payments`;
    await control.setCheckout({ webhookUrl, webhookSecret: 'whsec_shop' });
    const made = await fetch(`${checkoutUrl}/v1/checkout/sessions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test', 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    });
    const { id, url } = (await made.json()) as { id: string; url: string };
    expect(url.startsWith(`${simulator.url}/pay/`)).toBe(true);
    expect(await (await fetch(url)).text()).toContain('Pay 5.00 EUR');
    const answer = await fetch(url, { method: 'POST', redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'https://shop.test/thanks']);
    const { signature, text } = await arrived.promise;
    expect(isSigned(signature, text, 'whsec_shop', START_MS)).toBe(true);
    expect(isSigned(signature, text, 'whsec_other', START_MS)).toBe(false);
    expect(JSON.parse(text)).toMatchObject({ type: 'checkout.session.completed', data: { object: { id } } });
    expect(await control.checkouts()).toMatchObject([{ id, state: 'paid' }]);
    await expect(control.pay(id)).rejects.toThrow(/409.+is paid already/);
    await expect(control.pay('cs_none')).rejects.toThrow(/404/);
    expect((await control.checkoutStats()).paid).toBe(1);
    expect((await control.clearCheckout()).webhookUrl).toBe(null);
  } finally {
    await simulator.close();
    await new Promise<void>((resolve) => {
      shop.close(() => resolve());
      shop.closeAllConnections();
    });
  }
});
