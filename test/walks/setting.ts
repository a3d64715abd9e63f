/** What both forms of the walks share: the shop, its business and numbers, and what the world does to them. */
import { readShopSettings, type ShopSettings } from '../../examples/gift-shop/settings.ts';

/** Fewer than the shop grants, so that customers meet it. */
export const drawingsPerDay = 3;
export const webhookSecretOf = 'whsec_walks';
const wabaId = '102290129340398';

export const tenantsFile = {
  tenants: [
    {
      id: 'gifts',
      name: 'The gift shop',
      accessToken: 'token of the walks',
      stripeWebhookSecrets: [webhookSecretOf],
      phoneNumbers: [0, 1, 2, 3].map((nth) => ({
        id: `10654035224292${nth}`,
        wabaId,
        displayNumber: `+1 555 078 388${nth}`,
        dialog: 'gift-shop',
      })),
    },
  ],
} as const;

export const numbers = tenantsFile.tenants[0].phoneNumbers;

export function settingsOf(of: {
  imagesUrl: string;
  checkoutUrl: string;
  honoursKeys: boolean;
}): ShopSettings {
  const settings = readShopSettings({
    IMAGES_BASE_URL: `${of.imagesUrl}/v1`,
    IMAGES_API_KEY: 'key',
    IMAGES_HONOUR_KEYS: of.honoursKeys ? 'yes' : 'no',
    // What the look-alike charges for a picture.
    IMAGES_PRICE_MICROS: '40000',
    CHECKOUT_BASE_URL: of.checkoutUrl,
    CHECKOUT_API_KEY: 'key',
  });
  const images = { ...settings.images, size: '256x256' as const };
  return { ...settings, images, drawingsPerDay, drawingsBudgetMicros: 10_000_000_000 };
}

/** Fails 20 %, hangs 5 %, charges and loses the answer 3 %. */
export const providerFaults = (honourKeys: boolean) => ({
  honourKeys,
  latencyMs: { minMs: 2_000, maxMs: 12_000 },
  fail: { rate: 0.17 },
  rateLimit: { rate: 0.03 },
  refuse: { rate: 0.04 },
  hang: { rate: 0.05, charged: true },
  loseAnswer: { rate: 0.03 },
});

export const webhookFaults = {
  duplicateWebhook: { rate: 0.15, maxMs: 5_000 },
  shuffleWebhooks: { rate: 0.5, maxMs: 2_000 },
  delayWebhooks: { rate: 0.01, minMs: 5_000, maxMs: 60_000 },
};
