/**
 * From steps to a dialog: one machine whose states are the steps, whose root heeds the commands, and whose first state waits
 * for the customer's first message. Whatever would fail at night is refused here: a way that leads nowhere, a language
 * that lacks words, a context that cannot begin, options that cannot be told apart.
 *
 * To add a step, write its file, its spec in `spec.ts`, and its line in `stepsFor`.
 */
import { assign, createMachine, fromPromise } from 'xstate';
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
import {
  problemOfOptions,
  type Refuse,
  refuseEmptyHelp,
  refuseOtherThanTemplate,
  refuseTimes,
} from './refusals.ts';
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
import type {
  AskSpec,
  ChooseSpec,
  ConfirmSpec,
  EndSpec,
  Option,
  Speaking,
  Steps,
  StepsSpec,
  WaitForMediaSpec,
  WaitForSpec,
  Waiting,
  WindowTemplate,
  WorkSpec,
} from './spec.ts';
import { ownTextNames, ownTexts } from './texts.ts';
import { waitForMedia } from './wait-for-media.ts';
import { everyCommand, type Rules, rulesOfStep } from './waiting.ts';
import { work } from './work.ts';

type AnySpec = StepsSpec<StandardSchema, string, never>;

const hourMs = 3_600_000;
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
  ifWindowClosed?: WindowTemplate<never> | undefined;
  waits?: { spec: Waiting<never>; rules: Rules };
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
    languageOf: (context, settings) => teller.language((context as Memory | undefined)?.nd, settings),
    staleTap: spec.staleTap ?? 'explain',
    ...(spec.landing === undefined ? { landing: first, landsAnew: true } : { landing: spec.landing }),
    ...(spec.eventData === undefined ? {} : { eventData: spec.eventData }),
    ...(spec.migrate === undefined ? {} : { migrate: spec.migrate }),
  });
}

function stepsFor(teller: Teller, rules: Rules, opening: Opening): Steps<never, string> {
  const built = (
    step: string,
    { ifWindowClosed }: Speaking<never>,
    made: BuiltStep,
    more: Partial<Given> = {},
  ): Given => ({ step, built: made, ifWindowClosed, ...more });
  const waiting = <S extends Waiting<never>>(
    step: string,
    spec: S,
    make: (spec: S, own: Rules) => BuiltStep,
  ): Given => {
    const own = rulesOfStep(rules, spec);
    const { options = [] } = spec as { options?: readonly Option<never>[] };
    return built(step, spec, make(spec, own), { options, waits: { spec, rules: own } });
  };
  const steps = {
    ask: (spec: AskSpec<never, unknown>) => waiting('ask', spec, ask),
    choose: (spec: ChooseSpec<never>) => waiting('choose', spec, choose),
    confirm: (spec: ConfirmSpec<never>) => waiting('confirm', spec, confirm),
    waitFor: (spec: WaitForSpec<never>) => waiting('waitFor', spec, waitFor),
    waitForMedia: (spec: WaitForMediaSpec<never>) => waiting('waitForMedia', spec, waitForMedia),
    work: (spec: WorkSpec<never, unknown, unknown>) =>
      built('work', spec, work(spec, rules), { activity: spec.activity }),
    handOff: (spec: never) => built('handOff', spec, handOff(spec, rules)),
    end: (spec: EndSpec<never> = {}) => built('end', spec, end(spec, opening, rules)),
    state: (raw: Readonly<Record<string, unknown>>): Given => ({ step: 'state', raw }),
    text: (key: string) => teller.named(key),
  };
  return steps as unknown as Steps<never, string>;
}

function rulesOf(spec: AnySpec, teller: Teller, refuse: Refuse): Rules {
  const { later = {}, commands = {}, assistant = false } = spec;
  const { languages } = teller.catalogue;
  const rules: Rules = {
    remindAfterMs: later.remindAfterMs ?? 0,
    resumeAfterMs: later.resumeAfterMs ?? resumeAfterMs,
    startOverAfterMs: later.startOverAfterMs ?? startOverAfterMs,
    heeds: everyCommand,
    isCommand: ({ event }, heeds) => {
      const words = wordsIn(event);
      const command = commandIn(words, commands);
      return (command !== null && heeds.includes(command)) || languageAsked(words, languages) !== null;
    },
    commandIn: ({ event }) => commandIn(wordsIn(event), commands),
    help: commands.help === false ? undefined : commands.help,
    languageAsked: languages.length < 2 ? null : ({ event }) => languageAsked(wordsIn(event), languages),
    isQuestion: ({ event }, questions) => assistant !== false && isQuestion(event, questions),
    named: (name) => teller.named(name),
    forgetQuestions: assistant === false ? [] : ['forget the questions', 'leave the assistant'],
    askAssistant: (asks, scope) => (assistant === false ? [] : askingWays(asks, scope)),
  };
  refuseTimes(rules, 'later', refuse);
  return rules;
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
  const scopeOf = (name: string, ifWindowClosed = spec.ifWindowClosed) =>
    new Scope({ name, teller, implementations, targets, ifWindowClosed });
  const root = scopeOf('dialog');
  nameSharedActions(root, parts);
  refuseOtherThanTemplate(spec.ifWindowClosed, 'the dialog', refuse);
  const steps = new Map<string, BuiltStep>([[first, beginning(opening, rules)]]);
  for (const [name, step] of Object.entries(given)) {
    if (!/^[a-zA-Z][\w-]{0,63}$/.test(name))
      refuse(`the step "${name}" needs a name of letters, digits, - and _ only.`);
    const problem = problemOfOptions(step.options ?? []);
    if (problem !== null) refuse(`step ${name}: ${problem}`);
    refuseOtherThanTemplate(step.ifWindowClosed, `step ${name}`, refuse);
    if (step.waits !== undefined) {
      refuseTimes(step.waits.rules, `later of step ${name}`, refuse);
      refuseEmptyHelp(step.waits.spec, `step ${name}`, refuse);
    }
    if (step.built !== undefined) steps.set(name, step.built);
  }
  const states: Record<string, unknown> = Object.fromEntries(
    Object.entries(given).flatMap(([name, { raw }]) => (raw === undefined ? [] : [[name, raw]])),
  );
  for (const [name, step] of steps) states[name] = step.config(scopeOf(name, given[name]?.ifWindowClosed));
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
