/**
 * What the fault of an attempt says: to the dialog, to whoever would try again, and of the money. To let handlers throw
 * another kind of fault, add it here.
 */
import { outlineOf } from '#core/model/faults.ts';
import { ActivityFault } from '#core/ports/activity.ts';
import { FileFault } from '#core/ports/files.ts';
import { MediaFault } from '#core/ports/media.ts';
import { ModelFault } from '#core/ports/model.ts';
import type { ChargeEnd } from '#core/ports/store-money.ts';

export interface Failed {
  fault: { code: string; message: string };
  isRetryable: boolean;
  retryAfterMs: number;
  charge?: ChargeEnd;
}

export function failedBy(error: unknown): Failed {
  const message = outlineOf(error);
  if (error instanceof ActivityFault)
    return {
      fault: { code: error.code, message },
      isRetryable: error.retryable,
      retryAfterMs: error.retryAfterMs ?? 0,
      charge: chargeEndOf(error),
    };
  if (error instanceof ModelFault || error instanceof MediaFault || error instanceof FileFault)
    return {
      fault: { code: error.code, message },
      isRetryable: error.retryable,
      retryAfterMs: error instanceof ModelFault ? (error.retryAfterMs ?? 0) : 0,
    };
  return { fault: { code: 'activityFailed', message }, isRetryable: false, retryAfterMs: 0 };
}

function chargeEndOf({ charged, amountMicros }: ActivityFault): ChargeEnd {
  if (charged === 'yes') return { kind: 'charged', amountMicros: amountMicros ?? null };
  return charged === 'no' ? { kind: 'notCharged' } : { kind: 'unknown' };
}
