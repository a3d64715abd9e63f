import { APICallError, type TranscriptionModel } from 'ai';
import { expect, test } from 'vitest';
import { ModelFault } from '#core/ports/model.ts';
import { createAiSdkTranscriber } from '#runtime/models/transcriber.ts';

type Model = Extract<TranscriptionModel, { specificationVersion: 'v4' }>;
type Generate = Model['doGenerate'];

const audio = new Uint8Array([0x23, 0x21, 0x41, 0x4d, 0x52]);
const request = {
  audio,
  mimeType: 'audio/amr',
  signal: new AbortController().signal,
  idempotencyKey: 'act_1:7',
};

const said = (text: string): Awaited<ReturnType<Generate>> => ({
  text,
  segments: [],
  language: undefined,
  durationInSeconds: undefined,
  warnings: [],
  response: { timestamp: new Date(0), modelId: 'mock' },
});

function transcriber(doGenerate: Generate) {
  const resolved: Model[] = [];
  const made = createAiSdkTranscriber({
    name: 'mock',
    resolve() {
      resolved.push({ specificationVersion: 'v4', provider: 'mock', modelId: 'mock', doGenerate });
      return resolved[0]!;
    },
  });
  return { ...made, resolved };
}

async function faultOf(answering: Promise<unknown>): Promise<ModelFault> {
  const fault = await answering.catch((error: unknown) => error);
  if (fault instanceof ModelFault) return fault;
  throw new Error(`Expected a ModelFault, got ${String(fault)}.`);
}

test('the recording goes to the model as it is, with the type that WhatsApp gave it, and words come back', async () => {
  const calls: Parameters<Generate>[0][] = [];
  const { transcribe, resolved } = transcriber(async (call) => {
    calls.push(call);
    return said(' Do you open on Sundays? ');
  });
  expect(await transcribe(request)).toEqual({ text: 'Do you open on Sundays?' });
  await transcribe(request);
  expect(resolved).toHaveLength(1);
  expect(calls[0]).toMatchObject({ audio, mediaType: 'audio/amr' });
  expect(calls[0]!.headers).toMatchObject({ 'idempotency-key': 'act_1:7' });
});

test('a failed call is one call, and a fault without the words of the provider', async () => {
  let calls = 0;
  const { transcribe } = transcriber(async () => {
    calls += 1;
    const responseHeaders = { 'retry-after': '2' };
    throw new APICallError({
      message: 'WORDS',
      url: 'u',
      requestBodyValues: {},
      statusCode: 429,
      responseHeaders,
    });
  });
  const fault = await faultOf(transcribe(request));
  expect(fault).toMatchObject({ code: 'rateLimited', retryable: true, retryAfterMs: 2_000 });
  expect(fault.message).not.toContain('WORDS');
  expect(calls).toBe(1);
});

test('a recording without words is a fault that another attempt would not mend', async () => {
  const { transcribe } = transcriber(async () => said('  '));
  expect(await faultOf(transcribe(request))).toMatchObject({ code: 'empty', retryable: false });
});

test('an abort ends a call whose provider does not listen', async () => {
  const abort = new AbortController();
  const { transcribe } = transcriber(() => {
    abort.abort();
    return new Promise(() => {});
  });
  expect(await faultOf(transcribe({ ...request, signal: abort.signal }))).toMatchObject({ retryable: false });
});
