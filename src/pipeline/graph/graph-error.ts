/**
 * Reads Graph's error out of a body. Lenient on purpose: bodies come from many systems at Meta, fields are missing,
 * numbers come as text, `error_data` is an object or a string. Only `code` is needed; without it there is no error of
 * Graph, whatever else the body says (a proxy may have written it).
 */
import type { ProviderError } from '#core/model/events.ts';

/** `message` and `details` are Meta's words: for the operator, not for branching on. */
export interface GraphError extends ProviderError {
  httpStatus: number;
  subcode?: number;
  type?: string;
  isTransient: boolean;
  /** What Meta's support asks for. */
  traceId?: string;
}

export type Json = Record<string, unknown>;

/** The JSON object that a body holds, or undefined. */
export function jsonObjectOf(body: string): Json | undefined {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

export function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The first element of an array of objects, or an empty object. */
export function firstOf(value: unknown): Json {
  return (Array.isArray(value) ? objectOf(value[0]) : undefined) ?? {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Leaves out what is undefined, so that an absent field is absent. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export function graphErrorOf(body: Json | undefined, httpStatus: number): GraphError | undefined {
  const error = objectOf(body?.error);
  const code = integerOf(error?.code);
  if (error === undefined || code === undefined) return undefined;
  const details = textOf(error.error_data) ?? textOf(objectOf(error.error_data)?.details);
  return {
    code,
    httpStatus,
    isTransient: error.is_transient === true || error.is_transient === 'true',
    ...present({
      title: textOf(error.error_user_title),
      message: textOf(error.message),
      details: details ?? textOf(error.error_user_msg),
      subcode: integerOf(error.error_subcode),
      type: textOf(error.type),
      traceId: textOf(error.fbtrace_id),
    }),
  };
}

function integerOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
