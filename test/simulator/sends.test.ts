import { describe, expect, it } from 'vitest';
import {
  answerJson,
  changesOf,
  createOpenConversation,
  createVirtualMeta,
  NUMBER_ID,
  PHONE,
  type VirtualMeta,
} from './virtual-meta.ts';

const HOUR_MS = 3_600_000;
const statusNames = (virtual: VirtualMeta) => virtual.statuses().map((status) => status.status);
const code = (answer: ReturnType<VirtualMeta['post']>) =>
  (answerJson(answer).body as { error?: { code: number } }).error?.code;

describe('an accepted send', () => {
  it('answers with the contact and a wamid, and is followed by sent, delivered and read', () => {
    const virtual = createOpenConversation();
    const { status, body } = answerJson(virtual.sendText('hi', { biz_opaque_callback_data: 'send-1' }));
    const [accepted] = virtual.meta.accepted;
    expect(status).toBe(200);
    expect(body).toEqual({
      messaging_product: 'whatsapp',
      contacts: [{ input: `+${PHONE}`, wa_id: PHONE }],
      messages: [{ id: accepted?.wamid }],
    });
    const bytes = Buffer.from(accepted!.wamid.slice('wamid.'.length), 'base64').toString('latin1');
    expect(bytes).toContain(PHONE);
    virtual.run(HOUR_MS);
    expect(statusNames(virtual)).toEqual(['sent', 'delivered', 'read']);
    expect(virtual.received).toHaveLength(3);
    expect(virtual.statuses()[0]).toMatchObject({
      id: accepted?.wamid,
      recipient_id: PHONE,
      biz_opaque_callback_data: 'send-1',
      pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'service' },
    });
    expect(virtual.statuses()[2]).not.toHaveProperty('pricing');
    expect(changesOf(virtual.received[0]!.text)[0]?.value.contacts).toEqual([
      { profile: { name: 'Sheena' }, wa_id: PHONE },
    ]);
    expect(virtual.meta.conversations.lookUp(accepted!.wamid)?.message.status).toBe('read');
  });

  it("goes as far as the contact's phone lets it", () => {
    const virtual = createOpenConversation();
    const contact = virtual.meta.contacts.byPhone(PHONE)!;
    virtual.meta.contacts.change(contact, { receipts: 'sent' });
    virtual.sendText('hi');
    virtual.run(HOUR_MS);
    expect(statusNames(virtual)).toEqual(['sent']);
  });

  it('reaches a contact without a phone by BSUID and tells only the BSUID', () => {
    const virtual = createVirtualMeta();
    const userId = 'US.13491208655302741918';
    const spec = { userId, username: 'sheena', name: 'Sheena' };
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: spec, text: 'hello' }, virtual.nowMs);
    virtual.run(0);
    const [message] = virtual.messages();
    expect(message).toMatchObject({ from_user_id: userId });
    expect(message).not.toHaveProperty('from');
    const text = { type: 'text', text: { body: 'hi' } };
    const answer = virtual.post({ messaging_product: 'whatsapp', recipient: userId, ...text });
    expect(answerJson(answer).body).toMatchObject({ contacts: [{ input: userId, user_id: userId }] });
    virtual.run(HOUR_MS);
    expect(virtual.statuses()[0]).toMatchObject({ recipient_user_id: userId });
    expect(virtual.statuses()[0]).not.toHaveProperty('recipient_id');
  });

  it('fails with 131026, without contacts, when nobody has the address', () => {
    const virtual = createVirtualMeta();
    expect(answerJson(virtual.sendText('hi', { biz_opaque_callback_data: 'x' })).status).toBe(200);
    virtual.run(HOUR_MS);
    expect(virtual.statuses()).toHaveLength(1);
    expect(virtual.statuses()[0]).toMatchObject({
      status: 'failed',
      recipient_id: PHONE,
      biz_opaque_callback_data: 'x',
      errors: [{ code: 131026 }],
    });
    expect(changesOf(virtual.received[0]!.text)[0]?.value).not.toHaveProperty('contacts');
    expect(virtual.meta.accepted[0]?.contactKey).toBe(`phone:${PHONE}`);
  });

  it('goes only to the person with the keys that were confirmed', () => {
    const virtual = createOpenConversation();
    const contact = virtual.meta.contacts.byPhone(PHONE)!;
    virtual.meta.contacts.change(contact, { identityHash: 'new keys' });
    const sendTo = (recipient_identity_key_hash: string) =>
      virtual.sendText('hi', { recipient_identity_key_hash });
    expect(code(sendTo('old keys'))).toBe(137000);
    expect(answerJson(sendTo('new keys')).status).toBe(200);
    virtual.run(HOUR_MS);
    expect(virtual.statuses()[0]).toMatchObject({ recipient_identity_key_hash: 'new keys' });
  });

  it('marks a message and those before it as read, shows typing, and sends no status for it', () => {
    const virtual = createOpenConversation();
    const [said] = virtual.meta.said;
    const answer = virtual.post({
      messaging_product: 'whatsapp',
      status: 'read',
      message_id: said?.wamid,
      typing_indicator: { type: 'text' },
    });
    expect(answerJson(answer).body).toEqual({ success: true });
    const found = virtual.meta.conversations.lookUp(said!.wamid)!;
    expect(found.message.readAtMs).toBe(virtual.nowMs);
    expect(found.conversation.typingUntilMs).toBe(virtual.nowMs + 25_000);
    virtual.run(HOUR_MS);
    expect(virtual.received).toHaveLength(0);
    virtual.sendText('hi');
    expect(found.conversation.typingUntilMs).toBe(0);
  });
});

describe('faults of sending', () => {
  it.each([
    ['loseAnswer', 'lost'],
    ['loseAnswerAfterHeaders', 'lostAfterHeaders'],
    ['hangAnswer', 'hang'],
  ])('%s: the send is accepted and its statuses follow', (fault, kind) => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ [fault]: { next: 1 } });
    expect(virtual.sendText('hi', { biz_opaque_callback_data: 'a' }).kind).toBe(kind);
    expect(virtual.sendText('again', { biz_opaque_callback_data: 'b' }).kind).toBe('response');
    virtual.run(HOUR_MS);
    expect(virtual.meta.accepted.map(({ answerLost }) => answerLost !== null)).toEqual([true, false]);
    const told = virtual.statuses().filter((status) => status.biz_opaque_callback_data === 'a');
    expect(told.map((status) => status.status)).toEqual(['sent', 'delivered', 'read']);
  });

  it('statusBeforeAnswer: the answer waits until the sent webhook was answered', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ statusBeforeAnswer: { next: 1, waitMaxMs: 5_000 } });
    virtual.answer = () => ({ status: virtual.received.length === 1 ? 503 : 200 });
    const answer = virtual.sendText('hi');
    expect(answer.kind).toBe('held');
    virtual.run(0);
    expect(statusNames(virtual)).toEqual(['sent']);
    expect(virtual.released).toHaveLength(0);
    virtual.run(2_000);
    const second = virtual.received.find(
      ({ text }, index) => index > 0 && text === virtual.received[0]?.text,
    );
    expect(virtual.released).toEqual([{ atMs: second?.atMs, answerId: expect.any(String), status: 200 }]);
  });

  it('statusBeforeAnswer: gives up waiting in the end, and answers once', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ statusBeforeAnswer: { next: 1, waitMaxMs: 3_000 }, statusLost: { rate: 1 } });
    const heldAtMs = virtual.nowMs;
    virtual.sendText('hi');
    virtual.run(HOUR_MS);
    expect(virtual.released).toEqual([{ atMs: heldAtMs + 3_000, answerId: expect.any(String), status: 200 }]);
    expect(virtual.received).toHaveLength(0);
    expect(virtual.meta.log.counters()).toMatchObject({ statusSuppressed: 3, 'status.read': 1 });
  });

  it('statusLate: statuses come minutes later', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ statusLate: { rate: 1, minMs: 60_000, maxMs: 60_000 } });
    virtual.sendText('hi');
    virtual.run(60_000);
    expect(virtual.received).toHaveLength(0);
    virtual.run(60_000);
    expect(virtual.received).toHaveLength(3);
  });

  it('failAfterAccept: accepted, then a failed status with the code', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ failAfterAccept: { next: 1, code: 131042 } });
    expect(virtual.sendText('hi').kind).toBe('response');
    virtual.run(HOUR_MS);
    expect(virtual.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 131042 }] }]);
  });

  it.each([
    [1, 400],
    [2, 503],
    [4, 400],
    [80007, 400],
    [131000, 500],
    [131016, 500],
    [133004, 503],
    [131048, 400],
    [368, 403],
    [131031, 403],
    [190, 401],
    [0, 401],
  ])('graphError %i answers HTTP %i and accepts nothing', (errorCode, httpStatus) => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ graphError: { code: errorCode, next: 1 } });
    const answer = virtual.sendText('hi');
    expect(answerJson(answer).status).toBe(httpStatus);
    expect(code(answer)).toBe(errorCode);
    expect(virtual.meta.accepted).toHaveLength(0);
    expect(answerJson(virtual.sendText('hi')).status).toBe(200);
  });

  it('graphError and http5xxWithoutBody may hide an acceptance', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({
      graphError: [{ code: 131000, next: 1, accept: true }],
      http5xxWithoutBody: { next: 2, httpStatus: 504, accept: true },
    });
    expect(code(virtual.sendText('a'))).toBe(131000);
    expect(answerJson(virtual.sendText('b'))).toEqual({ status: 504, body: {} });
    virtual.meta.faults.set({ http5xxWithoutBody: { accept: false } });
    expect(answerJson(virtual.sendText('c')).status).toBe(504);
    expect(virtual.meta.accepted.map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('bites only the phone number it is meant for, and refuses misspelt settings', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ loseAnswer: { rate: 1, phoneNumberId: 'another' } });
    expect(virtual.sendText('hi').kind).toBe('response');
    expect(() => virtual.meta.faults.set({ looseAnswer: { rate: 1 } })).toThrow(
      /no setting "faults.looseAnswer"/,
    );
    expect(() => virtual.meta.faults.set({ loseAnswer: { rate: '1' } })).toThrow(/must be a number/);
    virtual.meta.faults.set({ loseAnswer: null });
    expect(virtual.meta.faults.settings.loseAnswer).toMatchObject({ rate: 0, next: 0, phoneNumberId: null });
  });

  it('answers after the latency', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ latencyMs: { minMs: 300, maxMs: 400 } });
    const { delayMs } = virtual.sendText('hi');
    expect(delayMs).toBeGreaterThanOrEqual(300);
    expect(delayMs).toBeLessThanOrEqual(400);
  });
});
