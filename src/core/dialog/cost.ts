/**
 * What an activity may cost, and what would let money be spent unseen: an amount that cannot be counted, or no rule for
 * the request whose end nobody saw.
 */

import type { OnUncertain } from '../model/ledger.ts';

export interface ActivityCost {
  /** ISO 4217, e.g. `USD`. */
  currency: string;
  /** The most that one start may cost, in millionths of the currency; reserved in the turn's commit. */
  amountMicros: number;
}

const currencyForm = /^[A-Z]{3}$/;
const rules = [
  'retryWithKey',
  'lookup',
  'settleAndFlag',
  'retryMayPayTwice',
] as const satisfies readonly OnUncertain[];

/** What would let money be spent unseen; also asked of declarations that were made without `defineActivity`. */
export function problemOfCost({
  cost,
  onUncertain,
  late,
  lookup,
}: Partial<Record<'cost' | 'onUncertain' | 'late' | 'lookup', unknown>>): string | null {
  if (onUncertain === 'lookup' && typeof lookup !== 'function')
    return "onUncertain: 'lookup' asks the provider what became of a request, and there is no lookup. Give one, or another rule.";
  if (cost === undefined)
    return late === 'reuse'
      ? "late: 'reuse' spares a second charge, and there is no cost. Leave it out."
      : null;
  const { currency, amountMicros } = cost as ActivityCost;
  if (!currencyForm.test(currency))
    return `the currency must be three capital letters, e.g. USD, not "${currency}".`;
  if (!Number.isSafeInteger(amountMicros) || amountMicros <= 0)
    return `cost.amountMicros must be a whole number over 0 of millionths of ${currency}, not ${amountMicros}.`;
  if (onUncertain !== undefined && !(rules as readonly unknown[]).includes(onUncertain))
    return `onUncertain is ${rules.join(', ')}, not "${String(onUncertain)}".`;
  if (onUncertain === undefined)
    return 'it costs money and does not say what happens when nobody knows whether a request was charged for. Set onUncertain to retryWithKey, lookup, settleAndFlag or retryMayPayTwice (docs/paid-work.md).';
  return null;
}
