import { describe, expect, it } from 'vitest';
import { answerJson, createVirtualMeta, NUMBER_ID, PHONE, WABA_ID } from './virtual-meta.ts';

type ErrorBody = { error?: { code: number; error_subcode?: number; error_data?: { details: string } } };

const TEXT = { messaging_product: 'whatsapp', to: PHONE, type: 'text', text: { body: 'hi' } };

describe('tokens', () => {
  const errorOf = (answer: ReturnType<ReturnType<typeof createVirtualMeta>['post']>) => {
    const { status, body } = answerJson(answer);
    const { error } = body as ErrorBody;
    return [status, error?.code, error?.error_subcode];
  };

  it('refuses a missing, unknown or expired one, and one of another WABA', () => {
    const accessTokens = ['token', { token: 'old', expired: true }, { token: 'other', wabaIds: ['other'] }];
    const virtual = createVirtualMeta({ accessTokens });
    expect(errorOf(virtual.post(TEXT, { token: null }))).toEqual([401, 104, undefined]);
    expect(errorOf(virtual.post(TEXT, { token: 'wrong' }))).toEqual([401, 190, undefined]);
    expect(errorOf(virtual.post(TEXT, { token: 'old' }))).toEqual([401, 190, 463]);
    expect(errorOf(virtual.post(TEXT, { token: 'other' }))).toEqual([400, 100, 33]);
    expect(errorOf(virtual.post(TEXT, { path: '/v26.0/12345/messages' }))).toEqual([400, 100, 33]);
    expect(virtual.meta.accepted).toHaveLength(0);
  });
});

describe('other endpoints', () => {
  it('shows the asked fields of a number', () => {
    const virtual = createVirtualMeta();
    const answer = virtual.meta.handle(
      {
        method: 'GET',
        path: `/v26.0/${NUMBER_ID}`,
        query: { fields: 'display_phone_number,throughput' },
        headers: { authorization: 'Bearer token' },
        body: '',
      },
      virtual.nowMs,
    );
    expect(answerJson(answer).body).toEqual({
      id: NUMBER_ID,
      display_phone_number: '+1 555 078 3881',
      throughput: { level: 'STANDARD' },
    });
  });

  it('subscribes with an override URL after a handshake, and unsubscribes', () => {
    const virtual = createVirtualMeta();
    const path = `/v26.0/${WABA_ID}/subscribed_apps`;
    const url = 'http://other.test/hook';
    const answer = virtual.post({ override_callback_uri: url, verify_token: 'v' }, { path });
    expect(answer.kind).toBe('held');
    virtual.run(0);
    expect(virtual.released).toMatchObject([{ status: 200 }]);
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'hi' }, virtual.nowMs);
    virtual.run(0);
    expect(virtual.received[0]?.attempt.url).toBe(url);
    const shown = answerJson(virtual.post(undefined, { path, method: 'GET' }));
    expect(shown.body).toMatchObject({ data: [{ override_callback_uri: url }] });
    expect(answerJson(virtual.post({}, { path })).body).toEqual({ success: true });
    expect(virtual.meta.settings.wabas.get(WABA_ID)?.overrideUrl).toBeNull();
    virtual.post(undefined, { path, method: 'DELETE' });
    expect(answerJson(virtual.post(undefined, { path, method: 'GET' })).body).toEqual({ data: [] });
  });
});
