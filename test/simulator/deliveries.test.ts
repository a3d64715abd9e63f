import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  changesOf,
  createVirtualMeta,
  HOOK_URL,
  NUMBER_ID,
  PHONE,
  START_MS,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

const DAY_MS = 24 * 3_600_000;

const say = (virtual: VirtualMeta, text: string, contact = PHONE) =>
  virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact, text }, virtual.nowMs);

const signatureOf = (body: Uint8Array, secret = 'secret') =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('webhook delivery', () => {
  it('posts a message in the form of Meta, signed over the escaped bytes that are sent', () => {
    const virtual = createVirtualMeta();
    say(virtual, 'Grüße/👍 \u007f "quoted"');
    virtual.run(0);
    const [only] = virtual.received;
    expect(virtual.received).toHaveLength(1);
    expect(only?.attempt.url).toBe(HOOK_URL);
    expect(only?.text).toContain(String.raw`"body":"Gr\u00fc\u00dfe\/\ud83d\udc4d \u007f \"quoted\""`);
    expect(only?.text).toMatch(/^[\x20-\x7e]+$/);
    expect(only?.attempt.headers['x-hub-signature-256']).toBe(signatureOf(only!.attempt.body));
    const [change] = changesOf(only!.text);
    expect(change?.value.messages?.[0]).toMatchObject({ from: PHONE, timestamp: '1790000000', type: 'text' });
    expect(JSON.parse(only!.text).entry[0].id).toBe(WABA_ID);
  });

  it('retries soon, then ever more rarely, for seven days, then drops and counts', () => {
    const virtual = createVirtualMeta();
    virtual.answer = () => ({ status: 500 });
    say(virtual, 'hi');
    virtual.run(10 * DAY_MS);
    const times = virtual.received.map(({ atMs }) => atMs - START_MS);
    const gaps = times.slice(1).map((atMs, index) => atMs - times[index]!);
    expect(times[0]).toBe(0);
    expect(gaps[0]).toBeGreaterThanOrEqual(900);
    expect(gaps[0]).toBeLessThanOrEqual(1_100);
    for (let index = 1; index < 7; index += 1) expect(gaps[index]).toBeGreaterThan(3 * gaps[index - 1]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1.1 * 6 * 3_600_000);
    expect(times.at(-1)).toBeLessThanOrEqual(7 * DAY_MS);
    expect(times.at(-1)).toBeGreaterThan(6.5 * DAY_MS);
    expect(new Set(virtual.received.map(({ text }) => text)).size).toBe(1);
    expect(virtual.meta.log.counters()).toMatchObject({
      webhookDropped: 1,
      webhookSent: times.length,
      webhookRetried: times.length - 1,
    });
    expect(virtual.meta.waiting()).toEqual({ updates: 0, inFlight: 0, retrying: 0, scheduled: 0 });
    expect(virtual.meta.said[0]?.acknowledgedAtMs).toBeNull();
  });

  it.each([201, 204, 302, 401, 503])('treats %i as a failure: only 200 ends a delivery', (status) => {
    const virtual = createVirtualMeta();
    virtual.answer = () => ({ status: virtual.received.length === 1 ? status : 200 });
    say(virtual, 'hi');
    virtual.run(DAY_MS);
    expect(virtual.received).toHaveLength(2);
    expect(virtual.meta.said[0]?.acknowledgedAtMs).toBe(virtual.received[1]?.atMs);
  });

  it('tries a failed connection again, and at once when the outage is declared over', () => {
    const virtual = createVirtualMeta();
    virtual.answer = () => ({ failed: true });
    say(virtual, 'hi');
    virtual.run(3_600_000);
    const before = virtual.received.length;
    virtual.answer = () => ({ status: 200 });
    expect(virtual.meta.retryNow(virtual.nowMs)).toBe(1);
    virtual.run(0);
    expect(virtual.received).toHaveLength(before + 1);
    virtual.run(10 * DAY_MS);
    expect(virtual.received).toHaveLength(before + 1);
  });

  it('delivers duplicates as the same bytes, some at once and some later', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ duplicateWebhook: { rate: 1, maxMs: 5_000 } });
    for (let index = 0; index < 20; index += 1) say(virtual, `text ${index}`);
    virtual.run(10_000);
    expect(virtual.received).toHaveLength(40);
    const byText = Map.groupBy(virtual.received, ({ text }) => text);
    const gaps = [...byText.values()].map((pair) => pair[1]!.atMs - pair[0]!.atMs);
    expect(byText.size).toBe(20);
    expect(gaps.filter((gap) => gap === 0).length).toBeGreaterThan(2);
    expect(gaps.filter((gap) => gap > 0).length).toBeGreaterThan(2);
    expect(new Set(virtual.received.map(({ attempt }) => attempt.deliveryId)).size).toBe(40);
  });

  it('shuffles: later messages overtake earlier ones, none is lost', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ shuffleWebhooks: { rate: 0.5, maxMs: 2_000 } });
    const said = Array.from({ length: 50 }, (_, index) => {
      virtual.run(10);
      return say(virtual, `text ${index}`).wamid;
    });
    virtual.run(5_000);
    const arrived = virtual.messages().map((message) => message.id);
    expect(arrived).not.toEqual(said);
    expect([...arrived].sort()).toEqual([...said].sort());
  });

  it('batches up to 1000 updates of one WABA into one POST, never more, and keeps WABAs apart', () => {
    const other = { id: '2', wabaId: 'waba-2', displayNumber: '+1 555 000 0002' };
    const first = { id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881' };
    const virtual = createVirtualMeta({ phoneNumbers: [first, other] });
    virtual.meta.faults.set({ batchWebhooks: { updatesMax: 5_000, waitMs: 500 } });
    for (let index = 0; index < 2_300; index += 1)
      say(virtual, `text ${index}`, String(16505550000 + (index % 7)));
    virtual.meta.inbound.say({ phoneNumberId: '2', contact: PHONE, text: 'other' }, virtual.nowMs);
    virtual.run(499);
    expect(virtual.received).toHaveLength(0);
    virtual.run(1);
    const sizes = virtual.received.map(({ text }) => changesOf(text)[0]?.value.messages?.length);
    expect(sizes).toEqual([1000, 1000, 300, 1]);
    expect(changesOf(virtual.received[0]!.text)[0]?.value.contacts).toHaveLength(7);
    expect(virtual.meta.said.every(({ acknowledgedAtMs }) => acknowledgedAtMs !== null)).toBe(true);
  });

  it('keeps batches under 3 MB', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ batchWebhooks: { updatesMax: 1_000, waitMs: 10 } });
    for (let index = 0; index < 300; index += 1) say(virtual, 'ж'.repeat(4_000));
    virtual.run(10);
    expect(virtual.messages()).toHaveLength(300);
    for (const { attempt } of virtual.received) expect(attempt.body.length).toBeLessThanOrEqual(3_000_000);
  });

  it('refuses to say what no webhook can hold, and records nothing of it', () => {
    const virtual = createVirtualMeta();
    expect(() => say(virtual, '👍'.repeat(260_000))).toThrow(/at most 3000000/);
    expect(virtual.meta.said).toHaveLength(0);
    say(virtual, '👍'.repeat(240_000));
    virtual.run(0);
    expect(virtual.received[0]?.attempt.body.length).toBeGreaterThan(2_800_000);
    expect(virtual.received[0]?.attempt.body.length).toBeLessThanOrEqual(3_000_000);
  });

  it('keeps both caps at once: never above 1000 updates nor 3 MB, whatever is in the batch', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ batchWebhooks: { updatesMax: 1_000, waitMs: 10 } });
    const sizes = Array.from({ length: 2_400 }, (_, index) => (index % 400 === 0 ? 120_000 : index % 37));
    for (const size of sizes) say(virtual, `x${'ж'.repeat(size)}`);
    virtual.run(10);
    const counts = virtual.received.map(({ text }) =>
      changesOf(text).reduce((sum, { value }) => sum + (value.messages?.length ?? 0), 0),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(sizes.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(1_000);
    expect(counts.length).toBeLessThanOrEqual(4);
    for (const { attempt } of virtual.received) expect(attempt.body.length).toBeLessThanOrEqual(3_000_000);
  });

  it('signs wrongly on demand; the retry of the refused attempt is right', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ badSignature: { next: 1 } });
    virtual.answer = ({ headers, body }) => ({
      status: headers['x-hub-signature-256'] === signatureOf(body) ? 200 : 401,
    });
    say(virtual, 'hi');
    virtual.run(5_000);
    expect(virtual.received).toHaveLength(2);
    expect(virtual.meta.said[0]?.acknowledgedAtMs).not.toBeNull();
  });

  it('adds an oversized webhook beside the real one and does not retry it', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ oversized: { next: 1, bytes: 4_000_000 } });
    virtual.answer = ({ body }) => ({ status: body.length > 3_000_000 ? 413 : 200 });
    say(virtual, 'hi');
    virtual.run(DAY_MS);
    expect(virtual.received.map(({ attempt }) => attempt.body.length > 4_000_000)).toEqual([false, true]);
    expect(virtual.meta.said[0]?.acknowledgedAtMs).toBe(START_MS);
  });

  it('drops and counts what nobody is subscribed to', () => {
    const virtual = createVirtualMeta({ wabas: [{ id: WABA_ID, subscribed: false }] });
    say(virtual, 'hi');
    virtual.run(DAY_MS);
    expect(virtual.received).toHaveLength(0);
    expect(virtual.meta.log.counters()).toMatchObject({ webhookDropped: 1 });
  });

  it('is the same run for the same seed', () => {
    const play = (seed: number) => {
      const virtual = createVirtualMeta({}, seed);
      virtual.meta.faults.set({ shuffleWebhooks: { rate: 0.5 }, duplicateWebhook: { rate: 0.3 } });
      for (let index = 0; index < 30; index += 1) {
        say(virtual, `text ${index}`);
        virtual.sendText(`answer ${index}`);
      }
      virtual.run(60_000);
      return virtual.received.map(({ atMs, text }) => `${atMs} ${text}`);
    };
    expect(play(7)).toEqual(play(7));
    expect(play(7)).not.toEqual(play(8));
  });
});
