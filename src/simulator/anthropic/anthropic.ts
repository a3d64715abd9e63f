/**
 * The look-alike of Anthropic's Messages API as a pure state machine: `handle` says what is answered and after how long;
 * the driver waits, answers, and reports the end by `ended` (answered, or aborted by the client). A call counts as
 * running from `handle` to `ended`, which gives the high-water mark of concurrent calls.
 * Shapes: docs.claude.com/en/api/messages and .../errors.
 */

import { parseJson } from '../control/json-reading.ts';
import { mergeSettings } from '../control/setting-merge.ts';
import type { Random } from '../draw.ts';
import { drawChance, drawChars } from '../draw.ts';
import { createEventLog, type EventLog } from '../events-log.ts';
import { type HttpAnswer, jsonAnswer } from '../graph/graph-errors.ts';
import type { GraphRequest } from '../graph/graph-surface.ts';
import { createMinuteBucket } from './anthropic-limits.ts';
import {
  CHARS_PER_TOKEN,
  cutReply,
  inputTokensOf,
  type ModelRequest,
  readMagic,
  readModelRequest,
  replyTo,
} from './anthropic-reply.ts';
import { type ModelMessage, streamChunks, streamError } from './anthropic-stream.ts';
import { checkLatency, drawLatency } from './latency.ts';
import { type CallEnd, createModelCalls, type ModelCall, type ModelStats } from './model-calls.ts';
import { type CallFaultName, defaultModelSettings, type ModelSettings } from './model-settings.ts';

type Answer =
  | { readonly kind: 'response'; readonly response: HttpAnswer }
  | {
      readonly kind: 'stream';
      readonly headers: Readonly<Record<string, string>>;
      readonly chunks: readonly string[];
      readonly chunkMs: number;
      /** After the chunks the socket is destroyed instead of ended. */
      readonly isCut: boolean;
    }
  | { readonly kind: 'lost' }
  | { readonly kind: 'lostAfterHeaders'; readonly response: HttpAnswer; readonly stallMs: number }
  | { readonly kind: 'hang' };

export type ModelOutcome = Answer & { readonly callId: string; readonly delayMs: number };

export interface Anthropic {
  readonly settings: ModelSettings;
  set(patch: unknown): ModelSettings;
  /** Back to the defaults. */
  clear(): ModelSettings;
  handle(request: GraphRequest, nowMs: number): ModelOutcome;
  ended(callId: string, end: CallEnd, nowMs: number): void;
  stats(): ModelStats;
  /** The newest calls, oldest first. */
  calls(limit: number): ModelCall[];
  reset(options?: { everything?: boolean }): void;
}

const FAILED_TEXTS_MAX = 10_000;
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

const ERROR_MESSAGES: Readonly<Record<number, string>> = {
  429: 'This request would exceed the rate limit.',
  500: 'Internal server error',
  529: 'Overloaded',
};

function keyOf(request: GraphRequest): string | null {
  const key = request.headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : null;
}

const MESSAGES = '/v1/messages';
const COUNT_TOKENS = '/v1/messages/count_tokens';

const textOf = (message: ModelMessage): string | null => {
  const first = message.content[0];
  return first?.type === 'text' ? first.text : null;
};

class AnthropicMachine implements Anthropic {
  settings: ModelSettings = defaultModelSettings();
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #calls = createModelCalls();
  /** How often each text with a counted magic word has failed. */
  readonly #failedTexts = new Map<string, number>();
  readonly #requests = createMinuteBucket();
  readonly #inputTokens = createMinuteBucket();
  #idCounter = 0;

  constructor(options: AnthropicOptions) {
    this.#random = options.random;
    this.#log = options.log ?? createEventLog();
    if (options.settings !== undefined) this.set(options.settings);
  }

  set(patch: unknown): ModelSettings {
    const merged = mergeSettings({
      ...{ current: this.settings, patch },
      ...{ defaults: defaultModelSettings(), path: 'model' },
    });
    checkLatency(merged, 'model');
    this.settings = structuredClone(merged);
    return this.settings;
  }

  clear(): ModelSettings {
    this.settings = defaultModelSettings();
    return this.settings;
  }

  handle(request: GraphRequest, nowMs: number): ModelOutcome {
    const isCount = request.path === COUNT_TOKENS;
    const read = readModelRequest(parseJson(request.body), { isCount });
    const refusal = this.#refusalOf(request, read, nowMs);
    if (isCount) return this.#count(read, refusal);
    if (refusal || typeof read === 'string') {
      const response = refusal ?? this.#error(400, String(read));
      return this.#begin(request, read, { answer: { kind: 'response', response }, reply: null }, 0, nowMs);
    }
    const delayMs = drawLatency(this.#random, this.settings) + readMagic(read.texts).slowMs;
    const failure = this.#failureOf(read);
    if (failure !== null) {
      const response = this.#error(failure, ERROR_MESSAGES[failure] ?? 'Internal server error');
      return this.#begin(
        request,
        read,
        { answer: { kind: 'response', response }, reply: null },
        delayMs,
        nowMs,
      );
    }
    const message = this.#messageOf(read);
    const answer = this.#answerOf(read, message);
    return this.#begin(request, read, { answer, reply: textOf(message) }, delayMs, nowMs);
  }

  ended(callId: string, end: CallEnd, nowMs: number): void {
    const call = this.#calls.end(callId, end, nowMs);
    if (!call) return;
    this.#log.add('modelEnded', nowMs, { callId, outcome: end, tookMs: nowMs - call.startedAtMs });
  }

  stats(): ModelStats {
    return this.#calls.stats();
  }

  calls(limit: number): ModelCall[] {
    return this.#calls.list(limit);
  }

  reset(options: { everything?: boolean } = {}): void {
    this.#calls.clear();
    this.#failedTexts.clear();
    this.#requests.clear();
    this.#inputTokens.clear();
    if (options.everything) this.clear();
  }

  /** A count asks no model: it takes no time and stands in no record. */
  #count(read: ModelRequest | string, refusal: HttpAnswer | null): ModelOutcome {
    const counted = typeof read === 'string' ? null : jsonAnswer(200, { input_tokens: inputTokensOf(read) });
    const response = refusal ?? counted ?? this.#error(400, String(read));
    return { kind: 'response', response, callId: 'count', delayMs: 0 };
  }

  #begin(
    request: GraphRequest,
    read: ModelRequest | string,
    { answer, reply }: { answer: Answer; reply: string | null },
    delayMs: number,
    nowMs: number,
  ): ModelOutcome {
    const isRead = typeof read !== 'string';
    const streamStatus = answer.kind === 'stream' ? 200 : null;
    const httpStatus = 'response' in answer ? answer.response.status : streamStatus;
    const callId = this.#makeId('call');
    const model = isRead ? read.model : '';
    const texts = isRead ? read.texts : [];
    const stream = isRead && read.stream;
    const call = {
      callId,
      startedAtMs: nowMs,
      endedAtMs: null,
      end: null,
      httpStatus,
      model,
      texts,
      stream,
      reply,
    };
    this.#calls.start({ ...call, apiKey: keyOf(request) }, String(httpStatus ?? answer.kind));
    this.#log.add('modelCalled', nowMs, { callId, model, texts, stream });
    return { ...answer, callId, delayMs };
  }

  #makeId(prefix: string): string {
    this.#idCounter += 1;
    return `${prefix}_01${drawChars(this.#random, ALPHABET, 14)}${String(this.#idCounter).padStart(8, '0')}`;
  }

  #fires(name: CallFaultName): boolean {
    const fault = this.settings[name];
    const isNext = fault.next > 0;
    if (isNext) fault.next -= 1;
    const fired = isNext || drawChance(this.#random, fault.rate);
    if (fired) this.#log.count(`fault.model.${name}`);
    return fired;
  }

  #error(
    status: number,
    message: string,
    retryAfterSeconds: number = this.settings.retryAfterSeconds,
  ): HttpAnswer {
    const requestId = this.#makeId('req');
    const answer = jsonAnswer(status, {
      type: 'error',
      error: { type: ERROR_TYPES[status] ?? 'api_error', message },
      request_id: requestId,
    });
    const wait = status === 429 || status === 529 ? { 'retry-after': String(retryAfterSeconds) } : {};
    return { ...answer, headers: { ...answer.headers, 'request-id': requestId, ...wait } };
  }

  /** What is wrong before the model is asked at all. */
  #refusalOf(request: GraphRequest, read: ModelRequest | string, nowMs: number): HttpAnswer | null {
    const { apiKeys, concurrentMax } = this.settings;
    const { method, path } = request;
    const isKnown = path === MESSAGES || path === COUNT_TOKENS;
    if (method !== 'POST' || !isKnown) return this.#error(404, 'Not found');
    const key = keyOf(request);
    if (key === null) return this.#error(401, 'x-api-key header is required');
    if (apiKeys.length > 0 && !apiKeys.includes(key)) return this.#error(401, 'invalid x-api-key');
    if (!request.headers['anthropic-version'])
      return this.#error(400, 'anthropic-version: header is required');
    if (typeof read === 'string') return this.#error(400, read);
    const isFull = concurrentMax > 0 && this.#calls.running() >= concurrentMax;
    if (isFull) return this.#error(429, 'Number of concurrent connections has exceeded your rate limit');
    return path === COUNT_TOKENS ? null : this.#limitOf(read, nowMs);
  }

  #limitOf(read: ModelRequest, nowMs: number): HttpAnswer | null {
    const { requestsPerMinuteMax, inputTokensPerMinuteMax } = this.settings;
    const requests = this.#requests.take(1, requestsPerMinuteMax, nowMs);
    const tokens =
      requests.waitMs > 0
        ? { waitMs: 0 }
        : this.#inputTokens.take(inputTokensOf(read), inputTokensPerMinuteMax, nowMs);
    const waitMs = Math.max(requests.waitMs, tokens.waitMs);
    if (waitMs === 0) return null;
    const what = requests.waitMs > 0 ? 'requests' : 'input tokens';
    const max = requests.waitMs > 0 ? requestsPerMinuteMax : inputTokensPerMinuteMax;
    const message = `This request would exceed your organization's rate limit of ${max} ${what} per minute.`;
    return this.#error(429, message, Math.ceil(waitMs / 1_000));
  }

  /** The status this call fails with, by magic word or by fault; null: it succeeds. */
  #failureOf(read: ModelRequest): number | null {
    const { fail } = readMagic(read.texts);
    if (fail) {
      const words = read.texts.at(-1) ?? '';
      const before = this.#failedTexts.get(words) ?? 0;
      if (fail.callsMax === null || before < fail.callsMax) {
        if (this.#failedTexts.size >= FAILED_TEXTS_MAX) this.#failedTexts.clear();
        this.#failedTexts.set(words, before + 1);
        return fail.httpStatus;
      }
    }
    if (this.#fires('fail')) return 500;
    if (this.#fires('rateLimit')) return 429;
    return this.#fires('overload') ? 529 : null;
  }

  #messageOf(request: ModelRequest): ModelMessage {
    const whole = replyTo(request, this.settings.replyPrefix, () => this.#makeId('toolu'));
    const { content, reason, sequence } = cutReply(whole, request);
    const outputChars = content.reduce((sum, block) => sum + JSON.stringify(block).length, 0);
    return {
      id: this.#makeId('msg'),
      type: 'message',
      role: 'assistant',
      model: request.model,
      content,
      stop_reason: reason ?? (content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn'),
      stop_sequence: sequence,
      usage: {
        input_tokens: inputTokensOf(request),
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: Math.ceil(outputChars / CHARS_PER_TOKEN),
        service_tier: 'standard',
      },
    };
  }

  #answerOf(read: ModelRequest, message: ModelMessage): Answer {
    const { settings } = this;
    const magic = readMagic(read.texts);
    if (magic.hang || this.#fires('hang')) return { kind: 'hang' };
    if (this.#fires('loseAnswer')) return { kind: 'lost' };
    const isCut = magic.cut || this.#fires('cut');
    // Made of the message's id, so that it costs no chance.
    const requestId = { 'request-id': message.id.replace(/^msg/, 'req') };
    if (read.stream) {
      const chunks = streamChunks(message);
      const half = chunks.slice(0, Math.ceil(chunks.length / 2));
      const isFailing = !isCut && this.#fires('streamError');
      const failing = [...half, streamError('overloaded_error', 'Overloaded')];
      return {
        kind: 'stream',
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-cache',
          ...requestId,
        },
        chunks: isCut ? half : isFailing ? failing : chunks,
        chunkMs: settings.chunkMs,
        isCut,
      };
    }
    const plain = jsonAnswer(200, message);
    const response = { ...plain, headers: { ...plain.headers, ...requestId } };
    return isCut ? { kind: 'lostAfterHeaders', response, stallMs: 0 } : { kind: 'response', response };
  }
}

export interface AnthropicOptions {
  readonly random: Random;
  readonly log?: EventLog;
  readonly settings?: unknown;
}

export function createAnthropic(options: AnthropicOptions): Anthropic {
  return new AnthropicMachine(options);
}
