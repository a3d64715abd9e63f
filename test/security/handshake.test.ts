/**
 * Tricks with the GET by which Meta checks the address of the webhook: without a verify token nothing is handed back, and
 * what is handed back is never a page.
 */
import { describe, expect, test } from 'vitest';
import { acme, beta, type Door, openDoor, sharedPath } from './door.ts';

const token = 'verify token of the app';
const encoded = encodeURIComponent(token);
const asked = `hub.mode=subscribe&hub.challenge=1158201444`;
const script = '<script>alert(1)</script>';

const get = (door: Door, query: string, path = sharedPath) => door.raw({ target: `${path}?${query}` });

async function expectRefused(door: Door, query: string, path = sharedPath): Promise<void> {
  const answer = await get(door, query, path);
  expect(answer.status).toBe(403);
  expect(answer.headers).toMatchObject({
    'content-type': expect.stringMatching(/^text\/plain\b/),
    'x-content-type-options': 'nosniff',
  });
  expect(answer.body).not.toContain('1158201444');
  expect(answer.body).not.toContain(token);
}

test('the right token gets its challenge', async () => {
  const door = await openDoor();
  expect(await get(door, `${asked}&hub.verify_token=${encoded}`)).toMatchObject({
    status: 200,
    body: '1158201444',
  });
});

describe('a verify token', () => {
  test.each([
    ['is missing', ''],
    ['is empty', '&hub.verify_token='],
    ['has no value', '&hub.verify_token'],
    ['is another', '&hub.verify_token=another'],
    ['is the beginning of the right one', `&hub.verify_token=${encoded.slice(0, -1)}`],
    ['is longer than the right one', `&hub.verify_token=${encoded}x`],
    ['is written in upper case', `&hub.verify_token=${encoded.toUpperCase()}`],
    ['ends with a NUL', `&hub.verify_token=${encoded}%00`],
    ['ends with a blank', `&hub.verify_token=${encoded}%20`],
    ['is an array', `&hub.verify_token[]=${encoded}`],
    ['is an empty array', '&hub.verify_token[]='],
    ['is an array by index', `&hub.verify_token[0]=${encoded}`],
    ['is an object', `&hub[verify_token]=${encoded}`],
    ['is an object with a prototype', `&hub.verify_token[__proto__]=${encoded}`],
    ['is an encoded array', `&hub.verify_token%5B%5D=${encoded}`],
    ['stands twice, both right', `&hub.verify_token=${encoded}&hub.verify_token=${encoded}`],
    ['stands twice, the first right', `&hub.verify_token=${encoded}&hub.verify_token=x`],
    ['stands twice, the last right', `&hub.verify_token=x&hub.verify_token=${encoded}`],
    ['is written with an underscore', `&hub_verify_token=${encoded}`],
    ['is written in another case', `&HUB.VERIFY_TOKEN=${encoded}`],
    ['is behind a semicolon', `;hub.verify_token=${encoded}`],
    ['is very long', `&hub.verify_token=${'x'.repeat(8_000)}`],
    ['has letters beyond ASCII', `&hub.verify_token=${encodeURIComponent('vérify tökén 🙋')}`],
    ['has a letter that looks alike', `&hub.verify_token=${encodeURIComponent(token.replace('e', 'е'))}`],
    ['is broken UTF-8', '&hub.verify_token=%ff%fe'],
    ['is a broken escape', '&hub.verify_token=%zz'],
    ['is true', '&hub.verify_token=true'],
    ['is the name of a method', '&hub.verify_token=toString'],
  ])('that %s is refused', async (_what, query) => {
    await expectRefused(await openDoor(), `${asked}${query}`);
  });

  test('with letters beyond ASCII is accepted where it is the one, however they are composed', async () => {
    const door = await openDoor({ env: { WHATSAPP_VERIFY_TOKEN: 'né🙋' } });
    const ask = (text: string) => get(door, `${asked}&hub.verify_token=${encodeURIComponent(text)}`);
    expect((await ask('né🙋')).status).toBe(200);
    expect((await ask('né🙋'.normalize('NFD'))).status).toBe(403);
    expect((await ask('né')).status).toBe(403);
  });

  test('that nobody has set is never right', async () => {
    const door = await openDoor({ env: { WHATSAPP_VERIFY_TOKEN: '' } });
    for (const given of ['', '&hub.verify_token=', '&hub.verify_token=undefined', '&hub.verify_token=null'])
      await expectRefused(door, `${asked}${given}`);
  });

  test('of a tenant counts on its path only, and no app secret is a verify token', async () => {
    const door = await openDoor();
    const ask = (given: string, path: string) =>
      get(door, `${asked}&hub.verify_token=${encodeURIComponent(given)}`, path);
    expect((await ask(acme.verifyToken, `${sharedPath}/${acme.id}`)).status).toBe(200);
    for (const [given, path] of [
      [acme.verifyToken, sharedPath],
      [acme.verifyToken, `${sharedPath}/${beta.id}`],
      [acme.verifyToken, `${sharedPath}/nobody`],
      [acme.secret, `${sharedPath}/${acme.id}`],
      ['first app secret', sharedPath],
    ] as const)
      expect((await ask(given, path)).status).toBe(403);
  });

  test('in the body of a GET or in a header does not count', async () => {
    const door = await openDoor();
    const headers = [
      ['content-type', 'application/x-www-form-urlencoded'],
      ['content-length', String(`hub.verify_token=${encoded}`.length)],
      ['hub.verify_token', token],
    ] as const;
    const target = `${sharedPath}?${asked}`;
    expect((await door.raw({ target, headers, body: `hub.verify_token=${encoded}` })).status).toBe(403);
  });

  test('too long for a request line is refused before it is read', async () => {
    const door = await openDoor();
    expect((await get(door, `${asked}&hub.verify_token=${'x'.repeat(20_000)}`)).status).toBe(431);
  });
});

describe('a challenge', () => {
  const ask = (door: Door, rest: string) => get(door, `hub.verify_token=${encoded}${rest}`);

  test.each([
    ['a script', script],
    ['a page', '<!doctype html><html><body onload=alert(1)>'],
    ['an image', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['line ends and a header', 'a\r\nset-cookie: a=b\r\n\r\n<p>'],
    ['a byte order mark of UTF-16', '\ufeff<script>'],
    ['letters of UTF-7', '+ADw-script+AD4-'],
  ])('that is %s comes back as plain text that no browser guesses at', async (_what, challenge) => {
    const door = await openDoor();
    const answer = await ask(door, `&hub.mode=subscribe&hub.challenge=${encodeURIComponent(challenge)}`);
    expect([answer.status, answer.body]).toEqual([200, challenge]);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; charset=utf-8$/i);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test.each([
    ['missing', '&hub.mode=subscribe'],
    ['empty', '&hub.mode=subscribe&hub.challenge='],
    ['an array', '&hub.mode=subscribe&hub.challenge[]=1158201444'],
    ['there twice', '&hub.mode=subscribe&hub.challenge=1158201444&hub.challenge=1158201444'],
    ['there without a mode', '&hub.challenge=1158201444'],
    ['there with two modes', '&hub.mode=subscribe&hub.mode=subscribe&hub.challenge=1158201444'],
    ['there with another mode', '&hub.mode=unsubscribe&hub.challenge=1158201444'],
    ['there with a mode in upper case', '&hub.mode=SUBSCRIBE&hub.challenge=1158201444'],
  ])('that is %s is refused even with the right token', async (_what, rest) => {
    const door = await openDoor();
    expect((await ask(door, rest)).status).toBe(403);
  });
});

test('what is refused or not there hands nothing of the request back', async () => {
  const door = await openDoor();
  const secretly = `hub.verify_token=${encoded}&${asked}&x=${encodeURIComponent(script)}`;
  for (const target of [
    `${sharedPath}?x=${encodeURIComponent(script)}`,
    `${sharedPath}/acme/more?${secretly}`,
    `/${encodeURIComponent(script)}?${secretly}`,
    `/webhooks/whatsapp/%E0%A4%A?${secretly}`,
    `//acme/${script.replaceAll('/', '')}`,
  ]) {
    const answer = await door.raw({ target });
    expect([target, answer.status]).toEqual([target, expect.toBeOneOf([400, 403, 404])]);
    for (const part of [token, encoded, '1158201444', 'script', 'alert'])
      expect([target, answer.body.includes(part)]).toEqual([target, false]);
  }
});
