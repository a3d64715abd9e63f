import { describe, expect, it } from 'vitest';
import {
  answerJson,
  createOpenConversation,
  createVirtualMeta,
  NUMBER_ID,
  PHONE,
  WABA_ID,
} from './virtual-meta.ts';

type ErrorBody = { error?: { code: number; error_subcode?: number; error_data?: { details: string } } };

const TEXT = { messaging_product: 'whatsapp', to: PHONE, type: 'text', text: { body: 'hi' } };
const button = (id: string, title = id) => ({ type: 'reply', reply: { id, title } });
const interactive = (buttons: object[]) => ({
  type: 'interactive',
  interactive: { type: 'button', body: { text: 'Well?' }, action: { buttons } },
});
const list = (rows: object[]) => ({
  type: 'interactive',
  interactive: { type: 'list', body: { text: 'x' }, action: { button: 'Open', sections: [{ rows }] } },
});

describe('tokens', () => {
  const errorOf = (answer: ReturnType<ReturnType<typeof createVirtualMeta>['post']>) => {
    const { status, body } = answerJson(answer);
    const { error } = body as ErrorBody;
    return [status, error?.code, error?.error_subcode];
  };

  it('refuses a missing, unknown or expired one, and one of another WABA', () => {
    const accessTokens = ['token', { token: 'old', expired: true }, { token: 'other', wabaIds: ['other'] }];
    const virtual = createVirtualMeta({ accessTokens });
    expect(errorOf(virtual.post(TEXT, { token: null }))).toEqual([401, 190, 463]);
    expect(errorOf(virtual.post(TEXT, { token: 'wrong' }))[1]).toBe(190);
    expect(errorOf(virtual.post(TEXT, { token: 'old' }))).toEqual([401, 190, 463]);
    expect(errorOf(virtual.post(TEXT, { token: 'other' }))).toEqual([400, 100, 33]);
    expect(errorOf(virtual.post(TEXT, { path: '/v26.0/12345/messages' }))).toEqual([400, 100, 33]);
    expect(virtual.meta.accepted).toHaveLength(0);
  });
});

describe('bodies', () => {
  const good: Array<[string, object]> = [
    ['text', { text: { body: 'x'.repeat(4_096) } }],
    ['reaction', { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } }],
    ['reaction removed', { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '' } }],
    ['image', { type: 'image', image: { link: 'https://example.com/a.jpg', caption: 'c' } }],
    ['audio', { type: 'audio', audio: { id: '1', voice: true } }],
    ['video', { type: 'video', video: { id: '1' } }],
    ['document', { type: 'document', document: { id: '1', filename: 'a.pdf' } }],
    ['sticker', { type: 'sticker', sticker: { id: '1' } }],
    ['location', { type: 'location', location: { latitude: '1.5', longitude: 2 } }],
    ['contacts', { type: 'contacts', contacts: [{ name: { formatted_name: 'A B', first_name: 'A' } }] }],
    ['buttons', interactive([button('a'), button('b'), button('c')])],
    ['list', list([{ id: 'a', title: 'A', description: 'd' }])],
    [
      'cta_url',
      {
        type: 'interactive',
        interactive: {
          type: 'cta_url',
          body: { text: 'x' },
          action: { name: 'cta_url', parameters: { display_text: 'Go', url: 'https://example.com' } },
        },
      },
    ],
    ['template', { type: 'template', template: { name: 'hello_world', language: { code: 'en_US' } } }],
  ];
  it.each(good)('accepts %s', (_name, more) => {
    const virtual = createOpenConversation();
    expect(answerJson(virtual.post({ ...TEXT, ...more })).status).toBe(200);
  });

  const bad: Array<[string, object, number]> = [
    ['no messaging_product', { messaging_product: undefined }, 100],
    ['no recipient', { to: undefined }, 100],
    ['a recipient that is no phone', { to: 'US.123' }, 131009],
    ['a group', { recipient_type: 'group' }, 131041],
    ['no type object', { text: undefined }, 131008],
    ['an empty text', { text: { body: '' } }, 100],
    ['a text that is too long', { text: { body: 'x'.repeat(4_097) } }, 100],
    ['an unknown type', { type: 'hologram', hologram: {} }, 131051],
    ['media without id or link', { type: 'image', image: {} }, 131009],
    ['four buttons', interactive([button('a'), button('b'), button('c'), button('d')]), 131009],
    ['a long button title', interactive([button('a', 'x'.repeat(21))]), 131009],
    ['two buttons with one id', interactive([button('a', 'A'), button('a', 'B')]), 131009],
    ['eleven rows', list(Array.from({ length: 11 }, (_, index) => ({ id: `${index}`, title: 't' }))), 131009],
    ['an object as opaque data', { biz_opaque_callback_data: { a: 1 } }, 131009],
    ['opaque data that is too long', { biz_opaque_callback_data: 'x'.repeat(513) }, 131009],
    ['a read receipt for an unknown message', { status: 'read', message_id: 'wamid.X' }, 131009],
  ];
  it.each(bad)('refuses %s', (_name, more, code) => {
    const virtual = createOpenConversation();
    const { status, body } = answerJson(virtual.post({ ...TEXT, ...more }));
    const { error } = body as ErrorBody;
    expect([status, error?.code]).toEqual([400, code]);
    expect(error?.error_data?.details).toEqual(expect.any(String));
    expect(virtual.meta.accepted).toHaveLength(0);
  });

  it('refuses what is not JSON', () => {
    const virtual = createVirtualMeta();
    const answer = virtual.meta.handle(
      {
        method: 'POST',
        path: `/v26.0/${NUMBER_ID}/messages`,
        query: {},
        headers: { authorization: 'Bearer token' },
        body: '{"messaging_product":',
      },
      virtual.nowMs,
    );
    expect((answerJson(answer).body as ErrorBody).error?.code).toBe(100);
  });
});

describe('other endpoints', () => {
  it('shows the asked fields of a number', () => {
    const virtual = createVirtualMeta();
    const answer = virtual.meta.handle(
      {
        method: 'GET',
        path: `/v26.0/${NUMBER_ID}`,
        query: { fields: 'display_phone_number,throughput,nonsense' },
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

  it('gives media by id, then by URL', () => {
    const virtual = createVirtualMeta({ publicUrl: 'http://sim.test' });
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' }, virtual.nowMs);
    virtual.run(0);
    const { id, sha256 } = virtual.messages()[0]!.image as { id: string; sha256: string };
    const info = answerJson(virtual.post(undefined, { path: `/v26.0/${id}`, method: 'GET' })).body;
    expect(info).toMatchObject({
      id,
      mime_type: 'image/jpeg',
      url: `http://sim.test/whatsapp_business/attachments/?mid=${id}`,
      sha256: Buffer.from(sha256, 'base64').toString('hex'),
    });
    expect(virtual.meta.media.download(id)?.bytes.length).toBe((info as { file_size?: number }).file_size);
  });
});
