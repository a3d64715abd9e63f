/**
 * The part of the store that holds money: what a start of paid work reserves, what became of it, and what limits counted.
 * An attempt is committed before a byte of it leaves, so that a process that dies leaves no request which nobody knows of.
 * An entry of the ledger has one owner at a time; what another one says about it is not heard. The life of an entry is
 * the table of `core/model/ledger.ts`.
 */
import type { ConversationRef } from '../model/ids.ts';
import type { LateRule, OnUncertain } from '../model/ledger.ts';

/** A unit of a limit, taken in the commit or refused by it; a refusal takes nothing. */
export interface LimitClaim {
  limit: string;
  /** What is counted, e.g. a contact id. */
  scope: string;
  windowMs: number;
  max: number;
  amount: number;
  /** `micros`: the amount is money, so what an activity did not cost after all is given back. Starts if absent. */
  unit?: 'micros';
}

/** What a start of paid work reserves in the commit. */
export interface ReservedCost {
  currency: string;
  amountMicros: number;
  onUncertain: OnUncertain;
  late: LateRule;
}

/** The open entry of an activity that somebody is given to run. */
export interface OpenCharge extends ReservedCost {
  /** Whether a request may have been charged for already. */
  isUncertain: boolean;
  /** The visit is over, nobody waits for a result: only what it cost is to be found out. */
  isOver: boolean;
}

export interface AttemptRef {
  ref: ConversationRef;
  activityId: string;
  ownerId: string;
  nowMs: number;
}

export type AttemptBegun =
  /** The provider may be asked now, under this key. */
  | { outcome: 'begun'; idempotencyKey: string }
  /** Nobody knows what an earlier request cost, and the rule of the activity wants that settled first. */
  | { outcome: 'uncertain'; idempotencyKey: string }
  /** Cancelled, ended or another's: nothing is asked, and nothing is left to say about it. */
  | { outcome: 'gone' }
  /** A second request would be a second cost, for which this limit has no room. */
  | { outcome: 'refused'; limit: string };

/** What is known of the money when an attempt ends. Absent: nothing, so it follows from how far the attempt had come. */
export type ChargeEnd =
  | { kind: 'charged'; amountMicros: number | null }
  | { kind: 'notCharged' }
  /** The provider was asked about every request under the key, and charged for none. */
  | { kind: 'disproved' }
  | { kind: 'unknown' };

/** Reports of how much of a day's budget is spent; raised once for each share. */
export interface BudgetRule {
  currency: string;
  perDayMicros: number;
  /** In percent of the budget. */
  alertAtPercent: readonly number[];
}

export interface BudgetAlert {
  percent: number;
  spentMicros: number;
  perDayMicros: number;
  currency: string;
  day: string;
}

export type LedgerGroup = 'tenant' | 'contact' | 'activity' | 'day';

export interface LedgerQuery {
  tenantId?: string;
  contactId?: string;
  activity?: string;
  /** Days in UTC, `2026-01-31`, both included: those of the starts. */
  fromDay?: string;
  toDay?: string;
  by: readonly LedgerGroup[];
}

/** Sums of the postings of all entries in a group; amounts in millionths of the currency. */
export interface LedgerRow {
  tenantId: string | null;
  contactId: string | null;
  activity: string | null;
  day: string | null;
  currency: string;
  starts: number;
  reservedMicros: number;
  uncertainMicros: number;
  spentMicros: number;
  /** The part of what is spent that is counted so without proof. */
  presumedMicros: number;
  /** What was reserved and went back to the budget. */
  returnedMicros: number;
}

export interface LedgerReport {
  rows: LedgerRow[];
  /** Entries whose postings do not add up to their state: always 0 unless somebody wrote into the database. */
  unbalanced: number;
}

export interface LimitsQuery {
  tenantId?: string;
  limit?: string;
  sinceMs: number;
}

export interface LimitRow {
  tenantId: string;
  limit: string;
  windowMs: number;
  unit: 'starts' | 'micros';
  /** As the last claim had it. */
  max: number;
  scopes: number;
  windows: number;
  used: number;
  refusals: number;
  /** How many windows were asked for how much in all, granted and refused together; smallest first. */
  demand: { amount: number; windows: number }[];
}

export interface MoneyStore {
  /** Commits that the provider is about to be asked, before a byte is written. */
  beginAttempt(attempt: AttemptRef): Promise<AttemptBegun>;
  /**
   * An attempt failed and another may follow. `no`: it certainly cost nothing. `disproved`: the provider says so of every
   * request under this key. `maybe`: nobody knows.
   */
  endAttempt(attempt: AttemptRef & { charged: 'no' | 'disproved' | 'maybe' }): Promise<void>;
  readLedger(query: LedgerQuery): Promise<LedgerReport>;
  readLimits(query: LimitsQuery): Promise<LimitRow[]>;
}
