/**
 * The look-alike of Anthropic's Messages API as a pure state machine: `handle` says what is answered and after how long;
 * the driver waits, answers, and reports the end by `ended` (answered, or aborted by the client). A call counts as
 * running from `handle` to `ended`, which gives the high-water mark of concurrent calls.
 * Shapes: docs.claude.com/en/api/messages and .../errors.
 */
import { type ModelRequest, readMagic, readModelRequest, replyTo } from './anthropic-reply.ts';
import { type ModelMessage, streamChunks } from './anthropic-stream.ts';
import type { Random } from './draw.ts';
import { drawChance, drawChars, drawMs } from './draw.ts';
import { createEventLog, type EventLog } from './events-log.ts';
import { type HttpAnswer, jsonAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-surface.ts';
import { parseJson } from './json-reading.ts';
import { type CallEnd, createModelCalls, type ModelCall, type ModelStats } from './model-calls.ts';
import { type CallFault, defaultModelSettings, type ModelSettings } from './model-settings.ts';
import { mergeSettings } from './setting-merge.ts';

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
  404: 'not_found_error',
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
  #idCounter = 0;

  constructor(options: AnthropicOptions) {
    this.#random = options.random;
    this.#log = options.log ?? createEventLog();
    if (options.settings !== undefined) this.set(options.settings);
  }

  set(patch: unknown): ModelSettings {
    this.settings = structuredClone(mergeSettings(this.settings, patch, defaultModelSettings(), 'model'));
    return this.settings;
  }

  clear(): ModelSettings {
    this.settings = defaultModelSettings();
    return this.settings;
  }

  handle(request: GraphRequest, nowMs: number): ModelOutcome {
    const read = readModelRequest(parseJson(request.body));
    const refusal = this.#refusalOf(request, read);
    if (refusal || typeof read === 'string') {
      const response = refusal ?? this.#error(400, String(read));
      return this.#begin(request, read, { answer: { kind: 'response', response }, reply: null }, 0, nowMs);
    }
    const delayMs = drawMs(this.#random, this.settings.latencyMs) + readMagic(read.texts).slowMs;
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
    if (options.everything) this.clear();
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

  #fires(fault: CallFault): boolean {
    if (fault.next > 0) {
      fault.next -= 1;
      return true;
    }
    return drawChance(this.#random, fault.rate);
  }

  #error(status: number, message: string): HttpAnswer {
    const answer = jsonAnswer(status, {
      type: 'error',
      error: { type: ERROR_TYPES[status] ?? 'api_error', message },
      request_id: this.#makeId('req'),
    });
    if (status !== 429 && status !== 529) return answer;
    return {
      ...answer,
      headers: { ...answer.headers, 'retry-after': String(this.settings.retryAfterSeconds) },
    };
  }

  /** What is wrong before the model is asked at all. */
  #refusalOf(request: GraphRequest, read: ModelRequest | string): HttpAnswer | null {
    const { apiKeys, concurrentMax } = this.settings;
    if (request.method !== 'POST' || request.path !== '/v1/messages') return this.#error(404, 'Not found');
    const key = keyOf(request);
    if (key === null) return this.#error(401, 'x-api-key header is required');
    if (apiKeys.length > 0 && !apiKeys.includes(key)) return this.#error(401, 'invalid x-api-key');
    if (!request.headers['anthropic-version'])
      return this.#error(400, 'anthropic-version: header is required');
    if (typeof read === 'string') return this.#error(400, read);
    const isFull = concurrentMax > 0 && this.#calls.running() >= concurrentMax;
    return isFull ? this.#error(429, 'Number of concurrent connections has exceeded your rate limit') : null;
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
    if (this.#fires(this.settings.fail)) return 500;
    if (this.#fires(this.settings.rateLimit)) return 429;
    return this.#fires(this.settings.overload) ? 529 : null;
  }

  #messageOf(request: ModelRequest): ModelMessage {
    const content = replyTo(request, this.settings.replyPrefix, () => this.#makeId('toolu'));
    const outputChars = content.reduce((sum, block) => sum + JSON.stringify(block).length, 0);
    return {
      id: this.#makeId('msg'),
      type: 'message',
      role: 'assistant',
      model: request.model,
      content,
      stop_reason: content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: Math.ceil(request.inputChars / 4) + 8,
        output_tokens: Math.ceil(outputChars / 4),
      },
    };
  }

  #answerOf(read: ModelRequest, message: ModelMessage): Answer {
    const { settings } = this;
    const magic = readMagic(read.texts);
    if (magic.hang || this.#fires(settings.hang)) return { kind: 'hang' };
    if (this.#fires(settings.loseAnswer)) return { kind: 'lost' };
    const isCut = magic.cut || this.#fires(settings.cut);
    if (read.stream) {
      const chunks = streamChunks(message);
      return {
        kind: 'stream',
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
        chunks: isCut ? chunks.slice(0, Math.ceil(chunks.length / 2)) : chunks,
        chunkMs: settings.chunkMs,
        isCut,
      };
    }
    const response = jsonAnswer(200, message);
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
