/** Budgets of a day: what is spent only grows, so each share of the budget is passed once, in the commit that passes it. */
import type { BudgetAlert, BudgetRule } from '#core/ports/store-money.ts';

/** What a day had spent before a commit and after it. */
export interface SpentOfDay {
  day: string;
  beforeMicros: number;
  spentMicros: number;
}

/** The shares that this commit passed. */
export function alertsOf(
  { day, beforeMicros, spentMicros }: Partial<SpentOfDay>,
  budget: BudgetRule | undefined,
): { alerts?: BudgetAlert[] } {
  if (budget === undefined || day === undefined || beforeMicros === undefined || spentMicros === undefined)
    return {};
  const { currency, perDayMicros } = budget;
  const alerts = budget.alertAtPercent
    .filter((percent) => {
      const atMicros = (perDayMicros * percent) / 100;
      return beforeMicros < atMicros && spentMicros >= atMicros;
    })
    .map((percent) => ({ percent, spentMicros, perDayMicros, currency, day }));
  return alerts.length === 0 ? {} : { alerts };
}
