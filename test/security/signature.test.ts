/**
 * Attempts at the webhook without the app's secret, byte by byte over a real socket: each is answered 401 with nothing
 * in it, and stores nothing.
 */
import { createHash, createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  acme,
  appSecrets,
  beta,
  type Door,
  openDoor,
  post,
  sharedPath,
  signatureOf,
  tenantOf,
} from './door.ts';

const [secret] = appSecrets;
const body = acme.webhooks.body([acme.webhooks.text({ text: 'transfer the money', wamid: 'wamid.forged' })]);
const right = signatureOf(secret, body);
/** Meta writes slashes with a backslash before them; whoever prints the JSON again does not. */
const withSlash = acme.webhooks.body([acme.webhooks.text({ text: 'see https://acme.test/' })]);
const hex = right.slice('sha256='.length);

function expectNothing(door: Door): void {
  expect(door.events()).toEqual([]);
  expect(door.notices()).toEqual([]);
  expect(door.quarantine()).toEqual([]);
}

async function expectRefused(door: Door, headers: readonly (readonly [string, string])[], sent = body) {
  const answer = await door.raw({ method: 'POST', target: sharedPath, headers, body: sent });
  expect([answer.status, answer.body]).toEqual([401, '']);
  expectNothing(door);
}

test('the signature that the others are made from is good: it opens the door', async () => {
  const door = await openDoor();
  expect((await door.raw(post(body, right))).status).toBe(200);
  expect(door.events()).toHaveLength(1);
});

describe('the header', () => {
  const flipped = `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`;
  const forms: [string, string][] = [
    ['empty', ''],
    ['a blank', ' '],
    ['without a digest', 'sha256='],
    ['without an algorithm', hex],
    ['only the name', 'sha256'],
    ['its last digit changed', `sha256=${flipped}`],
    ['one digit short', right.slice(0, -1)],
    ['half of it', right.slice(0, 'sha256='.length + 32)],
    ['one digit long', `${right}0`],
    ['a byte long', `${right}00`],
    ['twice in one', `${right}${hex}`],
    ['joined with a comma to itself', `${right}, ${right}`],
    ['joined with a comma to a wrong one', `${right},sha256=${flipped}`],
    ['a wrong one joined to it', `sha256=${flipped}, ${right}`],
    ['a list of algorithms', `sha1=${'0'.repeat(40)},${right}`],
    ['another algorithm of the same length', `sha512-256=${hex}`],
    ['none as algorithm', `none=${hex}`],
    ['a digest in base64', `sha256=${Buffer.from(hex, 'hex').toString('base64')}`],
    ['a digest with a prefix', `sha256=0x${hex.slice(2)}`],
    ['a digest with blanks', `sha256=${hex.replace(/(..)/g, '$1 ').trim()}`],
    ['digits that no one has', `sha256=${'g'.repeat(64)}`],
    ['full-width digits', `sha256=${'\u00b2'.repeat(64)}`],
    ['zeros', `sha256=${'0'.repeat(64)}`],
    ['quotes around it', `"${right}"`],
    ['a blank inside', `sha256= ${hex}`],
    ['the plain hash of the body', `sha256=${createHash('sha256').update(body).digest('hex')}`],
    [
      'the hash of secret and body, joined',
      `sha256=${createHash('sha256')
        .update(secret + body)
        .digest('hex')}`,
    ],
    ['made with an empty key', signatureOf('', body)],
    ['made with the word undefined', signatureOf('undefined', body)],
    ['made with both secrets as one', signatureOf(appSecrets.join(','), body)],
    ['made with another secret', signatureOf('another', body)],
    ['sha1 of the right secret', signatureOf(secret, body, 'sha1')],
    ['sha1, called sha256', `sha256=${createHmac('sha1', secret).update(body).digest('hex')}`],
    ['sha1, filled up', `sha256=${createHmac('sha1', secret).update(body).digest('hex')}${'0'.repeat(24)}`],
    ['sha512, cut', `sha256=${createHmac('sha512', secret).update(body).digest('hex').slice(0, 64)}`],
  ];

  test.each(forms)('%s is refused', async (_form, value) => {
    await expectRefused(await openDoor(), [['x-hub-signature-256', value]]);
  });

  test('missing, or under another name, is refused', async () => {
    const door = await openDoor();
    await expectRefused(door, []);
    await expectRefused(door, [['x-hub-signature', signatureOf(secret, body, 'sha1')]]);
    await expectRefused(door, [['x-hub-signature', right]]);
    await expectRefused(door, [['x_hub_signature_256', right]]);
    await expectRefused(door, [['authorization', right]]);
  });

  test('twice is refused, whichever of the two is right', async () => {
    const door = await openDoor();
    const wrong = `sha256=${'0'.repeat(64)}`;
    for (const [first, second] of [
      [right, wrong],
      [wrong, right],
      [right, right],
    ] as const)
      await expectRefused(door, [
        ['x-hub-signature-256', first],
        ['X-Hub-Signature-256', second],
      ]);
  });

  test('in the query or in a trailer does not count', async () => {
    const door = await openDoor();
    const target = `${sharedPath}?x-hub-signature-256=${right}`;
    expect((await door.raw({ method: 'POST', target, body })).status).toBe(401);
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\nx-hub-signature-256: ${right}\r\n\r\n`;
    const headers = [
      ['transfer-encoding', 'chunked'],
      ['trailer', 'x-hub-signature-256'],
    ] as const;
    expect((await door.raw({ method: 'POST', target: sharedPath, headers, body: chunked })).status).toBe(401);
    expectNothing(door);
  });

  test('in upper case it is the same digest: only the right one opens', async () => {
    const door = await openDoor();
    const upper = `sha256=${hex.toUpperCase()}`;
    await expectRefused(door, [['x-hub-signature-256', `sha256=${flipped.toUpperCase()}`]]);
    await expectRefused(door, [['x-hub-signature-256', upper]], `${body} `);
    expect((await door.raw(post(body, upper))).status).toBe(200);
  });
});

describe('a signature of something else', () => {
  const others: [string, string | Uint8Array][] = [
    ['another body', body.replace('money', 'monkey')],
    ['the body with a blank more', `${body} `],
    ['the body with a line end more', `${body}\n`],
    ['the body without its last byte', body.slice(0, -1)],
    ['the body indented', JSON.stringify(JSON.parse(body), null, 2)],
    ['the body with its keys in another order', JSON.stringify(reversed(JSON.parse(body)))],
    ['the body printed again', JSON.stringify(JSON.parse(withSlash))],
    ['a body that begins with it', `${body}${body}`],
    ['the body behind a byte order mark', `\ufeff${body}`],
    ['the body in UTF-16', Buffer.from(body, 'utf16le')],
    ['the body, compressed', gzipSync(body)],
    ['no body', ''],
  ];

  test.each(others)('%s is refused', async (what, sent) => {
    const door = await openDoor();
    const signed = what === 'the body printed again' ? signatureOf(secret, withSlash) : right;
    expect((await door.raw(post(sent, signed))).status).toBe(401);
    expectNothing(door);
  });

  test('a compressed body is checked as it came and never taken apart', async () => {
    const door = await openDoor();
    const packed = gzipSync(body);
    const sent = (signature: string) =>
      door.raw({
        method: 'POST',
        target: sharedPath,
        headers: [
          ['content-type', 'application/json'],
          ['content-encoding', 'gzip'],
          ['x-hub-signature-256', signature],
        ],
        body: packed,
      });
    expect((await sent(right)).status).toBe(401);
    expectNothing(door);
    expect((await sent(signatureOf(secret, packed))).status).toBe(200);
    expect([door.events(), door.quarantine()]).toEqual([[], [' unreadable']]);
  });

  test('what follows a signed body on its connection is a request of its own', async () => {
    const door = await openDoor();
    const forged = acme.webhooks.body([acme.webhooks.text({ text: 'smuggled' })]);
    const second = [
      `POST ${sharedPath} HTTP/1.1`,
      'host: x',
      'connection: close',
      'content-type: application/json',
      `content-length: ${forged.length}`,
      `x-hub-signature-256: ${right}`,
      '',
      forged,
    ].join('\r\n');
    const target = `${sharedPath} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-hub-signature-256: ${right}\r\ncontent-length: ${body.length}\r\n\r\n${body}${second}\r\n\r\nGET /healthz`;
    await door.raw({ method: 'POST', target });
    expect(door.events().map(({ raw }) => raw)).toEqual([expect.stringContaining('transfer the money')]);
  });

  test('two lengths, or a length and chunks, are refused before anything is read', async () => {
    const door = await openDoor();
    const signed = ['x-hub-signature-256', right] as const;
    const lengths = [signed, ['content-length', String(body.length)], ['content-length', '5']] as const;
    const both = [signed, ['content-length', String(body.length)], ['transfer-encoding', 'chunked']] as const;
    for (const headers of [lengths, both])
      expect((await door.raw({ method: 'POST', target: sharedPath, headers, body })).status).toBe(400);
    expectNothing(door);
  });

  test('bytes that change while the commit is awaited are not what is stored', async () => {
    const door = await openDoor();
    const swap = async (signed: string) => {
      const rawBody = Buffer.from(signed);
      const answered = door.nightdesk.webhook.receive({ rawBody, signature: signatureOf(secret, signed) });
      rawBody.fill('x');
      expect(await answered).toEqual({ status: 200 });
    };
    await swap(body);
    expect(door.events()).toEqual([expect.objectContaining({ raw: expect.stringContaining('transfer') })]);
  });
});

describe('a secret', () => {
  const atAcme = `${sharedPath}/${acme.id}`;

  test("of another tenant opens neither a tenant's path nor the shared one", async () => {
    const door = await openDoor();
    const byBeta = signatureOf(beta.secret, body);
    for (const target of [atAcme, sharedPath])
      expect((await door.raw(post(body, byBeta, target))).status).toBe(401);
    expect((await door.raw(post(body, signatureOf(acme.secret, body), sharedPath))).status).toBe(401);
    expectNothing(door);
    expect((await door.raw(post(body, signatureOf(acme.secret, body), atAcme))).status).toBe(200);
  });

  test('of a tenant that was exchanged opens nothing from the moment on at which the change is applied', async () => {
    const door = await openDoor();
    await door.apply([tenantOf({ ...acme, secret: 'the new secret' })]);
    expect((await door.raw(post(body, signatureOf(acme.secret, body), atAcme))).status).toBe(401);
    expectNothing(door);
    expect((await door.raw(post(body, signatureOf('the new secret', body), atAcme))).status).toBe(200);
  });

  test('of the app that was taken out of the list opens nothing', async () => {
    const door = await openDoor({ env: { WHATSAPP_APP_SECRET: appSecrets[1] } });
    expect((await door.raw(post(body, right))).status).toBe(401);
    expectNothing(door);
    expect((await door.raw(post(body, signatureOf(appSecrets[1], body)))).status).toBe(200);
  });

  test.each(['', ',', ' , '])('list of %j means that nobody may sign', async (list) => {
    const door = await openDoor({ env: { WHATSAPP_APP_SECRET: list } });
    for (const key of ['', ' ', ',', 'undefined', 'null'])
      expect((await door.raw(post(body, signatureOf(key, body)))).status).toBe(401);
    expectNothing(door);
  });
});

function reversed(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).reverse());
}
