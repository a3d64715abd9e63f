/**
 * What all steps that wait for the customer have in common: the question on the way in, a reaction to every kind of
 * message, a reminder, the end of patience, and the events of the business' own systems. A message that is no answer
 * asks again and leaves the dialog where it is.
 */
import { limits } from '../../limits.ts';
import { answerClassOf, type MessageKind } from '../../model/events.ts';
import { sendLimits } from '../../model/send-limits.ts';
import type { SendBody } from '../../model/sends.ts';
import { codePoints } from '../../model/split-text.ts';
import {
  type BuiltStep,
  type Config,
  envOf,
  type Lead,
  messageIn,
  type Own,
  type Scope,
  type Seen,
  type Teller,
  textBodies,
  type Way,
  wordsIn,
} from './scope.ts';
import type { CommandName, CommandSpec, Exits, Told, Waiting, Words } from './spec.ts';
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
  heeds: readonly CommandName[];
  /** Whether a text is for somebody else than the step: a command, or a language that is asked for. */
  isCommand(seen: Seen, heeds: readonly CommandName[]): boolean;
  /** The command that a text is. */
  commandIn(seen: Seen): CommandName | null;
  /** What the dialog says of "help", where it says anything. */
  help: CommandSpec<never> | undefined;
  /** The language that a text asks for; null where there is one only. */
  languageAsked: ((seen: Seen) => string | null) | null;
  /** Whether a text that is no answer goes to the assistant. */
  isQuestion(seen: Seen, questions: BuiltStep['questions']): boolean;
  /** A line of our own, as the author's catalogue may have it. */
  named(name: keyof OwnTexts): (context: unknown, told: Told) => string;
  /** The assistant is no longer asked anything. */
  forgetQuestions: unknown[];
  /** Ways by which a question goes to the assistant; none where the dialog has none. */
  askAssistant(isQuestion: (seen: Seen) => boolean, scope: Scope): Way[];
}

/** The dialog's rules as a step has them. */
export function rulesOfStep(rules: Rules, { later = {}, commands = {} }: Waiting<never>): Rules {
  const { remindAfterMs, resumeAfterMs, startOverAfterMs, heeds } = rules;
  return {
    ...rules,
    remindAfterMs: later.remindAfterMs ?? remindAfterMs,
    resumeAfterMs: later.resumeAfterMs ?? resumeAfterMs,
    startOverAfterMs: later.startOverAfterMs ?? startOverAfterMs,
    heeds: heeds.filter((name) => commands[name] !== false),
  };
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
  const said = (seen: Seen, words: Words<never>): Lead => ({
    text: teller.words(seen.context, teller.told(seen), words),
    alone: false,
  });
  const welcome = (seen: Seen) => said(seen, spec.later?.welcomeBack ?? rules.named('welcomeBack'));
  const lead = (name: keyof OwnTexts, label: string) =>
    scope.lead(label, (seen): Own['lead'] => {
      if (isBack(seen, rules)) return welcome(seen);
      if (spec.wrong !== undefined && name === wrong)
        return { ...said(seen, spec.wrong), alone: meta.options.length === 0 };
      return said(seen, rules.named(name));
    });
  const again = (label: string): Way => ({
    target: scope.name,
    reenter: true,
    actions: [label, 'note the message'],
  });
  const unfit = again(lead(wrong, 'does not fit'));
  const unusable = again(lead('wrongKind', 'cannot be used'));
  const returns = returnWays(scope, spec, rules, step);
  const ends = textEnds(scope, { spec, rules, step, again, unfit });
  const handlers: Record<string, Way[]> = {
    staleTap: [again(scope.lead('is a stale tap', (seen) => said(seen, rules.named('stale'))))],
  };
  for (const kind of answerKinds) {
    const isText = kind === 'text' || kind === 'templateButton';
    const isTap = kind === 'button' || kind === 'listChoice';
    handlers[kind] = [...returns, ...(on[kind] ?? []), ...(isText ? ends : [isTap ? unfit : unusable])];
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

/** The way of whoever comes back after hours, where the step has one. */
function returnWays(scope: Scope, { later }: Waiting<never>, rules: Rules, step: BuiltStep): Way[] {
  if (later?.onReturn === undefined) return [];
  const fits = (seen: Seen) => isBack(seen, rules) && !rules.isCommand(seen, step.heeds);
  return scope.ways('the return', later.onReturn, {
    value: () => undefined,
    first: ['note the message'],
    guard: scope.guard('is back', fits),
    holds: fits,
    stay: { target: scope.name, reenter: true },
  });
}

interface TextEnds extends Pick<WaitingInput, 'spec' | 'rules' | 'step'> {
  again(label: string): Way;
  unfit: Way;
}

/**
 * What a text comes to that was no answer: a command, a language, a question, or a wrong answer. Whoever writes any of it is not
 * silent, so the step is entered anew and its timers with it; the root heeds the commands that lead out of it.
 */
function textEnds(scope: Scope, { spec, rules, step, again, unfit }: TextEnds): Way[] {
  const forStep = (seen: Seen) => !rules.isCommand(seen, step.heeds);
  const isQuestion = (seen: Seen) => forStep(seen) && rules.isQuestion(seen, step.questions);
  const ask = step.questions === 'none' ? [] : rules.askAssistant(isQuestion, scope);
  const unasked = scope.lead('is not asked again', () => 'nothing');
  return [
    ...step.heeds.flatMap((name) => commandWays(scope, { name, spec, rules, again })),
    ...languageWays(scope, rules, again),
    ...ask.map((way) => ({
      ...way,
      target: scope.name,
      reenter: true,
      actions: [...(way.actions ?? []), unasked],
    })),
    { ...unfit, guard: scope.guard('is no command', forStep) },
  ];
}

function languageWays(scope: Scope, { languageAsked }: Rules, again: TextEnds['again']): Way[] {
  if (languageAsked === null) return [];
  const note = scope.remember('note the language', (seen) => ({
    nd: { ...seen.context.nd, language: languageAsked(seen) },
  }));
  const guard = scope.guard('asks for a language', (seen) => languageAsked(seen) !== null);
  return [{ ...again(note), guard }];
}

/** A command that the step answers itself; the others are the root's. */
function commandWays(
  scope: Scope,
  { name, spec, rules, again }: Pick<TextEnds, 'spec' | 'rules' | 'again'> & { name: CommandName },
): Way[] {
  const { teller } = scope;
  const exits = spec.commands?.[name] || (name === 'help' ? rules.help : undefined);
  const fits = (seen: Seen) => rules.commandIn(seen) === name;
  const guard = scope.guard(`is ${name}`, fits);
  if (exits === undefined) {
    if (name !== 'help') return [];
    const help = scope.lead('needs help', (seen) => ({ text: teller.own(seen, 'help'), alone: false }));
    return [{ ...again(help), guard }];
  }
  const stay: Way = name === 'human' ? {} : { target: scope.name, reenter: true };
  const ways = scope.ways(name, exits as Exits<never, string>, {
    ...{ value: ({ event }) => wordsIn(event), first: ['note the message'] },
    ...{ guard, holds: fits, stay },
  });
  const asksPerson = [
    { type: 'flag', params: { reason: 'customerAsked' } },
    { type: 'handOff', params: {} },
  ];
  return ways.map((way) =>
    way.target === undefined ? { ...way, actions: [...(way.actions ?? []), ...asksPerson] } : way,
  );
}

function afterSilence(
  scope: Scope,
  spec: Waiting<never>,
  rules: Rules,
  step: BuiltStep,
): Record<number, Way[]> {
  const { teller } = scope;
  const { remindAfterMs, startOverAfterMs } = rules;
  const { reminder = rules.named('reminder'), onSilence } = spec.later ?? {};
  const remind: Way = {
    actions: [
      scope.saying((seen) =>
        withLead(step.prompt(seen, teller, true), {
          text: teller.words(seen.context, teller.told(seen), reminder),
          alone: false,
        }),
      ),
    ],
  };
  return {
    ...(remindAfterMs > 0 ? { [remindAfterMs]: [remind] } : {}),
    [startOverAfterMs]:
      onSilence === undefined
        ? [{ target: 'beginning', actions: ['forget everything'] }]
        : scope.ways('the silence', onSilence, { value: () => undefined }),
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
  if (lead === 'nothing') return [];
  const bodies = step.prompt(seen, teller, last === name);
  return lead === null ? bodies : withLead(bodies, lead);
}

/** Puts words before a question: into its message where they fit, else before it. */
export function withLead(bodies: readonly SendBody[], lead: Lead): SendBody[] {
  const [first, ...rest] = bodies;
  const own = textBodies(lead.text);
  if (first === undefined || (lead.alone && bodies.length === 1)) return own;
  const joined = (body: string) => `${lead.text}\n\n${body}`;
  if (first.type === 'text') {
    const body = joined(first.text.body);
    if (codePoints(body) <= limits.textCharsMax)
      return [{ ...first, text: { ...first.text, body } }, ...rest];
  }
  if (first.type === 'interactive' && 'body' in first.interactive && first.interactive.body !== undefined) {
    const text = joined(first.interactive.body.text);
    if (codePoints(text) <= sendLimits.bodyCharsMax)
      return [{ ...first, interactive: { ...first.interactive, body: { text } } } as SendBody, ...rest];
  }
  return [...own, first, ...rest];
}

/** The value of a tap. */
export const tapped = ({ event }: Seen): string => messageIn(event).choice?.id ?? '';
