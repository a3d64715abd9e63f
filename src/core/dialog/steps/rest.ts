/**
 * Steps in which the dialog rests: before it begins, at an end, and while a person has the conversation. The next message
 * begins anew, with everything forgotten but the language; "cancel" is told that there is nothing to cancel. An end is no final state of the machine, so that events of the
 * business' own systems (an order is shipped) still find what they are about.
 */

import { type BuiltStep, type Scope, type Seen, textBodies, type Way } from './scope.ts';
import type { EndSpec, HandOffSpec, Say } from './spec.ts';
import { answerKinds, noteStep, type Rules } from './waiting.ts';

export interface Opening {
  start: string;
  greeting: Say<never> | undefined;
}

/** Whatever a customer writes begins the dialog, except the wish for a person, and for an end where nothing is under way. */
function opening(scope: Scope, { start, greeting }: Opening, rules: Rules): Record<string, Way[]> {
  const way: Way = {
    target: start,
    actions: ['forget everything', 'note the language', 'note the message', ...scope.say(greeting)],
  };
  const cancels: Way = {
    guard: scope.guard('wants to cancel', (seen) => rules.commandIn(seen) === 'cancel'),
    actions: ['note the message', ...scope.say(rules.named('nothingToCancel'))],
  };
  const begins = scope.guard('is no wish for a person', (seen) => !rules.isCommand(seen, ['human']));
  return Object.fromEntries(
    answerKinds.map((kind) => [
      kind,
      kind === 'text' || kind === 'templateButton' ? [cancels, { ...way, guard: begins }] : [way],
    ]),
  );
}

export function beginning(from: Opening, rules: Rules): BuiltStep {
  return {
    ...resting,
    config: (scope) => ({
      on: opening(scope, from, rules),
      meta: { nightdesk: { step: 'beginning', waits: true, home: true, options: [] } },
    }),
  };
}

export function end(spec: EndSpec<never>, from: Opening, rules: Rules): BuiltStep {
  return {
    ...resting,
    config: (scope) => ({
      entry: [...scope.say(spec.say), noteStep(scope)],
      on: opening(scope, from, rules),
      meta: { nightdesk: { step: 'end', waits: true, home: true, options: [] } },
    }),
  };
}

export function handOff(spec: HandOffSpec<never>, rules: Rules): BuiltStep {
  return {
    ...resting,
    config: (scope) => {
      const words = (seen: Seen) =>
        spec.say === undefined
          ? textBodies(rules.named('human')(seen.context, scope.teller.told(seen)))
          : scope.teller.bodies(seen, spec.say);
      scope.leadsTo(spec.next);
      return {
        entry: [
          scope.saying(words),
          {
            type: 'flag',
            params: { reason: 'customerAsked', detail: spec.detail ?? `the dialog came to ${scope.name}` },
          },
          { type: 'handOff', params: {} },
          noteStep(scope),
        ],
        on: { handedBack: [{ target: spec.next }] },
        meta: { nightdesk: { step: 'handOff', waits: true, options: [] } },
      };
    },
  };
}

const resting: Omit<BuiltStep, 'config'> = { heeds: ['human'], questions: 'none', prompt: () => [] };
