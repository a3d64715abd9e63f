/**
 * What stands between a Meta app and the first message: each obstacle is put there, at the look-alike of Meta or on the machine,
 * and the doctor says which it is and what to do.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '#runtime/doctor/finding.ts';
import { realClock } from '#runtime/world/real-world.ts';
import { numberId, type Server, token, Workshop, wabaId } from './workshop.ts';

let workshop: Workshop;
let server: Server;

beforeAll(async () => {
  workshop = await Workshop.open();
  workshop.write('tenants.json', workshop.tenants());
  server = await workshop.start();
  await workshop.run(['tenants', 'apply', 'tenants.json']);
});

afterAll(async () => {
  await server.stop();
  await workshop.close();
});

async function examine(): Promise<Record<string, Finding>> {
  const { out } = await workshop.run(['doctor', '--json']);
  const { checks } = JSON.parse(out) as { checks: Finding[] };
  return Object.fromEntries(checks.map((finding) => [finding.check, finding]));
}

const hourMs = 3_600_000;
const now = () => realClock.nowMs();

describe('the token', () => {
  test('is valid and does not expire, has both permissions, and is of the app whose secret is set', async () => {
    const found = await examine();
    expect(found['token (acme)']).toMatchObject({
      status: 'ok',
      says: expect.stringContaining('does not expire'),
    });
    expect(found['permissions (acme)']).toMatchObject({ status: 'ok' });
    expect(found['app of the token (acme)']).toMatchObject({ status: 'ok' });
  });

  test.each([
    [
      'expires tomorrow',
      { expiresAtMs: now() + 20 * hourMs },
      'token (acme)',
      'warn',
      /valid for another (19|20) hours/,
    ],
    ['has expired', { expiresAtMs: now() - hourMs }, 'token (acme)', 'fail', /error 190/],
    [
      'may not send',
      { permissions: ['whatsapp_business_management'] },
      'permissions (acme)',
      'fail',
      /lacks whatsapp_business_messaging: nothing can be sent/,
    ],
    [
      'is of another business',
      { wabaIds: ['999'] },
      'permissions (acme)',
      'fail',
      new RegExp(`other WhatsApp businesses than ${wabaId}`),
    ],
  ] as const)('%s', async (_what, change, check, status, says) => {
    const { control } = workshop.simulator;
    try {
      await control.setup({ accessTokens: [{ token, ...change }] });
      const finding = (await examine())[check];
      expect(finding).toMatchObject({ status, says: expect.stringMatching(says) });
      expect(finding?.todo).toMatch(/whatsapp_business_messaging|both permissions|asset/);
    } finally {
      await control.setup({ accessTokens: [{ token, wabaIds: null, expiresAtMs: null, permissions: null }] });
    }
  });

  test('is of another app than the secret', async () => {
    const { control } = workshop.simulator;
    try {
      await control.setup({ appSecret: 'of another app' });
      expect((await examine())['app of the token (acme)']).toMatchObject({
        status: 'fail',
        says: expect.stringContaining('not that of the app'),
      });
    } finally {
      await control.setup({ appSecret: 'app secret' });
    }
  });
});

describe('the webhook', () => {
  const check = 'webhook of acme';

  test('answers the handshake; that its address is not public is said', async () => {
    const found = await examine();
    expect(found[check]).toMatchObject({
      status: 'ok',
      says: expect.stringContaining("answers Meta's handshake"),
    });
    expect(found[`address of ${check}`]).toMatchObject({
      status: 'warn',
      says: expect.stringContaining('must begin with https'),
    });
  });

  test.each([
    ['leads nowhere', (url: string) => url.replace(/:\d+/, ':9'), 'fail', /does not answer \(ECONNREFUSED\)/],
    ['has another path', (url: string) => url.replace('/webhooks/whatsapp', '/hook'), 'fail', /answers 404/],
  ] as const)('%s', async (_what, change, status, says) => {
    const { control } = workshop.simulator;
    const url = `http://127.0.0.1:${server.port}/webhooks/whatsapp`;
    try {
      await control.setup({ webhookUrl: change(url) });
      expect((await examine())[check]).toMatchObject({ status, says: expect.stringMatching(says) });
    } finally {
      await control.setup({ webhookUrl: url });
    }
  });
});

test('a number that is restricted, and one that nobody likes', async () => {
  const { control } = workshop.simulator;
  const number = { id: numberId, wabaId, displayNumber: '+1 555 078 3881' };
  const check = `number ${numberId} (acme)`;
  await control.setup({ phoneNumbers: [{ ...number, status: 'PENDING' }] });
  expect((await examine())[check]).toMatchObject({
    status: 'fail',
    todo: expect.stringContaining('/register'),
  });
  await control.setup({ phoneNumbers: [{ ...number, status: 'RESTRICTED' }] });
  expect((await examine())[check]).toMatchObject({
    status: 'warn',
    says: expect.stringContaining('RESTRICTED'),
  });
  await control.setup({ phoneNumbers: [{ ...number, status: 'CONNECTED', qualityRating: 'RED' }] });
  expect((await examine())[check]).toMatchObject({
    status: 'warn',
    says: expect.stringContaining('quality RED'),
  });
  await control.setup({ phoneNumbers: [{ ...number, qualityRating: 'GREEN' }] });
  expect((await examine())[check]).toMatchObject({ status: 'ok' });
});

test('a database that others on the machine can read, and room on the disk', async () => {
  const path = join(workshop.folder, 'data', 'nightdesk.db');
  expect((await examine())['file modes']).toMatchObject({ status: 'ok' });
  chmodSync(path, 0o644);
  expect((await examine())['file modes']).toMatchObject({
    status: 'warn',
    todo: expect.stringContaining(`chmod o-rwx`),
  });
  chmodSync(path, 0o640);
  expect((await examine())['disk space']?.says).toMatch(/has \d+ MB free/);
});
