/**
 * The door of Stripe: what the look-alike of its checkout signs is taken, and what is forged, old, of another or nothing of
 * ours is not. A payment becomes one event in the conversation that the checkout names.
 */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { type CheckoutDesk, createCheckout } from '#simulator/index.ts';
import { fakeWorld } from '#testing/fake-world.ts';
import { type Answer, tenantOf } from '../security/door.ts';
import { acme, beta, codeOf, jsonOf, openShop, type Shop } from './shop.ts';

const secret = 'whsec_simulator';

interface Till extends Shop {
  desk: CheckoutDesk;
  /** A customer asks for a page; returns its id. */
  page(reference?: string | null): string;
  /** Posts what the desk wants to tell, as it signed it. */
  post(over?: Posting): Promise<Answer[]>;
}

interface Posting {
  tenantId?: string;
  /** Null for none. */
  signature?: (header: string) => string | null;
  body?: (text: string) => string | Uint8Array;
}

async function openTill(
  options: { secrets?: readonly string[]; log?: (line: string) => void } = {},
): Promise<Till> {
  const shop = await openShop(options.log === undefined ? {} : { log: options.log });
  await shop.door.apply([{ ...tenantOf(acme), stripeWebhookSecrets: options.secrets ?? [secret] }]);
  const { random } = fakeWorld(3);
  const desk = createCheckout({ random, publicUrl: () => 'http://checkout.test' });
  desk.set({ webhookUrl: 'http://127.0.0.1/events/stripe/acme' });
  const page = (reference: string | null = shop.conversationId) => {
    const form = new URLSearchParams({
      'line_items[0][price_data][unit_amount]': '1200',
      'line_items[0][price_data][currency]': 'eur',
      'metadata[gift]': 'box',
      ...(reference === null ? {} : { client_reference_id: reference }),
    });
    const outcome = desk.handle(
      {
        ...{ method: 'POST', path: '/v1/checkout/sessions', query: {} },
        headers: { authorization: 'Bearer sk', 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      },
      Date.now(),
    );
    if (outcome.kind !== 'response') throw new Error('The desk gave no page.');
    return (JSON.parse(String(outcome.response.body)) as { id: string }).id;
  };
  const post = async ({ tenantId = 'acme', signature, body }: Posting = {}) => {
    const answers: Answer[] = [];
    for (const event of desk.due(Date.now())) {
      const signed = String(event.headers['stripe-signature']);
      const header = signature === undefined ? signed : signature(signed);
      const text = Buffer.from(event.body).toString();
      answers.push(
        await shop.door.raw({
          ...{ method: 'POST', target: `/events/stripe/${tenantId}` },
          headers: header === null ? [] : [['stripe-signature', header]],
          body: body?.(text) ?? text,
        }),
      );
    }
    return answers;
  };
  return { ...shop, desk, page, post };
}

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);

/** The header for a body, as Stripe makes it. */
function sign(text: string, { key = secret, atMs = Date.now(), scheme = 'v1' } = {}): string {
  const seconds = Math.floor(atMs / 1_000);
  return `t=${seconds},${scheme}=${createHmac('sha256', key).update(`${seconds}.${text}`).digest('hex')}`;
}

function deliver(till: Till, event: unknown, header?: string, tenantId = 'acme'): Promise<Answer> {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  const target = `/events/stripe/${tenantId}`;
  return till.door.raw({
    ...{ method: 'POST', target, body: text },
    headers: [['stripe-signature', header ?? sign(text)]],
  });
}

const eventOf = (till: Till, type: string, over: object = {}, id = 'evt_1') => ({
  ...{ id, object: 'event', type },
  data: {
    object: {
      ...{ id: 'cs_1', object: 'checkout.session', client_reference_id: till.conversationId },
      ...{ payment_status: 'paid', payment_intent: 'pi_1', amount_total: 500, currency: 'eur', metadata: {} },
      ...over,
    },
  },
});

const names = (till: Till) => till.facts().map(({ business }) => (business as { name: string }).name);

describe('what the checkout tells', () => {
  test('a payment is one event in its conversation, with what was paid', async () => {
    const till = await openTill();
    const checkoutId = till.page();
    const { paymentId } = till.desk.pay(checkoutId, Date.now());
    const [answer] = await till.post();
    expect(answer?.status).toBe(202);
    expect(jsonOf(answer!)).toEqual({ status: 'stored', conversationId: till.conversationId });
    const eventId = expect.stringMatching(/^evt_/);
    const data = { provider: 'stripe', eventId, checkoutId, paymentId, amountMinor: 1_200, currency: 'eur' };
    expect(till.facts().map(({ business }) => business)).toEqual([
      { name: 'payment.succeeded', data: { ...data, metadata: { gift: 'box' } } },
    ]);
  });

  test('I2 the same event again, at once or later, changes nothing', async () => {
    const till = await openTill();
    till.desk.set({ duplicateEvent: { next: 1 } });
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post()).sort()).toEqual([200, 202]);
    expect(names(till)).toEqual(['payment.succeeded']);
  });

  test('a page that ends unpaid is told, a refused card is not an event', async () => {
    const till = await openTill();
    till.desk.expire(till.page(), Date.now());
    till.desk.decline(till.page(), Date.now());
    expect(statuses(await till.post())).toEqual([202, 200]);
    expect(names(till)).toEqual(['payment.expired']);
  });

  test('money that is still under way is told when it has come, or has not', async () => {
    const till = await openTill();
    const tell = (type: string, over: object, id: string) => deliver(till, eventOf(till, type, over, id));
    const first = await tell('checkout.session.completed', { payment_status: 'unpaid' }, 'evt_1');
    expect(jsonOf(first)).toEqual({ status: 'ignored' });
    expect((await tell('checkout.session.async_payment_succeeded', {}, 'evt_2')).status).toBe(202);
    expect((await tell('checkout.session.async_payment_failed', {}, 'evt_3')).status).toBe(202);
    const free = { payment_status: 'no_payment_required', amount_total: 0, payment_intent: null };
    expect((await tell('checkout.session.completed', free, 'evt_4')).status).toBe(202);
    expect(names(till)).toEqual(['payment.succeeded', 'payment.failed', 'payment.succeeded']);
  });

  test('events of no checkout of ours are taken and change nothing', async () => {
    const till = await openTill();
    for (const over of [{ client_reference_id: null }, { client_reference_id: 'order-17' }]) {
      const answer = await deliver(till, eventOf(till, 'checkout.session.completed', over));
      expect([answer.status, jsonOf(answer)]).toEqual([200, { status: 'ignored' }]);
    }
    for (const type of ['customer.created', 'constructor', '__proto__'])
      expect((await deliver(till, eventOf(till, type))).status).toBe(200);
    expect(till.facts()).toEqual([]);
  });

  test('a payment whose conversation is not there is refused, counted and told to an operator', async () => {
    const lines: string[] = [];
    const till = await openTill({ log: (line) => lines.push(line) });
    const lost = { client_reference_id: `cnv_${'0'.repeat(26)}` };
    const answer = await deliver(till, eventOf(till, 'checkout.session.completed', lost));
    expect([answer.status, codeOf(answer)]).toEqual([404, 'unknownConversation']);
    expect(await till.door.nightdesk.metrics.text()).toContain(
      'nightdesk_alerts_total{reason="paymentWithoutConversation"} 1',
    );
    expect(lines.join('')).toContain('whose conversation is not there');
  });
});

describe('what is not signed by Stripe', () => {
  test('is answered 401 without a word, and nothing is stored', async () => {
    const till = await openTill();
    const event = JSON.stringify(eventOf(till, 'checkout.session.completed'));
    const [, right = ''] = sign(event).split(',v1=');
    const [time = ''] = sign(event).split(',');
    for (const header of [
      '',
      'v1=',
      `v1=${right}`,
      time,
      `${time},v0=${right}`,
      `${time},v1=${right.slice(2)}`,
      `${time},v1=${'0'.repeat(64)}`,
      `t=${Number(time.slice(2)) + 1},v1=${right}`,
      `${time},t=1,v1=${right}`,
      `t=soon,v1=${right}`,
      `${'v1=0,'.repeat(1_000)}${time},v1=${right}`,
      sign(event, { key: 'whsec_other' }),
      sign(event, { key: '' }),
      sign(`${event} `),
    ]) {
      const answer = await deliver(till, event, header);
      expect([answer.status, answer.body], header).toEqual([401, '']);
    }
    expect((await deliver(till, event, sign(event), 'beta')).status).toBe(401);
    expect((await deliver(till, event, sign(event), 'nobody')).status).toBe(401);
    expect(till.facts()).toEqual([]);
    expect((await deliver(till, event)).status).toBe(202);
  });

  test('is not what was signed long ago, nor for a time that has not come', async () => {
    const till = await openTill();
    const event = JSON.stringify(eventOf(till, 'checkout.session.completed'));
    const tolerance = limits.paymentSignatureToleranceMs;
    for (const byMs of [-tolerance - 5_000, tolerance + 5_000])
      expect((await deliver(till, event, sign(event, { atMs: Date.now() + byMs }))).status).toBe(401);
    for (const byMs of [-tolerance + 30_000, tolerance - 30_000])
      expect((await deliver(till, event, sign(event, { atMs: Date.now() + byMs }))).status).not.toBe(401);
  });

  test('the look-alike’s forged signatures and changed bodies are among it', async () => {
    const till = await openTill();
    till.desk.set({ badSignature: { next: 1 } });
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post())).toEqual([401]);
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post({ body: (text) => text.replace('1200', '0001') }))).toEqual([401]);
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post({ signature: () => null }))).toEqual([401]);
    expect(till.facts()).toEqual([]);
  });

  test('a secret is changed without a gap: the old and the new one count, among the signatures of both', async () => {
    const till = await openTill({ secrets: ['whsec_new', secret] });
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post())).toEqual([202]);
    till.desk.set({ webhookSecret: 'whsec_new' });
    till.desk.pay(till.page(), Date.now());
    expect(
      statuses(await till.post({ signature: (header) => header.replace('v1=', `v1=${'0'.repeat(64)},v1=`) })),
    ).toEqual([202]);
    await till.door.apply([{ ...tenantOf(acme), stripeWebhookSecrets: ['whsec_new'] }]);
    till.desk.set({ webhookSecret: secret });
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post())).toEqual([401]);
  });

  test('with no secret set nothing is taken, and no tenant’s secret counts for another', async () => {
    const till = await openTill({ secrets: [] });
    till.desk.pay(till.page(), Date.now());
    expect(statuses(await till.post())).toEqual([401]);
    await till.door.apply([{ ...tenantOf(beta), stripeWebhookSecrets: [secret] }]);
    till.desk.pay(till.page(), Date.now());
    // Beta's own endpoint, which names a conversation of acme: it is not there for beta.
    expect(statuses(await till.post({ tenantId: 'beta' }))).toEqual([404]);
    expect(till.facts()).toEqual([]);
  });
});

test('a signed body that is no event is answered 400, one that is too large 413', async () => {
  const till = await openTill();
  for (const text of ['', '[]', '{}', '{"id":"evt_1"}', '{"id":1,"type":"x"}', '['.repeat(9_000), '\ud83d'])
    expect((await deliver(till, text, sign(Buffer.from(text).toString()))).status, text.slice(0, 20)).toBe(
      400,
    );
  expect((await deliver(till, ' '.repeat(limits.paymentEventBytesMax + 1))).status).toBe(413);
});

test('secrets lie sealed in the database, and at most four count', async () => {
  const till = await openTill({ secrets: ['whsec_canary'] });
  const rows = JSON.stringify(till.door.database.all('SELECT config FROM tenant'));
  expect(rows).toContain('stripeWebhookSecrets');
  expect(rows).not.toContain('whsec_canary');
  const five = ['a', 'b', 'c', 'd', 'e'];
  await expect(till.door.apply([{ ...tenantOf(acme), stripeWebhookSecrets: five }])).rejects.toThrow(
    'stripeWebhookSecrets',
  );
});
