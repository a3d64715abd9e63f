/**
 * Has four designs drawn: the one thing here that costs the shop money, so it is one request with one key. The AI SDK's own
 * repeats are off, since the runtime counts each request: it has reserved the money before this runs, and settles or
 * refunds it by what this says. `charged: 'no'` is said only where the provider itself says that it failed or refused.
 *
 * To have another provider draw, give `createOpenAI` way to its package of the AI SDK; the rest stays.
 */
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateImage } from 'ai';
import { type ActivityContext, ActivityFault, defineActivity } from 'nightdesk';
import { z } from 'zod';
import { designMicros, type ShopSettings, styles } from '../settings.ts';

const designsPerDrawing = 4;
const dayMs = 24 * 3_600_000;

const wish = z.object({ name: z.string(), theme: z.string(), style: z.enum(styles) });
type Wish = z.infer<typeof wish>;

export function drawActivity({ images, drawingsPerDay, drawingsBudgetMicros }: ShopSettings) {
  return defineActivity({
    name: 'draw',
    input: wish,
    /** Files of the shop's own; nothing is sent from here. */
    output: z.object({ designs: z.array(z.string()).length(designsPerDrawing) }),
    deadlineMs: 120_000,
    attemptsMax: 5,
    cost: { currency: 'USD', amountMicros: designsPerDrawing * designMicros({ images }) },
    limits: [
      { name: 'drawingsPerDay', per: 'contact', windowMs: dayMs, max: drawingsPerDay },
      { name: 'drawingsBudget', per: 'tenant', windowMs: dayMs, maxMicros: drawingsBudgetMicros },
    ],
    onUncertain: images.honoursKeys ? 'retryWithKey' : 'settleAndFlag',
    /** Designs that came too late are the next ones of whoever asks for the same again. */
    late: 'reuse',
    run: async (asked, context) => {
      const pictures = await drawn(asked, images, context);
      const files = pictures.map(({ uint8Array, mediaType }) => context.files.put(uint8Array, mediaType));
      return { result: { designs: (await Promise.all(files)).map(({ fileId }) => fileId) } };
    },
  });
}

async function drawn(asked: Wish, images: ShopSettings['images'], context: ActivityContext) {
  const { apiKey, baseUrl, model, size, quality } = images;
  const provider = createOpenAI({
    apiKey,
    fetch: context.fetch,
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
  });
  try {
    const { images: pictures } = await generateImage({
      model: provider.image(model),
      prompt: promptFor(asked),
      n: designsPerDrawing,
      maxImagesPerCall: designsPerDrawing,
      size,
      providerOptions: { openai: { quality } },
      maxRetries: 0,
      abortSignal: context.signal,
      headers: { 'idempotency-key': context.idempotencyKey },
    });
    return pictures;
  } catch (error) {
    throw APICallError.isInstance(error) ? (faultOf(error) ?? error) : error;
  }
}

const promptStyles: Readonly<Record<Wish['style'], string>> = {
  watercolour: 'a soft watercolour painting',
  comic: 'a cheerful comic drawing with bold lines',
  oil: 'an oil painting with visible brushstrokes',
  papercut: 'a layered paper-cut picture',
};

function promptFor({ name, theme, style }: Wish): string {
  return `A gift for ${name}: ${promptStyles[style]} of ${theme}. No words in the picture.`;
}

const serverErrorFirst = 500;
const [conflict, tooMany] = [409, 429];

/** What the provider's answer says of the money; null where there was no answer, of which the runtime knows more. */
function faultOf({ statusCode, data, responseHeaders = {} }: APICallError): ActivityFault | null {
  if (statusCode === undefined || statusCode < 400) return null;
  const retryAfterMs = Number(responseHeaders['retry-after']) * 1_000;
  // A proxy's 502 says nothing; the provider's own error says that there is no picture.
  const isItsOwnWord = data !== undefined && statusCode !== conflict;
  const isRetryable = statusCode >= serverErrorFirst || statusCode === tooMany || statusCode === conflict;
  return new ActivityFault({
    code: codeOf(data) ?? `http${statusCode}`,
    message: `The image provider answered ${statusCode}.${statusCode === 401 ? ' IMAGES_API_KEY is wrong.' : ''}`,
    retryable: isRetryable,
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
    charged: isItsOwnWord ? 'no' : 'maybe',
  });
}

/** `moderation_blocked`, for one. */
function codeOf(data: unknown): string | null {
  const { error } = (data ?? {}) as { error?: { code?: unknown } };
  return typeof error?.code === 'string' && /^\w{1,64}$/.test(error.code) ? error.code : null;
}
