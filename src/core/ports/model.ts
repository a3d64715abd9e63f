/**
 * The language model behind a small port, so that no station knows a provider. One call is one provider request:
 * retries are the activity runner's, never a library's.
 */
import { KnownError } from '../model/faults.ts';
export interface ModelMessage {
  role: 'user' | 'assistant';
  text: string;
}

export interface ModelRequest {
  tenantId: string;
  model?: string;
  system: string;
  messages: ModelMessage[];
  /** Offers the tool with which the model asks for a person. */
  offerHandOff: boolean;
  signal: AbortSignal;
  /** Equal for every attempt of one activity. */
  idempotencyKey: string;
}

export interface ModelUsage {
  model: string;
  inputTokens: number;
  outputTokens: number;
}

export interface ModelAnswer {
  text: string;
  handOff?: { reason: string };
  usage: ModelUsage;
}

/** Why a model gave no answer; `retryable` says whether the same request may succeed soon. */
export class ModelFault extends KnownError {
  override readonly name = 'ModelFault';
  readonly code:
    | 'overloaded'
    | 'rateLimited'
    | 'refused'
    | 'badRequest'
    | 'unauthorised'
    | 'network'
    | 'empty';
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ModelFault['code'],
    message: string,
    options: { retryable: boolean; retryAfterMs?: number },
  ) {
    super(message);
    this.code = code;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface ModelClient {
  readonly name: string;
  /** @throws ModelFault; rejects at once when `signal` aborts. */
  reply(request: ModelRequest): Promise<ModelAnswer>;
}

export interface Transcriber {
  readonly name: string;
  /** The words of a recording. @throws ModelFault; rejects at once when `signal` aborts. */
  transcribe(request: TranscriptionRequest): Promise<{ text: string }>;
}

export interface TranscriptionRequest {
  audio: Uint8Array;
  /** As WhatsApp names it, e.g. `audio/ogg; codecs=opus`. */
  mimeType: string;
  signal: AbortSignal;
  /** Equal for every attempt at one recording in one activity. */
  idempotencyKey: string;
}
