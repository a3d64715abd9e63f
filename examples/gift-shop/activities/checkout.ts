/**
 * Makes the page on which the customer pays, at Stripe or whoever speaks its language. It carries the conversation as its
 * `client_reference_id`, so the payment finds its way back as the event `payment.succeeded`. A page that the customer
 * left for another design is closed first: two open pages could both be paid.
 */
import { createHash } from 'node:crypto';
import { type ActivityContext, ActivityFault, defineActivity } from 'nightdesk';
import { z } from 'zod';
import type { ShopSettings } from '../settings.ts';

const dayMs = 24 * 3_600_000;
const pages = '/v1/checkout/sessions';
const page = z.object({ id: z.string(), url: z.string() });

export function checkoutActivity(settings: ShopSettings) {
  const { returnUrl } = settings.checkout;
  return defineActivity({
    name: 'checkout',
    input: z.object({
      title: z.string(),
      design: z.string(),
      /** The page that was made before. */
      earlier: z.string().optional(),
    }),
    output: z.object({ checkoutId: z.string(), url: z.string(), order: z.string() }),
    deadlineMs: 30_000,
    limits: [{ name: 'checkoutsPerDay', per: 'contact', windowMs: dayMs, max: 30 }],
    run: async ({ title, design, earlier }, context) => {
      const stripe = new Stripe(settings.checkout, context);
      if (earlier !== undefined) await stripe.close(earlier);
      const order = orderOf(context.idempotencyKey);
      const made = page.parse(
        await stripe.post(pages, {
          mode: 'payment',
          client_reference_id: context.conversationId,
          ...(returnUrl === undefined ? {} : { success_url: returnUrl }),
          'line_items[0][quantity]': '1',
          'line_items[0][price_data][currency]': settings.currency,
          'line_items[0][price_data][unit_amount]': String(settings.priceMinor),
          'line_items[0][price_data][product_data][name]': title,
          'metadata[order]': order,
          'metadata[design]': design,
        }),
      );
      return { result: { checkoutId: made.id, url: made.url, order } };
    },
  });
}

/** The same for every attempt: what a customer may read out on the telephone. */
function orderOf(idempotencyKey: string): string {
  return `GIFT-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 8).toUpperCase()}`;
}

class Stripe {
  readonly #settings: ShopSettings['checkout'];
  readonly #context: ActivityContext;

  constructor(settings: ShopSettings['checkout'], context: ActivityContext) {
    this.#settings = settings;
    this.#context = context;
  }

  async post(path: string, form: Record<string, string>): Promise<unknown> {
    const { status, body } = await this.#ask('POST', path, form);
    if (status === 200) return body;
    throw new ActivityFault({
      code: `http${status}`,
      message: `The checkout answered ${status}.${status === 401 ? ' CHECKOUT_API_KEY is wrong.' : ''}`,
      retryable: status >= 500 || status === 429 || status === 409,
      charged: 'no',
    });
  }

  /** @throws ActivityFault `paidAlready` where the customer was quicker. */
  async close(id: string): Promise<void> {
    const { status } = await this.#ask('POST', `${pages}/${id}/expire`, {});
    if (status === 200) return;
    const { body } = await this.#ask('GET', `${pages}/${id}`);
    if ((body as { status?: unknown } | null)?.status !== 'complete') return;
    const message = `The checkout ${id} was paid before it could be closed. Its payment is on its way.`;
    throw new ActivityFault({ code: 'paidAlready', message, retryable: false, charged: 'no' });
  }

  async #ask(method: 'GET' | 'POST', path: string, form?: Record<string, string>) {
    const { fetch, idempotencyKey, signal } = this.#context;
    const response = await fetch(`${this.#settings.baseUrl}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${this.#settings.apiKey}`,
        ...(form === undefined
          ? {}
          : {
              'content-type': 'application/x-www-form-urlencoded',
              'idempotency-key': `${idempotencyKey}:${path}`,
            }),
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    });
    const body: unknown = await response.json().catch(() => null);
    return { status: response.status, body };
  }
}
