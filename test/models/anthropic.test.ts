import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ModelClient, ModelFault, type ModelMessage, type ModelRequest } from '#core/ports/model.ts';
import { createAnthropicModel, defaultAnthropicModel } from '#runtime/models/anthropic.ts';
import { fetchOver } from '#runtime/models/fetch-over-http.ts';
import { createHttpClient } from '#runtime/world/http-client.ts';
import { type AnthropicServer, fail, say, startAnthropicServer } from './anthropic-server.ts';

let server: AnthropicServer;
const http = createHttpClient();
beforeAll(async () => {
  server = await startAnthropicServer();
});
afterEach(() => {
  server.seen.length = 0;
  server.next.length = 0;
});
afterAll(async () => {
  http.close();
  await server.close();
});

const user = (text: string): ModelMessage => ({ role: 'user', text });
const assistant = (text: string): ModelMessage => ({ role: 'assistant', text });

function request(rest: Partial<ModelRequest> = {}): ModelRequest {
  return {
    tenantId: 'acme',
    system: 'You answer for Acme.',
    messages: [user('Hello')],
    offerHandOff: false,
    signal: new AbortController().signal,
    idempotencyKey: 'key-1',
    ...rest,
  };
}

async function faultOf(answering: Promise<unknown>): Promise<ModelFault> {
  const fault = await answering.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (fault instanceof ModelFault) return fault;
  throw new Error(`Expected a ModelFault, got ${String(fault)}.`);
}

/** Both ways to the network must behave alike. */
describe.each(['the platform', 'the Http port'])('by the fetch of %s', (way) => {
  const claude = (): ModelClient =>
    createAnthropicModel({
      apiKey: 'sk-test',
      baseUrl: server.url,
      ...(way === 'the platform' ? {} : { fetch: fetchOver(http) }),
    });

  test('a text comes back with its usage, and the request is the one of Anthropic', async () => {
    const answer = await claude().reply(request());
    expect(answer).toEqual({
      text: 'Hello!',
      usage: { model: 'claude-haiku-5-5-20260901', inputTokens: 21, outputTokens: 7 },
    });
    expect(server.seen).toHaveLength(1);
    const { path, headers, body } = server.seen[0]!;
    expect(path).toBe('/v1/messages');
    expect(headers).toMatchObject({ 'x-api-key': 'sk-test', 'idempotency-key': 'key-1' });
    expect(headers['anthropic-version']).toBe('2023-06-01');
    expect(body.model).toBe(defaultAnthropicModel);
    expect(body.max_tokens).toBe(2_048);
    expect(body.thinking).toEqual({ type: 'disabled' });
    expect(body.system?.map(({ text }) => text)).toEqual(['You answer for Acme.']);
    expect(body.tools).toBeUndefined();
  });

  test('whoever listens to the SDK is told nothing: it would be the words of the customer', async () => {
    const told: unknown[] = [];
    const hear = (message: unknown) => void told.push(message);
    subscribe('tracing:ai:telemetry:start', hear);
    await claude().reply(request());
    unsubscribe('tracing:ai:telemetry:start', hear);
    expect(told).toEqual([]);
  });

  test('a request may name its model, and have no system text', async () => {
    await claude().reply(request({ model: 'claude-sonnet-5-5', system: '' }));
    expect(server.seen[0]!.body.model).toBe('claude-sonnet-5-5');
    expect(server.seen[0]!.body.system).toBeUndefined();
  });

  test('sides alternate, the customer begins, empty texts are left out, and no text is lost', async () => {
    await claude().reply(
      request({
        messages: [assistant('Hi'), user('one'), user(' '), user('two'), assistant('three'), user('four')],
      }),
    );
    expect(
      server.seen[0]!.body.messages.map(({ role, content }) => [role, content.map(({ text }) => text)]),
    ).toEqual([
      ['user', ['(The conversation began earlier.)']],
      ['assistant', ['Hi']],
      ['user', ['one', 'two']],
      ['assistant', ['three']],
      ['user', ['four']],
    ]);
  });

  test('a call of the hand-off tool comes back with the text beside it, and nothing is asked again', async () => {
    server.next.push(
      say(
        [
          { type: 'text', text: 'One moment.' },
          { type: 'tool_use', id: 'toolu_1', name: 'handOff', input: { reason: 'asked for a person' } },
        ],
        'tool_use',
      ),
    );
    const answer = await claude().reply(request({ offerHandOff: true }));
    expect(answer).toMatchObject({ text: 'One moment.', handOff: { reason: 'asked for a person' } });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]!.body.tools).toMatchObject([
      { name: 'handOff', input_schema: { required: ['reason'], properties: { reason: { type: 'string' } } } },
    ]);
  });

  test('a call of the tool with anything else is a hand-off all the same', async () => {
    server.next.push(
      say([{ type: 'tool_use', id: 'toolu_1', name: 'handOff', input: { because: 1 } }], 'tool_use'),
    );
    expect(await claude().reply(request({ offerHandOff: true }))).toMatchObject({
      text: '',
      handOff: { reason: '' },
    });
  });

  test.each([
    [400, 'invalid_request_error', 'badRequest', false],
    [401, 'authentication_error', 'unauthorised', false],
    [402, 'billing_error', 'unauthorised', false],
    [403, 'permission_error', 'unauthorised', false],
    [404, 'not_found_error', 'badRequest', false],
    [413, 'request_too_large', 'badRequest', false],
    [429, 'rate_limit_error', 'rateLimited', true],
    [500, 'api_error', 'overloaded', true],
    [503, 'api_error', 'overloaded', true],
    [529, 'overloaded_error', 'overloaded', true],
  ] as const)('status %d (%s) is %s, after one request', async (status, type, code, retryable) => {
    server.next.push(fail(status, type));
    const fault = await faultOf(claude().reply(request()));
    expect(fault).toMatchObject({ code, retryable, retryAfterMs: undefined });
    expect(fault.message).toContain(`answered ${status} (request req_1)`);
    expect(fault.message).not.toContain('CUSTOMER WORDS');
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '3', 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': 'Sun, 22 Nov 2026 01:00:00 GMT' }, undefined],
  ])('the wait asked for by %j is %s ms', async (headers, retryAfterMs) => {
    server.next.push(fail(429, 'rate_limit_error', headers));
    expect(await faultOf(claude().reply(request()))).toMatchObject({ code: 'rateLimited', retryAfterMs });
  });

  test('a refusal and an empty answer are faults', async () => {
    server.next.push(
      say([{ type: 'text', text: 'I' }], 'refusal'),
      say([]),
      say([{ type: 'text', text: ' \n' }]),
    );
    expect(await faultOf(claude().reply(request()))).toMatchObject({ code: 'refused', retryable: false });
    expect(await faultOf(claude().reply(request()))).toMatchObject({ code: 'empty', retryable: true });
    expect(await faultOf(claude().reply(request()))).toMatchObject({ code: 'empty', retryable: true });
  });

  const cutting: [string, (response: ServerResponse) => void][] = [
    ['no answer at all', (response) => response.destroy()],
    [
      'half a body',
      (response) => response.writeHead(200, { 'content-length': 99 }).write('{"id', () => response.destroy()),
    ],
    ['a body that is no JSON', (response) => response.end('<html>')],
    ['a body of another shape', (response) => response.end('{"hello":1}')],
  ];
  test.each(cutting)('%s is a fault of the network', async (_name, answer) => {
    server.next.push(answer);
    expect(await faultOf(claude().reply(request()))).toMatchObject({ code: 'network', retryable: true });
    expect(server.seen).toHaveLength(1);
  });

  test('nobody there is a fault of the network', async () => {
    const options = way === 'the platform' ? {} : { fetch: fetchOver(http) };
    const model = createAnthropicModel({ apiKey: 'k', baseUrl: 'http://127.0.0.1:1', ...options });
    expect(await faultOf(model.reply(request()))).toMatchObject({ code: 'network', retryable: true });
  });

  test('an abort ends the call at once, before and while it runs', async () => {
    const abort = new AbortController();
    server.next.push(() => abort.abort());
    const expected = { code: 'network', retryable: false };
    expect(await faultOf(claude().reply(request({ signal: abort.signal })))).toMatchObject(expected);
    expect(await faultOf(claude().reply(request({ signal: abort.signal })))).toMatchObject(expected);
    expect(server.seen).toHaveLength(1);
  });
});

test.each(['', '/', '/v1', '/v1/'])('the address may end in "%s"', async (ending) => {
  await createAnthropicModel({ apiKey: 'k', baseUrl: `${server.url}${ending}`, model: 'claude-x' }).reply(
    request(),
  );
  expect(server.seen[0]).toMatchObject({ path: '/v1/messages', body: { model: 'claude-x' } });
});

test('words are needed', async () => {
  const model = createAnthropicModel({ apiKey: 'k', baseUrl: server.url });
  expect(await faultOf(model.reply(request({ messages: [user(' ')] })))).toMatchObject({
    code: 'badRequest',
  });
  expect(server.seen).toHaveLength(0);
});

test('the fetch that is given is the one that is used, once for each call', async () => {
  const urls: string[] = [];
  const counting: typeof fetch = (input, init) => {
    urls.push(String(input));
    return fetchOver(http)(input, init);
  };
  const model = createAnthropicModel({ apiKey: 'k', baseUrl: server.url, fetch: counting });
  server.next.push(fail(529, 'overloaded_error'));
  await faultOf(model.reply(request()));
  await model.reply(request());
  expect(urls).toEqual([`${server.url}/v1/messages`, `${server.url}/v1/messages`]);
});
