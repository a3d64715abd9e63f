import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { MediaFault } from '#core/ports/media.ts';
import { HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import { createMediaUploader } from '#pipeline/graph/media-out.ts';
import { readMultipart } from '#simulator/media/multipart.ts';

/** As unlike text as bytes can be, with what ends a part of a form in it. */
const bytes = Buffer.concat([Buffer.from([0, 255, 13, 10]), Buffer.from('\r\n--nd-'), Buffer.from([13, 10])]);
const fileId = createHash('sha256').update(bytes).digest('hex');

function uploaderOf(answer: HttpResponse | HttpFault) {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest) {
      requests.push(request);
      if (answer instanceof HttpFault) throw answer;
      return answer;
    },
  };
  const upload = createMediaUploader({ http, baseUrl: 'https://graph.facebook.com', version: 'v26.0' });
  const call = { phoneNumberId: '100', token: 'EAA token of a tenant', bytes, mimeType: 'image/png', fileId };
  return { requests, send: (more = {}) => upload({ ...call, ...more }) };
}

const json = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: {},
  body: JSON.stringify(body),
});
const error = (code: number) => ({ error: { message: 'no', code, type: 'OAuthException' } });

test('the form is what the look-alike reads: the product, the type, and the file byte by byte', async () => {
  const { requests, send } = uploaderOf(json(200, { id: '4490709327384033' }));
  expect(await send()).toBe('4490709327384033');
  const [request] = requests;
  expect(request).toMatchObject({
    purpose: 'mediaUpload',
    method: 'POST',
    url: 'https://graph.facebook.com/v26.0/100/media',
    timeoutMs: limits.uploadTimeoutMs,
  });
  expect(request?.headers.authorization).toBe('Bearer EAA token of a tenant');
  const type = request?.headers['content-type'] ?? '';
  expect(/boundary=(.+)$/.exec(type)?.[1]?.length).toBeLessThanOrEqual(70);
  const parts = readMultipart(type, request?.body as Uint8Array);
  expect(Object.fromEntries([...(parts ?? [])].map(([name, part]) => [name, part.contentType]))).toEqual({
    messaging_product: null,
    type: null,
    file: 'image/png',
  });
  expect(Buffer.from(parts!.get('messaging_product')!.bytes).toString()).toBe('whatsapp');
  expect(Buffer.from(parts!.get('file')!.bytes)).toEqual(bytes);
});

test('a type cannot bring headers of its own', async () => {
  const { requests, send } = uploaderOf(json(200, { id: '1' }));
  await send({ mimeType: 'image/png\r\nX-Evil: 1' });
  const body = Buffer.from(requests[0]?.body as Uint8Array).toString('latin1');
  expect(body).not.toMatch(/\r\nX-Evil/);
});

test.each([
  ['no answer', new HttpFault('uncertain', 'ECONNRESET', 'closed'), 'noAnswer', true],
  ['a server that is down', json(503, error(2)), 'noAnswer', true],
  ['throttled', json(400, error(4)), 'noAnswer', true],
  ['a bad token', json(401, error(190)), 'refused', false],
  ['a bad file', json(400, error(100)), 'refused', false],
  ['no id in the answer', json(200, {}), 'noAnswer', true],
])('%s', async (_, answer, code, retryable) => {
  const fault = await uploaderOf(answer)
    .send()
    .catch((thrown: unknown) => thrown);
  expect(fault).toBeInstanceOf(MediaFault);
  expect(fault).toMatchObject({ code, retryable });
  expect((fault as MediaFault).message).not.toContain('EAA');
});
