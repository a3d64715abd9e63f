/** How the look-alike of a checkout behaves, changeable while it runs. To add a fault, add it here and ask it in checkout.ts. */

import type { CallFault } from '../anthropic/model-settings.ts';
import type { RangeMs } from '../draw.ts';

export interface CheckoutSettings {
  /** Empty: every key is good, but there must be one. */
  apiKeys: readonly string[];
  /** Where events go; null: nobody is told. */
  webhookUrl: string | null;
  webhookSecret: string;
  /** An unpaid page ends after this. */
  expireAfterMs: number;
  eventRetryFirstMs: number;
  eventRetryFactor: number;
  eventRetryForMs: number;
  latencyMs: RangeMs;
  /** 500, nothing made. */
  fail: CallFault;
  /** Made, and the socket dies without an answer. */
  loseAnswer: CallFault;
  /** Never answered, nothing made. */
  hang: CallFault;
  duplicateEvent: CallFault;
  lateEvent: CallFault & RangeMs;
  badSignature: CallFault;
}

const none = (): CallFault => ({ rate: 0, next: 0 });

export const defaultCheckoutSettings = (): CheckoutSettings => ({
  apiKeys: [],
  webhookUrl: null,
  webhookSecret: 'whsec_simulator',
  expireAfterMs: 24 * 3_600_000,
  eventRetryFirstMs: 1_000,
  eventRetryFactor: 4,
  eventRetryForMs: 3 * 24 * 3_600_000,
  latencyMs: { minMs: 0, maxMs: 0 },
  fail: none(),
  loseAnswer: none(),
  hang: none(),
  duplicateEvent: none(),
  lateEvent: { ...none(), minMs: 60_000, maxMs: 600_000 },
  badSignature: none(),
});
