/** Waits for a picture, a recording, a file or a place; everything else asks again. */
import type { MessageKind } from '../../model/events.ts';
import { locationRequest } from '../../model/send-builders/index.ts';
import { sendLimits } from '../../model/send-limits.ts';
import { codePoints } from '../../model/split-text.ts';
import { keeping } from './ask.ts';
import { type BuiltStep, messageIn, textBodies } from './scope.ts';
import type { WaitForMediaSpec } from './spec.ts';
import { type Rules, waitingConfig } from './waiting.ts';

export function waitForMedia(spec: WaitForMediaSpec<never>, rules: Rules): BuiltStep {
  const kinds: readonly MessageKind[] = spec.kinds;
  const asksForPlace = kinds.length === 1 && kinds[0] === 'location';
  const step: BuiltStep = {
    heeds: rules.heeds,
    questions: 'plain',
    prompt: (seen, teller, again) => {
      const question = teller.words(seen.context, teller.told(seen), spec.question);
      const isShort = codePoints(question) <= sendLimits.bodyCharsMax;
      return [
        ...(again ? [] : teller.bodies(seen, spec.intro)),
        ...(asksForPlace && isShort ? [locationRequest(question)] : textBodies(question)),
      ];
    },
    config: (scope) => {
      const exits = spec.keep === undefined ? spec.next : keeping(spec.keep, spec.next);
      const ways = scope.ways('what came', exits as never, {
        value: ({ event }) => {
          const { media, location } = messageIn(event);
          return media ?? location;
        },
        first: ['note the message'],
        stay: { target: scope.name, reenter: true },
      });
      const meta = { step: 'waitForMedia', options: [] };
      const on = Object.fromEntries(kinds.map((kind) => [kind, ways]));
      return waitingConfig(scope, { spec, rules, step, meta, on, wrong: 'wrongKind' });
    },
  };
  return step;
}
