/**
 * Answers that wait for something else: a `sent` webhook that must come first, or the handshake with a new webhook URL.
 * The driver keeps the waiting request by its answer id; letting an answer go twice does nothing.
 */
import type { Agenda } from '../agenda.ts';
import type { HttpAnswer } from '../graph/graph-errors.ts';

export interface ReleasedAnswer {
  readonly kind: 'answer';
  readonly answerId: string;
  readonly response: HttpAnswer;
}

export interface HeldAnswers {
  hold(): { readonly answerId: string; readonly letGo: (response: HttpAnswer, nowMs: number) => void };
}

export function createHeldAnswers(agenda: Agenda, emit: (released: ReleasedAnswer) => void): HeldAnswers {
  let counter = 0;
  return {
    hold() {
      counter += 1;
      const answerId = `answer_${counter}`;
      let isHeld = true;
      return {
        answerId,
        letGo(response, nowMs) {
          if (!isHeld) return;
          isHeld = false;
          agenda.at(nowMs, () => emit({ kind: 'answer', answerId, response }));
        },
      };
    },
  };
}
