/**
 * What is heeded wherever the dialog stands: the commands (cancel, menu, help, human), the wish for another language, a tap
 * on an old button, an operator's hand-back, and whatever a state of the author's own leaves unanswered.
 */

import {
  type BuiltStep,
  type Config,
  type Scope,
  type Seen,
  textBodies,
  type Way,
  wordsIn,
} from './scope.ts';
import type { CommandName, CommandSpec } from './spec.ts';
import { commandWords, languageWords, type OwnTexts } from './texts.ts';
import { answerKinds, everyCommand, withLead } from './waiting.ts';
import { isOneOf } from './words.ts';

export type Commands = Readonly<Partial<Record<CommandName, CommandSpec<never> | false>>>;

export function commandIn(text: string, commands: Commands): CommandName | null {
  for (const name of everyCommand) {
    const spec = commands[name];
    if (spec !== false && isOneOf(text, [...commandWords[name], ...(spec?.words ?? [])])) return name;
  }
  return null;
}

/** The language that is asked for by its name. */
export function languageAsked(text: string, languages: readonly string[]): string | null {
  if (languages.length < 2) return null;
  return languages.find((each) => isOneOf(text, languageWords[each]?.names ?? [each])) ?? null;
}

/** The language that a first message gives away. */
export function languageSpoken(text: string, languages: readonly string[]): string | null {
  const asked = languageAsked(text, languages);
  if (asked !== null) return asked;
  const first = text.split(/[,.!\n]/)[0] ?? '';
  return languages.find((each) => isOneOf(first, languageWords[each]?.greetings ?? [])) ?? null;
}

export interface RootInput {
  steps: ReadonlyMap<string, BuiltStep>;
  commands: Commands;
  languages: readonly string[];
  start: string;
  /** Then the root answers what such a state leaves unanswered. */
  hasRawStates: boolean;
}

/** The question of the step that waits now, with words before it. */
type Again = (seen: Seen, lead: string | null) => ReturnType<BuiltStep['prompt']>;

export function rootConfig(scope: Scope, input: RootInput): Config {
  const { teller } = scope;
  const again: Again = (seen, lead) => {
    const { step } = seen.context.nd;
    const bodies = input.steps.get(step)?.prompt(seen, teller, true) ?? [];
    return lead === null ? bodies : withLead(bodies, { text: lead, alone: false });
  };
  const saying = (name: keyof OwnTexts): Way => ({
    actions: ['note the message', scope.saying((seen) => again(seen, teller.own(seen, name)))],
  });
  const isText = (kind: string) => kind === 'text' || kind === 'templateButton';
  const texts = [
    ...commandWays(scope, input, again),
    ...languageWays(scope, input, again),
    saying('wrongText'),
  ];
  const kinds = answerKinds.filter((kind) => input.hasRawStates || isText(kind));
  return {
    on: {
      ...Object.fromEntries(kinds.map((kind) => [kind, isText(kind) ? texts : [saying('wrongKind')]])),
      staleTap: [saying('stale')],
    },
  };
}

function commandWays(scope: Scope, { commands, start, steps }: RootInput, again: Again): Way[] {
  return everyCommand.flatMap((name) => {
    const spec = commands[name];
    if (spec === false) return [];
    const guard = scope.guard(`is ${name}`, ({ event }) => commandIn(wordsIn(event), commands) === name);
    const next = spec?.next ?? { cancel: 'beginning', menu: start, help: undefined, human: undefined }[name];
    if (next === undefined) return [{ guard, actions: stayingActions(scope, name, { spec, steps, again }) }];
    scope.leadsTo(next);
    const say = spec?.say ?? (name === 'menu' || name === 'human' ? undefined : ownSay(scope, name));
    const forgets = name === 'cancel' || name === 'menu' ? ['forget everything'] : [];
    // Words first: forgetting is for whatever comes after them.
    return [{ guard, target: `.${next}`, actions: [...scope.say(say), ...forgets, 'note the message'] }];
  });
}

const ownNames = { cancel: 'cancelled', menu: 'help', help: 'help', human: 'human' } as const;

const ownSay = (scope: Scope, name: CommandName) => scope.teller.named(ownNames[name]);

/** What a command does that leaves the dialog where it is. */
function stayingActions(
  scope: Scope,
  name: CommandName,
  { spec, steps, again }: { spec: CommandSpec<never> | undefined; steps: RootInput['steps']; again: Again },
): unknown[] {
  const { teller } = scope;
  if (name === 'human')
    return [
      'note the message',
      ...scope.say(spec?.say ?? ownSay(scope, name)),
      { type: 'flag', params: { reason: 'customerAsked' } },
      { type: 'handOff', params: {} },
    ];
  const help = ({ context }: Seen): keyof OwnTexts =>
    steps.get(context.nd.step)?.heeds.includes('cancel') === false ? 'helpWhileWorking' : 'help';
  return spec?.say === undefined
    ? ['note the message', scope.saying((seen) => again(seen, teller.own(seen, help(seen))))]
    : ['note the message', ...scope.say(spec.say), scope.saying((seen) => again(seen, null))];
}

function languageWays(scope: Scope, { languages }: RootInput, again: Again): Way[] {
  if (languages.length < 2) return [];
  const { teller } = scope;
  const asked = ({ event }: Seen) => languageAsked(wordsIn(event), languages);
  const guard = scope.guard('asks for a language', (seen) => asked(seen) !== null);
  const note = scope.remember('note the language', (seen) => ({
    nd: { ...seen.context.nd, language: asked(seen) },
  }));
  const repeat = scope.saying((seen) => {
    const bodies = again(seen, null);
    return bodies.length > 0 ? bodies : textBodies(teller.own(seen, 'help'));
  });
  return [{ guard, actions: ['note the message', note, repeat] }];
}
