/**
 * What the shop is told by its environment: who draws, who takes the money, and the prices. `npm start` fills in the
 * look-alikes of both where nothing is set, so the shop never knows whether its providers are real.
 */
import { priceOf, type Quality, qualities, type Size } from './prices.ts';

export const styles = ['watercolour', 'comic', 'oil', 'papercut'] as const;
export type Style = (typeof styles)[number];

export interface ShopSettings {
  images: ImageSettings;
  checkout: CheckoutSettings;
  /** What a gift costs the customer, in the smallest unit of the currency. */
  priceMinor: number;
  /** Three letters, as Stripe writes them. */
  currency: string;
  /** For a customer and a day (UTC); each time makes four designs. */
  drawingsPerDay: number;
  /** For all customers together and a day (UTC). */
  drawingsBudgetMicros: number;
}

export interface ImageSettings {
  /** A provider that speaks OpenAI's language; OpenAI itself if absent. */
  baseUrl: string | undefined;
  apiKey: string;
  model: string;
  size: Size;
  /** Sent with each request: left to the provider, it could cost more than was reserved. */
  quality: Quality;
  /** What one design costs the shop, in millionths of a dollar, where it is not as `prices.ts` has it. */
  priceMicros: number | undefined;
  /**
   * The provider charges once for an `Idempotency-Key`, however often it is asked. Where it does not, a request whose end
   * nobody saw is not repeated: it counts as spent, and a person looks at it.
   */
  honoursKeys: boolean;
}

export interface CheckoutSettings {
  baseUrl: string;
  apiKey: string;
  /** Where the page leads when it is paid; Stripe demands it, a look-alike may do without. */
  returnUrl: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readShopSettings(env: Environment): ShopSettings {
  return {
    images: {
      baseUrl: env.IMAGES_BASE_URL || undefined,
      apiKey: env.IMAGES_API_KEY ?? '',
      model: env.IMAGES_MODEL || 'gpt-image-1.5',
      size: '1024x1024',
      quality: qualityIn(env.IMAGES_QUALITY),
      priceMicros: env.IMAGES_PRICE_MICROS ? Number(env.IMAGES_PRICE_MICROS) : undefined,
      honoursKeys: env.IMAGES_HONOUR_KEYS === 'yes',
    },
    checkout: {
      baseUrl: env.CHECKOUT_BASE_URL || 'https://api.stripe.com',
      apiKey: env.CHECKOUT_API_KEY ?? '',
      returnUrl: env.CHECKOUT_RETURN_URL || (env.CHECKOUT_BASE_URL ? undefined : 'https://web.whatsapp.com/'),
    },
    priceMinor: 2_400,
    currency: 'eur',
    drawingsPerDay: 5,
    drawingsBudgetMicros: 50_000_000,
  };
}

function qualityIn(asked: string | undefined): Quality {
  const quality = qualities.find((each) => each === (asked || 'medium'));
  if (quality === undefined) throw new Error(`IMAGES_QUALITY must be one of ${qualities.join(', ')}.`);
  return quality;
}

/** What one design costs the shop, in millionths of a dollar. */
export const designMicros = ({ images }: Pick<ShopSettings, 'images'>): number =>
  images.priceMicros ?? priceOf(images);

/** `24 €`, as both languages of the shop may write it. */
export function priceText({ priceMinor, currency }: ShopSettings): string {
  const [whole, cents] = [Math.floor(priceMinor / 100), priceMinor % 100];
  const sign = currency === 'eur' ? '€' : currency.toUpperCase();
  return `${whole}${cents === 0 ? '' : `.${String(cents).padStart(2, '0')}`} ${sign}`;
}
