/**
 * What became of a send, from the answer or the lack of one. Four ends, and the difference between them is money and
 * trust: `accepted` and `refused` are known, `retryLater` is known not to have been accepted, and `uncertain` is everything
 * that promises neither. Where in doubt it is uncertain: a repeat shows the customer two messages, a wait shows one late.
 *
 * To change what a code does, change its row in `error-table.ts`; to change what a broken answer means, change
 * `classifyBare`.
 */
import { HttpFault, type HttpResponse } from '#core/ports/world.ts';
import { type GraphAction, type GraphRule, type GraphScope, knownRule, ruleFor } from './error-table.ts';
import {
  firstOf,
  type GraphError,
  graphErrorOf,
  type Json,
  jsonObjectOf,
  objectOf,
  present,
  textOf,
} from './graph-error.ts';

/** The address as Meta understood it; `waId` and `userId` may differ from what was asked for and lead to the same contact. */
export interface AcceptedAddress {
  input?: string;
  waId?: string;
  userId?: string;
}

export type SendOutcome =
  /** Taken for processing; whether it arrives is told by statuses. */
  | { kind: 'accepted'; wamid: string; messageStatus?: string; address: AcceptedAddress }
  /** Never again as it is. `error` has code -1 where the answer was not Graph's. */
  | {
      kind: 'refused';
      error: GraphError;
      action: Extract<GraphAction, 'stop' | 'template' | 'notOfSends'>;
      alert: boolean;
      suppress: boolean;
      suppressWhen?: 'several' | 'marketing';
      scope: GraphScope;
    }
  /** Certainly not accepted. `pause`: the scope waits for a person; else it goes slower, or only this send waits. */
  | {
      kind: 'retryLater';
      why: 'notSent' | 'throttled' | 'paused' | 'refusedForNow';
      error?: GraphError;
      scope: GraphScope;
      retryAfterMs?: number;
      pause: boolean;
      alert: boolean;
    }
  /** Nobody knows. `probablyRefused`: Graph itself said that it failed, so the wait for evidence may be short. */
  | {
      kind: 'uncertain';
      why: 'noAnswer' | 'brokenAnswer' | 'serverError' | 'errorCode';
      error?: GraphError;
      probablyRefused: boolean;
    };

/** In `error.code` where a proxy answered and not Graph. */
export const notOfGraph = -1;

export function classifyAnswer(answer: HttpResponse | HttpFault): SendOutcome {
  if (answer instanceof HttpFault) {
    if (answer.phase === 'uncertain') return { kind: 'uncertain', why: 'noAnswer', probablyRefused: false };
    return { kind: 'retryLater', why: 'notSent', scope: 'send', pause: false, alert: false };
  }
  const body = jsonObjectOf(answer.body);
  const accepted = answer.status >= 200 && answer.status < 300 ? acceptedOf(body) : undefined;
  if (accepted !== undefined) return accepted;
  const error = graphErrorOf(body, answer.status);
  return error === undefined ? classifyBare(answer) : classifyError(error, answer);
}

function acceptedOf(body: Json | undefined): SendOutcome | undefined {
  const message = firstOf(body?.messages);
  const contact = firstOf(body?.contacts);
  const wamid = textOf(message.id);
  if (wamid === undefined) return undefined;
  const messageStatus = textOf(message.message_status);
  return {
    kind: 'accepted',
    wamid,
    ...(messageStatus === undefined ? {} : { messageStatus }),
    address: present({
      input: textOf(contact.input),
      waId: textOf(contact.wa_id),
      userId: textOf(contact.user_id),
    }),
  };
}

function classifyError(error: GraphError, answer: HttpResponse): SendOutcome {
  // A 429 under a code that nobody knows yet is a throttle all the same.
  if (answer.status === 429 && knownRule(error.code) === undefined) return throttled(answer, error);
  const rule = ruleFor(error);
  if (rule.uncertain) {
    const why = answer.status < 300 ? 'brokenAnswer' : answer.status >= 500 ? 'serverError' : 'errorCode';
    return { kind: 'uncertain', why, error, probablyRefused: answer.status >= 400 };
  }
  const { action, scope, alert, suppress, suppressWhen } = rule;
  switch (action) {
    case 'stop':
    case 'template':
    case 'notOfSends': {
      const when = suppressWhen === undefined ? {} : { suppressWhen };
      return { kind: 'refused', error, action, alert, suppress, ...when, scope };
    }
    case 'pauseNumber':
    case 'pauseWaba':
    case 'pauseTenant':
      return { kind: 'retryLater', why: 'paused', error, scope, pause: true, alert, ...waitOf(answer, rule) };
    case 'slowNumber':
    case 'slowPair':
    case 'slowWaba':
    case 'slowApp':
      return {
        kind: 'retryLater',
        why: 'throttled',
        error,
        scope,
        pause: false,
        alert,
        ...waitOf(answer, rule),
      };
    case 'retry':
      return {
        kind: 'retryLater',
        why: 'refusedForNow',
        error,
        scope,
        pause: false,
        alert,
        ...waitOf(answer, rule),
      };
  }
}

/** An answer without an error of Graph: by a proxy, or broken on its way. */
function classifyBare(answer: HttpResponse): SendOutcome {
  const { status } = answer;
  if (status >= 500) return { kind: 'uncertain', why: 'serverError', probablyRefused: false };
  // 408: somebody between us and Graph lost patience; what Graph did is not known.
  if (status < 300 || status === 408)
    return { kind: 'uncertain', why: 'brokenAnswer', probablyRefused: false };
  if (status === 429) return throttled(answer);
  const error = bareError(status);
  if (status === 401 || status === 403 || status === 407) {
    return { kind: 'retryLater', why: 'paused', error, scope: 'number', pause: true, alert: true };
  }
  return { kind: 'refused', error, action: 'stop', alert: true, suppress: false, scope: 'send' };
}

function throttled(answer: HttpResponse, error: GraphError = bareError(answer.status)): SendOutcome {
  const base = {
    kind: 'retryLater',
    why: 'throttled',
    error,
    scope: 'number',
    pause: false,
    alert: false,
  } as const;
  return { ...base, ...waitOf(answer) };
}

function bareError(httpStatus: number): GraphError {
  const message = `HTTP ${httpStatus} without an error of Graph in its body; look for a proxy, or check the base URL.`;
  return { code: notOfGraph, httpStatus, isTransient: false, message };
}

/** A wait longer than a day would outlive the service window that the message belongs to. */
const waitMaxMs = 24 * 60 * 60_000;

/** What the answer, or else the table, says about the wait. */
function waitOf(answer: HttpResponse, rule?: GraphRule): { retryAfterMs?: number } {
  const told = [retryAfterHeaderMs(answer), regainAccessMs(answer)].filter((ms) => ms !== undefined);
  const waitMs = told.length > 0 ? Math.max(...told) : rule?.retryAfterMs;
  return waitMs === undefined ? {} : { retryAfterMs: Math.min(waitMs, waitMaxMs) };
}

/** `Retry-After` in seconds; its other form, a date, would need the sender's clock and is not used by Graph. */
function retryAfterHeaderMs(answer: HttpResponse): number | undefined {
  const seconds = headerOf(answer, 'retry-after')?.trim();
  return seconds !== undefined && /^\d{1,9}(\.\d+)?$/.test(seconds)
    ? Math.ceil(Number(seconds) * 1_000)
    : undefined;
}

/** `X-Business-Use-Case-Usage`: per business a list of uses, each with the minutes until access comes back. */
function regainAccessMs(answer: HttpResponse): number | undefined {
  const usage = jsonObjectOf(headerOf(answer, 'x-business-use-case-usage') ?? '');
  if (usage === undefined) return undefined;
  let mostMs = 0;
  for (const use of Object.values(usage).flat()) {
    const minutes = Number(objectOf(use)?.estimated_time_to_regain_access ?? 0);
    if (Number.isFinite(minutes)) mostMs = Math.max(mostMs, minutes * 60_000);
  }
  return mostMs > 0 ? mostMs : undefined;
}

function headerOf(answer: HttpResponse, name: string): string | undefined {
  const key = Object.keys(answer.headers).find((header) => header.toLowerCase() === name);
  return key === undefined ? undefined : answer.headers[key];
}
