/**
 * The refusal upstream where more waits for a commit than may wait. It is made where bodies begin to wait.
 */
import { limits } from '../limits.ts';
import { Fault } from './faults.ts';

/** What comes from outside and will come again. */
const refusable: readonly string[] = ['append', 'recordStatuses', 'appendBusiness'];

/** @throws Fault overloaded for what may be refused; whatever else waits was acknowledged before and must be let in. */
export function refuseWhenBehind(method: string, waiting: number): void {
  if (!refusable.includes(method) || waiting < limits.appendWaitingMax) return;
  throw new Fault(
    'overloaded',
    'More bodies wait for a commit than may wait; Meta keeps them and comes back.',
    { retryAfterMs: limits.retryAfterMs },
  );
}
