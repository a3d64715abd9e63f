/**
 * A tenant's own path and what it must not lead to: another tenant (I10). Names that only look like a tenant's open
 * nothing, and a body that one tenant signed never reaches another, by whatever path and however often it is tried again.
 */
import { describe, expect, test } from 'vitest';
import { signBody } from '#pipeline/webhook/signature.ts';
import { runCommand } from '#runtime/commands.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { acme, beta, type Door, openDoor, post, sharedPath, signatureOf, tenantOf, wabaId } from './door.ts';

const body = acme.webhooks.body([acme.webhooks.text({ text: 'hello', wamid: 'wamid.path' })]);

describe("a path that only looks like a tenant's", () => {
  const at = (rest: string) => `${sharedPath}${rest}`;
  test.each([
    ['a slash at its end', at('/acme/')],
    ['two slashes', at('//acme')],
    ['a slash before it', `/${at('/acme')}`],
    ['an encoded slash', '/webhooks%2Fwhatsapp%2Facme'],
    ['an encoded slash before the name', at('%2Facme')],
    ['an encoded slash behind the name', at('/acme%2F')],
    ['a backslash', '\\webhooks\\whatsapp\\acme'],
    ['an encoded backslash', at('/acme%5C')],
    ['dot segments to it', at('/beta/../acme')],
    ['dot segments from it', at('/acme/../beta')],
    ['encoded dot segments', at('/beta/%2e%2e/acme')],
    ['encoded dots and slashes', at('/beta%2F..%2Facme')],
    ['a dot', at('/./acme')],
    ['a dot behind it', at('/acme.')],
    ['upper case', at('/ACME')],
    ['a path in upper case', '/Webhooks/WhatsApp/acme'],
    ['a NUL', at('/acme%00')],
    ['a NUL and another name', at('/acme%00beta')],
    ['a blank', at('/acme%20')],
    ['a plus', at('/acme+')],
    ['a line end', at('/acme%0a')],
    ['a letter escaped twice', at('/%2561cme')],
    ['overlong UTF-8', at('/%c1%a1cme')],
    ['broken UTF-8', at('/acme%ff')],
    ['a broken escape', at('/acme%')],
    ['a Cyrillic letter', at(`/${encodeURIComponent('аcme')}`)],
    ['full-width letters', at(`/${encodeURIComponent('ａｃｍｅ')}`)],
    ['a letter that shrinks', at(`/${encodeURIComponent('acmE\u0301')}`)],
    ['a sign that nobody sees', at(`/${encodeURIComponent('acme\u200b')}`)],
    ['a soft hyphen', at(`/${encodeURIComponent('ac\u00adme')}`)],
    ['a parameter in it', at('/acme;x=1')],
    ['two names', at('/acme,beta')],
    ['a wildcard', at('/*')],
    ['the name of the parameter', at('/:tenantId')],
    ['a name of the prototype', at('/__proto__')],
    ['a name of a method', at('/constructor')],
    ['a name that is too long', at(`/${'a'.repeat(500)}`)],
    ['nothing', at('/')],
  ])('with %s opens nothing', async (_what, target) => {
    const door = await openDoor();
    const answer = await door.raw(post(body, signatureOf(acme.secret, body), target));
    expect([target, answer.status]).toEqual([target, expect.toBeOneOf([400, 401, 404, 414])]);
    expect([door.events(), door.quarantine()]).toEqual([[], []]);
  });

  test('with an escaped letter is that path, and wants that tenant’s secret', async () => {
    const door = await openDoor();
    const target = at('/%61cme');
    expect((await door.raw(post(body, signatureOf(beta.secret, body), target))).status).toBe(401);
    expect((await door.raw(post(body, signatureOf(acme.secret, body), target))).status).toBe(200);
    expect(door.events().map(({ tenant_id }) => tenant_id)).toEqual(['acme']);
  });

  test('as a whole address or behind a query is judged by its path alone', async () => {
    const door = await openDoor();
    const mine = `${sharedPath}/beta`;
    for (const target of [
      `http://127.0.0.1${mine}`,
      `${mine}?tenantId=acme`,
      `${mine}?/../acme`,
      `${mine}#/acme`,
    ]) {
      const answer = await door.raw(post(body, signatureOf(acme.secret, body), target));
      expect([target, answer.status]).toEqual([target, expect.toBeOneOf([400, 401, 404])]);
    }
    expect(door.events()).toEqual([]);
  });

  test('names a tenant by no header', async () => {
    const door = await openDoor();
    const { headers = [], ...rest } = post(body, signatureOf(acme.secret, body), `${sharedPath}/beta`);
    const tricks: [string, string][] = [
      ['x-original-url', `${sharedPath}/acme`],
      ['x-rewrite-url', `${sharedPath}/acme`],
      ['x-forwarded-prefix', `${sharedPath}/acme`],
      ['x-http-method-override', 'GET'],
    ];
    expect((await door.raw({ ...rest, headers: [...headers, ...tricks] })).status).toBe(401);
  });
});

describe('I10 a body that one tenant signed and that names the number of another', () => {
  const atBeta = `${sharedPath}/beta`;
  const send = async (door: Door, signed: string, target = atBeta) => {
    const answer = await door.raw(post(signed, signatureOf(beta.secret, signed), target));
    expect(answer.status).toBe(200);
  };

  test('a message is quarantined under the name of who signed it', async () => {
    const door = await openDoor();
    await send(door, body);
    expect([door.events(), door.quarantine()]).toEqual([[], ['beta foreignNumber']]);
  });

  test('stays there when it is tried again, when tenants are applied, and when the number changes its settings', async () => {
    const door = await openDoor();
    await send(door, body);
    expect(await runCommand(door.nightdesk, 'quarantine.redrive', {})).toEqual({ redriven: 0, left: 1 });
    expect(await door.apply([tenantOf(acme)])).toMatchObject({ reappended: 0 });
    expect(await door.apply([tenantOf(acme), tenantOf(beta)])).toMatchObject({ reappended: 0 });
    expect([door.events(), door.quarantine()]).toEqual([[], ['beta foreignNumber']]);
  });

  test('does not use up the key of the message: the real one is stored when it comes', async () => {
    const door = await openDoor();
    await send(door, body);
    const real = signBody(acme.secret, Buffer.from(body));
    expect((await door.raw(post(body, real, `${sharedPath}/acme`))).status).toBe(200);
    expect(door.events().map(({ tenant_id }) => tenant_id)).toEqual(['acme']);
  });

  test('in a batch: its own message is stored, the foreign one is not', async () => {
    const door = await openDoor();
    const own = beta.webhooks.text({ text: 'own', wamid: 'wamid.own' });
    const foreign = acme.webhooks.text({ text: 'foreign', wamid: 'wamid.foreign' });
    await send(
      door,
      beta.webhooks.body([own, foreign, beta.webhooks.text({ text: 'own too', wamid: 'wamid.own2' })]),
    );
    expect(door.events().map(({ tenant_id }) => tenant_id)).toEqual(['beta', 'beta']);
    expect(door.quarantine()).toEqual(['beta foreignNumber']);
  });

  test.each([
    ['an echo', 'smb_message_echoes', { list: 'message_echoes', type: 'text', text: { body: 'taken over' } }],
    ['a message of standby', 'standby', { list: 'messages', type: 'text', text: { body: 'listened' } }],
  ])('%s is quarantined', async (_what, field, { list, ...part }) => {
    const door = await openDoor();
    const number = { phoneNumberId: acme.number, displayPhoneNumber: '15550100001' };
    const element = {
      from: '15550100001',
      to: '16505550000',
      id: 'wamid.e',
      timestamp: '1790000000',
      ...part,
    };
    await send(door, acme.webhooks.body([{ wabaId, number, field, list, element }]));
    expect([door.events(), door.quarantine()]).toEqual([[], ['beta foreignNumber']]);
  });

  test('a status is quarantined, and settles no send', async () => {
    const door = await openDoor();
    const status = acme.webhooks.status({ wamid: 'wamid.sent', opaque: 'snd_1', status: 'failed' });
    await send(door, acme.webhooks.body([status]));
    expect(door.quarantine()).toEqual(['beta foreignNumber']);
    const rows = door.database.all('SELECT * FROM status_unmatched');
    expect(rows).toEqual([]);
  });

  test.each([
    ['in its metadata', { metadata: { phone_number_id: acme.number } }],
    ['in its value', { phone_number_id: acme.number }],
    ['in its recipient', { recipient: { phone_number_id: acme.number } }],
  ])('a notice that names it %s is quarantined and raises no alert', async (_what, naming) => {
    const door = await openDoor();
    const value = { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: ['DISABLE'] }, ...naming };
    await send(door, beta.webhooks.body([beta.webhooks.notice({ field: 'account_update', value })]));
    expect([door.notices(), door.quarantine()]).toEqual([[], ['beta foreignNumber']]);
    expect(await door.nightdesk.metrics.text()).not.toMatch(/nightdesk_alerts_total\{.*\} [1-9]/);
    expect(await runCommand(door.nightdesk, 'quarantine.redrive', {})).toMatchObject({ redriven: 0 });
    await door.apply([tenantOf(acme), tenantOf(beta)]);
    expect([door.notices(), door.quarantine()]).toEqual([[], ['beta foreignNumber']]);
  });

  test('a notice without a number is filed under who signed it', async () => {
    const door = await openDoor();
    const value = { event: 'DISABLED_UPDATE' };
    await send(door, beta.webhooks.body([beta.webhooks.notice({ field: 'account_update', value })]));
    expect(door.notices().map(({ tenant_id }) => tenant_id)).toEqual(['beta']);
  });

  test('bytes that cannot be read are kept under who signed them', async () => {
    const door = await openDoor();
    await send(door, '{"entry":[{');
    expect(door.quarantine()).toEqual(['beta unreadable']);
  });

  test('a number that nobody has is not handed to another tenant that gets it later', async () => {
    const door = await openDoor();
    const later = createWebhooks({ phoneNumberId: '777', wabaId });
    await send(door, later.body([later.text({ text: 'for whoever comes', wamid: 'wamid.later' })]));
    expect(door.quarantine()).toEqual(['beta unknownNumber']);
    const numbers = [acme.number, '777'].map((id) => ({ id, wabaId }));
    expect(await door.apply([{ ...tenantOf(acme), phoneNumbers: numbers }])).toMatchObject({ reappended: 0 });
    expect([door.events(), door.quarantine()]).toEqual([[], ['beta unknownNumber']]);
  });
});
