/**
 * From steps to a dialog: one machine whose states are the steps, whose root heeds the commands, and whose first state waits
 * for the customer's first message. Whatever would fail at night is refused here: a way that leads nowhere, a language
 * that lacks words, a context that cannot begin, options that cannot be told apart.
 *
 * To add a step, write its file, its spec in `spec.ts`, and its line in `stepsFor`.
 */
import { assign, createMachine, fromPromise } from 'xstate';
import { limits } from '../../limits.ts';
import { messageOf } from '../../model/faults.ts';
import { parseNow, type StandardSchema } from '../../standard-schema.ts';
import { replyDeclaration } from '../assistant.ts';
import {
  type ActivityDeclaration,
  type Dialog,
  DialogRefused,
  defineDialog as defineMachine,
  dialogActions,
  dialogGuards,
} from '../dialog.ts';
import { ask } from './ask.ts';
import { choose, confirm, waitFor } from './choose.ts';
import { answerWays, askingWays, isQuestion, nameActions } from './free-questions.ts';
import { beginning, end, handOff, type Opening } from './rest.ts';
import { commandIn, languageAsked, languageSpoken, rootConfig } from './root.ts';
import {
  type BuiltStep,
  type Catalogue,
  type Config,
  envOf,
  type Implementations,
  type Memory,
  messageIn,
  type Own,
  Scope,
  type Seen,
  Teller,
  wordsIn,
} from './scope.ts';
import type { Option, Steps, StepsSpec, WorkSpec } from './spec.ts';
import { ownTextNames, ownTexts } from './texts.ts';
import { waitForMedia } from './wait-for-media.ts';
import type { Rules } from './waiting.ts';
import { work } from './work.ts';

type AnySpec = StepsSpec<StandardSchema, string, never>;
type Refuse = (what: string) => never;

const hourMs = 3_600_000;
/** Nothing may be sent when the service window has closed; an hour is left for whatever is slow. */
const remindAfterMsMax = limits.serviceWindowMs - hourMs;
const resumeAfterMs = 3 * hourMs;
const startOverAfterMs = 7 * 24 * hourMs;
/** States of the machine that are no author's step. */
const first = 'beginning';

/** A step as an author's function returns it: one of ours, or a raw state. */
interface Given {
  step: string;
  built?: BuiltStep;
  activity?: ActivityDeclaration & { name: string };
  options?: readonly Option<never>[];
  raw?: Readonly<Record<string, unknown>>;
}

/** @throws DialogRefused */
export function dialogOfSteps(spec: AnySpec): Dialog {
  const refuse: Refuse = (what) => {
    throw new DialogRefused(`Dialog ${spec.name}: ${what}`);
  };
  const teller = new Teller(catalogueOf(spec, refuse));
  const rules = rulesOf(spec, teller, refuse);
  const opening: Opening = { start: spec.start, greeting: spec.greeting };
  const given = spec.states(stepsFor(teller, rules, opening)) as unknown as Record<string, Given>;
  if (first in given)
    refuse(`the name "${first}" belongs to the state before the first message. Name the step otherwise.`);
  const activities = activitiesOf(spec, given);
  const begun = begunOf(spec, refuse);
  const parts: Parts = { spec, given, teller, rules, opening, begun, refuse };
  return defineMachine({
    name: spec.name,
    version: spec.version,
    machine: machineOf(parts, activities),
    activities,
    context: contextSchema(spec.context),
    staleTap: spec.staleTap ?? 'explain',
    landing: spec.landing ?? first,
    ...(spec.migrate === undefined ? {} : { migrate: spec.migrate }),
  });
}

function stepsFor(teller: Teller, rules: Rules, opening: Opening): Steps<never, string> {
  const built = (step: string, made: BuiltStep, more: Partial<Given> = {}): Given => ({
    step,
    built: made,
    ...more,
  });
  const steps = {
    ask: (spec: never) => built('ask', ask(spec, rules)),
    choose: (spec: never) => built('choose', choose(spec, rules), { options: optionsIn(spec) }),
    confirm: (spec: never) => built('confirm', confirm(spec, rules)),
    waitFor: (spec: never) => built('waitFor', waitFor(spec, rules), { options: optionsIn(spec) }),
    waitForMedia: (spec: never) => built('waitForMedia', waitForMedia(spec, rules)),
    work: (spec: WorkSpec<never, unknown, unknown>) =>
      built('work', work(spec, rules), { activity: spec.activity }),
    handOff: (spec: never) => built('handOff', handOff(spec, rules)),
    end: (spec?: never) => built('end', end(spec ?? {}, opening, rules)),
    state: (raw: Readonly<Record<string, unknown>>): Given => ({ step: 'state', raw }),
    text: (key: string) => teller.named(key),
  };
  return steps as unknown as Steps<never, string>;
}

const optionsIn = (spec: { options?: readonly Option<never>[] }) => spec.options ?? [];

function rulesOf(spec: AnySpec, teller: Teller, refuse: Refuse): Rules {
  const { later = {}, commands = {}, assistant = false } = spec;
  const { languages } = teller.catalogue;
  const remindAfterMs = later.remindAfterMs ?? 0;
  if (remindAfterMs > remindAfterMsMax)
    refuse(
      `later.remindAfterMs is ${remindAfterMs}, at most ${remindAfterMsMax} may pass: after 24 h without a word of the customer Meta takes no reminder.`,
    );
  return {
    remindAfterMs,
    resumeAfterMs: later.resumeAfterMs ?? resumeAfterMs,
    startOverAfterMs: later.startOverAfterMs ?? startOverAfterMs,
    isCommand: ({ event }, heeds) => {
      const words = wordsIn(event);
      const command = commandIn(words, commands);
      return (command !== null && heeds.includes(command)) || languageAsked(words, languages) !== null;
    },
    isQuestion: ({ event }, questions) => assistant !== false && isQuestion(event, questions),
    named: (name) => teller.named(name),
    forgetQuestions: assistant === false ? [] : ['forget the questions', 'leave the assistant'],
    askAssistant: (asks, scope) => (assistant === false ? [] : askingWays(asks, scope)),
  };
}

/** The languages of the author's catalogue, each with all of its words. */
function catalogueOf({ texts = {} }: AnySpec, refuse: Refuse): Catalogue {
  const catalogues = texts as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const languages = Object.keys(catalogues);
  if (languages.length === 0) return { languages: ['en'], texts: {} };
  const names = new Set(Object.values(catalogues).flatMap((each) => Object.keys(each)));
  const own: readonly string[] = ownTextNames;
  for (const language of languages) {
    const isOurs = language in ownTexts;
    const missing = [...new Set([...names, ...(isOurs ? [] : own)])].filter(
      (name) => !(name in (catalogues[language] ?? {})) && !(isOurs && own.includes(name)),
    );
    if (missing.length > 0) refuse(`the texts of "${language}" lack ${missing.join(', ')}.`);
  }
  return { languages, texts: catalogues };
}

/** What is remembered at the beginning. */
function begunOf({ context, initial }: AnySpec, refuse: Refuse): Record<string, unknown> {
  try {
    return parseNow(
      context as StandardSchema<unknown, Record<string, unknown>>,
      initial ?? {},
      'What is remembered at first',
    );
  } catch (error) {
    return refuse(
      `${messageOf(error)} Give each field a default, make it optional, or set it in \`initial\`.`,
    );
  }
}

/** The author's schema, which knows nothing of what the steps remember for themselves. */
function contextSchema(schema: StandardSchema): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'nightdesk',
      validate: (value) => {
        const { nd, ...own } = (value ?? {}) as Record<string, unknown>;
        // A snapshot of a dialog that was no dialog of steps then.
        if (typeof nd !== 'object' || nd === null)
          return { issues: [{ message: 'what the steps remember is missing', path: ['nd'] }] };
        return schema['~standard'].validate(own);
      },
    },
  };
}

function activitiesOf(spec: AnySpec, given: Record<string, Given>): Record<string, ActivityDeclaration> {
  const own = Object.values(given).flatMap(({ activity }) =>
    activity === undefined ? [] : [[activity.name, activity] as const],
  );
  const assistant =
    spec.assistant === undefined || spec.assistant === false ? {} : { reply: replyDeclaration };
  return { ...assistant, ...Object.fromEntries(own), ...spec.activities };
}

interface Parts {
  spec: AnySpec;
  given: Record<string, Given>;
  teller: Teller;
  rules: Rules;
  opening: Opening;
  begun: Record<string, unknown>;
  refuse: Refuse;
}

function machineOf(parts: Parts, activities: Record<string, ActivityDeclaration>) {
  const { spec, given, teller, rules, opening, refuse } = parts;
  const implementations: Implementations = { guards: {}, actions: {} };
  const targets: { from: string; to: string }[] = [{ from: 'start', to: spec.start }];
  const scopeOf = (name: string) => new Scope({ name, teller, implementations, targets });
  const root = scopeOf('dialog');
  nameSharedActions(root, parts);
  const steps = new Map<string, BuiltStep>([[first, beginning(opening, rules)]]);
  for (const [name, step] of Object.entries(given)) {
    if (!/^[a-zA-Z][\w-]{0,63}$/.test(name))
      refuse(`the step "${name}" needs a name of letters, digits, - and _ only.`);
    const problem = problemOfOptions(step.options ?? []);
    if (problem !== null) refuse(`step ${name}: ${problem}`);
    if (step.built !== undefined) steps.set(name, step.built);
  }
  const states: Record<string, unknown> = Object.fromEntries(
    Object.entries(given).flatMap(([name, { raw }]) => (raw === undefined ? [] : [[name, raw]])),
  );
  for (const [name, step] of steps) states[name] = step.config(scopeOf(name));
  const top = withAside(
    rootConfig(root, {
      steps,
      commands: spec.commands ?? {},
      hasRawStates: Object.values(given).some(({ raw }) => raw !== undefined),
      ...{ languages: teller.catalogue.languages, start: spec.start },
    }),
    parts,
    steps,
    root,
  );
  for (const { from, to } of targets)
    if (!(to in states))
      refuse(
        `${from} leads to "${to}", which is no step. Write it, or name one of ${Object.keys(states).join(', ')}.`,
      );
  const nobody = fromPromise(() => Promise.reject(new Error('Activities are run by the runtime.')));
  return createMachine(
    { id: spec.name, context: { ...parts.begun, nd: nothingYet }, initial: first, states, ...top } as never,
    {
      actions: { ...dialogActions, ...implementations.actions, ...spec.actions } as never,
      guards: { ...dialogGuards, ...implementations.guards, ...spec.guards } as never,
      actors: Object.fromEntries(Object.keys(activities).map((name) => [name, nobody])),
    },
  );
}

const nothingYet: Own = {
  step: '',
  language: null,
  atMs: 0,
  wamid: null,
  lead: null,
  asked: null,
};

/** Assigns that every state uses. */
function nameSharedActions(root: Scope, { spec, begun, teller }: Parts): void {
  const change = (make: (seen: Seen) => Partial<Memory>) =>
    assign(({ context, event }) => make({ context: context as Memory, event }));
  const own = (make: (seen: Seen) => Partial<Own>) =>
    change((seen) => ({ nd: { ...seen.context.nd, ...make(seen) } }));
  root.act(
    'note the message',
    own(({ event }) => ({ atMs: envOf(event).nowMs, wamid: messageIn(event).wamid ?? null })),
  );
  root.act(
    'note the language',
    own(({ context, event }) => ({
      language: context.nd.language ?? languageSpoken(wordsIn(event), teller.catalogue.languages),
    })),
  );
  root.act(
    'forget the questions',
    own(() => ({ asked: null })),
  );
  root.act(
    'forget everything',
    change(({ context }) => ({
      ...Object.fromEntries(Object.keys(context).map((key) => [key, undefined])),
      ...begun,
      nd: {
        ...nothingYet,
        language: context.nd.language,
        asked: context.nd.asked,
      },
    })),
  );
  if (spec.assistant !== undefined && spec.assistant !== false)
    nameActions(root, spec.assistant === true ? undefined : spec.assistant.about);
}

/** What may come to the dialog wherever it stands: answers of the assistant, events of the business. */
function withAside(
  config: Config,
  { spec, teller }: Parts,
  steps: ReadonlyMap<string, BuiltStep>,
  root: Scope,
): Config {
  const again = (seen: Seen) => steps.get(seen.context.nd.step)?.prompt(seen, teller, true) ?? [];
  const answers = spec.assistant === undefined || spec.assistant === false ? {} : answerWays(root, again);
  const events = Object.entries(spec.events ?? {}).map(([name, exits]) => [
    `business.${name}`,
    root
      .ways(name, exits as never, { value: ({ event }) => (event as { data?: unknown }).data })
      .map(fromRoot),
  ]);
  return { ...config, on: { ...config.on, ...answers, ...Object.fromEntries(events) } };
}

function fromRoot<W extends { target?: string }>(way: W): W {
  return way.target === undefined ? way : { ...way, target: `.${way.target}` };
}

function problemOfOptions(options: readonly Option<never>[]): string | null {
  const ids = options.map(({ id }) => id);
  const bad = ids.find((id) => !/^[\w-]{1,64}$/.test(id));
  if (bad !== undefined)
    return `the option "${bad}" needs an id of letters, digits, - and _ only, at most 64.`;
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  return twice === undefined ? null : `the option "${twice}" is there twice.`;
}
