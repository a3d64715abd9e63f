/**
 * What the shop's own systems may tell: the payments, which Stripe's adapter tells in the same form, and that the print has
 * left. A body at `POST /events` that does not fit is refused there.
 */
import { z } from 'zod';

const payment = z.object({
  /** Stripe may leave it out; then it is no page of ours. */
  checkoutId: z
    .string()
    .nullish()
    .transform((id) => id ?? ''),
  metadata: z.object({ order: z.string().default('?'), design: z.string().default('') }).prefault({}),
});
export type Payment = z.infer<typeof payment>;

export const shopEvents = {
  'payment.succeeded': payment,
  'payment.failed': payment,
  'payment.expired': payment,
  'order.shipped': z.object({ order: z.string().optional() }).nullable(),
};
