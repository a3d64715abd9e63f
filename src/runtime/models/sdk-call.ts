/**
 * One call of a model through the AI SDK, whatever it is asked: it ends with its signal, also where a provider's package
 * ignores that, and by nothing but a `ModelFault`. Faults are told by class and HTTP status, never by words, and carry
 * none of the provider's words either: those may quote a customer. The SDK is loaded at the first call, because it costs
 * 120 ms that a start must not wait for. To map another kind of error, change `faultOf`.
 */
import type { APICallError as ApiCallError } from 'ai';
import { ModelFault } from '#core/ports/model.ts';

export type Sdk = typeof import('ai');

let sdkLoaded: Sdk | undefined;

/**
 * Remembered here: the platform remembers it too, and walks through its loader each time to find it. A load that failed (no file
 * descriptor left) is tried again by the next call.
 */
async function loadSdk(modelName: string): Promise<Sdk> {
  try {
    const sdk = await import('ai');
    // Else it prints hints about settings that a model does not know, once for each call.
    globalThis.AI_SDK_LOG_WARNINGS ??= false;
    sdkLoaded = sdk;
    return sdk;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ModelFault('network', `${modelName} was not asked: its library cannot be loaded (${code}).`, {
      retryable: true,
    });
  }
}

/** @throws ModelFault */
export function callSdk<T>(
  modelName: string,
  signal: AbortSignal,
  call: (sdk: Sdk) => Promise<T>,
): Promise<T> {
  const abortFault = () =>
    new ModelFault('network', `The call of ${modelName} was aborted. Its answer will not be used.`, {
      retryable: false,
    });
  if (signal.aborted) return Promise.reject(abortFault());
  const calling = async () => {
    const sdk = sdkLoaded ?? (await loadSdk(modelName));
    try {
      return await call(sdk);
    } catch (error) {
      throw faultOf(error, modelName, sdk);
    }
  };
  return untilAborted(calling(), signal, abortFault);
}

/** Looks up a model once for each name; a look-up that failed is not remembered. */
export function remembered<T>(
  resolve: (modelName: string) => T | Promise<T>,
): (modelName: string) => Promise<T> {
  const models = new Map<string, Promise<T>>();
  return (modelName) => {
    let model = models.get(modelName);
    if (model === undefined) {
      model = (async () => resolve(modelName))();
      models.set(modelName, model);
      model.catch(() => models.delete(modelName));
    }
    return model;
  };
}

function faultOf(error: unknown, modelName: string, sdk: Sdk): ModelFault {
  if (error instanceof ModelFault) return error;
  if (sdk.APICallError.isInstance(error)) return faultOfCall(error, modelName);
  if (sdk.NoContentGeneratedError.isInstance(error) || sdk.NoTranscriptGeneratedError.isInstance(error)) {
    return new ModelFault('empty', `${modelName} answered with nothing.`, { retryable: true });
  }
  if (sdk.LoadAPIKeyError.isInstance(error)) {
    return new ModelFault('unauthorised', `${modelName} has no API key. Set it and start again.`, {
      retryable: false,
    });
  }
  if (sdk.AISDKError.isInstance(error)) {
    return new ModelFault('badRequest', `${modelName} cannot be asked this (${error.name}).`, {
      retryable: false,
    });
  }
  const name = error instanceof Error ? error.name : typeof error;
  return new ModelFault('network', `No whole answer from ${modelName} (${name}).`, { retryable: true });
}

/** By status. An answer that cannot be read has a good status, and is as good as none. */
function faultOfCall({ statusCode, responseHeaders }: ApiCallError, modelName: string): ModelFault {
  const retryAfterMs = retryAfterOf(responseHeaders);
  const requestId = responseHeaders?.['request-id'] ?? responseHeaders?.['x-request-id'];
  const answered = `${modelName} answered ${statusCode}${requestId === undefined ? '' : ` (request ${requestId})`}.`;
  const later = { retryable: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (statusCode === undefined || statusCode < 400 || statusCode === 408) {
    return new ModelFault(
      'network',
      `No whole answer from ${modelName}. It may have been made and paid.`,
      later,
    );
  }
  if (statusCode === 429) return new ModelFault('rateLimited', `${answered} Too many calls; wait.`, later);
  if (statusCode >= 500)
    return new ModelFault('overloaded', `${answered} It is busy or broken; wait.`, later);
  if (statusCode === 401 || statusCode === 402 || statusCode === 403) {
    return new ModelFault('unauthorised', `${answered} Check the API key, its rights and its credit.`, {
      retryable: false,
    });
  }
  return new ModelFault(
    'badRequest',
    `${answered} The same request will fail again: check the model's name and settings.`,
    {
      retryable: false,
    },
  );
}

/** Seconds or milliseconds. The header may also be a date, which no model provider sends; that counts as absent. */
function retryAfterOf(headers: Record<string, string> | undefined): number | undefined {
  const inMs = Number.parseFloat(headers?.['retry-after-ms'] ?? '');
  if (inMs >= 0) return inMs;
  const inSeconds = Number.parseFloat(headers?.['retry-after'] ?? '');
  return inSeconds >= 0 ? inSeconds * 1_000 : undefined;
}

/** Ends with the signal, also where a provider's package ignores it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal, fault: () => ModelFault): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(fault());
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
