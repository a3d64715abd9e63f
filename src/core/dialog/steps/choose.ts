/**
 * Offers options: up to three as buttons, up to ten as a list, more or longer ones as a numbered text. A tap counts, and so
 * does what is typed, where it fits one option: its number, its title in any of the dialog's languages, other words of it.
 */
import { buttons, list } from '../../model/send-builders/index.ts';
import { sendLimits } from '../../model/send-limits.ts';
import type { SendBody } from '../../model/sends.ts';
import { codePoints } from '../../model/split-text.ts';
import { keeping } from './ask.ts';
import {
  type BuiltStep,
  type Scope,
  type Seen,
  type Teller,
  textBodies,
  type Way,
  wordsIn,
} from './scope.ts';
import type { ChooseSpec, ConfirmSpec, Option, WaitForSpec } from './spec.ts';
import type { OwnTexts } from './texts.ts';
import { isGreeting, type Rules, waitingConfig } from './waiting.ts';
import { isOneOf, optionMeant } from './words.ts';

interface Offer {
  id: string;
  title: string;
  description?: string;
}

type Options = readonly Option<never>[];

function offered(options: Options, { context }: Seen): Options {
  return options.filter((option) => option.when?.(context as never) ?? true);
}

function offersOf(options: Options, seen: Seen, teller: Teller): Offer[] {
  const told = teller.told(seen);
  return offered(options, seen).map(({ id, title, description }) => ({
    id,
    title: teller.words(seen.context, told, title).trim(),
    ...(description === undefined
      ? {}
      : { description: teller.words(seen.context, told, description).trim() }),
  }));
}

/** How these options can be shown; Meta refuses what is too long, twice the same, or too many. */
function formOf(
  offers: readonly Offer[],
  question: string,
  wished: ChooseSpec<never>['as'],
): 'buttons' | 'list' | 'text' {
  const titles = offers.map(({ title }) => title);
  const fits = (countMax: number, titleMax: number, bodyMax: number) =>
    offers.length > 0 &&
    offers.length <= countMax &&
    titles.every((title) => title !== '' && codePoints(title) <= titleMax) &&
    new Set(titles).size === titles.length &&
    codePoints(question) <= bodyMax;
  const asButtons = fits(sendLimits.buttonsMax, sendLimits.buttonTitleCharsMax, sendLimits.bodyCharsMax);
  const asList =
    fits(sendLimits.rowsMax, sendLimits.rowTitleCharsMax, sendLimits.listBodyCharsMax) &&
    offers.every(({ description = '' }) => codePoints(description) <= sendLimits.rowDescriptionCharsMax);
  const describes = offers.some(({ description }) => description !== undefined);
  if (wished === 'text') return 'text';
  if (asList && (wished === 'list' || (wished === undefined && describes))) return 'list';
  if (asButtons) return 'buttons';
  return asList ? 'list' : 'text';
}

/** The question with its options. */
function show(
  offers: readonly Offer[],
  question: string,
  spec: ChooseSpec<never>,
  openList: string,
): SendBody[] {
  if (offers.length === 0) return textBodies(question);
  switch (formOf(offers, question, spec.as)) {
    case 'buttons':
      return [buttons({ body: question, buttons: offers.map(({ id, title }) => ({ id, title })) })];
    case 'list':
      return [list({ body: question, button: openList, rows: offers })];
    case 'text': {
      const lines = offers.map(({ title, description }, index) =>
        [`${index + 1}. ${title}`, ...(description === undefined ? [] : [description])].join('\n'),
      );
      return textBodies([question, '', ...lines].join('\n'));
    }
  }
}

/** The option that a text means, among those that are offered now. What is also a command must be a title as it stands. */
function typed(options: Options, seen: Seen, teller: Teller, isCommand: boolean): string | null {
  const words = wordsIn(seen.event);
  const titled = offered(options, seen)
    .map(({ id, title, words: others = [] }) => ({
      id,
      titles: [...teller.wordsInAll(seen, title), ...others],
    }))
    .filter(({ titles }) => !isCommand || isOneOf(words, titles));
  return optionMeant(words, titled);
}

export function choose(
  spec: ChooseSpec<never>,
  rules: Rules,
  wrong: keyof OwnTexts = 'wrongChoice',
  name = 'choose',
): BuiltStep {
  const step: BuiltStep = {
    heeds: rules.heeds,
    questions: 'plain',
    prompt: (seen, teller, again) => {
      const question = teller.words(seen.context, teller.told(seen), spec.question);
      const offers = offersOf(spec.options, seen, teller);
      return [
        ...(again ? [] : teller.bodies(seen, spec.intro)),
        ...show(offers, question, spec, teller.own(seen, 'openList')),
      ];
    },
    config: (scope) => {
      const on = spec.options.map((option) => waysOf(scope, spec, option, rules));
      const taps = on.flatMap(({ tap }) => tap);
      const texts = on.flatMap(({ text }) => text);
      const meta = { step: name, options: spec.options.map(({ id }) => id) };
      return waitingConfig(scope, {
        ...{ spec, rules, step, meta, wrong },
        on: { button: taps, listChoice: taps, text: texts, templateButton: texts },
      });
    },
  };
  return step;
}

function waysOf(
  scope: Scope,
  spec: ChooseSpec<never>,
  option: Option<never>,
  rules: Rules,
): { tap: Way[]; text: Way[] } {
  const { id } = option;
  const own = option.next ?? spec.next ?? {};
  const exits = (spec.keep === undefined ? own : keeping(spec.keep, own)) as never;
  const from = {
    value: () => id,
    first: ['note the message'],
    stay: { target: scope.name, reenter: true },
  };
  const isTyped = (seen: Seen) =>
    !isGreeting(seen, rules) &&
    typed(spec.options, seen, scope.teller, rules.isCommand(seen, rules.heeds)) === id;
  const isTapped = ({ context, event }: Seen) =>
    (event as { choice?: { id: string } }).choice?.id === id && (option.when?.(context as never) ?? true);
  const guard =
    option.when === undefined
      ? { type: 'chose', params: { option: id } }
      : scope.guard(`may choose ${id}`, isTapped);
  return {
    tap: scope.ways(id, exits, { ...from, guard, holds: isTapped }),
    text: scope.ways(id, exits, { ...from, guard: scope.guard(`wrote ${id}`, isTyped), holds: isTyped }),
  };
}

export function confirm(spec: ConfirmSpec<never>, rules: Rules): BuiltStep {
  const { yes, no, yesTitle, noTitle, ...rest } = spec;
  return choose(
    {
      ...rest,
      options: [
        { id: 'yes', title: yesTitle ?? rules.named('yes'), words: yesWords, next: yes },
        { id: 'no', title: noTitle ?? rules.named('no'), words: noWords, next: no },
      ],
    },
    rules,
    'wrongChoice',
    'confirm',
  );
}

export function waitFor(spec: WaitForSpec<never>, rules: Rules): BuiltStep {
  return choose({ ...spec, options: spec.options ?? [] }, rules, 'waiting', 'waitFor');
}

const yesWords = [
  'yes',
  'yeah',
  'yep',
  'y',
  'ok',
  'okay',
  'sure',
  'si',
  'sip',
  'claro',
  'vale',
  'de acuerdo',
];
const noWords = ['no', 'nope', 'n', 'no gracias', 'no thanks', 'nunca'];
