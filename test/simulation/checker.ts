/**
 * What a checker is: it watches one invariant through the journal of what left the system, the rows as they changed, and
 * SQL of its own; it shares no code with what it checks. To add one, write it in `checkers/` and list it there.
 */
import type { AuditReport } from '#core/ports/store-operators.ts';
import type { Observation } from './journal.ts';
import type { Plan } from './plan.ts';
import type { RowChange, Rows } from './rows.ts';

export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  /** What delivery statuses make of a send. */
  | 'statuses'
  /** Limits are counted, never passed and never refuse early. */
  | 'limits'
  /** When the faults have ended, everything comes to rest in bounded time. */
  | 'liveness';

export interface Violation {
  invariant: Invariant;
  /** What was seen and what should have been, in words. */
  what: string;
  /** Ids and words by which the story of it is told. */
  subjects: string[];
}

export interface View {
  readonly plan: Plan;
  readonly rows: Rows;
  /** True time; the processes' clock may be off by `clockOffMs`. */
  nowMs(): number;
  clockOffMs(): number;
  /** What the product itself says about the ends of events; a cross-check, no evidence. */
  audit(): Promise<AuditReport>;
  /** The first violation is the one that counts; the run ends at it. */
  violated(violation: Violation): void;
}

export interface Checker {
  readonly invariant: Invariant;
  see?(seen: Observation): void;
  /** The changes of one or more commits that belong together, after them. */
  changed?(changes: readonly RowChange[]): void;
  /** Time has passed, whether anything changed or not; at least each second. */
  passed?(): void;
  /** Everything has come to rest. */
  end?(): void | Promise<void>;
}

export type MakeChecker = (view: View) => Checker;
