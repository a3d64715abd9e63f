/**
 * The number that matters, measured: from the first message that no answer has met to the moment its answer is
 * accepted, and the model's share of it. Kept in memory for what is under way in this process; a restart forgets what
 * was under way, never more.
 */
import type { Telemetry } from '#core/ports/telemetry.ts';

interface Open {
  receivedAtMs: number;
  modelSeconds: number;
}

/** Conversations and sends remembered at once; beyond it the oldest is forgotten: some never get an answer. */
const openMax = 20_000;

export class AnswerTimes {
  readonly #telemetry: Telemetry;
  readonly #conversations = new Map<string, Open>();
  readonly #sends = new Map<string, Open>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  received(conversationId: string, receivedAtMs: number): void {
    if (!this.#conversations.has(conversationId))
      remember(this.#conversations, conversationId, { receivedAtMs, modelSeconds: 0 });
  }

  modelTook(conversationId: string, seconds: number): void {
    const open = this.#conversations.get(conversationId);
    if (open !== undefined) open.modelSeconds += seconds;
  }

  /** A turn spoke: its first send is the answer to what was open. */
  answered(conversationId: string, sendId: string): void {
    const open = this.#conversations.get(conversationId);
    this.#conversations.delete(conversationId);
    if (open !== undefined) remember(this.#sends, sendId, open);
  }

  accepted(sendId: string, atMs: number): void {
    const open = this.#sends.get(sendId);
    if (open === undefined) return;
    this.#sends.delete(sendId);
    this.#telemetry.observe('nightdesk_answer_seconds', Math.max(0, atMs - open.receivedAtMs) / 1_000);
    if (open.modelSeconds > 0) this.#telemetry.observe('nightdesk_answer_model_seconds', open.modelSeconds);
  }
}

/** A `Map` keeps the order in which its keys came. */
function remember(open: Map<string, Open>, key: string, value: Open): void {
  if (open.size >= openMax) for (const oldest of open.keys()) if (open.delete(oldest)) break;
  open.set(key, value);
}
