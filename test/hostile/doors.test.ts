/**
 * Every HTTP door, over real sockets, with requests that no client writes. Each is answered with a status of its own or
 * its connection is closed; what was not signed is never stored; a well-behaved client is served meanwhile and after.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wakePath } from '#runtime/cloud-tasks-config.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { acme, appSecrets, type Door, openDoor, sharedPath, signatureOf, wabaId } from '../security/door.ts';
import { hostileId } from './generators.ts';
import { ask, exchange, freePort, type Heard, requestOf } from './wire.ts';

const own = `${sharedPath}/${acme.id}`;
const stripe = `/events/stripe/${acme.id}`;
/** Where the server listens to anybody, and what it lets them do there. */
const doors: Readonly<Record<string, readonly string[]>> = {
  [sharedPath]: ['GET', 'HEAD', 'POST'],
  [own]: ['GET', 'HEAD', 'POST'],
  '/events': ['POST'],
  [stripe]: ['POST'],
  '/healthz': ['GET', 'HEAD'],
  '/readyz': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
};
/** There only with a queue; `test/wake` knocks at them with one. Here nobody opens. */
const doorsOfQueues = ['/admin/queues', wakePath];
/** As the header has them. */
const allowOf = (allowed: readonly string[]) =>
  ['GET', 'POST', 'HEAD'].filter((method) => allowed.includes(method)).join(', ');
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

const webhooks = createWebhooks({ phoneNumberId: acme.number, wabaId });
const signedHeader = (body: string | Uint8Array) =>
  `x-hub-signature-256: ${signatureOf(appSecrets[0], body)}`;

async function expectServing(door: Door): Promise<void> {
  const body = webhooks.body([webhooks.text({ text: 'still there?' })]);
  const before = door.events().length;
  const heard = await ask(door.port, requestOf({ target: sharedPath, headers: [signedHeader(body)], body }));
  expect(heard.statuses).toEqual([200]);
  expect(door.events().length).toBe(before + 1);
}

test('the doors of this test are those of the code', () => {
  const folder = new URL('../../src/surface/http/', import.meta.url);
  const code = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const paths = code.flatMap((text) => [...text.matchAll(/['`](\/[\w/:-]+)['`]/g)].map((match) => match[1]));
  // The tenant's own path is written as the shared one and a parameter.
  const expected = Object.keys(doors)
    .filter((path) => path !== own)
    .map((path) => path.replace(acme.id, ':tenantId'));
  const told = paths.filter((path) => path !== '/:tenantId');
  // The door of tasks has its path from the configuration, which hands it to Google.
  expect([...new Set([...told, wakePath])].sort()).toEqual([...expected, ...doorsOfQueues].sort());
  expect(code.join('\n').match(/\/:tenantId/g)).toHaveLength(2);
});

test.each(doorsOfQueues)('%s is no door without a queue', async (target) => {
  const door = await openDoor();
  for (const method of ['GET', 'POST']) {
    const heard = await ask(door.port, requestOf({ method, target, headers: ['content-length: 0'] }));
    expect(heard.statuses).toEqual([404]);
  }
});

describe('methods', () => {
  test.each(Object.entries(doors))('%s answers %j and refuses all others', async (target, allowed) => {
    const door = await openDoor();
    for (const method of methods) {
      const { statuses, text } = await ask(
        door.port,
        requestOf({ method, target, body: method === 'GET' ? '' : '{}' }),
      );
      if (allowed.includes(method)) expect([200, 401, 403]).toContain(statuses[0]);
      else {
        expect(statuses, method).toEqual([405]);
        expect(text).toContain(`allow: ${allowOf(allowed)}`);
      }
    }
    expect((await ask(door.port, requestOf({ method: 'CONNECT', target }))).closed).toBe(true);
    expect((await ask(door.port, requestOf({ method: 'BREW', target }))).statuses).toEqual([400]);
    await expectServing(door);
  });

  test('where there is no door nobody waits for a body', async () => {
    const door = await openDoor();
    const heard = await ask(
      door.port,
      requestOf({ target: '/nothing', headers: ['content-length: 3000000'] }),
    );
    expect(heard.statuses).toEqual([404]);
    expect(heard.text).not.toContain('nothing');
  });
});

const post = (...headers: string[]) =>
  `POST ${sharedPath} HTTP/1.1\r\nhost: x\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`;
const chunked = (chunks: string, ...headers: string[]) =>
  `${post('transfer-encoding: chunked', ...headers)}${chunks}`;

/** What is wrong with a request, the request, and the status that ends it. */
const broken: readonly (readonly [string, string, number])[] = [
  ['length and chunks', `${post('content-length: 2', 'transfer-encoding: chunked')}0\r\n\r\n`, 400],
  ['chunks and length', `${post('transfer-encoding: chunked', 'content-length: 2')}0\r\n\r\n`, 400],
  ['an encoding after chunks', `${post('transfer-encoding: chunked, identity')}0\r\n\r\n`, 400],
  ['an encoding of that sort that is none', `${post('transfer-encoding: xchunked')}0\r\n\r\n`, 400],
  ['a blank before the colon', `${post('transfer-encoding : chunked')}0\r\n\r\n`, 400],
  ['two lengths', `${post('content-length: 2', 'content-length: 3')}{}`, 400],
  ['the same length twice', `${post('content-length: 2', 'content-length: 2')}{}`, 400],
  ['a length with a sign', `${post('content-length: +2')}{}`, 400],
  ['a negative length', `${post('content-length: -2')}{}`, 400],
  ['a length of another base', `${post('content-length: 0x2')}{}`, 400],
  ['a length beyond all numbers', `${post(`content-length: ${'9'.repeat(40)}`)}{}`, 400],
  ['a length over the limit', post('content-length: 3145729'), 413],
  ['a chunk of no size', chunked('zz\r\n{}\r\n0\r\n\r\n'), 400],
  ['a chunk of negative size', chunked('-2\r\n{}\r\n0\r\n\r\n'), 400],
  ['a chunk beyond all sizes', chunked('ffffffffffffffff1\r\n{}'), 400],
  ['a chunk that is longer than it says', chunked('1\r\n{}\r\n0\r\n\r\n'), 400],
  ['chunks ended by line feeds', chunked('2\n{}\n0\n\n'), 400],
  ['extensions of a chunk without end', chunked(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 400],
  ['chunks over the limit', chunked(`300001\r\n${'x'.repeat(0x30_00_01)}`), 413],
  ['a header of 20 kB', post(`x: ${'a'.repeat(20_000)}`), 431],
  ['thousands of headers', post(...Array.from({ length: 3_000 }, (_, i) => `a${i}: 1`)), 431],
  ['an address of 30 kB', `GET /${'a'.repeat(30_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
  ['NUL in a header', post('x: a\0b'), 400],
  ['a blank in the name of a header', post('x y: 1'), 400],
  ['a header that goes on in the next line', post('x: a\r\n b'), 400],
  ['line feeds alone', `POST ${sharedPath} HTTP/1.1\nhost: x\ncontent-length: 2\n\n{}`, 400],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/3.7', 'GET /healthz HTTP/3.7\r\nhost: x\r\n\r\n', 400],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['an expectation that nobody meets', post('expect: a miracle', 'content-length: 0'), 417],
  [
    'a path that cannot be decoded',
    `POST ${sharedPath}/%zz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`,
    400,
  ],
  [
    'a tenant id of 101 letters',
    `POST ${sharedPath}/${'a'.repeat(101)} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`,
    414,
  ],
  ['a path out of the tree', 'GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n', 404],
];

describe('requests that are broken', () => {
  test('each ends with its status', async () => {
    const door = await openDoor();
    for (const [what, bytes, status] of broken) {
      const { statuses } = await ask(door.port, bytes);
      expect(statuses, what).toEqual([status]);
    }
    expect(door.events()).toEqual([]);
    expect(door.quarantine()).toEqual([]);
    await expectServing(door);
  });

  test('what comes behind a broken request on its connection is not read', async () => {
    const door = await openDoor();
    const body = webhooks.body([webhooks.text({ text: 'smuggled' })]);
    const hidden = requestOf({ target: sharedPath, headers: [signedHeader(body)], body }).toString('latin1');
    // Where a request is whole and only its path or host is wrong, the next one may follow it.
    const unframed = broken.filter(([what, , status]) => status === 400 && !/path|host/.test(what));
    for (const [what, bytes, status] of unframed) {
      const { statuses } = await exchange(door.port, bytes + hidden);
      expect(statuses, what).toEqual([status]);
    }
    expect(door.events()).toEqual([]);
  });
});

describe('headers', () => {
  const body = webhooks.body([webhooks.text({ text: 'hello' })]);
  const right = signatureOf(appSecrets[0], body);
  const wrong = `sha256=${'0'.repeat(64)}`;
  const name = 'x-hub-signature-256';

  test.each([
    ['any case', [`X-HUB-Signature-256: ${right}`], 200],
    ['blanks around the value', [`${name}:   ${right}\t `], 200],
    ['the signature twice', [`${name}: ${right}`, `${name}: ${right}`], 401],
    ['a right one behind a wrong one', [`${name}: ${wrong}`, `${name}: ${right}`], 401],
    ['a wrong one behind a right one', [`${name}: ${right}`, `${name}: ${wrong}`], 401],
    ['two in one', [`${name}: ${right}, ${right}`], 401],
    ['another name', [`x_hub_signature_256: ${right}`], 401],
    ['the older algorithm', [`x-hub-signature: ${signatureOf(appSecrets[0], body, 'sha1')}`], 401],
    ['none', [], 401],
    ['a content type that is none', [`${name}: ${right}`, 'content-type: ;;;\u00ff'], 200],
    ['a content type of others', [`${name}: ${right}`, 'content-type: multipart/form-data; boundary=x'], 200],
    ['a compression that is none', [`${name}: ${right}`, 'content-encoding: gzip'], 200],
    ['an upgrade', [`${name}: ${right}`, 'connection: upgrade', 'upgrade: websocket'], 200],
    ['a method that overrides', [`${name}: ${wrong}`, 'x-http-method-override: GET'], 401],
    ['names of prototypes', [`${name}: ${right}`, '__proto__: 1', 'constructor: 1', 'tostring: 1'], 200],
  ] as const)('%s', async (_what, headers, status) => {
    const door = await openDoor();
    const heard = await ask(door.port, requestOf({ target: sharedPath, headers, body }));
    expect(heard.statuses).toEqual([status]);
    expect(door.events()).toHaveLength(status === 200 ? 1 : 0);
    await expectServing(door);
  });

  test('a signature among the trailers is none', async () => {
    const door = await openDoor();
    const size = Buffer.byteLength(body).toString(16);
    const heard = await ask(door.port, chunked(`${size}\r\n${body}\r\n0\r\n${name}: ${right}\r\n\r\n`));
    expect(heard.statuses).toEqual([401]);
    expect(door.events()).toEqual([]);
  });

  test('the same body in one chunk for each byte', async () => {
    const door = await openDoor();
    const chunks = [...Buffer.from(body)].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('');
    const heard = await ask(door.port, chunked(`${chunks}0\r\n\r\n`, `${name}: ${right}`));
    expect(heard.statuses).toEqual([200]);
    expect(door.events()).toHaveLength(1);
  });
});

const statuses = new Set([200, 400, 401, 403, 404, 405, 408, 411, 413, 414, 417, 431, 503]);

function expectRefusal({ statuses: given, closed }: Heard): void {
  for (const status of given) expect(statuses).toContain(status);
  expect(given.length > 0 || closed).toBe(true);
}

describe('any bytes', () => {
  const body = webhooks.body([webhooks.text({ text: 'the only one', wamid: 'wamid.only' })]);
  const request = requestOf({ target: sharedPath, headers: [signedHeader(body)], body });

  test('a signed request damaged anywhere is refused, or is the one that was signed', async () => {
    const door = await openDoor();
    const spot = fc.record({
      at: fc.nat({ max: request.length - 1 }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    const cut = fc.nat({ max: request.length });
    await fc.assert(
      fc.asyncProperty(fc.array(spot, { maxLength: 4 }), fc.option(cut), async (spots, end) => {
        const bytes = Buffer.from(request);
        for (const { at, byte } of spots) bytes[at] = byte;
        expectRefusal(await exchange(door.port, bytes.subarray(0, end ?? bytes.length)));
      }),
      { numRuns: 400 },
    );
    const stored = door.events();
    expect(stored.length).toBeLessThanOrEqual(1);
    if (stored[0] !== undefined) expect(stored[0].raw).toContain('wamid.only');
    expect(door.quarantine()).toEqual([]);
    await expectServing(door);
  });

  test.each(Object.keys(doors))('%s with any query, headers and bytes after it', async (target) => {
    const door = await openDoor();
    const word = fc.oneof(
      hostileId,
      fc.constantFrom('hub.mode', 'hub.challenge', 'hub.verify_token', 'subscribe'),
    );
    const text = word.map((each) => each.replaceAll(/[\s\p{Cc}]/gu, '_'));
    const query = fc.array(fc.tuple(text, fc.constantFrom('=', '[]=', '&', '%', ';'), text), {
      maxLength: 5,
    });
    const method = fc.constantFrom('GET', 'HEAD', 'POST');
    await fc.assert(
      fc.asyncProperty(
        method,
        query,
        fc.array(fc.tuple(text, text), { maxLength: 3 }),
        fc.uint8Array(),
        async (...parts) => {
          const [verb, asked, given, rest] = parts;
          const headers = given.map(([header, value]) => `${header}: ${value}`);
          const address = `${target}?${asked.map((each) => each.join('')).join('&')}`;
          const bytes = requestOf({ method: verb, target: address, headers, body: rest });
          expectRefusal(await exchange(door.port, bytes));
        },
      ),
      { numRuns: 100 },
    );
    await expectServing(door);
  });
});

test('a server of metrics alone has the same limits and no other door', async () => {
  const port = await freePort();
  const door = await openDoor({ env: { METRICS_PORT: String(port) } });
  expect((await ask(port, requestOf({ method: 'GET', target: '/metrics' }))).statuses).toEqual([200]);
  for (const target of [sharedPath, '/healthz'])
    expect((await ask(port, requestOf({ target, headers: ['content-length: 3000000'] }))).statuses).toEqual([
      404,
    ]);
  expect((await ask(door.port, requestOf({ method: 'GET', target: '/metrics' }))).statuses).toEqual([404]);
});
