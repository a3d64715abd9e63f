/** Paid work of the crash tests: a picture from the look-alike's provider of images, which counts its charges. */
import { z } from 'zod';
import { defineActivity } from '#core/dialog/activity.ts';
import { ActivityFault } from '#core/ports/activity.ts';

/** Four cents each, as the look-alike charges. */
const priceMicros = 40_000;

export const buy = defineActivity({
  name: 'buy',
  input: z.string(),
  output: z.number(),
  deadlineMs: 20_000,
  cost: { currency: 'USD', amountMicros: priceMicros },
  onUncertain: 'retryWithKey',
  async run(prompt, { fetch, idempotencyKey }) {
    const response = await fetch(`${process.env.GRAPH_API_URL}/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer any', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ prompt, size: '256x256' }),
    });
    if (response.status !== 200)
      throw new ActivityFault({
        ...{ code: 'refused', message: `The provider answers with ${response.status}.`, retryable: true },
        // Under 409 an earlier request with this key is still being worked on.
        charged: response.status === 409 ? 'maybe' : 'no',
      });
    const { data } = (await response.json()) as { data: { b64_json: string }[] };
    return { result: data.length };
  },
});
