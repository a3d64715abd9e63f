import { describe, expect, test } from 'vitest';
import { reaction, readReceipt, text } from '#core/model/send-builders/index.ts';
import { type Http, HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import { createGraphClient, type SendCall } from '#pipeline/graph/client.ts';

const accepted: HttpResponse = {
  status: 200,
  headers: {},
  body: '{"messaging_product":"whatsapp","contacts":[{"input":"+16505551234","wa_id":"16505551234"}],"messages":[{"id":"wamid.A"}]}',
};

function clientThatHears(answer: HttpResponse | Error) {
  const requests: HttpRequest[] = [];
  const http: Http = {
    async request(request) {
      requests.push(request);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const client = createGraphClient({ http, baseUrl: 'https://graph.example/', version: 'v26.0' });
  return { client, requests };
}

const call: SendCall = {
  phoneNumberId: '106540352242922',
  token: 'EAAtoken',
  address: { to: '16505551234' },
  body: text('hi'),
  opaque: 'snd_01',
  timeoutMs: 20_000,
};

describe('send', () => {
  test('is one POST with exactly this request', async () => {
    const { client, requests } = clientThatHears(accepted);
    const outcome = await client.send({
      ...call,
      body: text('hi', { previewUrl: false }),
      quoteWamid: 'wamid.Q',
    });
    expect(outcome).toMatchObject({ kind: 'accepted', wamid: 'wamid.A' });
    expect(requests).toEqual([
      {
        purpose: 'graphSend',
        method: 'POST',
        url: 'https://graph.example/v26.0/106540352242922/messages',
        headers: {
          authorization: 'Bearer EAAtoken',
          accept: 'application/json',
          'content-type': 'application/json',
        },
        timeoutMs: 20_000,
        body:
          '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+16505551234","type":"text",' +
          '"context":{"message_id":"wamid.Q"},"biz_opaque_callback_data":"snd_01","text":{"body":"hi","preview_url":false}}',
      },
    ]);
  });

  const bodyOf = async (more: Partial<SendCall>) => {
    const { client, requests } = clientThatHears(accepted);
    await client.send({ ...call, ...more });
    return JSON.parse(String(requests[0]?.body)) as Record<string, unknown>;
  };

  test('without a quote there is no context', async () => {
    expect(await bodyOf({})).toEqual({
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '+16505551234',
      type: 'text',
      biz_opaque_callback_data: 'snd_01',
      text: { body: 'hi' },
    });
  });

  test('a reaction', async () => {
    expect(await bodyOf({ body: reaction({ wamid: 'wamid.R', emoji: '👍' }) })).toMatchObject({
      type: 'reaction',
      reaction: { message_id: 'wamid.R', emoji: '👍' },
    });
  });

  test('a phone gets one plus; a business-scoped user id goes into recipient; a group is a group', async () => {
    expect(await bodyOf({ address: { to: '+16505551234' } })).toMatchObject({ to: '+16505551234' });
    const scoped = await bodyOf({ address: { recipient: 'US.13491208655302741918' } });
    expect(scoped).toMatchObject({ recipient_type: 'individual', recipient: 'US.13491208655302741918' });
    expect(scoped).not.toHaveProperty('to');
    const both = await bodyOf({ address: { to: '16505551234', recipient: 'US.1349' } });
    expect(both).toMatchObject({ to: '+16505551234' });
    expect(both).not.toHaveProperty('recipient');
    expect(await bodyOf({ address: { to: 'Y2FwaV9ncm91cDoxNzA1' } })).toMatchObject({
      recipient_type: 'group',
      to: 'Y2FwaV9ncm91cDoxNzA1',
    });
  });

  test('without an address it is a bug, and nothing leaves', async () => {
    const { client, requests } = clientThatHears(accepted);
    await expect(client.send({ ...call, address: {} })).rejects.toThrow(TypeError);
    expect(requests).toEqual([]);
  });

  test('a fault is an outcome and never a second request; anything else that is thrown is a bug', async () => {
    const reset = clientThatHears(new HttpFault('uncertain', 'ECONNRESET', 'socket closed'));
    expect(await reset.client.send(call)).toMatchObject({ kind: 'uncertain', why: 'noAnswer' });
    expect(reset.requests).toHaveLength(1);
    const refused = clientThatHears(new HttpFault('notSent', 'ECONNREFUSED', 'nobody listens'));
    expect(await refused.client.send(call)).toMatchObject({ kind: 'retryLater', why: 'notSent' });
    await expect(clientThatHears(new RangeError('a bug')).client.send(call)).rejects.toThrow('a bug');
  });

  test('an abort signal reaches the port', async () => {
    const { client, requests } = clientThatHears(accepted);
    const { signal } = new AbortController();
    await client.send({ ...call, signal });
    expect(requests[0]?.signal).toBe(signal);
  });
});

describe('markRead', () => {
  const { phoneNumberId, token } = call;
  const receiptCall = {
    phoneNumberId,
    token,
    receipt: readReceipt('wamid.A', { typing: true }),
    timeoutMs: 5_000,
  };

  test('with typing', async () => {
    const { client, requests } = clientThatHears({ status: 200, headers: {}, body: '{"success":true}' });
    expect(await client.markRead(receiptCall)).toEqual({ kind: 'ok', value: true });
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: 'https://graph.example/v26.0/106540352242922/messages',
      body: '{"messaging_product":"whatsapp","status":"read","message_id":"wamid.A","typing_indicator":{"type":"text"}}',
      timeoutMs: 5_000,
    });
  });

  test.each([
    [new HttpFault('uncertain', 'TIMEOUT', 'no answer'), { why: 'noAnswer', retry: true }],
    [
      { status: 200, headers: {}, body: '{"success":false}' },
      { why: 'brokenAnswer', retry: true },
    ],
    [
      { status: 502, headers: {}, body: '<html>' },
      { why: 'brokenAnswer', retry: true },
    ],
    [
      { status: 404, headers: {}, body: '<html>' },
      { why: 'refused', retry: false },
    ],
    [
      { status: 400, headers: {}, body: '{"error":{"code":130429}}' },
      { why: 'refused', retry: true, rule: { action: 'slowNumber' } },
    ],
    [
      { status: 401, headers: {}, body: '{"error":{"code":190}}' },
      { why: 'refused', retry: false, rule: { action: 'pauseTenant' }, error: { code: 190 } },
    ],
    [
      { status: 503, headers: {}, body: '{"error":{"code":2}}' },
      { why: 'refused', retry: true },
    ],
  ])('%o', async (answer, outcome) => {
    const { client } = clientThatHears(answer);
    expect(await client.markRead(receiptCall)).toMatchObject({ kind: 'failed', ...outcome });
  });
});
