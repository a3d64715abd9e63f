/**
 * The look-alike of a provider of images, in the shape of OpenAI's: `POST /v1/images/generations` draws a picture from its
 * prompt and charges for it. Pure like the others: `handle` says what is answered after how long, `ended` reports how it
 * ended.
 *
 * A request with an `Idempotency-Key` is charged once: the same key again gets the same answer (while the first is still
 * running: 409), the same key with another body is refused. A failure is not kept, so it may be tried again with its key.
 * A provider that knows nothing of such keys is the setting `honourKeys: false`.
 * Not imitated: addresses of images (`response_format: "url"`), other formats than PNG, edits and variations.
 * Source: platform.openai.com/docs/api-reference/images/create.
 */
import { createHash } from 'node:crypto';
import { readMagic } from '../anthropic/anthropic-reply.ts';
import { checkLatency, defaultLatency, drawLatency, type LatencySettings } from '../anthropic/latency.ts';
import type { CallEnd } from '../anthropic/model-calls.ts';
import type { CallFault } from '../anthropic/model-settings.ts';
import { parseJson, readNumber, readObject, readString } from '../control/json-reading.ts';
import { mergeSettings } from '../control/setting-merge.ts';
import { drawChance, drawChars, type Random } from '../draw.ts';
import { createEventLog, type EventLog } from '../events-log.ts';
import { type HttpAnswer, jsonAnswer } from '../graph/graph-errors.ts';
import type { GraphRequest } from '../graph/graph-surface.ts';
import { drawPicture } from './picture.ts';
import { encodePng } from './png.ts';

export interface ImageSettings extends LatencySettings {
  /** Empty: every key is good, but there must be one. */
  apiKeys: readonly string[];
  /** For one image. */
  priceCents: number;
  retryAfterSeconds: number;
  /** Where false, a key means nothing: each request draws, and is charged. */
  honourKeys: boolean;
  /** How long an idempotency key is remembered. */
  keyKeepMs: number;
  /** 500, nothing charged. */
  fail: CallFault;
  /** 429, nothing charged. */
  rateLimit: CallFault;
  /** 400 moderation_blocked, nothing charged. */
  refuse: CallFault;
  /** Never answered; charged all the same where `charged` is set. */
  hang: CallFault & { charged: boolean };
  /** Charged, and the socket dies without an answer. */
  loseAnswer: CallFault;
}

export const defaultImageSettings = (): ImageSettings => ({
  ...defaultLatency(),
  apiKeys: [],
  priceCents: 4,
  retryAfterSeconds: 1,
  honourKeys: true,
  keyKeepMs: 24 * 3_600_000,
  fail: { rate: 0, next: 0 },
  rateLimit: { rate: 0, next: 0 },
  refuse: { rate: 0, next: 0 },
  hang: { rate: 0, next: 0, charged: false },
  loseAnswer: { rate: 0, next: 0 },
});

export interface ImageCharge {
  readonly chargeId: string;
  readonly callId: string;
  readonly idempotencyKey: string | null;
  readonly prompt: string;
  readonly images: number;
  readonly amountCents: number;
  readonly atMs: number;
}

export interface ImageStats {
  calls: number;
  running: number;
  byStatus: Record<string, number>;
  charges: number;
  chargedCents: number;
}

type Answer =
  | { readonly kind: 'response'; readonly response: HttpAnswer }
  | { readonly kind: 'lost' }
  | { readonly kind: 'hang' };
export type ImageOutcome = Answer & { readonly callId: string; readonly delayMs: number };

export interface Images {
  readonly settings: ImageSettings;
  set(patch: unknown): ImageSettings;
  clear(): ImageSettings;
  handle(request: GraphRequest, nowMs: number): ImageOutcome;
  ended(callId: string, end: CallEnd, nowMs: number): void;
  stats(): ImageStats;
  /** Every charge, oldest first. */
  readonly charges: readonly ImageCharge[];
  reset(options?: { everything?: boolean }): void;
}

const PATH = '/v1/images/generations';
const SIZES = [
  ...['256x256', '512x512', '1024x1024', '1536x1024', '1024x1536', '1792x1024', '1024x1792'],
] as const;
const IMAGES_MAX = 10;
const PROMPT_CHARS_MAX = 32_000;
const KEYS_MAX = 100_000;
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';

interface Wanted {
  prompt: string;
  images: number;
  width: number;
  height: number;
}

interface Problem {
  message: string;
  param: string | null;
  code: string | null;
}

interface KeptAnswer {
  readonly bodyHash: string;
  readonly atMs: number;
  /** Null while the first request runs. */
  response: HttpAnswer | null;
}

type Fault = 'fail' | 'rateLimit' | 'refuse' | 'hang' | 'loseAnswer';

function readWanted(value: unknown): Wanted | Problem {
  const body = readObject(value);
  if (!body) return { message: 'The request body is not valid JSON.', param: null, code: null };
  const wrong = (param: string, message: string): Problem => ({ message, param, code: 'invalid_value' });
  const prompt = readString(body.prompt);
  if (!prompt?.trim()) return wrong('prompt', "Missing required parameter: 'prompt'.");
  if ([...prompt].length > PROMPT_CHARS_MAX)
    return wrong('prompt', `The prompt must have at most ${PROMPT_CHARS_MAX} characters.`);
  const images = body.n === undefined || body.n === null ? 1 : (readNumber(body.n) ?? 0);
  if (!Number.isInteger(images) || images < 1 || images > IMAGES_MAX)
    return wrong('n', `'n' must be a whole number from 1 to ${IMAGES_MAX}.`);
  const size = readString(body.size) ?? 'auto';
  const [width = 0, height = 0] = (size === 'auto' ? '1024x1024' : size).split('x').map(Number);
  if (size !== 'auto' && !(SIZES as readonly string[]).includes(size))
    return wrong('size', `Invalid size '${size}'. Supported: ${SIZES.join(', ')} and auto.`);
  const format = readString(body.output_format) ?? 'png';
  if (format !== 'png') return wrong('output_format', `This look-alike draws 'png', not '${format}'.`);
  if (body.response_format === 'url')
    return wrong('response_format', "This look-alike answers with 'b64_json', not with addresses.");
  return { prompt, images, width, height };
}

function headerOf(request: GraphRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

class ImagesMachine implements Images {
  settings: ImageSettings = defaultImageSettings();
  charges: ImageCharge[] = [];
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #kept = new Map<string, KeptAnswer>();
  readonly #running = new Map<string, { startedAtMs: number; end: () => void }>();
  readonly #byStatus = new Map<string, number>();
  #calls = 0;

  constructor(options: ImagesOptions) {
    this.#random = options.random;
    this.#log = options.log ?? createEventLog();
    if (options.settings !== undefined) this.set(options.settings);
  }

  set(patch: unknown): ImageSettings {
    const merged = mergeSettings({
      ...{ current: this.settings, patch },
      ...{ defaults: defaultImageSettings(), path: 'images' },
    });
    checkLatency(merged, 'images');
    this.settings = structuredClone(merged);
    return this.settings;
  }

  clear(): ImageSettings {
    this.settings = defaultImageSettings();
    return this.settings;
  }

  handle(request: GraphRequest, nowMs: number): ImageOutcome {
    this.#calls += 1;
    const callId = `img_${this.#calls}`;
    const refusal = this.#refusalOf(request);
    const wanted = readWanted(parseJson(request.body));
    if (refusal) return this.#answered(callId, refusal);
    if ('message' in wanted) return this.#answered(callId, this.#error(400, wanted));
    const key = headerOf(request, 'idempotency-key');
    const bodyHash = createHash('sha256').update(request.body).digest('hex');
    const isHonoured = key !== null && this.settings.honourKeys;
    const again = isHonoured ? this.#repeated(key, bodyHash, nowMs) : null;
    if (again) return this.#answered(callId, again);
    this.#log.add('imageAsked', nowMs, { callId, prompt: wanted.prompt, idempotencyKey: key });
    const magic = readMagic([wanted.prompt]);
    const delayMs = drawLatency(this.#random, this.settings) + magic.slowMs;
    const fault = this.#faultOf(wanted, magic);
    const running = { callId, delayMs, startedAtMs: nowMs };
    if (fault === 'fail' || fault === 'rateLimit' || fault === 'refuse')
      return this.#begin({ ...running, end: () => {} }, { kind: 'response', response: this.#failure(fault) });
    const isCharged = fault !== 'hang' || this.settings.hang.charged;
    const response = isCharged ? this.#draw(wanted, nowMs) : null;
    if (isCharged)
      this.#charge({ callId, idempotencyKey: key, prompt: wanted.prompt, images: wanted.images }, nowMs);
    const kept: KeptAnswer = { bodyHash, atMs: nowMs, response: null };
    if (isHonoured) this.#keep(key, kept);
    const end = (): void => {
      if (response) kept.response = response;
      else if (key !== null) this.#kept.delete(key);
    };
    if (fault === 'hang' || response === null) return this.#begin({ ...running, end }, { kind: 'hang' });
    if (fault === 'loseAnswer') return this.#begin({ ...running, end }, { kind: 'lost' });
    return this.#begin({ ...running, end }, { kind: 'response', response });
  }

  ended(callId: string, end: CallEnd, nowMs: number): void {
    const call = this.#running.get(callId);
    if (!call) return;
    this.#running.delete(callId);
    call.end();
    this.#log.add('imageEnded', nowMs, { callId, outcome: end, tookMs: nowMs - call.startedAtMs });
  }

  stats(): ImageStats {
    return {
      calls: this.#calls,
      running: this.#running.size,
      byStatus: Object.fromEntries(this.#byStatus),
      charges: this.charges.length,
      chargedCents: this.charges.reduce((sum, { amountCents }) => sum + amountCents, 0),
    };
  }

  reset(options: { everything?: boolean } = {}): void {
    this.charges = [];
    this.#kept.clear();
    this.#byStatus.clear();
    this.#calls = 0;
    if (options.everything) this.clear();
  }

  #refusalOf(request: GraphRequest): HttpAnswer | null {
    if (request.method !== 'POST' || request.path !== PATH)
      return this.#error(404, {
        message: `Unknown request URL: ${request.path}`,
        param: null,
        code: 'unknown_url',
      });
    const { apiKeys } = this.settings;
    const given = /^Bearer (.+)$/.exec(headerOf(request, 'authorization') ?? '')?.[1];
    const isGood = given !== undefined && (apiKeys.length === 0 || apiKeys.includes(given));
    if (isGood) return null;
    return this.#error(401, { message: 'Incorrect API key provided.', param: null, code: 'invalid_api_key' });
  }

  /** What a request gets whose key was used before; null for a new one. */
  #repeated(key: string, bodyHash: string, nowMs: number): HttpAnswer | null {
    const kept = this.#kept.get(key);
    if (!kept || nowMs - kept.atMs >= this.settings.keyKeepMs) return null;
    if (kept.bodyHash !== bodyHash)
      return this.#error(400, {
        message: 'This Idempotency-Key was used with another request. Use a new key for a new request.',
        param: null,
        code: 'idempotency_key_reused',
      });
    if (kept.response === null)
      return this.#error(409, {
        message: 'A request with this Idempotency-Key is still running.',
        param: null,
        code: 'idempotency_key_in_use',
      });
    this.#log.count('image.repeated');
    return { ...kept.response, headers: { ...kept.response.headers, 'idempotent-replayed': 'true' } };
  }

  #faultOf({ prompt }: Wanted, magic: ReturnType<typeof readMagic>): Fault | null {
    if (magic.fail) return magic.fail.httpStatus === 429 ? 'rateLimit' : 'fail';
    if (prompt.includes('!refuse')) return 'refuse';
    if (magic.hang) return 'hang';
    if (prompt.includes('!lose')) return 'loseAnswer';
    return (
      (['fail', 'rateLimit', 'refuse', 'hang', 'loseAnswer'] as const).find((name) => this.#fires(name)) ??
      null
    );
  }

  #fires(name: Fault): boolean {
    const fault = this.settings[name];
    const isNext = fault.next > 0;
    if (isNext) fault.next -= 1;
    const fired = isNext || drawChance(this.#random, fault.rate);
    if (fired) this.#log.count(`fault.images.${name}`);
    return fired;
  }

  #failure(fault: 'fail' | 'rateLimit' | 'refuse'): HttpAnswer {
    if (fault === 'rateLimit')
      return this.#error(429, {
        message: 'Rate limit reached for images.',
        param: null,
        code: 'rate_limit_exceeded',
      });
    if (fault === 'refuse')
      return this.#error(400, {
        message: 'Your request was rejected by the safety system.',
        param: null,
        code: 'moderation_blocked',
      });
    return this.#error(500, { message: 'The server had an error.', param: null, code: null });
  }

  #error(status: number, { message, param, code }: Problem): HttpAnswer {
    const types: Readonly<Record<number, string>> = { 429: 'rate_limit_error', 500: 'server_error' };
    const answer = jsonAnswer(status, {
      error: { message, type: types[status] ?? 'invalid_request_error', param, code },
    });
    if (status !== 429) return answer;
    return {
      ...answer,
      headers: { ...answer.headers, 'retry-after': String(this.settings.retryAfterSeconds) },
    };
  }

  #draw({ prompt, images, width, height }: Wanted, nowMs: number): HttpAnswer {
    const data = Array.from({ length: images }, (_, index) => {
      const words = index === 0 ? prompt : `${prompt} (${index + 1})`;
      return { b64_json: encodePng(drawPicture(words, width, height)).toString('base64') };
    });
    return jsonAnswer(200, { created: Math.floor(nowMs / 1_000), data });
  }

  #charge(of: Omit<ImageCharge, 'chargeId' | 'amountCents' | 'atMs'>, nowMs: number): void {
    const chargeId = `ch_${drawChars(this.#random, ALPHABET, 12)}${this.charges.length + 1}`;
    const amountCents = this.settings.priceCents * of.images;
    this.charges.push({ ...of, chargeId, amountCents, atMs: nowMs });
    const { callId, idempotencyKey } = of;
    this.#log.add('imageCharged', nowMs, { callId, chargeId, idempotencyKey, amountCents });
  }

  #keep(key: string, kept: KeptAnswer): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > KEYS_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }

  #begin(
    {
      callId,
      delayMs,
      ...running
    }: { callId: string; delayMs: number; startedAtMs: number; end: () => void },
    answer: Answer,
  ): ImageOutcome {
    this.#running.set(callId, running);
    this.#countStatus(answer.kind === 'response' ? String(answer.response.status) : answer.kind);
    return { ...answer, callId, delayMs };
  }

  #answered(callId: string, response: HttpAnswer): ImageOutcome {
    this.#countStatus(String(response.status));
    return { kind: 'response', response, callId, delayMs: 0 };
  }

  #countStatus(status: string): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }
}

export interface ImagesOptions {
  readonly random: Random;
  readonly log?: EventLog;
  readonly settings?: unknown;
}

export function createImages(options: ImagesOptions): Images {
  return new ImagesMachine(options);
}
