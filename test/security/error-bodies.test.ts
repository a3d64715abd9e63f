/**
 * What the HTTP doors say when something breaks, and what the log says of it: a status and a place, never the words of an
 * error; and who may read the metrics.
 */
import { describe, expect, test } from 'vitest';
import type { Store } from '#core/ports/store.ts';
import { customers, found, secrets } from './canaries.ts';
import { failing } from './canary-town.ts';
import { acme, appSecrets, openDoor, post, sharedPath, signatureOf } from './door.ts';

const body = acme.webhooks.body([
  acme.webhooks.text({ text: customers.text, from: { phone: customers.phone } }),
]);
const signature = signatureOf(appSecrets[0], body);

/** A door whose store fails at these operations, once it is open, and what its log said. */
async function brokenDoor(...operations: (keyof Store)[]) {
  let isOpen = false;
  let said = '';
  const door = await openDoor({
    env: { METRICS_TOKEN: secrets.metricsToken, WHATSAPP_VERIFY_TOKEN: secrets.verifyToken },
    log: (line) => (said += line),
    wrap: (store) => {
      const broken = operations.reduce(
        (wrapped, operation) => failing(operation, (row) => new TypeError(`row ${row}`), 99)(wrapped),
        store,
      );
      return new Proxy(store, { get: (_target, name: keyof Store) => (isOpen ? broken : store)[name] });
    },
  });
  isOpen = true;
  return { door, said: () => said };
}

const bearer = (token: string) => [['authorization', `Bearer ${token}`]] as const;

describe('a door that breaks', () => {
  test('answers a webhook that cannot be stored with 503, and says where it broke', async () => {
    const { door, said } = await brokenDoor('append');
    const answer = await door.raw(post(body, signature));
    expect([answer.status, answer.body]).toEqual([503, '']);
    expect(said()).toContain('TypeError at ');
    expect(found(said() + JSON.stringify(answer.headers))).toEqual([]);
  });

  test('answers a scrape that cannot be counted with 500 and nothing else', async () => {
    const { door, said } = await brokenDoor('stats');
    const answer = await door.raw({ target: '/metrics', headers: bearer(secrets.metricsToken) });
    expect([answer.status, answer.body]).toEqual([500, '']);
    expect(said()).toContain('A request could not be answered.');
    expect(said()).toContain('TypeError at ');
    expect(found(said())).toEqual([]);
  });

  test('says of its health no more than a word', async () => {
    const { door } = await brokenDoor('append', 'stats');
    await door.raw(post(body, signature));
    for (const [target, words] of [
      ['/healthz', { status: 'ok' }],
      ['/readyz', { status: 'ready' }],
    ] as const)
      expect(JSON.parse((await door.raw({ target })).body)).toEqual(words);
  });

  test.each([
    [
      'a body that is too large',
      { method: 'POST', target: sharedPath, headers: [['content-length', '4000000']] as const, body: 'x' },
    ],
    ['an address that cannot be read', { target: `/%E0%A4%A/${secrets.accessToken}` }],
    ['an address that is not there', { target: `/${secrets.accessToken}?q=${customers.phone}` }],
    [
      'a method that is not there',
      { method: 'PUT', target: `${sharedPath}?q=${customers.phone}`, body: 'x' },
    ],
    [
      'a type that nobody knows',
      { ...post(body, 'sha256=1'), headers: [['content-type', customers.filename]] as const },
    ],
    ['a header that is none', { headers: [[`x ${secrets.accessToken}`, customers.phone]] as const }],
    [
      'an expectation',
      { method: 'POST', target: sharedPath, headers: [['expect', secrets.accessToken]] as const },
    ],
  ])('hands nothing back of %s', async (_what, request) => {
    const { door, said } = await brokenDoor();
    const answer = await door.raw(request);
    expect(answer.status).toBeOneOf([400, 401, 404, 405, 413, 414, 415, 417]);
    expect(found(answer.body + JSON.stringify(answer.headers) + said())).toEqual([]);
    expect(answer.headers.server).toBeUndefined();
    expect(answer.headers['x-powered-by']).toBeUndefined();
  });
});

describe('the metrics', () => {
  const read = async (env: Record<string, string>, headers: readonly (readonly [string, string])[] = []) => {
    const door = await openDoor({ env });
    return (await door.raw({ target: '/metrics', headers })).status;
  };
  const token = { METRICS_TOKEN: secrets.metricsToken };

  test.each([
    ['nothing', []],
    ['an empty token', bearer('')],
    ['another token', bearer('another')],
    ['the beginning of the token', bearer(secrets.metricsToken.slice(0, -1))],
    ['more than the token', bearer(`${secrets.metricsToken}x`)],
    ['the token without its kind', [['authorization', secrets.metricsToken]]],
    [
      'the token as a password',
      [['authorization', `Basic ${Buffer.from(`:${secrets.metricsToken}`).toString('base64')}`]],
    ],
    ['the token under another name', [['x-metrics-token', secrets.metricsToken]]],
  ] as [string, [string, string][]][])('are kept from whoever has %s', async (_what, headers) => {
    expect(await read(token, headers)).toBe(403);
  });

  test('are there for the token, and not for it in the address', async () => {
    expect(await read(token, bearer(secrets.metricsToken))).toBe(200);
    const door = await openDoor({ env: token });
    expect((await door.raw({ target: `/metrics?token=${secrets.metricsToken}` })).status).toBe(403);
  });

  test('are, without a token, there for this machine and not for what a proxy hands on', async () => {
    expect(await read({})).toBe(200);
    expect(await read({}, [['x-forwarded-for', '127.0.0.1']])).toBe(403);
    expect(await read({}, [['forwarded', 'for=127.0.0.1']])).toBe(403);
  });
});
