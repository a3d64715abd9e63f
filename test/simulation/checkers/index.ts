/** All checkers. */
import type { MakeChecker } from '../checker.ts';
import { answeredInOrder } from './answered-in-order.ts';
import { answeredOnce } from './answered-once.ts';
import { auditAgrees } from './audit-agrees.ts';
import { consumedInOrder } from './consumed-in-order.ts';
import { endsWithEvidence } from './ends-with-evidence.ts';
import { nothingStuck } from './nothing-stuck.ts';
import { oneRowAMessage } from './one-row-a-message.ts';
import { storedBeforeAcknowledged } from './stored-before-acknowledged.ts';
import { tenantsApart } from './tenants-apart.ts';

export const makeCheckers: readonly MakeChecker[] = [
  storedBeforeAcknowledged,
  oneRowAMessage,
  consumedInOrder,
  answeredInOrder,
  endsWithEvidence,
  answeredOnce,
  auditAgrees,
  tenantsApart,
  nothingStuck,
];
