/**
 * The webhook door over real HTTP: what is accepted, what is refused, and that nothing that was signed is ever dropped.
 */
import { createHmac } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { runCommand } from '#runtime/commands.ts';
import { readConfig } from '#runtime/config.ts';
import { createDemoModel } from '#runtime/models/demo.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { openStore } from '#runtime/open.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { openSecrets } from '#runtime/world/secrets.ts';
import { startHttpSurface } from '#surface/http/server.ts';
import { createWebhooks } from '#testing/webhooks.ts';

const phoneNumberId = '106540352242922';
const wabaId = '102290129340398';
const webhooks = createWebhooks({ phoneNumberId, wabaId });
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Door {
  nightdesk: Nightdesk;
  url: string;
  post(
    body: string | Buffer,
    options?: { secret?: string; path?: string; signature?: string },
  ): Promise<Response>;
}

/** A server that stores and does no turns, so that what was stored can be looked at. */
async function openDoor(
  options: { env?: Record<string, string>; wrap?: (store: Store) => Store } = {},
): Promise<Door> {
  const config = await readConfig({
    env: {
      DATABASE_URL: 'sqlite::memory:',
      WHATSAPP_APP_SECRET: 'first,second',
      WHATSAPP_VERIFY_TOKEN: 'verify',
      ...options.env,
    },
    folder: '/',
    roles: ['webhook'],
  });
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  const opened = openStore(config, world);
  const store = options.wrap?.(opened) ?? opened;
  const nightdesk = createNightdesk({
    config,
    world,
    store,
    secrets: openSecrets(config),
    model: createDemoModel({ timers: world.timers }),
    singleOwner: true,
  });
  await nightdesk.start();
  const http = await startHttpSurface({ nightdesk, host: '127.0.0.1', port: 0 });
  const tenants = [
    {
      id: 'acme',
      appSecret: 'own',
      verifyToken: 'own verify',
      phoneNumbers: [{ id: phoneNumberId, wabaId }],
    },
    { id: 'other', phoneNumbers: [{ id: '999', wabaId: '998' }] },
  ];
  await runCommand(nightdesk, 'tenants.apply', { file: { tenants } });
  closers.push(async () => {
    await http.close();
    await nightdesk.stop({ deadlineMs: 0 });
    await opened.close();
    world.close();
  });
  const url = `http://127.0.0.1:${http.port}`;
  return {
    nightdesk,
    url,
    post: (body, { secret = 'first', path = '/webhooks/whatsapp', signature } = {}) =>
      fetch(url + path, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-hub-signature-256':
            signature ?? `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
      }),
  };
}

const depth = async (door: Door) => (await door.nightdesk.store.stats()).mailboxDepth;
const quarantine = (door: Door) =>
  runCommand(door.nightdesk, 'quarantine.list', {}) as Promise<{ reason: string; bytes: number }[]>;

test('I1 a signed message is stored before the 200; either secret may sign', async () => {
  const door = await openDoor();
  expect((await door.post(webhooks.body([webhooks.text({ text: 'one' })]))).status).toBe(200);
  expect(
    (await door.post(webhooks.body([webhooks.text({ text: 'two' })]), { secret: 'second' })).status,
  ).toBe(200);
  expect(await depth(door)).toBe(2);
});

test('I2 the same body twice, at the same time, is one event', async () => {
  const door = await openDoor();
  const body = webhooks.body([webhooks.text({ text: 'once' })]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => door.post(body)));
  expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
  expect(await depth(door)).toBe(1);
});

test('a wrong, missing or malformed signature is answered 401 and stores nothing', async () => {
  const door = await openDoor();
  const body = webhooks.body([webhooks.text({ text: 'x' })]);
  expect((await door.post(body, { secret: 'wrong' })).status).toBe(401);
  expect((await door.post(body, { signature: 'sha256=12' })).status).toBe(401);
  expect((await fetch(`${door.url}/webhooks/whatsapp`, { method: 'POST', body })).status).toBe(401);
  expect(await depth(door)).toBe(0);
});

test.each([
  ['small', 1],
  ['large', 150],
])(
  'a %s body is believed by its escaped form too, and refused by a wrong secret in both',
  async (_, count) => {
    const door = await openDoor();
    const texts = Array.from({ length: count }, () => webhooks.text({ text: 'añil '.repeat(800) }));
    const sent = String(webhooks.body(texts)).replaceAll('\\u00f1', 'ñ');
    const escaped = sent.replaceAll('ñ', '\\u00f1');
    const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(escaped).digest('hex')}`;
    expect((await door.post(sent, { signature: signed('wrong') })).status).toBe(401);
    expect((await door.post(sent, { secret: 'wrong' })).status).toBe(401);
    expect(await depth(door)).toBe(0);
    expect((await door.post(sent, { signature: signed('second') })).status).toBe(200);
    expect(await depth(door)).toBe(count);
    const metrics = await door.nightdesk.metrics.text();
    expect(metrics).toContain('nightdesk_webhook_escaped_signatures_total 1');
  },
);

test('with no secret set every body is answered 401', async () => {
  const door = await openDoor({ env: { WHATSAPP_APP_SECRET: '' } });
  const body = webhooks.body([webhooks.text({ text: 'x' })]);
  expect((await door.post(body, { secret: '' })).status).toBe(401);
  expect((await door.post(body)).status).toBe(401);
});

test("a tenant's own secret counts on its own path only, and for its own numbers only", async () => {
  const door = await openDoor();
  const own = webhooks.body([webhooks.text({ text: 'x' })]);
  expect((await door.post(own, { secret: 'own' })).status).toBe(401);
  expect((await door.post(own, { secret: 'own', path: '/webhooks/whatsapp/acme' })).status).toBe(200);
  const foreign = createWebhooks({ phoneNumberId: '999', wabaId: '998' });
  expect(
    (
      await door.post(foreign.body([foreign.text({ text: 'forged' })]), {
        secret: 'own',
        path: '/webhooks/whatsapp/acme',
      })
    ).status,
  ).toBe(200);
  expect(await depth(door)).toBe(1);
  expect((await quarantine(door)).map((row) => row.reason)).toEqual(['foreignNumber']);
  expect((await door.post(own, { secret: 'own', path: '/webhooks/whatsapp/nobody' })).status).toBe(401);
});

test('a number that no tenant has is quarantined and found again when one gets it', async () => {
  const door = await openDoor();
  const later = createWebhooks({ phoneNumberId: '777', wabaId });
  expect((await door.post(later.body([later.text({ text: 'too early' })]))).status).toBe(200);
  expect(await depth(door)).toBe(0);
  const file = { tenants: [{ id: 'late', phoneNumbers: [{ id: '777', wabaId }] }] };
  expect(await runCommand(door.nightdesk, 'tenants.apply', { file })).toMatchObject({ reappended: 1 });
  expect(await depth(door)).toBe(1);
  expect(await quarantine(door)).toEqual([]);
});

test('what was signed and cannot be read is kept as bytes and answered 200', async () => {
  const door = await openDoor();
  expect((await door.post('{"object":"whatsapp_business_account","entry":[{')).status).toBe(200);
  expect((await door.post(Buffer.from([0xff, 0xfe, 0x00]))).status).toBe(200);
  expect((await quarantine(door)).map((row) => row.reason)).toEqual(['unreadable', 'unreadable']);
});

test('NUL, half a surrogate pair and 1e400 in a signed body are stored or kept, never lost', async () => {
  const door = await openDoor();
  for (const text of ['"a\\u0000b"', '"\\ud800"', '1e400']) {
    const body = `{"object":"whatsapp_business_account","entry":[{"id":"${wabaId}","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"phone_number_id":"${phoneNumberId}"},"contacts":[{"wa_id":"1650"}],"messages":[{"from":"1650","id":"wamid.${text.length}","timestamp":"1790000000","type":"text","text":{"body":${text}}}]}}]}]}`;
    expect((await door.post(body)).status).toBe(200);
  }
  expect((await depth(door)) + (await quarantine(door)).length).toBe(3);
});

test('a body over 3 MB is refused, one under it is taken', async () => {
  const door = await openDoor();
  expect((await door.post('x'.repeat(limits.webhookBodyBytesMax + 1))).status).toBe(413);
  const many = Array.from({ length: 1_000 }, (_, i) =>
    webhooks.text({ text: `message ${i} ${'y'.repeat(1_500)}` }),
  );
  expect((await door.post(webhooks.body(many))).status).toBe(200);
  expect(await depth(door)).toBe(1_000);
});

test('I1 a store that cannot commit is answered 503 with Retry-After', async () => {
  const away = new Fault('storeUnavailable', 'The disk is full.');
  const door = await openDoor({
    wrap: (store) => Object.assign(Object.create(store) as Store, { append: () => Promise.reject(away) }),
  });
  const answer = await door.post(webhooks.body([webhooks.text({ text: 'x' })]));
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('the handshake repeats the challenge for a right token and nothing else', async () => {
  const door = await openDoor();
  const ask = (path: string, token: string) =>
    fetch(
      `${door.url}${path}?hub.mode=subscribe&hub.challenge=0123%3Cb%3E&hub.verify_token=${encodeURIComponent(token)}`,
    );
  const right = await ask('/webhooks/whatsapp', 'verify');
  expect([right.status, await right.text(), right.headers.get('content-type')]).toEqual([
    200,
    '0123<b>',
    expect.stringContaining('text/plain'),
  ]);
  expect((await ask('/webhooks/whatsapp', 'wrong')).status).toBe(403);
  expect((await ask('/webhooks/whatsapp/acme', 'own verify')).status).toBe(200);
  expect((await ask('/webhooks/whatsapp', 'own verify')).status).toBe(403);
});

test('health, readiness and metrics answer; a metrics token keeps others out', async () => {
  const door = await openDoor({ env: { METRICS_TOKEN: 'secret' } });
  expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${door.url}/readyz`)).status).toBe(200);
  expect((await fetch(`${door.url}/metrics`)).status).toBe(403);
  const metrics = await fetch(`${door.url}/metrics`, { headers: { authorization: 'Bearer secret' } });
  expect(await metrics.text()).toContain('nightdesk_mailbox_depth 0');
});
