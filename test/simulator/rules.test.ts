import { describe, expect, it } from 'vitest';
import {
  answerJson,
  createOpenConversation,
  NUMBER_ID,
  PHONE,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

const code = (answer: ReturnType<VirtualMeta['post']>) =>
  (answerJson(answer).body as { error?: { code: number } }).error?.code ?? 200;
const manySends = (virtual: VirtualMeta, count: number) =>
  Array.from({ length: count }, (_, index) => code(virtual.sendText(`text ${index}`)));
const countOf = (codes: number[], wanted: number) => codes.filter((each) => each === wanted).length;

const withThroughput = (throughputPerSecond: number) => ({
  phoneNumbers: [{ id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881', throughputPerSecond }],
});

describe('the pair limit', () => {
  const setup = { rules: { throughput: false } };

  it('lets 45 pass at once, then one every 6 seconds, and answers HTTP 400 with 131056', () => {
    const virtual = createOpenConversation(setup);
    const codes = manySends(virtual, 50);
    expect(countOf(codes, 200)).toBe(45);
    expect(codes.slice(45)).toEqual([131056, 131056, 131056, 131056, 131056]);
    expect(answerJson(virtual.sendText('x')).status).toBe(400);
    virtual.run(5_999);
    expect(code(virtual.sendText('x'))).toBe(131056);
    virtual.run(1);
    expect(manySends(virtual, 2)).toEqual([200, 131056]);
    virtual.run(60_000);
    expect(countOf(manySends(virtual, 20), 200)).toBe(10);
  });

  it('has paid back a burst of 20 after two minutes', () => {
    const virtual = createOpenConversation(setup);
    manySends(virtual, 20);
    virtual.run(20 * 6_000);
    expect(countOf(manySends(virtual, 60), 200)).toBe(45);
  });

  it('is one for each pair', () => {
    const virtual = createOpenConversation(setup);
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: '16505559999', text: 'hi' }, virtual.nowMs);
    manySends(virtual, 45);
    expect(code(virtual.sendText('x', { to: '16505559999' }))).toBe(200);
    expect(code(virtual.sendText('x'))).toBe(131056);
  });
});

describe('the throughput of a number', () => {
  const rules = { pairLimit: false };

  it.each([20, 80, 1_000])(
    'accepts %i in any second and refuses more with HTTP 400, code 130429',
    (perSecond) => {
      const virtual = createOpenConversation({ ...withThroughput(perSecond), rules });
      const codes = manySends(virtual, perSecond + 5);
      expect(countOf(codes, 200)).toBe(perSecond);
      expect(codes.at(-1)).toBe(130429);
      virtual.run(999);
      expect(code(virtual.sendText('x'))).toBe(130429);
      virtual.run(1);
      expect(countOf(manySends(virtual, perSecond + 5), 200)).toBe(perSecond);
    },
  );

  it('counts inbound messages and read receipts, but never refuses inbound ones', () => {
    const virtual = createOpenConversation({ ...withThroughput(20), rules });
    for (let index = 0; index < 30; index += 1) {
      virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'hi' }, virtual.nowMs);
    }
    expect(virtual.meta.said).toHaveLength(31);
    expect(code(virtual.sendText('x'))).toBe(130429);
    virtual.run(1_000);
    const read = { messaging_product: 'whatsapp', status: 'read', message_id: virtual.meta.said[0]?.wamid };
    expect(code(virtual.post(read))).toBe(200);
    expect(countOf(manySends(virtual, 25), 200)).toBe(19);
  });
});

describe('the service window', () => {
  const DAY_MS = 24 * 3_600_000;

  it('closes 24 hours after the last inbound message: a failed status with 131047', () => {
    const virtual = createOpenConversation();
    virtual.runUntil(virtual.meta.said[0]!.atMs + DAY_MS - 1);
    expect(code(virtual.sendText('in time'))).toBe(200);
    virtual.run(1);
    expect(code(virtual.sendText('too late'))).toBe(200);
    virtual.run(60_000);
    const lateWamid = virtual.meta.accepted[1]?.wamid;
    expect(virtual.statuses().filter((status) => status.id === lateWamid)).toMatchObject([
      { status: 'failed', errors: [{ code: 131047 }] },
    ]);
    expect(virtual.statuses().filter((status) => status.id !== lateWamid)).toHaveLength(3);
  });

  it('refuses at once when told so, lets templates pass, and opens again with the next message', () => {
    const virtual = createOpenConversation({ rules: { serviceWindow: 'sync' } });
    virtual.run(DAY_MS);
    expect(code(virtual.sendText('late'))).toBe(131047);
    const template = { name: 'hello_world', language: { code: 'en_US' } };
    expect(code(virtual.sendText('x', { type: 'template', template }))).toBe(200);
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'back' }, virtual.nowMs);
    expect(code(virtual.sendText('hello again'))).toBe(200);
  });
});
