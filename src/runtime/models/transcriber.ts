/**
 * The `Transcriber` port over the AI SDK, for any provider that has a transcription model in its package. One call is
 * one provider request, as with `ai-sdk.ts`.
 */
import type { TranscriptionModel } from 'ai';
import { ModelFault, type Transcriber } from '#core/ports/model.ts';
import { callSdk, remembered } from './sdk-call.ts';

export interface AiSdkTranscriberOptions {
  name: string;
  /** Called once. */
  resolve(): TranscriptionModel | Promise<TranscriptionModel>;
}

/** Never asked for: the SDK takes the type of a recording only from a download, and else guesses it from its bytes. */
const placeholder = new URL('https://recording.invalid/');

export function createAiSdkTranscriber({ name, resolve }: AiSdkTranscriberOptions): Transcriber {
  const model = remembered(resolve);
  return {
    name,
    transcribe: ({ audio, mimeType, signal, idempotencyKey }) =>
      callSdk(name, signal, async (sdk) => {
        const result = await sdk.transcribe({
          model: await model(name),
          audio: placeholder,
          download: async () => ({ data: audio, mediaType: mimeType }),
          maxRetries: 0,
          telemetry: { isEnabled: false },
          abortSignal: signal,
          headers: { 'idempotency-key': idempotencyKey },
        });
        const text = result.text.trim();
        if (text === '')
          throw new ModelFault('empty', `${name} heard no words in a recording.`, { retryable: false });
        return { text };
      }),
  };
}
