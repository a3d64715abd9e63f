/**
 * Budgets of a day: what is spent only grows, so each share of the budget is passed once, in the commit that passes it.
 */
import type { BudgetAlert, BudgetRule } from '#core/ports/store-money.ts';
import type { Context } from '../database/context.ts';

const selectSpent = 'SELECT spent_micros FROM ledger_day WHERE tenant_id = ? AND day = ? AND currency = ?';

export function spentOfDay(
  context: Context,
  tenantId: string,
  day: string,
  budget: BudgetRule | undefined,
): number {
  if (budget === undefined) return 0;
  const row = context.db.get<{ spent_micros: number }>(selectSpent, tenantId, day, budget.currency);
  return row?.spent_micros ?? 0;
}

/** The shares that were passed since `before`. */
export function alertsOf(
  context: Context,
  { tenantId, day, before }: { tenantId: string; day: string; before: number },
  budget: BudgetRule | undefined,
): { alerts?: BudgetAlert[] } {
  if (budget === undefined) return {};
  const { currency, perDayMicros } = budget;
  const spentMicros = spentOfDay(context, tenantId, day, budget);
  const alerts = budget.alertAtPercent
    .filter((percent) => {
      const atMicros = (perDayMicros * percent) / 100;
      return before < atMicros && spentMicros >= atMicros;
    })
    .map((percent) => ({ percent, spentMicros, perDayMicros, currency, day }));
  return alerts.length === 0 ? {} : { alerts };
}
