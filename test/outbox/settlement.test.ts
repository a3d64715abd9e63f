import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { Granted } from '#core/ports/store.ts';
import { type Answer, settlementOf } from '#pipeline/outbox/settlement.ts';

const granted: Extract<Granted, { outcome: 'granted' }> = {
  outcome: 'granted',
  send: {
    ref: { tenantId: 'acme', conversationId: 'c' },
    sendId: 's',
    phoneNumberId: '1',
    priority: 'reply',
  },
  attempt: 3,
  address: { to: '1' },
  body: { type: 'text', text: { body: 'x' } },
  quoteWamid: null,
  uncertainPolicy: 'resendOnEvidence',
  grantedAtMs: 1_000,
};
const settle = (answer: Answer, unreachable = 0) =>
  settlementOf(granted, answer, { nowMs: 1_000, wabaId: 'w', unreachable, random: () => 0.999 }).outcome;
const later = (more: Partial<Extract<Answer, { kind: 'retryLater' }>>) =>
  settle({ kind: 'retryLater', why: 'throttled', scope: 'number', pause: false, ...more });

describe('what an answer means for the send and for its pace', () => {
  test('a throttle slows its scope and is tried when the pace allows', () => {
    expect(later({ error: { code: 130429 } })).toEqual({
      kind: 'retryLater',
      atMs: 1_000,
      countsAsAttempt: true,
      errorCode: 130429,
      pace: { scope: 'number', wabaId: 'w', change: 'slow', retryAfterMs: null },
    });
    expect(later({ scope: 'app', retryAfterMs: 500 })).toMatchObject({
      atMs: 1_500,
      pace: { scope: 'tenant', change: 'slow' },
    });
  });

  test('the pair backs off, its number does not', () => {
    expect(later({ scope: 'pair' })).toMatchObject({ pace: { scope: 'pair', change: 'backOff' } });
  });

  test('what a person must mend pauses its scope: a quarter of an hour, or hours where customers complain', () => {
    expect(later({ scope: 'waba', pause: true, error: { code: 368 } })).toMatchObject({
      pace: { scope: 'waba', change: 'pause', untilMs: 1_000 + limits.pauseProbeMs, reason: '368' },
    });
    expect(later({ pause: true, error: { code: 131048 } })).toMatchObject({
      pace: { untilMs: 1_000 + limits.spamPauseMs },
    });
  });

  test('a send that was refused for now backs off by its attempts, and changes no pace', () => {
    expect(later({ scope: 'send', why: 'refusedForNow' })).toMatchObject({
      atMs: 1_000 + 1_998,
      pace: null,
      countsAsAttempt: true,
    });
  });

  test('what never left is no attempt, and waits by how long nothing was reached', () => {
    const notSent = { kind: 'retryLater', why: 'notSent', scope: 'send', pause: false } as const;
    expect(settle(notSent, 1)).toMatchObject({ atMs: 1_000 + 499, countsAsAttempt: false });
    expect(settle(notSent, 3)).toMatchObject({ atMs: 1_000 + 1_998 });
    expect(settle(notSent, 50)).toMatchObject({ atMs: 1_000 + limits.sweepEveryMs * 0.999 });
  });

  test('an uncertain end waits longer where nothing was said than where Graph said that it failed', () => {
    expect(settle({ kind: 'uncertain', why: 'noAnswer', probablyRefused: false })).toMatchObject({
      windowMs: limits.uncertainWindowMs,
    });
    expect(settle({ kind: 'uncertain', why: 'errorCode', probablyRefused: true })).toMatchObject({
      windowMs: limits.uncertainWindowAfterErrorMs,
    });
  });
});
