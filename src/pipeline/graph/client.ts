/**
 * The calls to Graph that the runtime makes while it works; the doctor's reads are its own. A send is written once: no retry, no redirect and no hidden repeat,
 * because Meta has no idempotency key; whoever wants another attempt commits it first. The other calls change nothing
 * or may be repeated freely, and say so by `retry`.
 *
 * The token goes into one header and nowhere else. To add a call, add a method here and its body to the tests.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */
import type { ReadReceipt } from '#core/model/send-builders/index.ts';
import type { SendAddress, SendBody } from '#core/model/sends.ts';
import type { RequestPurpose } from '#core/ports/crash-points.ts';
import { type Http, HttpFault, type HttpRequest, type HttpResponse } from '#core/ports/world.ts';
import { classifyAnswer, type SendOutcome } from './classify.ts';
import { type GraphRule, ruleFor } from './error-table.ts';
import { type GraphError, graphErrorOf, type Json, jsonObjectOf, present, textOf } from './graph-error.ts';

export interface GraphClientOptions {
  http: Http;
  /** E.g. `https://graph.facebook.com`; the simulator's in development. */
  baseUrl: string;
  /** E.g. `v26.0`; a version dies two years after it came, so this is configuration. */
  version: string;
}

interface CallOptions {
  token: string;
  /** From the call to the whole answer. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface SendCall extends CallOptions {
  phoneNumberId: string;
  /** If both are given, `to` is used, as Meta does. */
  address: SendAddress;
  body: SendBody;
  /** The send id: comes back in every status, and is all that can prove an attempt without an answer. */
  opaque: string;
  quoteWamid?: string;
}

export interface ReceiptCall extends CallOptions {
  phoneNumberId: string;
  receipt: ReadReceipt;
}

/** The end of a call that may be repeated freely. `rule` says what the error means for the number or the token. */
export type CallOutcome<T> =
  | { kind: 'ok'; value: T }
  | {
      kind: 'failed';
      why: 'noAnswer' | 'brokenAnswer' | 'refused';
      error?: GraphError;
      rule?: GraphRule;
      retry: boolean;
    };

/** Where a file lies; the address lives 5 minutes and wants the token, too. */
export interface GraphMedia {
  url: string;
  mimeType: string;
  /** In hex, as Meta's examples have it; webhooks have base64. */
  sha256?: string;
  bytes?: number;
}

export interface GraphClient {
  /** One attempt at one message. Rejects only for a bug. */
  send(call: SendCall): Promise<SendOutcome>;
  markRead(call: ReceiptCall): Promise<CallOutcome<true>>;
  getMedia(call: CallOptions & { mediaId: string }): Promise<CallOutcome<GraphMedia>>;
  /** The form, as multipart. */
  upload(
    call: CallOptions & { phoneNumberId: string; form: { contentType: string; body: Uint8Array } },
  ): Promise<CallOutcome<string>>;
}

export function createGraphClient({ http, baseUrl, version }: GraphClientOptions): GraphClient {
  const root = `${baseUrl.replace(/\/+$/, '')}/${version}`;
  const messagesUrl = (phoneNumberId: string) => `${root}/${encodeURIComponent(phoneNumberId)}/messages`;
  const ask = (call: CallOptions, request: HttpRequest) => askOnce(http, request, call);

  return {
    async send(call) {
      return classifyAnswer(
        await ask(call, post('graphSend', messagesUrl(call.phoneNumberId), call, sendBodyOf(call))),
      );
    },
    async markRead(call) {
      const body = { messaging_product: 'whatsapp', ...call.receipt };
      const answer = await ask(call, post('graphReceipt', messagesUrl(call.phoneNumberId), call, body));
      return outcomeOf(answer, (json) =>
        json.success === true || json.success === 'true' ? true : undefined,
      );
    },
    async getMedia(call) {
      // `phone_number_id` would be compared with the number that uploaded the file; a customer's was uploaded by none.
      const url = `${root}/${encodeURIComponent(call.mediaId)}`;
      return outcomeOf(await ask(call, get('graphMedia', url, call)), mediaOf);
    },
    async upload(call) {
      const { contentType, body } = call.form;
      const request = get('mediaUpload', `${root}/${encodeURIComponent(call.phoneNumberId)}/media`, call);
      const headers = { ...request.headers, 'content-type': contentType };
      const answer = await ask(call, { ...request, method: 'POST', headers, body });
      return outcomeOf(answer, (json) => textOf(json.id));
    },
  };
}

/** The JSON that Meta takes; the order of its keys is the one of Meta's examples. */
function sendBodyOf({ address, body, opaque, quoteWamid }: SendCall): Json {
  return {
    messaging_product: 'whatsapp',
    ...addressFieldsOf(address),
    type: body.type,
    ...(quoteWamid === undefined ? {} : { context: { message_id: quoteWamid } }),
    biz_opaque_callback_data: opaque,
    ...contentOf(body),
  };
}

/** The type's own object under its own name; the stored body has it as Meta takes it. */
function contentOf({ type, ...content }: SendBody): Json {
  return { [type]: (content as Json)[type] };
}

/** Without `+` Meta may put the business' own country code before a phone. What is no phone in `to` is a group. */
function addressFieldsOf({ to, recipient }: SendAddress): Json {
  if (to !== undefined) {
    if (/^\+?\d+$/.test(to)) return { recipient_type: 'individual', to: to.startsWith('+') ? to : `+${to}` };
    return { recipient_type: 'group', to };
  }
  if (recipient === undefined) {
    throw new TypeError(
      'A send has neither `to` nor `recipient`, so it can reach nobody; resolve its address first.',
    );
  }
  return { recipient_type: 'individual', recipient };
}

function post(purpose: RequestPurpose, url: string, call: CallOptions, body: Json): HttpRequest {
  const request = get(purpose, url, call);
  const headers = { ...request.headers, 'content-type': 'application/json' };
  return { ...request, method: 'POST', headers, body: JSON.stringify(body) };
}

function get(purpose: RequestPurpose, url: string, { token, timeoutMs, signal }: CallOptions): HttpRequest {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  return { purpose, method: 'GET', url, headers, timeoutMs, ...(signal === undefined ? {} : { signal }) };
}

/** A shorter text may stand in an answer by chance; Meta's tokens have a hundred characters and more. */
const tokenCharsMin = 16;

/** Meta quotes a malformed token in its error, and an error's words are stored for the operator: the token is taken out. */
function withoutToken(answer: HttpResponse, { token }: CallOptions): HttpResponse {
  return token.length < tokenCharsMin
    ? answer
    : { ...answer, body: answer.body.replaceAll(token, '[token]') };
}

async function askOnce(
  http: Http,
  request: HttpRequest,
  call: CallOptions,
): Promise<HttpResponse | HttpFault> {
  try {
    return withoutToken(await http.request(request), call);
  } catch (error) {
    if (error instanceof HttpFault) return error;
    throw error;
  }
}

function outcomeOf<T>(answer: HttpResponse | HttpFault, read: (json: Json) => T | undefined): CallOutcome<T> {
  if (answer instanceof HttpFault) return { kind: 'failed', why: 'noAnswer', retry: true };
  const json = jsonObjectOf(answer.body);
  const value = answer.status >= 200 && answer.status < 300 && json !== undefined ? read(json) : undefined;
  if (value !== undefined) return { kind: 'ok', value };
  const error = graphErrorOf(json, answer.status);
  if (error === undefined) {
    const isRefusal =
      answer.status >= 300 && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
    return { kind: 'failed', why: isRefusal ? 'refused' : 'brokenAnswer', retry: !isRefusal };
  }
  const rule = ruleFor(error);
  const retry = rule.uncertain || rule.action === 'retry' || rule.action.startsWith('slow');
  return { kind: 'failed', why: 'refused', error, rule, retry };
}

function mediaOf(json: Json): GraphMedia | undefined {
  const url = textOf(json.url);
  if (url === undefined) return undefined;
  const bytes = Number(json.file_size ?? Number.NaN);
  return {
    url,
    mimeType: textOf(json.mime_type) ?? 'application/octet-stream',
    ...present({ sha256: textOf(json.sha256), bytes: Number.isSafeInteger(bytes) ? bytes : undefined }),
  };
}
