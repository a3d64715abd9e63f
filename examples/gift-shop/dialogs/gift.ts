/** What the shop remembers of a purchase. A field that is added needs a default, for purchases that are under way. */
import { z } from 'zod';
import { styles } from '../settings.ts';

export const giftSchema = z.object({
  name: z.string().default(''),
  theme: z.string().default(''),
  style: z.enum(styles).default('watercolour'),
  /** Files of the designs, and what WhatsApp calls them. */
  designs: z.array(z.string()).default([]),
  pictures: z.array(z.string()).default([]),
  /** Its number, as the customer sees it. */
  chosen: z.number().default(0),
  checkoutId: z.string().optional(),
  checkoutUrl: z.string().default(''),
  paidCheckoutId: z.string().optional(),
  order: z.string().default(''),
  /** Of a payment for a page that was left. */
  lateOrder: z.string().default(''),
});
export type Gift = z.infer<typeof giftSchema>;
