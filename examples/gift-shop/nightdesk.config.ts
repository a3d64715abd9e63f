/** What the server runs. */
import type { NightdeskConfig } from 'nightdesk';
import { giftShop } from './dialogs/gift-shop.ts';

export default {
  dialogs: [giftShop],
} satisfies NightdeskConfig;
