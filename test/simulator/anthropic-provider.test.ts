/**
 * The look-alike of Anthropic's API before the provider that others use: `@ai-sdk/anthropic`, unchanged, over real HTTP.
 */
import { createAnthropic } from '@ai-sdk/anthropic';
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { START_MS, seededRandom } from './virtual-meta.ts';

let simulator: Simulator;
let timers: { delayMs: number; fn: () => void }[];
beforeEach(async () => {
  timers = [];
  simulator = await startSimulator({
    world: {
      nowMs: () => START_MS,
      random: seededRandom(1),
      setTimer: (delayMs, fn) => {
        const timer = { delayMs, fn };
        timers.push(timer);
        return () => {
          timers = timers.filter((each) => each !== timer);
        };
      },
    },
  });
});
afterEach(() => simulator.close());

const claude = (apiKey = 'key') =>
  createAnthropic({ apiKey, baseURL: `${simulator.anthropicUrl}/v1` })('claude-haiku-5-5');
const asking = (prompt: string) => ({ model: claude(), prompt, maxRetries: 0, maxOutputTokens: 500 });

async function faultOf(calling: Promise<unknown>): Promise<APICallError> {
  const error: unknown = await calling.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (APICallError.isInstance(error)) return error;
  throw new Error(`Expected an error of the API, but it was ${String(error)}.`);
}

const handOff = tool({
  description: 'Asks for a person.',
  inputSchema: jsonSchema<{ reason: string }>({
    type: 'object',
    properties: { reason: { type: 'string' } },
    required: ['reason'],
  }),
  execute: ({ reason }) => `A person was asked: ${reason}`,
});

describe('messages', () => {
  test('a text with its usage', async () => {
    const { text, usage, finishReason, response } = await generateText({
      ...asking('hello'),
      system: 'Be brief.',
    });
    expect({ text, finishReason }).toEqual({ text: 'Echo: hello', finishReason: 'stop' });
    expect(usage.inputTokens).toBe(Math.ceil('Be brief.hello'.length / 4) + 8);
    expect(usage.outputTokens).toBeGreaterThan(5);
    expect(response.id).toMatch(/^msg_01/);
    expect(response.headers?.['request-id']).toMatch(/^req_01/);
  });

  test('an answer that became too long', async () => {
    const { text, finishReason } = await generateText({ ...asking('x'.repeat(400)), maxOutputTokens: 20 });
    expect({ chars: text.length, finishReason }).toEqual({ chars: 80, finishReason: 'length' });
  });

  test('a stop sequence', async () => {
    const { text, finishReason } = await generateText({ ...asking('one END two'), stopSequences: ['END'] });
    expect({ text, finishReason }).toEqual({ text: 'Echo: one ', finishReason: 'stop' });
  });

  test('a tool is called, answered, and the conversation goes on', async () => {
    const { text, steps } = await generateText({
      ...asking('I want a human'),
      tools: { handOff },
      stopWhen: stepCountIs(3),
    });
    expect(steps).toHaveLength(2);
    expect(steps[0]!.toolCalls).toMatchObject([{ toolName: 'handOff', input: { reason: 'I want a human' } }]);
    expect(steps[0]!.finishReason).toBe('tool-calls');
    expect(text).toMatch(/^Echo: /);
    expect(simulator.anthropic.stats()).toMatchObject({ calls: 2, byStatus: { 200: 2 } });
  });
});

describe('streams', () => {
  test('a text in pieces, with its usage at the end', async () => {
    const { textStream, usage, finishReason } = streamText(asking(`hello ${'x'.repeat(200)}`));
    const pieces: string[] = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('')).toBe(`Echo: hello ${'x'.repeat(200)}`);
    expect((await usage).outputTokens).toBeGreaterThan(50);
    expect(await finishReason).toBe('stop');
  });

  test('a tool call in pieces', async () => {
    const result = streamText({
      ...asking(`a human please, ${'because '.repeat(20)}`),
      tools: { handOff },
    });
    expect(await result.toolCalls).toMatchObject([
      { toolName: 'handOff', input: { reason: expect.stringContaining('because') } },
    ]);
  });

  test('one that ends by an error, and one that is cut', async () => {
    for (const fault of ['streamError', 'cut'] as const) {
      simulator.anthropic.set({ [fault]: { next: 1 } });
      const errors: string[] = [];
      const note = (error: unknown) => void errors.push(`${error} ${(error as Error).cause ?? ''}`);
      const pieces: string[] = [];
      const { textStream } = streamText({ ...asking('x'.repeat(200)), onError: ({ error }) => note(error) });
      try {
        for await (const piece of textStream) pieces.push(piece);
      } catch (error) {
        note(error);
      }
      expect(pieces.join('')).toMatch(/^Echo: x+$/);
      expect(errors.join()).toMatch(fault === 'cut' ? /terminated|closed|reset/i : /Overloaded/);
    }
  });
});

describe('what goes wrong', () => {
  test('429 and 529 with the wait that is asked for', async () => {
    await simulator.control.setModel({ retryAfterSeconds: 7, rateLimit: { next: 1 } });
    const limited = await faultOf(generateText(asking('hello')));
    expect(limited).toMatchObject({ statusCode: 429, isRetryable: true });
    expect(limited.responseHeaders).toMatchObject({ 'retry-after': '7', 'request-id': expect.any(String) });
    await simulator.control.setModel({ overload: { next: 1 } });
    const overloaded = await faultOf(generateText(asking('hello')));
    expect(overloaded).toMatchObject({ statusCode: 529, isRetryable: true });
    expect(overloaded.data).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  });

  test('the provider tries again after a 529, and is answered', async () => {
    await simulator.control.setModel({ retryAfterSeconds: 0, overload: { next: 1 } });
    const { text } = await generateText({ ...asking('hello'), maxRetries: 1 });
    expect(text).toBe('Echo: hello');
    expect(simulator.anthropic.stats().byStatus).toEqual({ 529: 1, 200: 1 });
  });

  test('a limit per minute', async () => {
    await simulator.control.setModel({ requestsPerMinuteMax: 1 });
    await generateText(asking('one'));
    const limited = await faultOf(generateText(asking('two')));
    expect(limited.responseHeaders?.['retry-after']).toBe('60');
    expect(limited.message).toMatch(/1 requests per minute/);
  });

  test('a key that is not known', async () => {
    await simulator.control.setModel({ apiKeys: ['key'] });
    const refused = await faultOf(generateText({ ...asking('hello'), model: claude('another') }));
    expect(refused).toMatchObject({ statusCode: 401, isRetryable: false });
  });

  test('an answer takes its time', async () => {
    await simulator.control.setModel({ latencyPercentiles: [[100, 4_000]] });
    const called = new Promise<void>((resolve) => {
      simulator.meta.log.listen(({ kind }) => kind === 'modelCalled' && resolve());
    });
    const answering = generateText(asking('hello'));
    await called;
    const waiting = timers.filter(({ delayMs }) => delayMs > 0 && delayMs <= 4_000);
    expect(waiting).toHaveLength(1);
    waiting[0]!.fn();
    expect((await answering).text).toBe('Echo: hello');
  });
});
