import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HttpFault, type HttpResponse } from '#core/ports/world.ts';
import { classifyAnswer, notOfGraph } from '#pipeline/graph/classify.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('accepted', () => {
  test('with the address as Meta understood it', () => {
    const body = {
      messaging_product: 'whatsapp',
      contacts: [{ input: '+5511912345678', wa_id: '551112345678' }],
      messages: [{ id: 'wamid.A' }],
    };
    expect(classifyAnswer(answer(200, body))).toEqual({
      kind: 'accepted',
      wamid: 'wamid.A',
      address: { input: '+5511912345678', waId: '551112345678' },
    });
  });

  test('by business-scoped user id, and held for quality', () => {
    const body = {
      contacts: [{ input: 'US.1349', user_id: 'US.1349' }],
      messages: [{ id: 'wamid.B', message_status: 'held_for_quality_assessment' }],
    };
    expect(classifyAnswer(answer(200, body))).toEqual({
      kind: 'accepted',
      wamid: 'wamid.B',
      messageStatus: 'held_for_quality_assessment',
      address: { input: 'US.1349', userId: 'US.1349' },
    });
  });

  test('without contacts the wamid is enough', () => {
    const outcome = classifyAnswer(answer(201, { messages: [{ id: 'wamid.C' }] }));
    expect(outcome).toEqual({ kind: 'accepted', wamid: 'wamid.C', address: {} });
  });
});

describe('transport', () => {
  test('no byte left: again, freely', () => {
    for (const code of ['ENOTFOUND', 'ECONNREFUSED', 'CONNECT_TIMEOUT']) {
      expect(classifyAnswer(new HttpFault('notSent', code, 'no connection'))).toEqual({
        kind: 'retryLater',
        why: 'notSent',
        scope: 'send',
        pause: false,
        alert: false,
      });
    }
  });

  test('the request left and nothing came back: uncertain', () => {
    for (const code of ['ECONNRESET', 'EPIPE', 'TIMEOUT', 'ABORTED']) {
      expect(classifyAnswer(new HttpFault('uncertain', code, 'no answer'))).toEqual({
        kind: 'uncertain',
        why: 'noAnswer',
        probablyRefused: false,
      });
    }
  });

  test.each([
    '',
    '   ',
    '{"messages":[{"id":"wam',
    '<html>ok</html>',
    'null',
    '[]',
    '{}',
    '{"messages":[]}',
    '{"messages":[{}]}',
    '{"messages":[{"id":""}]}',
    '{"success":true}',
    '{"messages":"wamid"}',
  ])('200 with %j: uncertain', (body) => {
    expect(classifyAnswer(answer(200, body))).toEqual({
      kind: 'uncertain',
      why: 'brokenAnswer',
      probablyRefused: false,
    });
  });

  test.each([500, 502, 503, 504, 520])('%i without an error of Graph: uncertain', (status) => {
    for (const body of [
      '',
      '<html>bad gateway</html>',
      '{"error":"upstream"}',
      '{"error":{"message":"no code"}}',
    ]) {
      expect(classifyAnswer(answer(status, body))).toEqual({
        kind: 'uncertain',
        why: 'serverError',
        probablyRefused: false,
      });
    }
  });

  test('5xx with an error of Graph: probably refused, not promised', () => {
    const body = { error: { message: 'Service temporarily unavailable', is_transient: true, code: 2 } };
    expect(classifyAnswer(answer(503, body))).toMatchObject({
      kind: 'uncertain',
      why: 'serverError',
      probablyRefused: true,
      error: { code: 2, httpStatus: 503, isTransient: true },
    });
    expect(classifyAnswer(answer(400, { error: { code: 1 } }))).toMatchObject({
      kind: 'uncertain',
      why: 'errorCode',
      probablyRefused: true,
    });
  });

  test.each([301, 302, 307, 404, 413])(
    '%i without an error of Graph: refused, and an operator should look',
    (status) => {
      expect(classifyAnswer(answer(status, '<html></html>'))).toMatchObject({
        kind: 'refused',
        action: 'stop',
        alert: true,
        error: { code: notOfGraph, httpStatus: status },
      });
    },
  );

  test.each([401, 403, 407])('%i by a proxy: everything waits for a person', (status) => {
    expect(classifyAnswer(answer(status, '<html>who are you</html>'))).toMatchObject({
      kind: 'retryLater',
      why: 'paused',
      scope: 'number',
      pause: true,
      alert: true,
    });
  });

  test('408: somebody between lost patience', () => {
    expect(classifyAnswer(answer(408, ''))).toMatchObject({ kind: 'uncertain', why: 'brokenAnswer' });
  });

  test('429 without a code slows the number', () => {
    expect(classifyAnswer(answer(429, 'slow down', { 'Retry-After': '7' }))).toMatchObject({
      kind: 'retryLater',
      why: 'throttled',
      scope: 'number',
      pause: false,
      retryAfterMs: 7_000,
    });
  });
});

describe('how long to wait', () => {
  const throttle = { error: { code: 130429, message: 'Rate limit hit' } };

  test.each([
    [{}, undefined],
    [{ 'retry-after': '12' }, 12_000],
    [{ 'Retry-After': ' 1.5 ' }, 1_500],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': '999999999' }, 86_400_000],
    [
      { 'x-business-use-case-usage': '{"123":[{"type":"messages","estimated_time_to_regain_access":3}]}' },
      180_000,
    ],
    [
      {
        'X-Business-Use-Case-Usage':
          '{"1":[{"estimated_time_to_regain_access":0}],"2":[{"estimated_time_to_regain_access":2},{}]}',
      },
      120_000,
    ],
    [
      { 'x-business-use-case-usage': '{"1":[{"estimated_time_to_regain_access":1}]}', 'retry-after': '90' },
      90_000,
    ],
    [{ 'x-business-use-case-usage': '{"1":[{"estimated_time_to_regain_access":0}]}' }, undefined],
    [{ 'x-business-use-case-usage': 'not json' }, undefined],
    [
      { 'x-business-use-case-usage': '{"1":"odd","2":[null,7,{"estimated_time_to_regain_access":"x"}]}' },
      undefined,
    ],
  ] as [Record<string, string>, number | undefined][])('%j: %s', (headers, retryAfterMs) => {
    const outcome = classifyAnswer(answer(400, throttle, headers));
    expect(outcome).toMatchObject({ kind: 'retryLater', why: 'throttled', scope: 'number' });
    expect(outcome.kind === 'retryLater' ? outcome.retryAfterMs : null).toBe(retryAfterMs);
  });

  test('maintenance of a number has a shortest wait of its own, and the answer may name a longer one', () => {
    const body = { error: { code: 131057 } };
    expect(classifyAnswer(answer(500, body))).toMatchObject({ scope: 'number', retryAfterMs: 60_000 });
    expect(classifyAnswer(answer(500, body, { 'retry-after': '300' }))).toMatchObject({
      retryAfterMs: 300_000,
    });
  });

  test('the pair has none: it backs off by its own failures', () => {
    const outcome = classifyAnswer(answer(400, { error: { code: 131056 } }));
    expect(outcome).toMatchObject({ kind: 'retryLater', scope: 'pair', pause: false });
    expect(outcome).not.toHaveProperty('retryAfterMs');
  });
});

describe("Graph's error, leniently", () => {
  const errorIn = (error: unknown, status = 400) => {
    const outcome = classifyAnswer(answer(status, { error }));
    if (outcome.kind === 'accepted') throw new Error('An error was taken for an acceptance.');
    return outcome.error;
  };

  test('whole', () => {
    const error = {
      message: '(#130429) Rate limit hit',
      type: 'OAuthException',
      code: 130429,
      error_data: {
        messaging_product: 'whatsapp',
        details: 'Cloud API message throughput has been reached.',
      },
      error_subcode: 2494055,
      fbtrace_id: 'Az8or2yhqkZfEZ-_4Qn_Bam',
    };
    expect(errorIn(error)).toEqual({
      code: 130429,
      httpStatus: 400,
      isTransient: false,
      message: '(#130429) Rate limit hit',
      details: 'Cloud API message throughput has been reached.',
      subcode: 2494055,
      type: 'OAuthException',
      traceId: 'Az8or2yhqkZfEZ-_4Qn_Bam',
    });
  });

  test('odd', () => {
    expect(errorIn({ code: '131047', error_data: 'a string' })).toMatchObject({
      code: 131047,
      details: 'a string',
    });
    expect(errorIn({ code: 131047, error_data: null, message: 7 })).toEqual({
      code: 131047,
      httpStatus: 400,
      isTransient: false,
    });
    expect(errorIn({ code: 131047, error_data: [1], error_user_msg: 'for people' })?.details).toBe(
      'for people',
    );
    expect(errorIn({ code: 1.5 })?.code).toBe(notOfGraph);
    expect(errorIn('invalid_request')?.code).toBe(notOfGraph);
    expect(errorIn([{ code: 4 }])?.code).toBe(notOfGraph);
  });

  test('any body at any status has exactly one outcome, and only a wamid in a 2xx is accepted', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((error) => JSON.stringify({ error, messages: error })),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), body, (status, body) => {
        const outcome = classifyAnswer({ status, headers: {}, body });
        expect(['accepted', 'refused', 'retryLater', 'uncertain']).toContain(outcome.kind);
        if (status >= 500) expect(outcome.kind).not.toBe('refused');
        if (outcome.kind === 'accepted') expect(Math.floor(status / 100)).toBe(2);
      }),
    );
  });
});
