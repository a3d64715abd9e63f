import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { MediaFault } from '#core/ports/media.ts';
import { HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import { createMediaFetcher } from '#pipeline/graph/media.ts';

const bytes = Buffer.from('OggS and a voice');
const digest = (encoding: 'hex' | 'base64') => createHash('sha256').update(bytes).digest(encoding);
const lookaside = 'https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1908647269898587';

const file: HttpResponse = { status: 200, headers: {}, body: '', bytes };
const status = (code: number): HttpResponse => ({
  status: code,
  headers: {},
  body: '',
  bytes: Buffer.alloc(0),
});

/** What Graph says of the file, by default all of it and rightly. */
function infoOf(fields: Record<string, unknown> = {}): HttpResponse {
  const info = {
    messaging_product: 'whatsapp',
    url: lookaside,
    mime_type: 'audio/ogg; codecs=opus',
    sha256: digest('hex'),
    file_size: bytes.length,
    id: '1908647269898587',
  };
  return { status: 200, headers: {}, body: JSON.stringify({ ...info, ...fields }) };
}

/** A network that gives these answers, in turn. */
function fetcher(answers: (HttpResponse | HttpFault)[], baseUrl = 'https://graph.facebook.com') {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest) {
      requests.push(request);
      const answer = answers[requests.length - 1];
      if (answer === undefined) throw new Error(`Nobody answers ${request.url}.`);
      if (answer instanceof HttpFault) throw answer;
      return answer;
    },
  };
  const fetchMedia = createMediaFetcher({ http, baseUrl, version: 'v26.0' });
  const { signal } = new AbortController();
  const call = { phoneNumberId: '106540352242922', mediaId: '1908647269898587', token: 'EAAtoken', signal };
  return {
    requests,
    fetched: (sha256: string | null = digest('base64')) =>
      fetchMedia({ ...call, ...(sha256 === null ? {} : { sha256 }) }),
    async fault(sha256?: string): Promise<MediaFault> {
      const fault = await this.fetched(sha256).catch((error: unknown) => error);
      if (!(fault instanceof MediaFault)) throw new Error(`Expected a MediaFault, got ${String(fault)}.`);
      expect(fault.message).not.toContain('EAAtoken');
      return fault;
    },
  };
}

describe('a file is fetched', () => {
  test('by its address, both times with the token, within the size that is allowed', async () => {
    const { fetched, requests } = fetcher([infoOf(), file]);
    expect(await fetched()).toEqual({ bytes, mimeType: 'audio/ogg; codecs=opus' });
    expect(requests.map(({ url }) => url)).toEqual([
      'https://graph.facebook.com/v26.0/1908647269898587',
      lookaside,
    ]);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer EAAtoken',
      'Bearer EAAtoken',
    ]);
    expect(requests[1]).toMatchObject({ method: 'GET', bytes: true, bodyBytesMax: limits.mediaBytesMax });
    expect(requests[1]!.headers['user-agent']).toBe('Nightdesk');
  });

  test('with a hash in hex, in base64, or with none at all', async () => {
    for (const sha256 of [digest('hex').toUpperCase(), digest('base64')])
      expect(await fetcher([infoOf({ sha256 }), file]).fetched()).toMatchObject({ bytes });
    expect(await fetcher([infoOf({ sha256: undefined }), file]).fetched(null)).toMatchObject({ bytes });
  });

  test.each([
    'https://lookaside.fbsbx.com/a',
    'https://scontent.xx.fbcdn.net/a',
    'https://mmg.whatsapp.net/a',
  ])('from %s', async (url) => {
    expect(await fetcher([infoOf({ url }), file]).fetched()).toMatchObject({ bytes });
  });

  test('from the configured Graph where that is not Meta’s, without TLS, too', async () => {
    const url = 'http://127.0.0.1:4004/whatsapp_business/attachments/?mid=1';
    const { fetched } = fetcher([infoOf({ url }), file], 'http://127.0.0.1:4004/');
    expect(await fetched()).toMatchObject({ bytes });
  });

  test('from a fresh address where the first one is no longer known', async () => {
    const fresh = `${lookaside}&fresh=1`;
    const { fetched, requests } = fetcher([infoOf(), status(404), infoOf({ url: fresh }), file]);
    expect(await fetched()).toMatchObject({ bytes });
    expect(requests.at(-1)!.url).toBe(fresh);
  });
});

describe('the token does not go', () => {
  test.each([
    'http://lookaside.fbsbx.com/a',
    'https://lookaside.fbsbx.com:8443/a',
    'https://someone@lookaside.fbsbx.com/a',
    'https://lookaside.fbsbx.com.example.org/a',
    'https://evil-lookaside.fbsbx.com/a',
    'https://fbcdn.net.example.org/a',
    'https://notfbcdn.net/a',
    'https://example.org/?lookaside.fbsbx.com',
    'https://graph.facebook.com/a',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'nowhere',
  ])('to %s', async (url) => {
    const network = fetcher([infoOf({ url })]);
    expect(await network.fault()).toMatchObject({ code: 'foreignHost', retryable: false });
    expect(network.requests).toHaveLength(1);
  });

  test.each(['https://127.0.0.1:4004/a', 'http://127.0.0.1:4005/a', 'http://localhost:4004/a'])(
    'to %s, which is not quite the configured Graph',
    async (url) => {
      const network = fetcher([infoOf({ url })], 'http://127.0.0.1:4004');
      expect(await network.fault()).toMatchObject({ code: 'foreignHost' });
    },
  );

  test('to a fresh address elsewhere', async () => {
    const network = fetcher([infoOf(), status(404), infoOf({ url: 'https://example.org/a' })]);
    expect(await network.fault()).toMatchObject({ code: 'foreignHost' });
  });

  test('after a redirect', async () => {
    const elsewhere = { ...status(302), headers: { location: 'https://example.org/' } };
    const network = fetcher([infoOf(), elsewhere]);
    expect(await network.fault()).toMatchObject({ code: 'refused', retryable: false });
    expect(network.requests).toHaveLength(2);
  });
});

describe('there is no file where', () => {
  const graphError = (code: number, httpStatus: number): HttpResponse => ({
    status: httpStatus,
    headers: {},
    body: JSON.stringify({ error: { code, message: 'words of Meta' } }),
  });

  test('Graph does not say where it lies', async () => {
    const refused = await fetcher([graphError(100, 400)]).fault();
    expect(refused).toMatchObject({ code: 'refused', retryable: false });
    expect(refused.message).toBe(
      'Media 1908647269898587 could not be fetched: Graph refused to say where it lies with code 100. ' +
        "Check that the tenant's access token is of the business of number 106540352242922.",
    );
    expect(await fetcher([graphError(2, 500)]).fault()).toMatchObject({ code: 'noAnswer', retryable: true });
    const silent = new HttpFault('uncertain', 'TIMEOUT', 'no answer');
    expect(await fetcher([silent]).fault()).toMatchObject({ code: 'noAnswer', retryable: true });
  });

  test.each([
    [401, 'refused', false],
    [403, 'refused', false],
    [429, 'noAnswer', true],
    [503, 'noAnswer', true],
  ] as const)('its host answers %i', async (code, fault, retryable) => {
    expect(await fetcher([infoOf(), status(code)]).fault()).toMatchObject({ code: fault, retryable });
  });

  test('it is not at a fresh address either; a third one is not asked for', async () => {
    const network = fetcher([infoOf(), status(404), infoOf(), status(404)]);
    expect(await network.fault()).toMatchObject({ code: 'gone', retryable: false });
    expect(network.requests).toHaveLength(4);
  });

  test('no whole answer comes', async () => {
    const cut = new HttpFault('uncertain', 'ECONNRESET', 'cut');
    expect(await fetcher([infoOf(), cut]).fault()).toMatchObject({ code: 'noAnswer', retryable: true });
  });

  test('it is too large: by what Graph says it is not begun, else it is cut', async () => {
    const network = fetcher([infoOf({ file_size: limits.mediaBytesMax + 1 })]);
    expect(await network.fault()).toMatchObject({ code: 'tooLarge', retryable: false });
    expect(network.requests).toHaveLength(1);
    const cut = new HttpFault('uncertain', 'BODY_TOO_LARGE', 'cut');
    expect(await fetcher([infoOf({ file_size: undefined }), cut]).fault()).toMatchObject({
      code: 'tooLarge',
    });
  });

  test('it is another one than the webhook or Graph names by its hash', async () => {
    const other = createHash('sha256').update('other').digest();
    const byWebhook = fetcher([infoOf({ sha256: undefined }), file]);
    expect(await byWebhook.fault(other.toString('base64'))).toMatchObject({ code: 'damaged' });
    const byGraph = fetcher([infoOf({ sha256: other.toString('hex') }), file]);
    expect(await byGraph.fault()).toMatchObject({ code: 'damaged', retryable: true });
  });
});
