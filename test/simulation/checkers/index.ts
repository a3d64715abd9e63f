/** All checkers. */
import type { MakeChecker } from '../checker.ts';
import { answeredInOrder } from './answered-in-order.ts';
import { answeredOnce } from './answered-once.ts';
import { askedWithinAttempts } from './asked-within-attempts.ts';
import { auditAgrees } from './audit-agrees.ts';
import { consumedInOrder } from './consumed-in-order.ts';
import { endsWithEvidence } from './ends-with-evidence.ts';
import { ledgerAddsUp } from './ledger-adds-up.ts';
import { limitsCounted } from './limits-counted.ts';
import { nothingStuck } from './nothing-stuck.ts';
import { oneActionOnePayment } from './one-action-one-payment.ts';
import { oneRowAMessage } from './one-row-a-message.ts';
import { pacesHold } from './paces-hold.ts';
import { paidUnderAttempt } from './paid-under-attempt.ts';
import { paidWithinLimits } from './paid-within-limits.ts';
import { repeatedOnEvidence } from './repeated-on-evidence.ts';
import { statusesOnlyRise } from './statuses-only-rise.ts';
import { storedBeforeAcknowledged } from './stored-before-acknowledged.ts';
import { tenantsApart } from './tenants-apart.ts';
import { toldOnce } from './told-once.ts';
import { turnsCommitWhole } from './turns-commit-whole.ts';
import { uncertainResolved } from './uncertain-resolved.ts';
import { visitsActOnce } from './visits-act-once.ts';
import { writtenWhenMarked } from './written-when-marked.ts';

export const makeCheckers: readonly MakeChecker[] = [
  storedBeforeAcknowledged,
  oneRowAMessage,
  toldOnce,
  consumedInOrder,
  answeredInOrder,
  endsWithEvidence,
  answeredOnce,
  auditAgrees,
  tenantsApart,
  nothingStuck,
  turnsCommitWhole,
  writtenWhenMarked,
  pacesHold,
  paidUnderAttempt,
  ledgerAddsUp,
  paidWithinLimits,
  oneActionOnePayment,
  visitsActOnce,
  askedWithinAttempts,
  uncertainResolved,
  repeatedOnEvidence,
  statusesOnlyRise,
  limitsCounted,
];
