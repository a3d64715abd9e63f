/** @great-detail/whatsapp, unchanged, against the simulator: what it sends, what it understands, what it verifies. */
import Client, { MessageType } from '@great-detail/whatsapp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  APP_SECRET,
  type CaughtWebhook,
  changedBodies,
  EXPIRED_TOKEN,
  NUMBER_ID,
  openStage,
  PHONE,
  PICTURE,
  SLOW_NUMBER_ID,
  type Stage,
  TOKEN,
  VERIFY_TOKEN,
  WABA_ID,
} from './stage.ts';

const DAY_MS = 24 * 3_600_000;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const clientWith = (token = TOKEN) =>
  new Client({
    baseUrl: stage.url,
    graphVersion: 'v26.0',
    request: { headers: { Authorization: `Bearer ${token}` } },
  });

const toSheena = { phoneNumberID: NUMBER_ID, to: PHONE };

const text = (more: object = {}) =>
  clientWith()
    .message.createMessage({ ...toSheena, type: MessageType.Text, text: { body: 'hi' }, ...more })
    .json();

async function lastSeen() {
  const seen = await stage.simulator.control.messages({ phoneNumberId: NUMBER_ID, contact: PHONE });
  return seen.at(-1);
}

/** What its HTTP client throws: the status, and the body that it read. */
async function refusalOf(sending: Promise<unknown>): Promise<{ status: number; error: unknown }> {
  const thrown = await sending.then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason,
  );
  expect(thrown).toMatchObject({ name: 'HTTPError' });
  const { response, data } = thrown as { response: Response; data: { error?: unknown } | undefined };
  return { status: response.status, error: data?.error };
}

/** As its documentation hands it a request: the body as text, the headers in lower case. */
const asRequest = ({ body, headers }: CaughtWebhook) => ({
  method: 'POST',
  query: {},
  body: body.toString('utf8'),
  headers: headers as Record<string, string>,
});

describe('what it sends arrives on the phone', () => {
  it('a text, with the answer it expects', async () => {
    await stage.hear(PHONE);
    const answer = await text({ text: { body: 'Hello from an SDK' } });
    expect(answer).toMatchObject({
      messaging_product: 'whatsapp',
      contacts: [{ input: PHONE, wa_id: PHONE }],
      messages: [{ id: expect.stringMatching(/^wamid\./) }],
    });
    expect(await lastSeen()).toMatchObject({ text: 'Hello from an SDK' });
  });

  it('buttons and a list', async () => {
    await stage.hear(PHONE);
    const { message } = clientWith();
    await message.createMessage({
      ...toSheena,
      type: MessageType.Interactive,
      interactive: {
        type: 'button',
        body: { text: 'Shall we?' },
        action: { buttons: [{ type: 'reply', reply: { id: 'yes', title: 'Yes' } }] },
      },
    });
    expect(await lastSeen()).toMatchObject({ type: 'interactive', text: 'Shall we?' });
    await message.createMessage({
      ...toSheena,
      type: MessageType.Interactive,
      interactive: {
        type: 'list',
        body: { text: 'Which one?' },
        action: { button: 'Choose', sections: [{ title: 'Fruit', rows: [{ id: 'a', title: 'Apple' }] }] },
      },
    });
    expect(await lastSeen()).toMatchObject({ type: 'interactive', text: 'Which one?' });
  });

  it('a receipt with typing', async () => {
    const { wamid } = await stage.hear(PHONE);
    const done = await clientWith()
      .message.createStatus({
        phoneNumberID: NUMBER_ID,
        message_id: wamid,
        status: 'read',
        typing_indicator: { type: 'text' },
      })
      .json();
    expect(done).toEqual({ success: true });
    expect(await lastSeen()).toMatchObject({ wamid, readAtMs: expect.any(Number) });
    expect(await stage.simulator.control.log({ kinds: ['typing'] })).toHaveLength(1);
  });
});

describe('media', () => {
  it('goes up, is described, sent, and comes down as it was', async () => {
    await stage.hear(PHONE);
    const { media, message } = clientWith();
    const file = new Blob([PICTURE], { type: 'image/png' });
    const upload = { phoneNumberID: NUMBER_ID, mimeType: 'image/png', filename: 'picture.png', file };
    const { id } = await media.upload(upload).json();
    const described = await media.getURL({ mediaID: id, phoneNumberID: NUMBER_ID }).json();
    expect(described).toMatchObject({ id, mime_type: 'image/png', file_size: PICTURE.length });
    await message.createMessage({ ...toSheena, type: MessageType.Image, image: { id } });
    expect(await lastSeen()).toMatchObject({ type: 'image' });
    const request = { headers: { Authorization: `Bearer ${TOKEN}` } };
    const bytes = await media.download({ mediaURL: described.url, request }).arrayBuffer();
    expect(Buffer.from(bytes).equals(PICTURE)).toBe(true);
    const bare = await refusalOf(media.download({ mediaURL: described.url }));
    expect(bare.status).toBe(401);
    expect(await media.delete({ mediaID: id }).json()).toEqual({ success: true });
  });
});

describe('numbers, subscriptions and templates', () => {
  it('reads the number and the WABA', async () => {
    const { phoneNumbers, subscribedApps, whatsappBusinessAccount } = clientWith();
    const fields = ['display_phone_number', 'verified_name', 'quality_rating', 'throughput'] as const;
    const number = await phoneNumbers
      .getPhoneNumber({ phoneNumberID: NUMBER_ID, fields: [...fields] })
      .json();
    expect(number).toMatchObject({ id: NUMBER_ID, verified_name: 'Jasper’s Market' });
    const numbers = await phoneNumbers.listPhoneNumbers({ businessAccountID: WABA_ID }).json();
    expect(numbers.data.map(({ id }) => id)).toEqual([NUMBER_ID, SLOW_NUMBER_ID]);
    expect(await whatsappBusinessAccount.get(WABA_ID).json()).toMatchObject({ id: WABA_ID });
    expect((await subscribedApps.listSubscriptions({ businessAccountID: WABA_ID }).json()).data).toHaveLength(
      1,
    );
    const again = await subscribedApps.createSubscription({ businessAccountID: WABA_ID }).json();
    expect(again).toEqual({ success: true });
  });

  it('makes a template, lists it, sends it outside the window, and is refused one that nobody made', async () => {
    await stage.hear(PHONE);
    const { template, message } = clientWith();
    const made = await template
      .create(WABA_ID, {
        name: 'order_confirmation',
        language: 'en_US',
        category: 'UTILITY',
        components: [{ type: 'BODY', text: 'Thanks, {{1}}.', example: { body_text: [['Pablo']] } }] as never,
      } as never)
      .json();
    expect(made).toMatchObject({ id: expect.any(String) });
    stage.advance(2 * DAY_MS);
    const listed = await template.list(WABA_ID, { status: ['APPROVED'] } as never).json();
    expect((listed as { data: Array<{ name: string }> }).data.map(({ name }) => name)).toContain(
      'order_confirmation',
    );
    const sendTemplate = (name: string) =>
      message
        .createMessage({
          ...toSheena,
          type: MessageType.Template,
          template: {
            name,
            language: { code: 'en_US' },
            components: [{ type: 'body', parameters: [{ type: 'text', text: 'Ana' }] }],
          },
        } as never)
        .json();
    expect(await sendTemplate('order_confirmation')).toMatchObject({
      messages: [{ message_status: 'accepted' }],
    });
    expect(await refusalOf(sendTemplate('nobody_made_this'))).toMatchObject({
      status: 404,
      error: { code: 132001 },
    });
  });
});

describe('it throws the refusals with their bodies', () => {
  it('a parameter that is wrong', async () => {
    expect(await refusalOf(text({ to: 'not a phone' }))).toMatchObject({
      status: 400,
      error: { code: 131009, type: 'OAuthException', fbtrace_id: expect.any(String) },
    });
  });

  it.each([EXPIRED_TOKEN, 'no token that was ever given'])('a token: %s', async (token) => {
    const sending = clientWith(token).message.createMessage({
      ...toSheena,
      type: MessageType.Text,
      text: { body: 'hi' },
    });
    expect(await refusalOf(sending)).toMatchObject({ status: 401, error: { code: 190 } });
  });

  it('the throughput of the number, the limit of the pair, the limit against spam', async () => {
    await stage.hear(PHONE, SLOW_NUMBER_ID);
    const tooFast = await refusalOf(text({ phoneNumberID: SLOW_NUMBER_ID }));
    expect(tooFast).toMatchObject({ status: 400, error: { code: 130429 } });
    await stage.hear(PHONE);
    for (let sent = 0; sent < 45; sent += 1) await text();
    expect(await refusalOf(text())).toMatchObject({ status: 400, error: { code: 131056 } });
    await stage.simulator.control.setFaults({ graphError: { code: 131048, next: 1 } });
    expect(await refusalOf(text())).toMatchObject({ status: 400, error: { code: 131048 } });
  });

  it('the service window', async () => {
    await stage.simulator.control.setup({ rules: { serviceWindow: 'sync' } });
    await stage.hear(PHONE);
    stage.advance(DAY_MS + 1);
    expect(await refusalOf(text())).toMatchObject({ status: 400, error: { code: 131047 } });
  });

  it('a 5xx with a Graph body, and one without', async () => {
    await stage.simulator.control.setFaults({ graphError: { code: 2, next: 1 } });
    expect(await refusalOf(text())).toMatchObject({ status: 503, error: { code: 2, is_transient: true } });
    await stage.simulator.control.setFaults({ http5xxWithoutBody: { next: 1 } });
    expect(await refusalOf(text())).toEqual({ status: 502, error: undefined });
  });
});

describe('its webhook side', () => {
  it('answers the simulator’s verification', async () => {
    stage.answerHandshake = async (url) => {
      const { webhook } = clientWith();
      const query = Object.fromEntries(url.searchParams);
      const registration = await webhook.register({ method: 'GET', query, headers: {} });
      const isOurs = registration.verifyToken === VERIFY_TOKEN;
      return { status: isOurs ? 200 : 403, body: isOurs ? registration.accept() : '' };
    };
    expect(await stage.simulator.control.handshake()).toMatchObject({ ok: true, httpStatus: 200 });
    await stage.simulator.control.setup({ verifyToken: 'another' });
    expect(await stage.simulator.control.handshake()).toMatchObject({ ok: false, httpStatus: 403 });
  });

  it('accepts what the simulator signs, and nothing else', async () => {
    const { webhook: caught, wamid } = await stage.hear(PHONE);
    const { webhook } = clientWith();
    const event = await webhook.eventNotification(asRequest(caught));
    await event.verifySignature(APP_SECRET);
    expect(JSON.stringify(event.eventNotification)).toContain(wamid);
    for (const [how, body] of Object.entries(changedBodies(caught.body))) {
      const changed = await webhook.eventNotification(asRequest({ ...caught, body }));
      expect(await changed.checkSignature(APP_SECRET), how).toBe(false);
      await expect(changed.verifySignature(APP_SECRET)).rejects.toThrow(/Signature/);
    }
    expect(await event.checkSignature('another')).toBe(false);
  });

  it('refuses what the fault signs wrongly', async () => {
    await stage.simulator.control.setFaults({ badSignature: { next: 1 } });
    const { webhook: caught } = await stage.hear(PHONE);
    const event = await clientWith().webhook.eventNotification(asRequest(caught));
    expect(await event.checkSignature(APP_SECRET)).toBe(false);
  });
});
