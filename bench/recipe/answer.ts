/**
 * The recipe's worker: adds the message to the history, asks the model with ten seconds to answer, waits for a token of
 * the waba, sends, adds the answer to the history. A refused send throws, so BullMQ tries again later.
 */
import { createAnthropic } from '@ai-sdk/anthropic';
import { generateText, jsonSchema, type ModelMessage, type ToolSet, tool } from 'ai';
import { keyPrefix, type Redis } from './redis.ts';
import type { Incoming } from './webhook.ts';

export interface AnswerOptions {
  redis: Redis;
  fetch: typeof globalThis.fetch;
  graphUrl: string;
  accessToken: string;
  anthropicUrl: string;
  anthropicKey: string;
  model: string;
  sendsPerSecondMax: number;
  historyMessagesMax: number;
}

const modelDeadlineMs = 10_000;
const historyKeepSeconds = 7 * 86_400;
const fallbackText = 'Sorry, I cannot answer right now. We will come back to you.';
const instructions =
  'You answer customers of a business on WhatsApp. Be brief, friendly and honest; write in the language of the customer. ' +
  'Say so when you do not know something. When the customer wants a person, or you cannot help, use the tool handOff.';

/** Without a warning line for each call. */
globalThis.AI_SDK_LOG_WARNINGS = false;

/** Defined once: what every call offers is the same. */
const tools: ToolSet = {
  handOff: tool({
    description: 'Hands the conversation to a person of the business.',
    inputSchema: jsonSchema<{ reason: string }>({
      type: 'object',
      properties: { reason: { type: 'string', description: 'Why a person is needed, in one sentence.' } },
      required: ['reason'],
      additionalProperties: false,
    }),
  }),
};

export function createAnswer(options: AnswerOptions): (incoming: Incoming) => Promise<void> {
  const { redis, fetch, historyMessagesMax } = options;
  const provider = createAnthropic({
    apiKey: options.anthropicKey,
    baseURL: `${options.anthropicUrl}/v1`,
    fetch,
  });
  const model = provider(options.model);

  return async (incoming) => {
    const historyKey = `${keyPrefix}:history:${incoming.phoneNumberId}:${incoming.from}`;
    const messages = await remembered(historyKey, { role: 'user', content: incoming.text });
    const text = await ask(messages).catch(() => fallbackText);
    await token(incoming.wabaId);
    await send(incoming, text);
    await remembered(historyKey, { role: 'assistant', content: text });
  };

  /** Adds one message and returns the last ones. */
  async function remembered(key: string, message: ModelMessage): Promise<ModelMessage[]> {
    const results = await redis
      .multi()
      .rpush(key, JSON.stringify(message))
      .ltrim(key, -historyMessagesMax, -1)
      .lrange(key, 0, -1)
      .expire(key, historyKeepSeconds)
      .exec();
    return ((results?.[2]?.[1] ?? []) as string[]).map((each) => JSON.parse(each) as ModelMessage);
  }

  async function ask(messages: ModelMessage[]): Promise<string> {
    const result = await generateText({
      model,
      instructions,
      messages,
      tools,
      maxRetries: 0,
      maxOutputTokens: 2_048,
      reasoning: 'none',
      abortSignal: AbortSignal.timeout(modelDeadlineMs),
    });
    return result.text.trim() === '' ? fallbackText : result.text;
  }

  async function token(wabaId: string): Promise<void> {
    for (;;) {
      const waitMs = await redis.takeToken(
        `${keyPrefix}:bucket:${wabaId}`,
        options.sendsPerSecondMax,
        Date.now(),
      );
      if (waitMs === 0) return;
      await new Promise((done) => setTimeout(done, waitMs));
    }
  }

  async function send({ phoneNumberId, from }: Incoming, text: string): Promise<void> {
    const response = await fetch(`${options.graphUrl}/v26.0/${phoneNumberId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${options.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: `+${from}`,
        type: 'text',
        text: { body: text },
      }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`Graph answered ${response.status}: ${answer}`);
  }
}
