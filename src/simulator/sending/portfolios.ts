/**
 * Business portfolios and their messaging limit: how many different people they may write to first, outside service
 * windows, in any 24 hours, over all their numbers together. Someone already counted costs nothing more until a day has
 * gone by without such a message.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits.
 */
import { readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';

const TIERS: ReadonlyMap<string, number> = new Map([
  ['TIER_50', 50],
  ['TIER_250', 250],
  ['TIER_1K', 1_000],
  ['TIER_2K', 2_000],
  ['TIER_10K', 10_000],
  ['TIER_100K', 100_000],
  ['TIER_UNLIMITED', Number.POSITIVE_INFINITY],
]);
export const USUAL_TIER = 'TIER_100K';
const DAY_MS = 24 * 3_600_000;

export interface Portfolio {
  readonly id: string;
  messagingLimitTier: string;
}

/** A WABA that was put into no portfolio is alone in its own. */
export const ownPortfolioOf = (wabaId: string): string => `portfolio_of_${wabaId}`;

export function readPortfolio(given: unknown): Portfolio {
  const source = readObject(given) ?? {};
  const id = readString(source.id);
  const messagingLimitTier = readString(source.messagingLimitTier) ?? USUAL_TIER;
  if (!id) throw new ControlError('Each entry of "portfolios" needs an "id".');
  if (!TIERS.has(messagingLimitTier)) {
    throw new ControlError(
      `There is no messaging limit "${messagingLimitTier}". Known: ${[...TIERS.keys()].join(', ')}.`,
    );
  }
  return { id, messagingLimitTier };
}

export interface MessagingLimits {
  hasRoom(portfolioId: string, contactKey: string, tier: string, nowMs: number): boolean;
  take(portfolioId: string, contactKey: string, nowMs: number): void;
  clear(): void;
}

export function createMessagingLimits(): MessagingLimits {
  // By portfolio, when each contact was last written to, longest ago first: what is over leaves from the front, so a
  // send costs the same however many there are.
  const writtenTo = new Map<string, Map<string, number>>();
  const currentOf = (portfolioId: string, nowMs: number): Map<string, number> => {
    const contacts = writtenTo.get(portfolioId) ?? new Map<string, number>();
    writtenTo.set(portfolioId, contacts);
    for (const [contactKey, atMs] of contacts) {
      if (nowMs - atMs < DAY_MS) break;
      contacts.delete(contactKey);
    }
    return contacts;
  };
  return {
    hasRoom(portfolioId, contactKey, tier, nowMs) {
      const contacts = currentOf(portfolioId, nowMs);
      return contacts.has(contactKey) || contacts.size < (TIERS.get(tier) ?? 0);
    },
    take(portfolioId, contactKey, nowMs) {
      const contacts = currentOf(portfolioId, nowMs);
      contacts.delete(contactKey);
      contacts.set(contactKey, nowMs);
    },
    clear: () => writtenTo.clear(),
  };
}
