/**
 * The doctor's questions to Graph: single reads with a token. What Graph says in words is not handed on, since an error
 * may quote the token; codes, and values of a known form, are.
 */
import type { Http } from '#core/ports/world.ts';
import { HttpFault } from '#core/ports/world.ts';
import { graphErrorOf, type Json, jsonObjectOf, objectOf, textOf } from '#pipeline/graph/graph-error.ts';
import type { Finding } from './finding.ts';

export type GraphAnswer =
  | { kind: 'ok'; json: Json }
  /** `code` is Graph's; without one nobody of Graph has answered. */
  | { kind: 'failed'; code: number | null; httpStatus: number | null };

export interface GraphReader {
  read(token: string, path: string, query?: Record<string, string>): Promise<GraphAnswer>;
}

export interface GraphReaderOptions {
  http: Http;
  baseUrl: string;
  version: string;
  timeoutMs: number;
}

export function createGraphReader(options: GraphReaderOptions): GraphReader {
  const { http, baseUrl, version, timeoutMs } = options;
  const root = `${baseUrl.replace(/\/+$/, '')}/${version}`;
  return {
    async read(token, path, query = {}) {
      const search = new URLSearchParams(query).toString();
      try {
        const { status, body } = await http.request({
          purpose: 'graphRead',
          method: 'GET',
          url: `${root}/${path}${search === '' ? '' : `?${search}`}`,
          headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
          timeoutMs,
        });
        const json = jsonObjectOf(body);
        if (status === 200 && json !== undefined && json.error === undefined) return { kind: 'ok', json };
        return { kind: 'failed', code: graphErrorOf(json, status)?.code ?? null, httpStatus: status };
      } catch (error) {
        if (!(error instanceof HttpFault)) throw error;
        return { kind: 'failed', code: null, httpStatus: null };
      }
    },
  };
}

type Failed = Extract<GraphAnswer, { kind: 'failed' }>;

/** What a read that failed says, and what to do. */
export function refusalOf({ code, httpStatus }: Failed, what: string): Pick<Finding, 'says' | 'todo'> {
  if (code === null) {
    const how = httpStatus === null ? 'no answer came' : `the answer was ${httpStatus} without Graph's words`;
    return {
      says: `${what}: ${how}.`,
      todo: 'Run the doctor again; if it stays so, look for a proxy, check the network and the id.',
    };
  }
  if (code === 190 || code === 0 || code === 104)
    return {
      says: `${what}: Graph answers with error ${code}, the token is not valid or has expired.`,
      todo: 'Make a new system user token with whatsapp_business_messaging and whatsapp_business_management, and apply the tenant with it.',
    };
  if (code === 3 || code === 10 || (code >= 200 && code < 300))
    return {
      says: `${what}: Graph answers with error ${code}, a permission is missing.`,
      todo: 'Give the system user the asset (the WhatsApp business) with full control, and make its token anew with whatsapp_business_messaging and whatsapp_business_management.',
    };
  if (code === 4 || code === 613 || code === 80007)
    return {
      says: `${what}: Graph answers with error ${code}, too many questions were asked.`,
      todo: 'Run the doctor again in an hour.',
    };
  if (code === 2500)
    return {
      says: `${what}: Graph answers with error 2500, it does not know this version of its API.`,
      todo: 'Set GRAPH_API_VERSION to a version that lives, e.g. v26.0.',
    };
  return {
    says: `${what}: Graph answers with error ${code}.`,
    todo: 'Check that the id is right (it is not the phone number itself) and that the system user of the token may use it.',
  };
}

/** One of Meta's own words, such as `CONNECTED`; anything else is not printed. */
export function wordOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^[A-Za-z][A-Za-z0-9_]{0,40}$/.test(text) ? text : undefined;
}

export function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.flatMap((each): Json[] => [objectOf(each) ?? {}]) : [];
}

export function wordsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((each): string[] => [wordOf(each) ?? '']) : [];
}
