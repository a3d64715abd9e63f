/** What a server of the walks over HTTP runs: the gift shop, with its providers by the environment. */
import type { NightdeskConfig } from 'nightdesk';
import { createGiftShop } from '../../examples/gift-shop/dialogs/gift-shop.ts';
import { settingsOf } from './setting.ts';

const { SHOP_PROVIDERS_URL = '', SHOP_HONOURS_KEYS } = process.env;
const honoursKeys = SHOP_HONOURS_KEYS === 'yes';
const second = 1_000;

export default {
  dialogs: [
    createGiftShop(
      settingsOf({ imagesUrl: SHOP_PROVIDERS_URL, checkoutUrl: SHOP_PROVIDERS_URL, honoursKeys }),
    ),
  ],
  /** An hour of looking into charges is a minute here. */
  limits: {
    chargeBackoffBaseMs: second,
    chargeBackoffMaxMs: 5 * second,
    chargeTryTimeoutMs: 15 * second,
    repliesPerContactPerHourMax: 600,
  },
} satisfies NightdeskConfig;
