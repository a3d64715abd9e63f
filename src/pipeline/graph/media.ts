/**
 * Fetches a file that a customer sent: asks Graph where it lies, then gets it from there. The address comes with the
 * answer and the token goes to it, so it is only followed to hosts of Meta's by https, or to the configured Graph where
 * that is not Meta's (the look-alike), and never by a redirect. An address lives 5 minutes: a 404 is asked for a fresh
 * one once. To allow another host, add it to `metaHosts`.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { type FetchMedia, type MediaCall, MediaFault } from '#core/ports/media.ts';
import { type Http, HttpFault, type HttpResponse } from '#core/ports/world.ts';
import { createGraphClient, type GraphClientOptions, type GraphMedia } from './client.ts';

const metaHosts = [/^lookaside\.fbsbx\.com$/, /\.fbcdn\.net$/, /\.whatsapp\.net$/];
const graphOfMeta = /(^|\.)facebook\.com$/;

export function createMediaFetcher(options: GraphClientOptions): FetchMedia {
  const { http } = options;
  const graph = createGraphClient(options);
  const own = new URL(options.baseUrl);
  const ownOrigin = graphOfMeta.test(own.hostname) ? null : own.origin;

  const find = async (call: MediaCall): Promise<GraphMedia> => {
    const { mediaId, token, signal } = call;
    const found = await graph.getMedia({
      mediaId,
      token,
      signal,
      timeoutMs: limits.graphTimeoutMs,
    });
    if (found.kind === 'ok') return checked(call, found.value, ownOrigin);
    const code = found.error === undefined ? '' : ` with code ${found.error.code}`;
    throw found.retry
      ? noAnswer(call, `Graph gave no good answer${code}`)
      : refused(call, `Graph refused to say where it lies${code}`);
  };

  return async (call) => {
    let media = await find(call);
    let answer = await download(http, call, media.url);
    if (answer.status === 404) {
      media = await find(call);
      answer = await download(http, call, media.url);
    }
    const bytes = bytesOf(call, answer);
    const actual = createHash('sha256').update(bytes).digest('hex');
    for (const expected of [call.sha256, media.sha256])
      if (expected !== undefined && hexOf(expected) !== actual)
        throw fault(
          call,
          'damaged',
          'it is not the file that its sha256 names. Another fetch may bring it',
          true,
        );
    return { bytes, mimeType: media.mimeType };
  };
}

/** Before the token goes anywhere. */
function checked(call: MediaCall, media: GraphMedia, ownOrigin: string | null): GraphMedia {
  const url = URL.parse(media.url);
  const ofMeta =
    url?.protocol === 'https:' && url.port === '' && metaHosts.some((host) => host.test(url.hostname));
  if (url === null || url.username !== '' || !(ofMeta || url.origin === ownOrigin)) {
    const where = url === null ? 'an address that cannot be read' : url.origin;
    const what = `it lies at ${where}, which is no host of Meta's over https. The token was not sent there; check GRAPH_API_URL and what stands between`;
    throw fault(call, 'foreignHost', what, false);
  }
  if (media.bytes !== undefined && media.bytes > limits.mediaBytesMax) throw tooLarge(call);
  return media;
}

async function download(http: Http, call: MediaCall, url: string): Promise<HttpResponse> {
  try {
    return await http.request({
      purpose: 'mediaFile',
      method: 'GET',
      url,
      // Some of Meta's hosts refuse a request that does not say who asks.
      headers: { authorization: `Bearer ${call.token}`, 'user-agent': 'Nightdesk' },
      timeoutMs: limits.graphTimeoutMs,
      signal: call.signal,
      bytes: true,
      bodyBytesMax: limits.mediaBytesMax,
    });
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    throw error.code === 'BODY_TOO_LARGE'
      ? tooLarge(call)
      : noAnswer(call, `no whole file came (${error.code})`);
  }
}

function bytesOf(call: MediaCall, { status, bytes }: HttpResponse): Uint8Array {
  if (status >= 200 && status < 300 && bytes !== undefined) return bytes;
  if (status === 404)
    throw fault(
      call,
      'gone',
      'it was not found, at a fresh address either. Files can be fetched for 7 days',
      false,
    );
  if (status >= 300 && status < 400)
    throw refused(
      call,
      `its host redirects (${status}), which is not followed because the token would go along`,
    );
  if (status === 408 || status === 429 || status >= 500) throw noAnswer(call, `its host answered ${status}`);
  throw refused(call, `its host answered ${status}`);
}

/** The webhook has base64, the look-up hex. */
function hexOf(sha256: string): string {
  return /^[0-9a-f]{64}$/i.test(sha256)
    ? sha256.toLowerCase()
    : Buffer.from(sha256, 'base64').toString('hex');
}

function fault(call: MediaCall, code: MediaFault['code'], what: string, retryable: boolean): MediaFault {
  return new MediaFault(code, `Media ${call.mediaId} could not be fetched: ${what}.`, { retryable });
}

const noAnswer = (call: MediaCall, what: string) =>
  fault(call, 'noAnswer', `${what}. It may come later`, true);
const refused = (call: MediaCall, what: string) =>
  fault(
    call,
    'refused',
    `${what}. Check that the tenant's access token is of the business of number ${call.phoneNumberId}`,
    false,
  );
const tooLarge = (call: MediaCall) =>
  fault(call, 'tooLarge', `it has more than ${limits.mediaBytesMax} bytes`, false);
