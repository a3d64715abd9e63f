/** What a business does with its number besides sending: registration, its profile, the phones of a test number. */
import { describe, expect, it } from 'vitest';
import { answerJson, createOpenConversation, NUMBER_ID, type VirtualMeta, WABA_ID } from './virtual-meta.ts';

type Answer = ReturnType<VirtualMeta['post']>;
const codeOf = (answer: Answer) => (answerJson(answer).body as { error?: { code: number } }).error?.code;
const edge = (name: string) => ({ path: `/v26.0/${NUMBER_ID}/${name}` });
const register = (virtual: VirtualMeta, pin: unknown) =>
  codeOf(virtual.post({ messaging_product: 'whatsapp', pin }, edge('register')));
const deregister = (virtual: VirtualMeta) => codeOf(virtual.post({}, edge('deregister')));

describe('registering a number', () => {
  it('lets it send again after it was deregistered, with the same PIN', () => {
    const virtual = createOpenConversation();
    expect(register(virtual, '123456')).toBeUndefined();
    expect(deregister(virtual)).toBeUndefined();
    expect(codeOf(virtual.sendText('hi'))).toBe(133010);
    expect(register(virtual, '654321')).toBe(133005);
    expect(register(virtual, 'secret')).toBe(100);
    expect(register(virtual, '123456')).toBeUndefined();
    expect(codeOf(virtual.sendText('hi'))).toBeUndefined();
  });

  it('is done ten times in 72 hours at most', () => {
    const virtual = createOpenConversation();
    for (let count = 0; count < 10; count += 1) expect(register(virtual, '123456')).toBeUndefined();
    expect([register(virtual, '123456'), deregister(virtual)]).toEqual([133016, 133016]);
    virtual.run(72 * 3_600_000);
    expect(register(virtual, '123456')).toBeUndefined();
  });
});

describe('the profile', () => {
  const read = (virtual: VirtualMeta, fields?: string) => {
    const headers = { authorization: 'Bearer token' };
    const query = fields === undefined ? {} : { fields };
    const { path } = edge('whatsapp_business_profile');
    return virtual.meta.handle({ method: 'GET', path, query, headers, body: '' }, virtual.nowMs);
  };
  const write = (virtual: VirtualMeta, given: object) =>
    codeOf(virtual.post({ messaging_product: 'whatsapp', ...given }, edge('whatsapp_business_profile')));

  it('is written and read, in part', () => {
    const virtual = createOpenConversation();
    expect(write(virtual, { about: 'We sell gifts', websites: ['https://example.com'] })).toBeUndefined();
    expect(write(virtual, { email: 'shop@example.com' })).toBeUndefined();
    expect(answerJson(read(virtual, 'about,email,vertical')).body).toEqual({
      data: [{ messaging_product: 'whatsapp', about: 'We sell gifts', email: 'shop@example.com' }],
    });
    expect(answerJson(read(virtual)).body).toEqual({ data: [{ messaging_product: 'whatsapp' }] });
    expect(codeOf(read(virtual, 'mood'))).toBe(100);
  });

  it.each([
    ['a long about', { about: 'x'.repeat(140) }],
    ['three websites', { websites: ['https://a.example', 'https://b.example', 'https://c.example'] }],
    ['an unknown field', { mood: 'good' }],
    ['no messaging_product', { messaging_product: undefined }],
  ])('refuses %s', (_name, given) => {
    expect(write(createOpenConversation(), given)).toBe(100);
  });
});

describe('a test number', () => {
  it('writes to its listed phones only, which is told with 131030', () => {
    const allowedRecipients = ['+1 (650) 555-1234'];
    const phoneNumbers = [
      { id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881', allowedRecipients },
    ];
    const virtual = createOpenConversation({ phoneNumbers });
    expect(codeOf(virtual.sendText('hi'))).toBeUndefined();
    expect(codeOf(virtual.sendText('hi', { to: '+16505559999' }))).toBe(131030);
    virtual.meta.setup({ phoneNumbers: [{ id: NUMBER_ID, allowedRecipients: null }] }, virtual.nowMs);
    expect(codeOf(virtual.sendText('hi', { to: '+16505559999' }))).toBeUndefined();
  });
});

describe('marking as read', () => {
  const read = (virtual: VirtualMeta) =>
    codeOf(
      virtual.post({
        messaging_product: 'whatsapp',
        status: 'read',
        message_id: virtual.meta.said[0]?.wamid,
      }),
    );

  it('is possible for 30 days, and again and again', () => {
    const virtual = createOpenConversation();
    expect([read(virtual), read(virtual)]).toEqual([undefined, undefined]);
    virtual.runUntil(virtual.meta.said[0]!.atMs + 30 * 24 * 3_600_000);
    expect(read(virtual)).toBeUndefined();
    virtual.run(1);
    expect(read(virtual)).toBe(131009);
  });
});
