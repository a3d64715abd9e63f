/**
 * Claude through the AI SDK. Only what is Anthropic's own is here: the address, the default model and how much it may
 * think. Give it `fetchOver(http)` so that model calls use the same sockets and rules as everything else.
 */
import type { ModelClient } from '#core/ports/model.ts';
import { createAiSdkModel } from './ai-sdk.ts';

/**
 * The newest of the small Claude models. A customer waits in a chat and a tenant pays for every answer, so latency and
 * price decide; and it is a model whose thinking can be switched off (the current Sonnet's and Opus' cannot), which
 * keeps an answer inside its ten seconds.
 */
export const defaultAnthropicModel = 'claude-haiku-5-5';

export interface AnthropicModelOptions {
  apiKey: string;
  /** With or without the trailing `/v1`; Anthropic's own if absent. */
  baseUrl?: string;
  model?: string;
  fetch?: typeof globalThis.fetch;
  outputTokensMax?: number;
}

export function createAnthropicModel(options: AnthropicModelOptions): ModelClient {
  const { apiKey, baseUrl, model = defaultAnthropicModel, fetch, outputTokensMax } = options;
  return createAiSdkModel({
    name: 'anthropic',
    defaultModel: model,
    reasoning: 'none',
    ...(outputTokensMax === undefined ? {} : { outputTokensMax }),
    async resolve(modelName) {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      const provider = createAnthropic({
        apiKey,
        ...(baseUrl === undefined ? {} : { baseURL: withVersion(baseUrl) }),
        ...(fetch === undefined ? {} : { fetch }),
      });
      return provider(modelName);
    },
  });
}

/** People write both, after the conventions of two kinds of clients. */
function withVersion(baseUrl: string): string {
  return `${baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`;
}
