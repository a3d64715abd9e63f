/**
 * The platform's `fetch` spoken over the `Http` port, for libraries that want one: model calls then use the world's
 * sockets and limits, can be simulated, and cost a third of the CPU. It knows what a JSON client needs and refuses the rest.
 */
import { limits } from '#core/limits.ts';
import type { RequestPurpose } from '#core/ports/crash-points.ts';
import type { Http } from '#core/ports/world.ts';

/** The activity's deadline ends a call by its signal; this only bounds a call that has none. */
const timeoutMsDefault = 120_000;

export interface FetchOverOptions {
  timeoutMs?: number;
  /** Names the crash points of its requests; they have none if absent. */
  purpose?: RequestPurpose;
  /** Whoever asks may get a file, which as text would be damaged. */
  bytes?: true;
}

export function fetchOver(http: Http, options: FetchOverOptions = {}): typeof globalThis.fetch {
  const { timeoutMs = timeoutMsDefault, purpose = null, bytes } = options;
  return async (input, init) => {
    const method = init?.method ?? 'GET';
    if (typeof input === 'object' && !(input instanceof URL)) throw unsupported('a Request object');
    if (method !== 'GET' && method !== 'POST' && method !== 'DELETE')
      throw unsupported(`the method ${method}`);
    const body = init?.body;
    const isPlain =
      body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
    if (!isPlain) throw unsupported('a body that is neither text nor bytes');
    const answer = await http.request({
      purpose,
      method,
      url: String(input),
      headers: Object.fromEntries(new Headers(init?.headers)),
      ...(body === undefined || body === null ? {} : { body }),
      timeoutMs,
      ...(bytes && { bytes, bodyBytesMax: limits.providerAnswerBytesMax }),
      ...(init?.signal ? { signal: init.signal } : {}),
    });
    const given = answer.bytes === undefined ? answer.body : new Uint8Array(answer.bytes);
    return new Response(bodyless.has(answer.status) ? null : given, answer);
  };
}

/** Statuses with which the platform's `Response` refuses a body, be it an empty one. */
const bodyless = new Set([204, 205, 304]);

function unsupported(what: string): TypeError {
  return new TypeError(
    `fetch over the Http port cannot send ${what}. Use text or bytes by GET, POST or DELETE.`,
  );
}
