/**
 * Tenants as the runtime knows them: a business, its secrets and its phone numbers. Kept whole in memory (hundreds
 * of tenants are a few hundred kilobytes) and replaced as one value when someone applies a change.
 */
export interface PhoneNumber {
  tenantId: string;
  phoneNumberId: string;
  wabaId: string;
  displayNumber: string;
  /** Name of the dialog that answers on this number. */
  dialog: string;
  /** Meta's throughput of the number, in and out together. */
  sendsPerSecondMax: number;
  settings: NumberSettings;
}

/** Words for customers: the same for all, or by language, of which the first is for everybody else. */
export type WordsOfNumber = string | Readonly<Record<string, string>>;

/** Settings of a number that the runtime itself reads; a dialog may read more from `extra`. */
export interface NumberSettings {
  systemPrompt?: string;
  model?: string;
  fallbackText?: WordsOfNumber;
  unsupportedText?: WordsOfNumber;
  handOffText?: WordsOfNumber;
  mutedText?: WordsOfNumber;
  replyTimeoutMs?: number;
  quietMs?: number;
  quietMaxMs?: number;
  overlap?: 'queue' | 'interrupt';
  /** `typing` (default) shows the read receipt and the typing sign, `read` only the receipt, `none` neither. */
  receipts?: 'typing' | 'read' | 'none';
  historyMessagesMax?: number;
  historyTokensMax?: number;
  uncertain?: 'resendOnEvidence' | 'holdForPerson' | 'resendMayRepeat' | 'dropMayLose';
  /** Wait for `delivered` of one message before the next leaves, at most this long. */
  waitDeliveredMs?: number;
  repliesPerContactPerHourMax?: number;
  /** Replies of all numbers of the tenant together in a day (UTC); set on the tenant. */
  repliesPerTenantPerDayMax?: number;
  extra?: Record<string, unknown>;
}

export interface Tenant {
  tenantId: string;
  name: string;
  accessToken?: string;
  appSecret?: string;
  verifyToken?: string;
  /** Of the endpoint at Stripe, several while one is rotated. */
  stripeWebhookSecrets?: string[];
  /** All numbers of the tenant together. */
  sendsPerSecondMax?: number;
  /** All numbers of one of its wabas together. */
  wabaSendsPerSecondMax?: number;
  activitiesMax?: number;
  /** Of paid activities, in a day (UTC); it is told of, not enforced: limits of money are declared with activities. */
  budget?: { currency: string; perDayMicros: number; alertAtPercent: number[] };
  /** What happens to a hold that nobody works for `holdIdleMs`. */
  holdIdle?: 'alert' | 'handBack';
  phoneNumbers: PhoneNumber[];
}

/** The current tenants, by id and by number. A lookup never waits. */
export interface TenantDirectory {
  tenant(tenantId: string): Tenant | undefined;
  /** The number and with it the tenant; a phone number id belongs to one tenant. */
  phoneNumber(phoneNumberId: string): PhoneNumber | undefined;
  all(): readonly Tenant[];
}
