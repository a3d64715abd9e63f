/** @kapso/whatsapp-cloud-api, unchanged, against the simulator: what it sends, what it understands, what it verifies. */
import { GraphApiError, WhatsAppClient } from '@kapso/whatsapp-cloud-api';
import { normalizeWebhook, verifySignature } from '@kapso/whatsapp-cloud-api/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SAYABLE_TYPES } from '#simulator/inbound/inbound-content.ts';
import {
  APP_SECRET,
  changedBodies,
  EXPIRED_TOKEN,
  NUMBER_ID,
  openStage,
  PHONE,
  PICTURE,
  SLOW_NUMBER_ID,
  STEP_MS,
  type Stage,
  TOKEN,
  WABA_ID,
} from './stage.ts';

const DAY_MS = 24 * 3_600_000;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const clientWith = (accessToken = TOKEN) =>
  new WhatsAppClient({ accessToken, baseUrl: stage.url, graphVersion: 'v26.0' });

const toSheena = { phoneNumberId: NUMBER_ID, to: PHONE };

async function lastSeen() {
  const seen = await stage.simulator.control.messages({ phoneNumberId: NUMBER_ID, contact: PHONE });
  return seen.at(-1);
}

async function refusalOf(sending: Promise<unknown>): Promise<GraphApiError> {
  const error = await sending.then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GraphApiError);
  return error as GraphApiError;
}

describe('what it sends arrives on the phone', () => {
  it('a text, with the answer it expects', async () => {
    await stage.hear(PHONE);
    const answer = await clientWith().messages.sendText({
      ...toSheena,
      body: 'Hello from an SDK',
      bizOpaqueCallbackData: 'order 7',
    });
    expect(answer).toMatchObject({
      messagingProduct: 'whatsapp',
      contacts: [{ input: PHONE, waId: PHONE }],
      messages: [{ id: expect.stringMatching(/^wamid\./) }],
    });
    expect(await lastSeen()).toMatchObject({
      wamid: answer.messages[0]?.id,
      text: 'Hello from an SDK',
      opaque: 'order 7',
    });
  });

  it('a text to a contact that is known by its BSUID only', async () => {
    const userId = 'US.13491208655302741918';
    await stage.hear(userId);
    const answer = await clientWith().messages.sendText({
      phoneNumberId: NUMBER_ID,
      recipient: userId,
      body: 'Hello',
    });
    expect(answer.contacts).toEqual([{ input: userId, userId }]);
  });

  it('buttons, and the tap comes back with the title that was offered', async () => {
    await stage.hear(PHONE);
    const answer = await clientWith().messages.sendInteractiveButtons({
      ...toSheena,
      bodyText: 'Shall we?',
      footerText: 'You may say no',
      buttons: [
        { id: 'yes', title: 'Yes' },
        { id: 'no', title: 'No' },
      ],
    });
    const replyTo = answer.messages[0]!.id;
    await stage.simulator.control.say({
      ...{ phoneNumberId: NUMBER_ID, contact: PHONE },
      type: 'buttonReply',
      id: 'no',
      replyTo,
    });
    const { messages } = normalizeWebhook(JSON.parse((await stage.nextWebhook()).body.toString()));
    expect(messages[0]).toMatchObject({
      type: 'interactive',
      context: { id: replyTo },
      interactive: { type: 'button_reply', buttonReply: { id: 'no', title: 'No' } },
      kapso: { direction: 'inbound' },
    });
  });

  it('a list', async () => {
    await stage.hear(PHONE);
    await clientWith().messages.sendInteractiveList({
      ...toSheena,
      bodyText: 'Which one?',
      buttonText: 'Choose',
      sections: [
        { title: 'Fruit', rows: [{ id: 'a', title: 'Apple', description: 'Red' }] },
        { title: 'Roots', rows: [{ id: 'b', title: 'Beet' }] },
      ],
    });
    expect(await lastSeen()).toMatchObject({ type: 'interactive', text: 'Which one?' });
  });

  it('a receipt with typing', async () => {
    const { wamid } = await stage.hear(PHONE);
    const done = await clientWith().messages.markRead({
      phoneNumberId: NUMBER_ID,
      messageId: wamid,
      typingIndicator: { type: 'text' },
    });
    expect(done).toEqual({ success: true });
    expect(await lastSeen()).toMatchObject({ wamid, readAtMs: expect.any(Number) });
    const typing = await stage.simulator.control.log({ kinds: ['typing'] });
    expect(typing).toHaveLength(1);
  });
});

describe('media', () => {
  it('goes up, is described, sent, and comes down as it was', async () => {
    await stage.hear(PHONE);
    const client = clientWith();
    const file = new Blob([PICTURE], { type: 'image/png' });
    const { id } = await client.media.upload({
      phoneNumberId: NUMBER_ID,
      type: 'image/png',
      file,
      fileName: 'picture.png',
    });
    const described = await client.media.get({ mediaId: id, phoneNumberId: NUMBER_ID });
    expect(described).toMatchObject({ id, mimeType: 'image/png', messagingProduct: 'whatsapp' });
    expect(Number(described.fileSize)).toBe(PICTURE.length);
    await client.messages.sendImage({ ...toSheena, image: { id, caption: 'Look' } });
    expect(await lastSeen()).toMatchObject({ type: 'image', text: 'Look' });
    const bytes = await client.media.download({ mediaId: id, auth: 'always' });
    expect(Buffer.from(bytes as ArrayBuffer).equals(PICTURE)).toBe(true);
    expect(await client.media.delete({ mediaId: id, phoneNumberId: NUMBER_ID })).toEqual({ success: true });
    expect((await refusalOf(client.media.get({ mediaId: id }))).httpStatus).toBe(400);
  });

  it('does not come down without the token', async () => {
    const client = clientWith();
    const file = new Blob([PICTURE], { type: 'image/png' });
    const { id } = await client.media.upload({ phoneNumberId: NUMBER_ID, type: 'image/png', file });
    const answer = await client.media.download({ mediaId: id, auth: 'never', as: 'response' });
    expect((answer as Response).status).toBe(401);
  });
});

describe('templates', () => {
  const body = { type: 'BODY', text: 'Thanks, {{1}}.', example: { bodyText: [['Pablo']] } };
  const hello = {
    name: 'order_confirmation',
    language: 'en_US',
    category: 'UTILITY',
    components: [body] as [typeof body],
  };
  const withName = (text: string) => ({
    name: hello.name,
    language: { code: 'en_US' },
    components: [{ type: 'body' as const, parameters: [{ type: 'text' as const, text }] }],
  });

  it('are made, listed, sent outside the window and refused with a wrong count', async () => {
    const client = clientWith();
    await stage.hear(PHONE);
    stage.advance(2 * DAY_MS);
    const made = await client.templates.create({ businessAccountId: WABA_ID, ...hello });
    expect(made).toMatchObject({ id: expect.any(String), category: 'UTILITY' });
    stage.advance(DAY_MS);
    const listed = await client.templates.list({ businessAccountId: WABA_ID, name: hello.name });
    expect(listed.data[0]).toMatchObject({ name: hello.name, language: 'en_US', status: 'APPROVED' });
    const answer = await client.messages.sendTemplate({ ...toSheena, template: withName('Ana') });
    expect(answer.messages[0]).toMatchObject({ messageStatus: 'accepted' });
    const tooMany = { ...withName('Ana'), components: [] };
    const refusal = await refusalOf(client.messages.sendTemplate({ ...toSheena, template: tooMany }));
    expect(refusal).toMatchObject({ code: 132000, category: 'template' });
  });

  it('that nobody made are refused', async () => {
    const sending = clientWith().messages.sendTemplate({
      ...toSheena,
      template: { name: 'nobody_made_this', language: { code: 'en_US' } },
    });
    expect(await refusalOf(sending)).toMatchObject({
      code: 132001,
      httpStatus: 404,
      category: 'template',
      retry: { action: 'fix_and_retry' },
    });
  });
});

describe('it takes the refusals for what they are', () => {
  const text = (more: object = {}) => clientWith().messages.sendText({ ...toSheena, body: 'hi', ...more });

  it('a parameter that is wrong', async () => {
    expect(await refusalOf(text({ to: 'not a phone' }))).toMatchObject({
      code: 131009,
      httpStatus: 400,
      category: 'parameter',
      details: expect.any(String),
      fbtraceId: expect.any(String),
    });
  });

  it('a number that does not exist', async () => {
    expect(await refusalOf(text({ phoneNumberId: '1' }))).toMatchObject({
      code: 100,
      errorSubcode: 33,
      category: 'parameter',
    });
  });

  it.each([EXPIRED_TOKEN, 'no token that was ever given'])('a token: %s', async (token) => {
    const error = await refusalOf(clientWith(token).messages.sendText({ ...toSheena, body: 'hi' }));
    expect(error).toMatchObject({ code: 190, httpStatus: 401, category: 'authorization' });
    expect(error.requiresTokenRefresh()).toBe(true);
  });

  it('the throughput of the number', async () => {
    await stage.hear(PHONE, SLOW_NUMBER_ID);
    const error = await refusalOf(text({ phoneNumberId: SLOW_NUMBER_ID }));
    expect(error).toMatchObject({ code: 130429, httpStatus: 400, retry: { action: 'retry_after' } });
    expect(error.isRateLimit()).toBe(true);
  });

  it('the limit of the pair', async () => {
    await stage.hear(PHONE);
    for (let sent = 0; sent < 45; sent += 1) await text();
    expect(await refusalOf(text())).toMatchObject({ code: 131056, category: 'throttling' });
  });

  it('the limit against spam', async () => {
    await stage.simulator.control.setFaults({ graphError: { code: 131048, next: 1 } });
    expect(await refusalOf(text())).toMatchObject({ code: 131048, category: 'throttling' });
    await stage.hear(PHONE);
    expect((await text()).messages).toHaveLength(1);
  });

  it('the service window', async () => {
    await stage.simulator.control.setup({ rules: { serviceWindow: 'sync' } });
    await stage.hear(PHONE);
    stage.advance(DAY_MS + 1);
    expect(await refusalOf(text())).toMatchObject({
      code: 131047,
      category: 'reengagementWindow',
      retry: { action: 'do_not_retry' },
    });
  });

  it.each([2, 131000, 131016, 133004])('a 5xx with a Graph body: %i', async (code) => {
    await stage.simulator.control.setFaults({ graphError: { code, next: 1 } });
    const error = await refusalOf(text());
    expect(error.code).toBe(code);
    expect(error.httpStatus).toBeGreaterThanOrEqual(500);
    expect(error.retry).toEqual({ action: 'retry' });
  });

  it('a 5xx without one', async () => {
    await stage.simulator.control.setFaults({ http5xxWithoutBody: { next: 1 } });
    expect(await refusalOf(text())).toMatchObject({ httpStatus: 502, category: 'server' });
  });
});

describe('its verifier', () => {
  it('accepts what the simulator signs, and nothing else', async () => {
    const { webhook } = await stage.hear(PHONE);
    const { body } = webhook;
    const signatureHeader = String(webhook.headers['x-hub-signature-256']);
    expect(verifySignature({ appSecret: APP_SECRET, rawBody: body, signatureHeader })).toBe(true);
    for (const [how, rawBody] of Object.entries(changedBodies(body))) {
      expect(verifySignature({ appSecret: APP_SECRET, rawBody, signatureHeader }), how).toBe(false);
    }
    expect(verifySignature({ appSecret: 'another', rawBody: body, signatureHeader })).toBe(false);
  });

  it('refuses what the fault signs wrongly', async () => {
    await stage.simulator.control.setFaults({ badSignature: { next: 1 } });
    const { webhook } = await stage.hear(PHONE);
    const signatureHeader = String(webhook.headers['x-hub-signature-256']);
    expect(verifySignature({ appSecret: APP_SECRET, rawBody: webhook.body, signatureHeader })).toBe(false);
  });

  it.each(SAYABLE_TYPES)('accepts and reads what is said as "%s"', async (type) => {
    const details = { text: 'hi', id: 'a', messageId: 'wamid.X', originalMessageId: 'wamid.X' };
    const { wamid } = await stage.simulator.control.say({
      ...{ phoneNumberId: NUMBER_ID, contact: PHONE },
      ...details,
      type,
    });
    const { body, headers } = await stage.nextWebhook();
    const signatureHeader = String(headers['x-hub-signature-256']);
    expect(verifySignature({ appSecret: APP_SECRET, rawBody: body, signatureHeader })).toBe(true);
    const [message] = normalizeWebhook(JSON.parse(body.toString())).messages;
    expect(message).toMatchObject({ id: wamid, from: PHONE, kapso: { direction: 'inbound' } });
    expect(message).toHaveProperty(type === 'mediaTooLarge' ? 'errors' : String(message?.type));
  });

  it('reads echoes as the business’s own', async () => {
    await stage.simulator.control.echo({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'by hand' });
    const { messages } = normalizeWebhook(JSON.parse((await stage.nextWebhook()).body.toString()));
    expect(messages[0]).toMatchObject({ kapso: { direction: 'outbound', source: 'smb_message_echo' } });
  });

  it('reads messages, contacts and statuses out of the envelope', async () => {
    const { webhook } = await stage.hear(PHONE);
    const read = normalizeWebhook(JSON.parse(webhook.body.toString()));
    expect(read).toMatchObject({ object: 'whatsapp_business_account', phoneNumberId: NUMBER_ID });
    expect(read.messages[0]).toMatchObject({ from: PHONE, text: { body: 'Grüße/👍 <hello> 100% @home' } });
    expect(read.contacts[0]).toMatchObject({ waId: PHONE });
    const answer = await clientWith().messages.sendText({ ...toSheena, body: 'Hello' });
    const statuses: unknown[] = [];
    for (let count = 0; count < 3; count += 1) {
      stage.advance(STEP_MS);
      statuses.push(...normalizeWebhook(JSON.parse((await stage.nextWebhook()).body.toString())).statuses);
    }
    expect(statuses.map((status) => (status as { status: string }).status)).toEqual([
      'sent',
      'delivered',
      'read',
    ]);
    expect(statuses[0]).toMatchObject({ id: answer.messages[0]?.id, recipientId: PHONE });
  });
});
