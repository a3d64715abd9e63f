/**
 * What all steps that wait for the customer have in common: the question on the way in, a reaction to every kind of
 * message, a reminder, the end of patience, and the events of the business' own systems. A message that is no answer
 * asks again and leaves the dialog where it is.
 */
import { answerClassOf, type MessageKind } from '../../model/events.ts';
import type { SendBody } from '../../model/sends.ts';
import {
  type BuiltStep,
  type Config,
  envOf,
  messageIn,
  type Own,
  type Scope,
  type Seen,
  type Teller,
  type Way,
  wordsIn,
} from './scope.ts';
import type { CommandName, Told, Waiting } from './spec.ts';
import type { OwnTexts } from './texts.ts';
import { languageWords } from './texts.ts';
import { isOneOf } from './words.ts';

/** Kinds of messages that want an answer. */
export const answerKinds = (Object.keys(answerClassOf) as MessageKind[]).filter(
  (kind) => answerClassOf[kind] === 'answer',
);

export const everyCommand: readonly CommandName[] = ['cancel', 'menu', 'help', 'human'];

const allGreetings = Object.values(languageWords).flatMap(({ greetings }) => greetings);

/** Rules of the dialog that every step is built by. */
export interface Rules {
  remindAfterMs: number;
  resumeAfterMs: number;
  startOverAfterMs: number;
  /** Whether a text is for somebody else than the step: a command, or a language that is asked for. */
  isCommand(seen: Seen, heeds: readonly CommandName[]): boolean;
  /** Whether a text that is no answer goes to the assistant. */
  isQuestion(seen: Seen, questions: BuiltStep['questions']): boolean;
  /** A line of our own, as the author's catalogue may have it. */
  named(name: keyof OwnTexts): (context: unknown, told: Told) => string;
  /** The assistant is no longer asked anything. */
  forgetQuestions: unknown[];
  /** Ways by which a question goes to the assistant; none where the dialog has none. */
  askAssistant(isQuestion: (seen: Seen) => boolean, scope: Scope): Way[];
}

/** The customer has been away for long enough to be welcomed. */
export function isBack({ context, event }: Seen, rules: Rules): boolean {
  return context.nd.atMs > 0 && envOf(event).nowMs - context.nd.atMs >= rules.resumeAfterMs;
}

/** A greeting after hours is not an answer, whatever was asked. */
export function isGreeting(seen: Seen, rules: Rules): boolean {
  return isBack(seen, rules) && isOneOf(wordsIn(seen.event), allGreetings);
}

export interface WaitingInput {
  spec: Waiting<never>;
  rules: Rules;
  step: BuiltStep;
  meta: { step: string; options: readonly string[] };
  /** Ways on, by kind of message; each kind's list is ended here with the question once more. */
  on: Partial<Record<MessageKind, Way[]>>;
  /** What leads the question where the answer does not fit. */
  wrong: keyof OwnTexts;
}

export function waitingConfig(scope: Scope, { spec, rules, step, meta, on, wrong }: WaitingInput): Config {
  const { teller } = scope;
  const lead = (name: keyof OwnTexts, label: string) =>
    scope.lead(label, (seen): Own['lead'] => {
      if (isBack(seen, rules)) return { text: teller.own(seen, 'welcomeBack'), alone: false };
      if (spec.wrong !== undefined && name === wrong)
        return {
          text: teller.words(seen.context, teller.told(seen), spec.wrong),
          alone: meta.options.length === 0,
        };
      return { text: teller.own(seen, name), alone: false };
    });
  const again = (label: string): Way => ({
    target: scope.name,
    reenter: true,
    actions: [label, 'note the message'],
  });
  const unfit = again(lead(wrong, 'does not fit'));
  const unusable = again(lead('wrongKind', 'cannot be used'));
  const handlers: Record<string, Way[]> = {};
  for (const kind of answerKinds) {
    const isText = kind === 'text' || kind === 'templateButton';
    const isTap = kind === 'button' || kind === 'listChoice';
    handlers[kind] = [
      ...(on[kind] ?? []),
      ...(isText ? textEnds(scope, rules, step, unfit) : [isTap ? unfit : unusable]),
    ];
  }
  for (const [name, exits] of Object.entries(spec.events ?? {}))
    handlers[`business.${name}`] = scope.ways(name, exits as never, {
      value: ({ event }) => (event as { data?: unknown }).data,
      stay: again(lead('waiting', 'goes on waiting')),
    });
  // Whoever had the conversation has answered what the assistant was asked, and ended it.
  handlers.handedBack = [{ target: scope.name, reenter: true, actions: rules.forgetQuestions }];
  return {
    entry: [scope.saying((seen) => promptWithLead(step, seen, teller, scope.name)), noteStep(scope)],
    on: handlers,
    after: afterSilence(scope, spec, rules, step),
    meta: { nightdesk: { waits: true, ...meta } },
  };
}

/** What a text comes to that was no answer: a command, which the root heeds, a question, or a wrong answer. */
function textEnds(scope: Scope, rules: Rules, step: BuiltStep, unfit: Way): Way[] {
  const forStep = (seen: Seen) => !rules.isCommand(seen, step.heeds);
  const isQuestion = (seen: Seen) => forStep(seen) && rules.isQuestion(seen, step.questions);
  const ask = step.questions === 'none' ? [] : rules.askAssistant(isQuestion, scope);
  return [...ask, { ...unfit, guard: scope.guard('is no command', forStep) }];
}

function afterSilence(
  scope: Scope,
  spec: Waiting<never>,
  rules: Rules,
  step: BuiltStep,
): Record<number, Way[]> {
  const { teller } = scope;
  const remindAfterMs = spec.remindAfterMs ?? rules.remindAfterMs;
  const remind: Way = {
    actions: [
      scope.saying((seen) =>
        withLead(step.prompt(seen, teller, true), {
          text: teller.words(seen.context, teller.told(seen), spec.reminder ?? rules.named('reminder')),
          alone: false,
        }),
      ),
    ],
  };
  return {
    ...(remindAfterMs > 0 ? { [remindAfterMs]: [remind] } : {}),
    [rules.startOverAfterMs]: [{ target: 'beginning', actions: ['forget everything'] }],
  };
}

export function noteStep(scope: Scope): string {
  return scope.remember('is the step', ({ context }) => ({
    nd: { ...context.nd, step: scope.name, lead: null },
  }));
}

/** The step's question, after its lead where there is one. */
function promptWithLead(step: BuiltStep, seen: Seen, teller: Teller, name: string): SendBody[] {
  const { lead, step: last } = seen.context.nd;
  const bodies = step.prompt(seen, teller, last === name);
  return lead === null ? bodies : withLead(bodies, lead);
}

/** Puts words before a question: into its message where they fit, else before it. */
export function withLead(bodies: readonly SendBody[], lead: NonNullable<Own['lead']>): SendBody[] {
  const [first, ...rest] = bodies;
  const own: SendBody = { type: 'text', text: { body: lead.text } };
  if (first === undefined || (lead.alone && bodies.length === 1)) return [own];
  const joined = (body: string) => `${lead.text}\n\n${body}`;
  if (first.type === 'text')
    return [{ ...first, text: { ...first.text, body: joined(first.text.body) } }, ...rest];
  if (first.type === 'interactive' && 'body' in first.interactive && first.interactive.body !== undefined) {
    const text = joined(first.interactive.body.text);
    if (text.length <= 1_024)
      return [{ ...first, interactive: { ...first.interactive, body: { text } } } as SendBody, ...rest];
  }
  return [own, first, ...rest];
}

/** The value of a tap. */
export const tapped = ({ event }: Seen): string => messageIn(event).choice?.id ?? '';
