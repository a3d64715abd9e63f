/**
 * The life of one message, as steps: what the simulator, the server and the supervisor tell about it, each with its
 * beginning, its end and the raw records. A step that a dying server left open ends with it and says so.
 *
 * To add a step, add its kind here and its words in `life-of-message.ts`, `life-of-send.ts` or `life-around.ts`.
 */
import { tellAround } from './life-around.ts';
import { tellMessage } from './life-of-message.ts';
import { tellSend } from './life-of-send.ts';
import { scopeOf } from './life-scope.ts';
import type { LifeRecord } from './moment-book.ts';
import { Steps } from './steps.ts';

export interface Step {
  kind: StepKind;
  fromMs: number;
  /** Null while it lasts. */
  toMs: number | null;
  text: string;
  /** What was told, as it was told. */
  detail: { began: unknown; ended?: unknown };
}

/** With what each is; the reference lists them. */
export const stepKinds = {
  said: 'the customer wrote it',
  webhook: 'one POST of its webhook, to its answer; also repeats and copies',
  stored: 'from reading it to the commit',
  dropped: 'it had been stored before',
  quarantined: 'it belongs to no mailbox',
  waiting: 'stored, and no turn has taken it',
  business: 'an event of the business, from its commit to the turn that took it',
  turn: 'a turn, from its lease to its commit',
  fence: 'a turn whose commit was refused: another has the conversation',
  limit: 'a limit refused an activity',
  activity: 'slow work, from its slot to its end',
  retry: 'the wait before another attempt of an activity',
  model: 'one call of the model',
  flag: 'a person is asked',
  fallback: 'the fallback text was queued',
  handOff: 'an operator has the conversation',
  markedRead: 'shown to the customer as read',
  lane: 'a send waits for the one before it',
  pace: 'a send waits for its pace',
  send: 'one attempt, from the mark `sending` to its end',
  answerLost: 'Meta accepted it and its answer never arrived',
  uncertain: 'nobody knows whether it was accepted, until somebody does',
  withdrawn: 'a send that may not leave any more',
  sent: 'delivery status, from its truth to its row',
  delivered: 'delivery status',
  read: 'delivery status',
  played: 'delivery status',
  failed: 'delivery status',
  down: 'no server was ready',
  clock: 'the clock was moved',
} as const;

export type StepKind = keyof typeof stepKinds;

/** The records stand in the order of their times, as the shelf keeps them. */
export function lifeOf(wamid: string, records: readonly LifeRecord[], nowMs: number): Step[] {
  const scope = scopeOf(wamid, records);
  const steps = new Steps();
  const around = new Steps();
  for (const record of records) {
    if ('moment' in record && record.moment.kind === 'serverEnded') steps.cutOff(record.moment);
    tellMessage(steps, scope, record);
    tellSend(steps, scope, record);
    tellAround(around, record);
  }
  const own = steps.list();
  const [first] = own;
  if (first === undefined) return [];
  const isOpen = own.some(({ toMs }) => toMs === null);
  const untilMs = isOpen ? nowMs : Math.max(...own.map(({ toMs }) => toMs ?? nowMs));
  const meanwhile = around
    .list()
    .filter(({ fromMs, toMs }) => fromMs <= untilMs && (toMs ?? nowMs) >= first.fromMs);
  return [...own, ...meanwhile].sort((a, b) => a.fromMs - b.fromMs);
}
