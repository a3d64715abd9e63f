/** Ends of activities, and timers. To tell more of an end, add it to the port and to `activities.sql`. */
import { limits } from '#core/limits.ts';
import { showable } from '#core/model/storable.ts';
import type { ActivityOutcome, ActivitySettled, Store } from '#core/ports/store.ts';
import type { Database } from '../database/database.ts';
import { Group } from '../database/group.ts';
import { alertsOf, type SpentOfDay } from '../money/budget.ts';

export function activityMethods(db: Database): Pick<Store, 'settleActivity' | 'fireTimers'> {
  const settlements = new Group<object, SettleAnswer>(db, {
    transaction: 'settleActivity',
    function: 'settle_activities',
  });
  return {
    settleActivity: async (outcome) => settledOf(outcome, await settlements.submit(encodeOutcome(outcome))),
    fireTimers: ({ nowMs, max }) =>
      db.change('fireTimers', 'fire_timers', { nowMs, max, lockedAgainMs: limits.lockedAgainMs }),
  };
}

type SettleAnswer = ({ outcome: 'stored'; position: number } | { outcome: 'late' }) & Partial<SpentOfDay>;

function encodeOutcome({ ref, activityId, ownerId, nowMs, ...outcome }: ActivityOutcome): object {
  const { result, fault, usage, charge, budget } = outcome;
  const isKept = charge?.kind === 'charged' && result !== undefined;
  return {
    ...{ tenantId: ref.tenantId, activityId, ownerId, nowMs },
    content: JSON.stringify(fault === undefined ? { activityId, result } : { activityId, fault }),
    fault: fault === undefined ? undefined : JSON.stringify(fault),
    result: isKept ? JSON.stringify(result) : undefined,
    usage: usage === undefined ? undefined : { ...usage, model: showable(usage.model) },
    charge,
    budgetCurrency: budget?.currency,
  };
}

function settledOf({ budget }: ActivityOutcome, answer: SettleAnswer): ActivitySettled {
  const alerts = alertsOf(answer, budget);
  return answer.outcome === 'stored'
    ? { outcome: 'stored', position: answer.position, ...alerts }
    : { outcome: 'late', ...alerts };
}
