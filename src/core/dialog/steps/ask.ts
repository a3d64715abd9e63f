/**
 * Asks for words. What `read` makes of them, and what the schema lets pass, is the answer; everything else asks again: a
 * voice note, a picture, an answer that does not fit, and a bare greeting of somebody who comes back after hours.
 */

import { type BuiltStep, type Scope, type Seen, textBodies, wordsIn } from './scope.ts';
import type { AskSpec } from './spec.ts';
import { isGreeting, type Rules, waitingConfig } from './waiting.ts';

/** The answer, or undefined where there is none. */
function answerIn(spec: AskSpec<never, unknown>, { context, event }: Seen): { value: unknown } | undefined {
  const words = wordsIn(event).trim();
  if (words === '') return undefined;
  const read = spec.read === undefined ? words : spec.read(words, context as never);
  if (read === null || read === undefined) return undefined;
  if (spec.as === undefined) return { value: read };
  const result = spec.as['~standard'].validate(read);
  if (result instanceof Promise)
    throw new Error('The schema of an answer works asynchronously. Use one that answers at once.');
  return result.issues === undefined ? { value: result.value } : undefined;
}

export function ask(spec: AskSpec<never, unknown>, rules: Rules): BuiltStep {
  const step: BuiltStep = {
    heeds: rules.heeds,
    questions: 'marked',
    prompt: (seen, teller, again) => [
      ...(again ? [] : teller.bodies(seen, spec.intro)),
      ...textBodies(teller.words(seen.context, teller.told(seen), spec.question)),
    ],
    config: (scope: Scope) => {
      const fits = (seen: Seen) =>
        !rules.isCommand(seen, rules.heeds) &&
        !rules.isQuestion(seen, 'marked') &&
        !isGreeting(seen, rules) &&
        answerIn(spec, seen) !== undefined;
      const exit = spec.keep === undefined ? spec.next : keeping(spec.keep, spec.next);
      const ways = scope.ways('the answer', exit as never, {
        value: (seen) => answerIn(spec, seen)?.value,
        first: ['note the message'],
        guard: scope.guard('has an answer', fits),
        holds: fits,
        stay: { target: scope.name, reenter: true },
      });
      const meta = { step: 'ask', options: [] };
      return waitingConfig(scope, {
        ...{ spec, rules, step, meta, wrong: 'wrongText' },
        on: { text: ways, templateButton: ways },
      });
    },
  };
  return step;
}

/** The step's own `keep` holds for each of its exits that has none. */
export function keeping(keep: unknown, exits: unknown): unknown {
  const list = typeof exits === 'string' ? [{ next: exits }] : Array.isArray(exits) ? exits : [exits];
  return list.map((exit) => ({ keep, ...(exit as object) }));
}
