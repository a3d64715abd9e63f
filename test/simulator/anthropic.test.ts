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
        usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
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
    const result = { type: 'tool_result', tool_use_id: 'x', content: 'ok' };
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
