/** What the checker has to say: an error refutes a property, a warning is worth a look. Each tells what to do. */

export type RuleName =
  | 'deadEnd'
  | 'paidTwice'
  | 'unanswered'
  | 'silence'
  | 'busyExit'
  | 'unreachable'
  | 'neverTaken'
  | 'timer'
  | 'option'
  | 'migration'
  | 'throws';

export interface Finding {
  rule: RuleName;
  severity: 'error' | 'warning';
  /** The state, activity, timer or option that it is about. */
  where: string;
  says: string;
  todo: string;
  /** The shortest way there, as a chat; empty where there is none. */
  transcript: readonly string[];
}
