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

describe('a coexistence number', () => {
  const setup = {
    phoneNumbers: [{ id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881', coexistence: true }],
    rules: { pairLimit: false },
  };

  it('has 20 a second, and nobody can give it more', () => {
    const virtual = createOpenConversation(setup);
    expect(countOf(manySends(virtual, 25), 200)).toBe(20);
    const change = { id: NUMBER_ID, throughputPerSecond: 80 };
    expect(() => virtual.meta.setup({ phoneNumbers: [change] }, virtual.nowMs)).toThrow('coexistence');
    virtual.meta.setup({ phoneNumbers: [{ id: NUMBER_ID, coexistence: false }] }, virtual.nowMs);
    virtual.run(1_000);
    expect(countOf(manySends(virtual, 100), 200)).toBe(80);
  });
});

describe('the messaging limit of a portfolio', () => {
  const OTHER_NUMBER_ID = '106540352242923';
  const OTHER_WABA_ID = '102290129340399';
  const DAY_MS = 24 * 3_600_000;
  const setup = {
    portfolios: [{ id: 'shop', messagingLimitTier: 'TIER_50' }],
    wabas: [
      { id: WABA_ID, portfolioId: 'shop' },
      { id: OTHER_WABA_ID, portfolioId: 'shop' },
      { id: 'alone' },
    ],
    phoneNumbers: [
      { id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881' },
      { id: OTHER_NUMBER_ID, wabaId: OTHER_WABA_ID, displayNumber: '+1 555 078 3882' },
      { id: '77', wabaId: 'alone', displayNumber: '+1 555 078 3883' },
    ],
    rules: { messagingLimit: 'sync', unknownRecipient: 'create', throughput: false },
  };
  const template = { name: 'hello_world', language: { code: 'en_US' } };
  const phoneOf = (index: number) => `1650555${String(index).padStart(4, '0')}`;
  const sendTo = (virtual: VirtualMeta, phone: string, numberId = NUMBER_ID) =>
    code(
      virtual.post(
        { messaging_product: 'whatsapp', to: phone, type: 'template', template },
        { path: `/v26.0/${numberId}/messages` },
      ),
    );
  const fill = (virtual: VirtualMeta, count: number) =>
    Array.from({ length: count }, (_, index) => sendTo(virtual, phoneOf(index)));

  it('counts different people of the last 24 hours over all numbers of the portfolio', () => {
    const virtual = createOpenConversation(setup);
    expect(countOf(fill(virtual, 49), 200)).toBe(49);
    expect(sendTo(virtual, phoneOf(100), OTHER_NUMBER_ID)).toBe(200);
    expect(sendTo(virtual, phoneOf(101), OTHER_NUMBER_ID)).toBe(131048);
    expect(sendTo(virtual, phoneOf(101))).toBe(131048);
    expect(sendTo(virtual, phoneOf(101), '77')).toBe(200);
    expect(sendTo(virtual, phoneOf(3))).toBe(200);
    virtual.run(DAY_MS - 1);
    expect(sendTo(virtual, phoneOf(3))).toBe(200);
    expect(sendTo(virtual, phoneOf(101))).toBe(131048);
    virtual.run(1);
    const again = Array.from({ length: 60 }, (_, index) => sendTo(virtual, phoneOf(200 + index)));
    expect(countOf(again, 200)).toBe(49);
  });

  it('does not count who has an open window, nor refuse them', () => {
    const virtual = createOpenConversation(setup);
    expect(sendTo(virtual, PHONE)).toBe(200);
    expect(countOf(fill(virtual, 60), 200)).toBe(50);
    expect(sendTo(virtual, PHONE)).toBe(200);
    expect(code(virtual.sendText('hi'))).toBe(200);
  });

  it('shows as a failed status unless told otherwise, and is seen by the reads', () => {
    const virtual = createOpenConversation({ ...setup, rules: { ...setup.rules, messagingLimit: 'async' } });
    expect(countOf(fill(virtual, 51), 200)).toBe(51);
    virtual.run(60_000);
    const failed = virtual.statuses().filter((status) => status.status === 'failed');
    expect(failed).toMatchObject([{ recipient_id: phoneOf(50), errors: [{ code: 131048 }] }]);
    const headers = { authorization: 'Bearer token' };
    const query = { fields: 'whatsapp_business_manager_messaging_limit' };
    const path = `/v26.0/${NUMBER_ID}`;
    const answer = virtual.meta.handle({ method: 'GET', path, query, headers, body: '' }, virtual.nowMs);
    expect(answerJson(answer).body).toMatchObject({ whatsapp_business_manager_messaging_limit: 'TIER_50' });
    const wrong = { portfolios: [{ id: 'shop', messagingLimitTier: 'TIER_7' }] };
    expect(() => virtual.meta.setup(wrong, virtual.nowMs)).toThrow('TIER_7');
  });
});

describe('a wrong word', () => {
  const set = (virtual: VirtualMeta, rules: object) => () => virtual.meta.setup({ rules }, virtual.nowMs);

  it.each([
    [{ serviceWindow: 'asink' }, /"rules\.serviceWindow" cannot be "asink"\. Known here: async, sync, off\./],
    [{ unknownRecipient: 'make' }, /Known here: fail, create\./],
    [{ templateReview: 'never' }, /Known here: approve, manual\./],
    [{ messagingLimit: '' }, /cannot be ""\. Known here: async, sync, off\./],
    [{ retiredVersion: 'served' }, /Known here: refuse, serve\./],
    [{ edits: 'nowhere' }, /Known here: everywhere, coexistence\./],
    [{ webhookVersion: '26' }, /must be a version like "v26\.0"/],
    [{ edits: true }, /must be a string, but a boolean was given/],
    [{ edit: 'everywhere' }, /no setting "rules\.edit"\. Known here: .*serviceWindow.*edits/],
  ])('for a rule is refused with those that there are, and changes nothing: %j', (rules, said) => {
    const virtual = createOpenConversation({});
    const before = structuredClone(virtual.meta.settings.rules);
    expect(set(virtual, rules)).toThrow(said);
    expect(virtual.meta.settings.rules).toEqual(before);
  });

  it('for a status that is lost is refused with those that there are', () => {
    const { faults } = createOpenConversation({}).meta;
    expect(() => faults.set({ statusLost: { next: 1, statuses: ['red'] } })).toThrow(
      /"faults\.statusLost\.statuses" cannot be "red"\. Known here: sent, delivered, read, played, failed\./,
    );
    faults.set({ statusLost: { next: 1, statuses: ['read', 'played'] } });
    expect(faults.settings.statusLost.statuses).toEqual(['read', 'played']);
  });
});
