/**
 * The `ModelClient` port over the AI SDK, for any provider that has a package for it. One call is one provider request:
 * the SDK's retries and tool loops are off, the `handOff` tool is only offered and never run here.
 *
 * To add a provider, write a file like `anthropic.ts`; how calls begin and end is in `sdk-call.ts`.
 */
import type { JSONSchema7, LanguageModel, ModelMessage as SdkMessage, ToolSet } from 'ai';
import {
  type ModelAnswer,
  type ModelClient,
  ModelFault,
  type ModelMessage,
  type ModelRequest,
} from '#core/ports/model.ts';
import { callSdk, remembered, type Sdk } from './sdk-call.ts';

export interface AiSdkModelOptions {
  name: string;
  /** For requests that name no model. */
  defaultModel: string;
  /** Called once for each model name. */
  resolve(modelName: string): LanguageModel | Promise<LanguageModel>;
  /** What one answer may cost at most; a WhatsApp text of 4,096 characters is about 1,000 tokens. */
  outputTokensMax?: number;
  /** How long a model that can think may think; the provider's default if absent. */
  reasoning?: 'none' | 'low' | 'medium' | 'high';
}

const outputTokensMaxDefault = 2_048;

export function createAiSdkModel(options: AiSdkModelOptions): ModelClient {
  const modelNamed = remembered(options.resolve);
  return {
    name: options.name,
    reply(request) {
      const modelName = request.model ?? options.defaultModel;
      return callSdk(modelName, request.signal, async (sdk) =>
        ask(sdk, request, modelName, await modelNamed(modelName), options),
      );
    },
  };
}

async function ask(
  sdk: Sdk,
  request: ModelRequest,
  modelName: string,
  model: LanguageModel,
  { outputTokensMax = outputTokensMaxDefault, reasoning }: AiSdkModelOptions,
): Promise<ModelAnswer> {
  const messages = toSdkMessages(request.messages);
  if (messages.length === 0) {
    throw new ModelFault('badRequest', `${modelName} was asked with no words at all. Mend the dialog.`, {
      retryable: false,
    });
  }
  const result = await sdk.generateText({
    model,
    ...(request.system === '' ? {} : { instructions: request.system }),
    messages,
    tools: request.offerHandOff ? handOffTools(sdk) : {},
    maxRetries: 0,
    // Nobody here listens, and what it would tell has the customer's words.
    telemetry: { isEnabled: false },
    maxOutputTokens: outputTokensMax,
    ...(reasoning === undefined ? {} : { reasoning }),
    abortSignal: request.signal,
    headers: { 'idempotency-key': request.idempotencyKey },
  });
  return answerOf(result, modelName);
}

// --- to the SDK ---------------------------------------------------------------------------------------------------

const handOffSchema: JSONSchema7 = {
  type: 'object',
  properties: { reason: { type: 'string', description: 'Why a person is needed, in one sentence.' } },
  required: ['reason'],
  additionalProperties: false,
};

/** Without `execute`: the SDK hands the call out instead of running it and asking the model again. */
function handOffTools(sdk: Sdk): ToolSet {
  const description =
    'Hands the conversation to a person of the business. Use it when the customer asks for a person, or when you cannot help.';
  return {
    handOff: sdk.tool({ description, inputSchema: sdk.jsonSchema<{ reason: string }>(handOffSchema) }),
  };
}

const opening = '(The conversation began earlier.)';

/**
 * Turns of one side that follow each other become one message of several parts, since some providers want sides to
 * alternate; empty ones are left out, since they are refused; and the customer's side begins, since some insist on it.
 */
function toSdkMessages(messages: readonly ModelMessage[]): SdkMessage[] {
  const merged: { role: ModelMessage['role']; content: { type: 'text'; text: string }[] }[] = [];
  for (const { role, text } of messages) {
    if (text.trim() === '') continue;
    if (merged.length === 0 && role === 'assistant') {
      merged.push({ role: 'user', content: [{ type: 'text', text: opening }] });
    }
    const last = merged.at(-1);
    if (last?.role === role) last.content.push({ type: 'text', text });
    else merged.push({ role, content: [{ type: 'text', text }] });
  }
  return merged;
}

// --- from the SDK -------------------------------------------------------------------------------------------------

interface SdkResult {
  text: string;
  finishReason: string;
  toolCalls: readonly { toolName: string; input: unknown }[];
  usage: { inputTokens: number | undefined; outputTokens: number | undefined };
  finalStep: { response: { modelId: string } };
}

function answerOf(result: SdkResult, modelName: string): ModelAnswer {
  if (result.finishReason === 'content-filter') {
    throw new ModelFault('refused', `${modelName} refused to answer. A person has to.`, { retryable: false });
  }
  const call = result.toolCalls.find(({ toolName }) => toolName === 'handOff');
  const text = result.text.trim();
  if (text === '' && call === undefined) {
    const why = `${modelName} answered without words (it stopped for: ${result.finishReason}).`;
    throw new ModelFault('empty', `${why} Another attempt may bring some.`, { retryable: true });
  }
  return {
    text,
    ...(call === undefined ? {} : { handOff: { reason: reasonOf(call.input) } }),
    usage: {
      model: result.finalStep.response.modelId,
      inputTokens: result.usage.inputTokens ?? 0,
      outputTokens: result.usage.outputTokens ?? 0,
    },
  };
}

/** A model may call a tool with anything; that it wants a person is clear all the same. */
function reasonOf(input: unknown): string {
  const isReasoned = typeof input === 'object' && input !== null && 'reason' in input;
  return isReasoned && typeof input.reason === 'string' ? input.reason : '';
}
