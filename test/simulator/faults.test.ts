/** Each fault by rate, by count and for a time; where they bite is seen by what the other side gets. */
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { createEventLog } from '#simulator/events-log.ts';
import { createFaults, defaultFaults } from '#simulator/faults.ts';
import { openStage, TOKEN } from './sdks/stage.ts';
import {
  answerJson,
  createOpenConversation,
  createVirtualMeta,
  NUMBER_ID,
  PHONE,
  START_MS,
  seededRandom,
  type VirtualMeta,
} from './virtual-meta.ts';

const HOUR_MS = 3_600_000;

const say = (virtual: VirtualMeta, text: string, contact = PHONE) =>
  virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact, text }, virtual.nowMs);

const codeOf = (virtual: VirtualMeta, text: string) => {
  const { status, body } = answerJson(virtual.sendText(text));
  return status === 200 ? 200 : (body as unknown as { error: { code: number } }).error.code;
};

describe('when a fault fires', () => {
  const faultsAt = (patch: object) => {
    const log = createEventLog();
    const faults = createFaults({ random: seededRandom(3), onFired: (name) => log.count(name) });
    faults.set({ loseAnswer: patch }, START_MS);
    const fires = (atMs: number, phoneNumberId: string | null = NUMBER_ID) =>
      faults.fires(faults.settings.loseAnswer, phoneNumberId, atMs);
    return { faults, fires, log };
  };

  it('by count: the next n, whatever the rate, then by the rate', () => {
    const { fires } = faultsAt({ next: 2 });
    expect([fires(START_MS), fires(START_MS), fires(START_MS)]).toEqual([true, true, false]);
  });

  it('by rate: about as often as it says', () => {
    const { fires, log } = faultsAt({ rate: 0.25 });
    const fired = Array.from({ length: 4_000 }, () => fires(START_MS)).filter(Boolean).length;
    expect(fired).toBeGreaterThan(850);
    expect(fired).toBeLessThan(1_150);
    expect(log.counters()).toEqual({ loseAnswer: fired });
  });

  it('for a time: from its beginning to before its end', () => {
    const { fires, faults } = faultsAt({ rate: 1, afterMs: HOUR_MS, forMs: 2 * HOUR_MS });
    const at = [0, HOUR_MS - 1, HOUR_MS, 3 * HOUR_MS - 1, 3 * HOUR_MS].map((afterMs) =>
      fires(START_MS + afterMs),
    );
    expect(at).toEqual([false, false, true, true, false]);
    expect(faults.settings.loseAnswer).toMatchObject({
      fromMs: START_MS + HOUR_MS,
      untilMs: START_MS + 3 * HOUR_MS,
    });
  });

  it('for a time by count: what was not used up in it is not used later', () => {
    const { fires } = faultsAt({ next: 3, forMs: 10 });
    expect([fires(START_MS), fires(START_MS + 10), fires(START_MS + 11)]).toEqual([true, false, false]);
  });

  it('keeps its time when another fault is set, and loses it when it is switched off', () => {
    const { faults } = faultsAt({ rate: 1, forMs: 10 });
    faults.set({ hangAnswer: { next: 1 } }, START_MS + 5);
    expect(faults.settings.loseAnswer.untilMs).toBe(START_MS + 10);
    faults.set({ loseAnswer: null }, START_MS + 5);
    expect(faults.settings.loseAnswer).toEqual(defaultFaults().loseAnswer);
  });

  it.each([{ forMs: -1 }, { afterMs: 'soon' }, { untilMs: Number.NaN }])(
    'not with a time like %o',
    (patch) => {
      expect(() => faultsAt(patch)).toThrow(/number of milliseconds/);
    },
  );

  it('draws nothing while it is off', () => {
    const random = () => {
      throw new Error('A fault that is off asked for chance.');
    };
    const faults = createFaults({ random });
    for (const fault of Object.values(faults.settings)) {
      if ('rate' in fault) expect(faults.fires(fault, NUMBER_ID, START_MS)).toBe(false);
    }
  });
});

describe('webhooks', () => {
  it('are delayed, all that is in them', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ delayWebhooks: { next: 1, minMs: 7_000, maxMs: 7_000 } });
    say(virtual, 'first');
    say(virtual, 'second');
    virtual.run(60_000);
    expect(virtual.received.map(({ atMs }) => atMs - START_MS)).toEqual([0, 7_000]);
    expect(virtual.messages().map(({ text }) => text)).toEqual([{ body: 'second' }, { body: 'first' }]);
  });

  it('are dropped, the first k of them once, and come by their retry', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ dropWebhooks: { next: 3 } });
    for (const text of ['a', 'b', 'c', 'd']) say(virtual, text);
    virtual.run(0);
    expect(virtual.messages().map(({ text }) => text)).toEqual([{ body: 'd' }]);
    expect(virtual.meta.log.counters()).toMatchObject({ webhookSent: 4, webhookFailed: 3 });
    virtual.run(2_000);
    expect(virtual.messages()).toHaveLength(4);
    expect(virtual.meta.said.every(({ acknowledgedAtMs }) => acknowledgedAtMs !== null)).toBe(true);
  });

  it('are dropped k times each, and come by the retry after', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ dropWebhooks: { rate: 1, attempts: 4 } });
    say(virtual, 'hi');
    virtual.run(60_000);
    expect(virtual.received).toHaveLength(0);
    virtual.run(HOUR_MS);
    expect(virtual.received).toHaveLength(1);
    expect(virtual.meta.log.counters()).toMatchObject({ webhookSent: 5, webhookFailed: 4 });
  });

  it('dropped as often as there are retries are given up after seven days', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ dropWebhooks: { next: 1, attempts: 1_000 } });
    say(virtual, 'hi');
    virtual.run(8 * 24 * HOUR_MS);
    expect(virtual.received).toHaveLength(0);
    expect(virtual.meta.log.counters()).toMatchObject({ webhookDropped: 1 });
  });
});

describe('answers', () => {
  it.each([130429, 131056, 131048, 131016])('%i by count, then it goes on', (code) => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ graphError: { code, next: 2 } });
    expect([codeOf(virtual, 'a'), codeOf(virtual, 'b'), codeOf(virtual, 'c')]).toEqual([code, code, 200]);
    expect(virtual.meta.accepted).toHaveLength(1);
    expect(virtual.meta.log.counters()).toMatchObject({ [`fault.graphError.${code}`]: 2 });
  });

  it('several codes beside each other, each by its own count', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({
      graphError: [
        { code: 130429, next: 1 },
        { code: 131056, next: 1 },
      ],
    });
    expect([codeOf(virtual, 'a'), codeOf(virtual, 'b'), codeOf(virtual, 'c')]).toEqual([130429, 131056, 200]);
  });

  it('190 in the middle of the day: every call is refused for that time, and nothing before or after', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ tokenRefused: { rate: 1, afterMs: HOUR_MS, forMs: HOUR_MS } }, virtual.nowMs);
    const path = `/v26.0/${NUMBER_ID}`;
    const readNumber = () => answerJson(virtual.post(undefined, { method: 'GET', path })).status;
    expect([codeOf(virtual, 'before'), readNumber()]).toEqual([200, 200]);
    virtual.run(HOUR_MS);
    expect([codeOf(virtual, 'within'), readNumber()]).toEqual([190, 401]);
    expect(virtual.meta.isTokenGood('Bearer token', virtual.nowMs)).toBe(false);
    const refused = answerJson(virtual.sendText('again'));
    expect(refused).toMatchObject({ status: 401, body: { error: { error_subcode: 463 } } });
    virtual.run(HOUR_MS);
    expect([codeOf(virtual, 'after'), readNumber()]).toEqual([200, 200]);
    expect(virtual.meta.isTokenGood('Bearer token', virtual.nowMs)).toBe(true);
    expect(virtual.meta.accepted.map(({ text }) => text)).toEqual(['before', 'after']);
  });

  it('stand still in the middle of their body', () => {
    const virtual = createOpenConversation();
    virtual.meta.faults.set({ stallAnswer: { next: 1, stallMs: 3_000, phoneNumberId: NUMBER_ID } });
    expect(virtual.sendText('slow')).toMatchObject({ kind: 'response', stallMs: 3_000 });
    expect(virtual.sendText('quick')).not.toHaveProperty('stallMs');
    expect(virtual.meta.accepted).toHaveLength(2);
  });

  it('stand still on a real socket as well: half of the bytes, and the rest when the time has passed', async () => {
    const stage = await openStage();
    await stage.simulator.control.setFaults({ stallAnswer: { next: 1, stallMs: 3_000 } });
    const pieces: Buffer[] = [];
    const declared = await new Promise<number>((resolve, reject) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const outgoing = http.get(`${stage.url}/v26.0/${NUMBER_ID}`, { headers, agent: false }, (incoming) => {
        incoming.on('data', (piece: Buffer) => {
          pieces.push(piece);
          if (pieces.length === 1) stage.advance(3_000);
        });
        incoming.on('end', () => resolve(Number(incoming.headers['content-length'])));
      });
      outgoing.on('error', reject);
    });
    await stage.close();
    expect(pieces[0]?.length).toBe(Math.floor(declared / 2));
    expect(JSON.parse(Buffer.concat(pieces).toString())).toMatchObject({ id: NUMBER_ID });
  });
});
