/**
 * Slow or paid work. While it runs the state is a lock: whoever writes or taps is told that it is still going on, and
 * nothing is started twice. Every end of it leads on: done, failed, refused by a limit, too late. A result that comes when
 * the state was left changes nothing.
 */

import { type BuiltStep, type Config, type Scope, type Seen, textBodies, type Way } from './scope.ts';
import type { CommandName, WorkFault, WorkSpec } from './spec.ts';
import { answerKinds, noteStep, type Rules } from './waiting.ts';

const whileWorking: readonly CommandName[] = ['help', 'human'];
const whileCancellable: readonly CommandName[] = ['help', 'human', 'cancel', 'menu'];

const faultIn = ({ event }: Seen) => (event as { error: WorkFault }).error;

export function work(spec: WorkSpec<never, unknown, unknown>, rules: Rules): BuiltStep {
  const heeds = spec.cancellable === true ? whileCancellable : whileWorking;
  const step: BuiltStep = {
    heeds,
    questions: 'plain',
    prompt: (seen, teller) =>
      textBodies(
        teller.words(seen.context, teller.told(seen), spec.stillWorking ?? rules.named('stillWorking')),
      ),
    config: (scope) => ({
      entry: [
        ...(spec.say === undefined
          ? []
          : [scope.saying((seen) => scope.teller.bodies(seen, spec.say), { ifStarts: scope.name })]),
        {
          type: 'markRead',
          params: ({ context }: Seen) => ({ wamid: context.nd.wamid ?? '', typing: true }),
        },
        noteStep(scope),
      ],
      invoke: invoke(scope, spec),
      on: { ...meanwhile(scope, step, rules), handedBack: [{ actions: rules.forgetQuestions }] },
      meta: {
        nightdesk: {
          ...{ step: 'work', waits: false, options: [] },
          ...(spec.activity.cost === undefined ? {} : { paid: spec.activity.name }),
        },
      },
    }),
  };
  return step;
}

function invoke(scope: Scope, spec: WorkSpec<never, unknown, unknown>) {
  const isCode = (code: string) => (seen: Seen) => faultIn(seen).code === code;
  const faults = { value: faultIn };
  return {
    id: scope.name,
    src: spec.activity.name,
    input: (seen: Seen) => spec.input(seen.context as never, scope.teller.told(seen)),
    onDone: scope.ways('the result', spec.done, {
      value: ({ event }) => (event as { output: unknown }).output,
    }),
    onError: [
      ...scope.ways('the refusal', spec.refused, {
        ...faults,
        guard: scope.guard('was refused by a limit', isCode('limitRefused')),
        holds: isCode('limitRefused'),
      }),
      ...(spec.deadline === undefined
        ? []
        : scope.ways('the deadline', spec.deadline, {
            ...faults,
            guard: scope.guard('took too long', isCode('deadline')),
            holds: isCode('deadline'),
          })),
      ...scope.ways('the fault', spec.failed, faults),
    ],
  };
}

function meanwhile(scope: Scope, step: BuiltStep, rules: Rules): Config['on'] {
  const answer: Way = {
    actions: ['note the message', scope.saying((seen) => step.prompt(seen, scope.teller, true))],
  };
  const forStep = (seen: Seen) => !rules.isCommand(seen, step.heeds);
  const isText = (kind: string) => kind === 'text' || kind === 'templateButton';
  const ask = rules.askAssistant((seen) => forStep(seen) && rules.isQuestion(seen, 'plain'), scope);
  const texts = [...ask, { ...answer, guard: scope.guard('is no command', forStep) }];
  return Object.fromEntries(answerKinds.map((kind) => [kind, isText(kind) ? texts : [answer]]));
}
