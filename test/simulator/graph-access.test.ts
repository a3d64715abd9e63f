/** Who may ask what of Graph, in which version, how often: tokens, permissions, versions, hourly limits, and reads. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  answerJson,
  createOpenConversation,
  createVirtualMeta,
  NUMBER_ID,
  PHONE,
  START_MS,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

interface ErrorBody {
  error?: { code: number; message: string; error_subcode?: number };
}

type Answer = ReturnType<VirtualMeta['post']>;
const errorOf = (answer: Answer) => (answerJson(answer).body as ErrorBody).error;
const codes = (answer: Answer) => {
  const { status, body } = answerJson(answer);
  const { error } = body as ErrorBody;
  return [status, error?.code, error?.error_subcode];
};

function get(
  virtual: VirtualMeta,
  path: string,
  query: Record<string, string> = {},
  token = 'token',
): Answer {
  const headers = { authorization: `Bearer ${token}` };
  return virtual.meta.handle({ method: 'GET', path, query, headers, body: '' }, virtual.nowMs);
}
const bodyOf = (answer: Answer) => answerJson(answer).body;

describe('a token', () => {
  it('expires at its time, for sends, reads and downloads alike', () => {
    const accessTokens = [{ token: 'token', expiresAtMs: START_MS + 60_000 }];
    const virtual = createVirtualMeta({ accessTokens });
    virtual.runUntil(START_MS + 59_999);
    expect(codes(get(virtual, `/v26.0/${WABA_ID}`))).toEqual([200, undefined, undefined]);
    expect(virtual.meta.isTokenGood('Bearer token', virtual.nowMs)).toBe(true);
    virtual.run(1);
    expect(codes(get(virtual, `/v26.0/${WABA_ID}`))).toEqual([401, 190, 463]);
    expect(codes(virtual.sendText('hi'))).toEqual([401, 190, 463]);
    expect(errorOf(virtual.sendText('hi'))?.message).toContain('expired');
    expect(virtual.meta.isTokenGood('Bearer token', virtual.nowMs)).toBe(false);
  });

  it('is taken back, and given back, by the control API', () => {
    const virtual = createOpenConversation();
    const change = (given: object) =>
      virtual.meta.moderation.changeToken({ token: 'token', ...given }, virtual.nowMs);
    change({ expired: true });
    expect(codes(virtual.sendText('hi'))).toEqual([401, 190, 463]);
    change({ expired: false, invalidated: true });
    expect(codes(virtual.sendText('hi'))).toEqual([401, 190, 467]);
    change({ invalidated: false, expiresInMs: 1_000 });
    expect(answerJson(virtual.sendText('hi')).status).toBe(200);
    virtual.run(1_000);
    expect(codes(virtual.sendText('hi'))).toEqual([401, 190, 463]);
    expect(virtual.meta.log.read({ kinds: new Set(['sendRefused']) })).toHaveLength(3);
  });

  it.each([
    ['whatsapp_business_management', 10, undefined],
    ['whatsapp_business_messaging', undefined, 200],
  ])('with only %s', (permission, ofSend, ofRead) => {
    const accessTokens = [{ token: 'token', permissions: [permission] }];
    const virtual = createOpenConversation({ accessTokens });
    expect(errorOf(virtual.sendText('hi'))?.code).toBe(ofSend);
    for (const path of [`/v26.0/${NUMBER_ID}`, `/v26.0/${WABA_ID}`, `/v26.0/${WABA_ID}/message_templates`]) {
      expect(errorOf(get(virtual, path))?.code).toBe(ofRead);
    }
    expect(virtual.meta.accepted).toHaveLength(ofSend === undefined ? 1 : 0);
  });

  it('may come with a proof of the app secret, which must be right', () => {
    const virtual = createVirtualMeta();
    const ask = (secret: string) => {
      const appsecret_proof = createHmac('sha256', secret).update('token').digest('hex');
      return codes(get(virtual, '/v26.0/app', { appsecret_proof }));
    };
    expect(ask('secret')).toEqual([200, undefined, undefined]);
    expect(ask('of another app')).toEqual([400, 100, undefined]);
  });

  it('tells about itself', () => {
    const accessTokens = [
      'token',
      { token: 'old', expired: true, wabaIds: [WABA_ID], permissions: ['whatsapp_business_messaging'] },
      { token: 'young', expiresAtMs: START_MS + 60_000 },
    ];
    const virtual = createVirtualMeta({ accessTokens, appId: '42', appName: 'Shop' });
    const debug = (input_token: string) => bodyOf(get(virtual, '/v26.0/debug_token', { input_token }));
    expect(debug('young')).toMatchObject({
      data: {
        app_id: '42',
        application: 'Shop',
        is_valid: true,
        expires_at: START_MS / 1_000 + 60,
        scopes: expect.arrayContaining(['whatsapp_business_messaging', 'whatsapp_business_management']),
      },
    });
    expect(debug('old')).toMatchObject({
      data: {
        is_valid: false,
        error: { code: 190, subcode: 463 },
        granular_scopes: [{ scope: 'whatsapp_business_messaging', target_ids: [WABA_ID] }],
      },
    });
    expect(debug('nobody')).toMatchObject({ data: { is_valid: false, scopes: [] } });
    expect(errorOf(get(virtual, '/debug_token'))?.code).toBe(100);
  });
});

describe('the version', () => {
  const read = (virtual: VirtualMeta, version: string) => codes(get(virtual, `${version}/${NUMBER_ID}`));

  it.each(['/v22.0', '/v26.0', ''])('%s is served', (version) => {
    expect(read(createVirtualMeta(), version)).toEqual([200, undefined, undefined]);
  });

  it.each(['/v20.0', '/v27.0', '/v26.1'])('%s is an unknown path', (version) => {
    const virtual = createOpenConversation();
    expect(read(virtual, version)).toEqual([400, 2500, undefined]);
    const path = `${version}/${NUMBER_ID}/messages`;
    const text = { messaging_product: 'whatsapp', to: PHONE, type: 'text', text: { body: 'hi' } };
    expect(errorOf(virtual.post(text, { path }))?.message).toBe(
      `Unknown path components: /${NUMBER_ID}/messages`,
    );
    expect(virtual.meta.accepted).toHaveLength(0);
    expect(virtual.meta.log.read({ kinds: new Set(['sendRefused']) })).toMatchObject([
      { phoneNumberId: NUMBER_ID, code: 2500 },
    ]);
  });

  it('is chosen by the setup, and a retired one may still be served', () => {
    const virtual = createVirtualMeta({ graphVersions: ['v25.0'], rules: { retiredVersion: 'serve' } });
    expect(read(virtual, '/v24.0')[0]).toBe(200);
    expect(read(virtual, '/v26.0')).toEqual([400, 2500, undefined]);
    expect(() => virtual.meta.setup({ graphVersions: ['26'] }, virtual.nowMs)).toThrow('graphVersions');
  });
});

describe('managing calls', () => {
  const manage = (virtual: VirtualMeta, count: number, wabaId = WABA_ID) =>
    Array.from({ length: count }, () => errorOf(get(virtual, `/v26.0/${wabaId}`))?.code);

  it('are 200 an hour for a WABA without a number, and come back with the time', () => {
    const virtual = createOpenConversation({ wabas: [WABA_ID, '55'] });
    expect(new Set(manage(virtual, 200, '55'))).toEqual(new Set([undefined]));
    virtual.run(30 * 60_000);
    const answer = get(virtual, '/v26.0/55');
    expect(codes(answer)).toEqual([400, 80007, undefined]);
    const usage = answer.kind === 'response' ? answer.response.headers['x-business-use-case-usage'] : '';
    expect(JSON.parse(usage ?? '')).toMatchObject({ 55: [{ estimated_time_to_regain_access: 30 }] });
    expect(manage(virtual, 1)).toEqual([undefined]);
    virtual.run(30 * 60_000);
    expect(manage(virtual, 1, '55')).toEqual([undefined]);
  });

  it('are 5,000 for one with a number, and messages do not count', () => {
    const virtual = createOpenConversation();
    expect(manage(virtual, 5_001).indexOf(80007)).toBe(5_000);
    expect(answerJson(virtual.sendText('hi')).status).toBe(200);
    virtual.meta.setup({ rules: { managementLimit: false } }, virtual.nowMs);
    expect(manage(virtual, 1)).toEqual([undefined]);
  });

  it.each([80007, 4])('are refused by the fault with %i', (code) => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ managementLimit: { next: 1, code, minutes: 7 } });
    expect(answerJson(virtual.sendText('hi')).status).toBe(200);
    const answer = get(virtual, `/v26.0/${NUMBER_ID}`);
    expect(errorOf(answer)?.code).toBe(code);
    const headers = answer.kind === 'response' ? answer.response.headers : {};
    expect(headers['x-business-use-case-usage']).toContain('"estimated_time_to_regain_access":7');
    expect(answerJson(get(virtual, `/v26.0/${NUMBER_ID}`)).status).toBe(200);
  });
});

describe('reads', () => {
  it('show a number with what is usual, or with what is asked for', () => {
    const phoneNumbers = [
      {
        id: NUMBER_ID,
        wabaId: WABA_ID,
        displayNumber: '+1 555 078 3881',
        verifiedName: 'Shop',
        status: 'FLAGGED',
        qualityRating: 'RED',
      },
    ];
    const virtual = createVirtualMeta({ phoneNumbers, webhookUrl: 'http://bot.test/hook' });
    expect(bodyOf(get(virtual, `/v26.0/${NUMBER_ID}`))).toEqual({
      id: NUMBER_ID,
      display_phone_number: '+1 555 078 3881',
      verified_name: 'Shop',
      quality_rating: 'RED',
      code_verification_status: 'VERIFIED',
      platform_type: 'CLOUD_API',
      throughput: { level: 'STANDARD' },
      webhook_configuration: { application: 'http://bot.test/hook' },
    });
    const fields =
      'status,health_status{can_send_message,entities},whatsapp_business_manager_messaging_limit';
    expect(bodyOf(get(virtual, `/v26.0/${NUMBER_ID}`, { fields }))).toMatchObject({
      status: 'FLAGGED',
      health_status: { can_send_message: 'AVAILABLE' },
      whatsapp_business_manager_messaging_limit: 'TIER_100K',
      id: NUMBER_ID,
    });
    expect(errorOf(get(virtual, `/v26.0/${NUMBER_ID}`, { fields: 'id,quality' }))).toMatchObject({
      code: 100,
      message: expect.stringContaining(
        'nonexisting field (quality) on node type (WhatsAppBusinessPhoneNumber)',
      ),
    });
  });

  it('show what the setup says that they show', () => {
    const virtual = createVirtualMeta({
      wabas: [{ id: WABA_ID, shows: { account_review_status: 'REJECTED' } }],
      phoneNumbers: [
        {
          id: NUMBER_ID,
          wabaId: WABA_ID,
          displayNumber: '+1 555 078 3881',
          shows: { name_status: 'DECLINED' },
        },
      ],
    });
    expect(bodyOf(get(virtual, `/v26.0/${NUMBER_ID}`, { fields: 'name_status' }))).toEqual({
      id: NUMBER_ID,
      name_status: 'DECLINED',
    });
    expect(bodyOf(get(virtual, `/v26.0/${WABA_ID}`, { fields: 'account_review_status' }))).toEqual({
      id: WABA_ID,
      account_review_status: 'REJECTED',
    });
  });

  it('show the numbers of a WABA page by page, with the asked fields', () => {
    const phoneNumbers = ['1', '2', '3'].map((id) => ({
      id: `10${id}`,
      wabaId: WABA_ID,
      displayNumber: `+1 555 000 000${id}`,
    }));
    const virtual = createVirtualMeta({ phoneNumbers });
    const path = `/v26.0/${WABA_ID}/phone_numbers`;
    const first = bodyOf(get(virtual, path, { limit: '2', fields: 'id' })) as {
      data?: unknown[];
      paging?: { cursors: { after: string } };
    };
    expect(first.data).toEqual([{ id: '101' }, { id: '102' }]);
    const { after } = first.paging!.cursors;
    const second = bodyOf(get(virtual, path, { limit: '2', fields: 'id', after }));
    expect(second).toMatchObject({ data: [{ id: '103' }] });
    expect(second).not.toHaveProperty('paging.next');
  });

  it('show the WABA, the app and where its webhooks go', () => {
    const virtual = createVirtualMeta({ appId: '42', appName: 'Shop', webhookFields: ['messages'] });
    expect(bodyOf(get(virtual, `/v26.0/${WABA_ID}`, { fields: 'name,account_review_status' }))).toEqual({
      id: WABA_ID,
      name: `WABA ${WABA_ID}`,
      account_review_status: 'APPROVED',
    });
    expect(bodyOf(get(virtual, '/v26.0/app'))).toEqual({ id: '42', name: 'Shop', category: 'Business' });
    expect(bodyOf(get(virtual, '/v26.0/42/subscriptions'))).toMatchObject({
      data: [{ callback_url: 'http://bot.test/webhooks/whatsapp', fields: [{ name: 'messages' }] }],
    });
    virtual.meta.setup({ webhookUrl: null }, virtual.nowMs);
    expect(bodyOf(get(virtual, '/v26.0/42/subscriptions'))).toEqual({ data: [] });
    expect(codes(get(virtual, '/v26.0/42/secrets'))).toEqual([400, 100, 33]);
  });
});
