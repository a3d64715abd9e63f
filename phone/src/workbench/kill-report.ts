/**
 * What a kill did, from counted figures only. Concerned are the questions that stood open when the server died and those
 * asked until it was ready again. "Nothing lost" is what remains when each of them has its answer; it is never said of a
 * kill that concerned no question.
 */
import type { Question } from './questions.ts';

export interface Kill {
  pid: number;
  killedAtMs: number;
  /** Null while it is down. */
  downMs: number | null;
  concerned: readonly Question[];
  /** The most updates that waited at Meta at one time. */
  waitingMax: number;
  /** The page lost sight of the answers, so the rest cannot be told. */
  isCut: boolean;
}

export interface KillFigures {
  asked: number;
  answered: number;
  waiting: number;
  isDown: boolean;
  /** True: shown by the figures. Null: nothing was put to the test, or it is not over. */
  isNothingLost: true | null;
}

export function figuresOf({ concerned, downMs, isCut }: Kill): KillFigures {
  const asked = concerned.length;
  const answered = concerned.filter(({ answeredAtMs }) => answeredAtMs !== null).length;
  const isDown = downMs === null;
  const isNothingLost = !isDown && !isCut && asked > 0 && answered === asked ? true : null;
  return { asked, answered, waiting: asked - answered, isDown, isNothingLost };
}

export function verdictOf(kill: Kill): string {
  const { asked, answered, waiting, isDown, isNothingLost } = figuresOf(kill);
  const { isCut } = kill;
  if (isCut) return 'The page lost its connection, so it cannot tell the rest.';
  if (isDown)
    return asked === 0 ? 'Down. Nothing was asked yet.' : `Down: ${counted(waiting)} without an answer.`;
  if (asked === 0) return 'No question stood open, so nothing was put to the test.';
  if (isNothingLost) return `Nothing lost: ${answered} of ${asked} answered.`;
  return `Up again: ${counted(waiting)} still without an answer.`;
}

const counted = (count: number) => (count === 1 ? '1 question' : `${count} questions`);
