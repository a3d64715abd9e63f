import { describe, expect, it } from 'vitest';
import { createAnthropic } from '#simulator/index.ts';
import { START_MS, seededRandom } from './virtual-meta.ts';

const HAND_OFF = {
  name: 'handOff',
  input_schema: { type: 'object', properties: { reason: { type: 'string' } }, required: ['reason'] },
};

const create = (settings: object = {}) => createAnthropic({ random: seededRandom(1), settings });
type Model = ReturnType<typeof create>;

const ask = (model: Model, messages: unknown, more: object = {}, headers: Record<string, string> = {}) =>
  model.handle(
    {
      method: 'POST',
      path: '/v1/messages',
      query: {},
      headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01', ...headers },
      body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 100, messages, ...more }),
    },
    START_MS,
  );
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const bodyOf = (outcome: ReturnType<typeof ask>) => {
  if (outcome.kind !== 'response') throw new Error(`Expected an answer, but it was "${outcome.kind}".`);
  return { status: outcome.response.status, body: JSON.parse(outcome.response.body) };
};

describe('replies', () => {
  it('has the form of the real one and repeats all user texts since the last assistant message', () => {
    const outcome = ask(create(), [
      user('old'),
      assistant('Echo: old'),
      user('one'),
      user([
        { type: 'text', text: 'two' },
        { type: 'text', text: 'three' },
      ]),
    ]);
    expect(bodyOf(outcome)).toEqual({
      status: 200,
      body: {
        id: expect.stringMatching(/^msg_01/),
        type: 'message',
        role: 'assistant',
        model: 'claude-sonnet-4-5',
        content: [{ type: 'text', text: 'Echo: one | two | three' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: {
          input_tokens: expect.any(Number),
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: expect.any(Number),
          service_tier: 'standard',
        },
      },
    });
  });

  it('calls handOff when the last text asks for a person, unless a tool has just answered', () => {
    const model = create();
    const { body } = bodyOf(ask(model, [user('I want a human!')], { tools: [HAND_OFF] }));
    expect(body.stop_reason).toBe('tool_use');
    expect(body.content).toEqual([
      {
        type: 'tool_use',
        id: expect.stringMatching(/^toolu_/),
        name: 'handOff',
        input: { reason: 'I want a human!' },
      },
    ]);
    expect(bodyOf(ask(model, [user('I want a human!')])).body.stop_reason).toBe('end_turn');
    const result = { type: 'tool_result', tool_use_id: body.content[0].id, content: 'ok' };
    const after = [user('a human'), assistant(body.content), user([result])];
    expect(bodyOf(ask(model, after, { tools: [HAND_OFF] })).body.stop_reason).toBe('end_turn');
  });

  it('streams the same message as server-sent events', () => {
    const outcome = ask(create({ chunkMs: 5 }), [user('x'.repeat(100))], { stream: true });
    if (outcome.kind !== 'stream') throw new Error('Expected a stream.');
    const events = outcome.chunks
      .join('')
      .split('\n\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text.split('data: ')[1] ?? '{}'));
    const text = events.map((event) => event.delta?.text ?? '').join('');
    expect(events.map((event) => event.type)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(text).toBe(`Echo: ${'x'.repeat(100)}`);
    expect(outcome.chunkMs).toBe(5);
  });
});

describe('behaviour', () => {
  it('obeys magic words', () => {
    const model = create({ latencyMs: { minMs: 100, maxMs: 100 } });
    expect(ask(model, [user('!slow 5000')]).delayMs).toBe(5_100);
    expect(ask(model, [user('!hang')]).kind).toBe('hang');
    expect(bodyOf(ask(model, [user('!fail')]))).toMatchObject({
      status: 500,
      body: { type: 'error', error: { type: 'api_error' } },
    });
    expect(bodyOf(ask(model, [user('!529')])).body.error.type).toBe('overloaded_error');
    const limited = ask(model, [user('please !429 2')]);
    expect(bodyOf(limited).status).toBe(429);
    expect(limited.kind === 'response' && limited.response.headers['retry-after']).toBe('1');
    expect(bodyOf(ask(model, [user('please !429 2')])).status).toBe(429);
    expect(bodyOf(ask(model, [user('please !429 2')])).status).toBe(200);
  });

  it('draws latency from its range and makes faults by count and rate', () => {
    const model = create({ latencyMs: { minMs: 200, maxMs: 400 }, overload: { next: 1 } });
    expect(bodyOf(ask(model, [user('a')])).status).toBe(529);
    const delays = Array.from({ length: 50 }, () => ask(model, [user('a')]).delayMs);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...delays)).toBeLessThanOrEqual(400);
    expect(new Set(delays).size).toBeGreaterThan(10);
    model.set({ loseAnswer: { rate: 1 } });
    expect(ask(model, [user('a')]).kind).toBe('lost');
    model.set({ loseAnswer: null, cut: { rate: 1 } });
    expect(ask(model, [user('a')]).kind).toBe('lostAfterHeaders');
    expect(() => model.set({ latency: 5 })).toThrow(/no setting "model.latency"/);
  });

  it('logs calls with texts, key and end, and the most calls at one time', () => {
    const model = create({ concurrentMax: 2 });
    const first = ask(model, [user('a')]);
    const second = ask(model, [user('b')], {}, { 'x-api-key': 'tenant-key' });
    expect(bodyOf(ask(model, [user('c')])).status).toBe(429);
    model.ended(first.callId, 'answered', START_MS + 10);
    model.ended(second.callId, 'aborted', START_MS + 20);
    expect(model.calls(10)).toMatchObject([
      { texts: ['a'], apiKey: 'key', end: 'answered', reply: 'Echo: a', endedAtMs: START_MS + 10 },
      { texts: ['b'], apiKey: 'tenant-key', end: 'aborted' },
      { texts: ['c'], httpStatus: 429, end: null },
    ]);
    expect(model.stats()).toMatchObject({
      calls: 3,
      running: 1,
      runningMax: 3,
      byStatus: { 200: 2, 429: 1 },
    });
  });

  it('refuses what the real one refuses', () => {
    const model = create({ apiKeys: ['key'] });
    expect(bodyOf(ask(model, [user('a')], {}, { 'x-api-key': '' })).status).toBe(401);
    expect(bodyOf(ask(model, [user('a')], {}, { 'x-api-key': 'other' })).status).toBe(401);
    expect(bodyOf(ask(model, [user('a')], {}, { 'anthropic-version': '' })).status).toBe(400);
    expect(bodyOf(ask(model, [])).status).toBe(400);
    expect(bodyOf(ask(model, [user('a')], { max_tokens: undefined })).status).toBe(400);
    expect(bodyOf(ask(model, [{ role: 'robot', content: 'a' }])).body.error.type).toBe(
      'invalid_request_error',
    );
  });
});

describe('tokens', () => {
  const count = (model: Model, messages: unknown, more: object = {}) =>
    model.handle(
      {
        method: 'POST',
        path: '/v1/messages/count_tokens',
        query: {},
        headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
        body: JSON.stringify({ model: 'claude-sonnet-4-5', messages, ...more }),
      },
      START_MS,
    );

  it('are counted as the answer will count them, without a call of the model', () => {
    const model = create();
    const messages = [user('x'.repeat(400)), assistant('y'.repeat(80)), user('z')];
    const counted = bodyOf(count(model, messages, { system: 'Be brief.' }));
    expect(counted).toEqual({ status: 200, body: { input_tokens: Math.ceil(490 / 4) + 8 } });
    expect(model.stats().calls).toBe(0);
    const { usage } = bodyOf(ask(model, messages, { system: 'Be brief.' })).body;
    expect(usage.input_tokens).toBe(counted.body.input_tokens);
    expect(bodyOf(count(model, [])).status).toBe(400);
  });

  it('end an answer that is too long, and stop sequences do', () => {
    const model = create();
    const long = bodyOf(ask(model, [user('x'.repeat(1_000))], { max_tokens: 10 })).body;
    expect(long).toMatchObject({ stop_reason: 'max_tokens', content: [{ text: `Echo: ${'x'.repeat(34)}` }] });
    const stopped = bodyOf(ask(model, [user('one END two')], { stop_sequences: ['END', 'two'] })).body;
    expect(stopped).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: 'END',
      content: [{ text: 'Echo: one ' }],
    });
  });
});

describe('limits and latency', () => {
  it('answers 429 and says when there is room again', () => {
    const model = create({ requestsPerMinuteMax: 3 });
    const at = (ms: number, words = 'hi') => {
      const outcome = model.handle(
        {
          method: 'POST',
          path: '/v1/messages',
          query: {},
          headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
          body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [user(words)] }),
        },
        START_MS + ms,
      );
      if (outcome.kind !== 'response') throw new Error('Expected an answer.');
      return [outcome.response.status, outcome.response.headers['retry-after'] ?? null];
    };
    expect([at(0), at(0), at(0), at(0)]).toEqual([
      [200, null],
      [200, null],
      [200, null],
      [429, '20'],
    ]);
    expect(at(19_999)).toEqual([429, '1']);
    expect(at(20_000)).toEqual([200, null]);
    model.set({ requestsPerMinuteMax: null, inputTokensPerMinuteMax: 100 });
    expect(at(20_000, 'x'.repeat(360))).toEqual([200, null]);
    expect(at(20_000, 'x'.repeat(360))).toEqual([429, '58']);
    expect(at(200_000, 'x'.repeat(4_000))).toEqual([200, null]);
  });

  it('takes as long as the distribution says, the same for the same seed', () => {
    const times = (settings: object, seed: number): number[] => {
      const model = createAnthropic({ random: seededRandom(seed), settings });
      return Array.from({ length: 2_000 }, () => ask(model, [user('a')]).delayMs).sort((a, b) => a - b);
    };
    const logNormal = times({ latencyLogNormal: { medianMs: 800, p99Ms: 8_000 } }, 1);
    expect(logNormal[1_000]!).toBeGreaterThan(740);
    expect(logNormal[1_000]!).toBeLessThan(860);
    expect(logNormal[1_980]!).toBeGreaterThan(5_500);
    expect(logNormal[1_980]!).toBeLessThan(11_000);
    const percentiles = times(
      {
        latencyPercentiles: [
          [50, 800],
          [95, 4_000],
          [100, 20_000],
        ],
      },
      1,
    );
    expect(percentiles[1_000]!).toBeGreaterThan(740);
    expect(percentiles[1_000]!).toBeLessThan(1_000);
    expect(percentiles[1_899]!).toBeGreaterThan(3_500);
    expect(percentiles.at(-1)!).toBeLessThanOrEqual(20_000);
    expect(times({ latencyLogNormal: { medianMs: 800, p99Ms: 8_000 } }, 1)).toEqual(logNormal);
    expect(times({ latencyLogNormal: { medianMs: 800, p99Ms: 8_000 } }, 2)).not.toEqual(logNormal);
    expect(new Set(times({ latencyMs: { minMs: 70, maxMs: 70 } }, 1))).toEqual(new Set([70]));
    expect(() =>
      create({
        latencyPercentiles: [
          [95, 1],
          [50, 2],
        ],
      }),
    ).toThrow(/must be pairs of percent and ms/);
    expect(() => create({ latencyPercentiles: 'slow' })).toThrow(/must be pairs of percent and ms/);
    expect(() => create({ latencyLogNormal: { medianMs: 9, p99Ms: 1 } })).toThrow(/"p99Ms" of at least/);
    expect(() => create({ latencyMs: { minMs: 9, maxMs: 1 } })).toThrow(/ends at 1 before it begins at 9/);
  });

  it('draws no more chance than before where nothing is set', () => {
    let draws = 0;
    const random = seededRandom(1);
    const model = createAnthropic({
      random: () => {
        draws += 1;
        return random();
      },
    });
    ask(model, [user('a')]);
    // Fourteen letters each for the ids of the message and the call.
    expect(draws).toBe(28);
  });
});

describe('conversations that cannot be', () => {
  const call = { type: 'tool_use', id: 'toolu_1', name: 'handOff', input: {} };
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok' };
  it.each([
    ['an empty text', [user('')], /^messages\.0: all messages must have non-empty content/],
    ['an empty block', [user([{ type: 'text', text: '' }])], /text content blocks must be non-empty/],
    ['no content', [user([])], /non-empty content/],
    ['a result of nothing', [user([result])], /unexpected `tool_use_id`.+toolu_1/],
    ['a call without result', [user('a'), assistant([call]), user('b')], /without `tool_result`.+toolu_1/],
  ])('%s is refused', (_, messages, message) => {
    const { status, body } = bodyOf(ask(create(), messages));
    expect([status, body.error.type]).toEqual([400, 'invalid_request_error']);
    expect(body.error.message).toMatch(message);
  });

  it('a call with its result is none', () => {
    const { status } = bodyOf(ask(create(), [user('a'), assistant([call]), user([result])]));
    expect(status).toBe(200);
  });
});
