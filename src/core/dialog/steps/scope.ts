/**
 * What the steps are built with. Each step becomes a plain state of XState: its guards and assigns have names that read
 * like sentences (`people: has an answer`), so the machine can be drawn and edited in the tools for statecharts, and its
 * words are `say` actions. What the steps themselves have to remember stands in the context under `nd`.
 */
import { assign } from 'xstate';
import type { TemplateBody } from '../../model/send-bodies.ts';
import type { SendBody } from '../../model/sends.ts';
import { splitText } from '../../model/split-text.ts';
import type { NumberSettings } from '../../ports/tenants.ts';
import type { DialogEvent, SayParams, TurnEnv } from '../dialog.ts';
import type { CommandName, Exit, Exits, Keep, Said, Say, Told, WindowTemplate, Words } from './spec.ts';
import { type OwnTexts, ownTexts } from './texts.ts';

/** What the steps remember beside what the author's context says. */
export interface Own {
  /** The step whose question was asked last. */
  step: string;
  language: string | null;
  /** When the customer last wrote. */
  atMs: number;
  wamid: string | null;
  /** What the next question begins with, `alone` where it stands instead of it; `nothing` where it is not asked at all. */
  lead: Lead | 'nothing' | null;
  /** Positions that the assistant is asked about, and the step that was waiting then. */
  asked: { after: number; through: number; step: string } | null;
}

export interface Lead {
  text: string;
  alone: boolean;
}

export type Memory = Record<string, unknown> & { nd: Own };
export interface Seen {
  context: Memory;
  event: unknown;
}

export interface Way {
  target?: string;
  reenter?: boolean;
  guard?: string | { type: string; params: unknown };
  actions?: unknown[];
}

/** A state as XState takes it. */
export interface Config {
  entry?: unknown[];
  invoke?: unknown;
  on?: Record<string, Way[]>;
  after?: Record<number, Way[]>;
  meta?: unknown;
}

export interface BuiltStep {
  config(scope: Scope): Config;
  /** What is said on coming to the step and, with `again`, on asking once more; null for steps that ask nothing. */
  prompt(seen: Seen, tell: Teller, again: boolean): SendBody[];
  /** Commands that its texts are heeded for before the step itself. */
  heeds: readonly CommandName[];
  /** Whether words that are no answer may go to the assistant, and how plainly they must ask. */
  questions: 'plain' | 'marked' | 'none';
}

/** Looks words up: in the author's catalogue, then in our own. */
export interface Catalogue {
  languages: readonly string[];
  texts: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const envOf = (event: unknown) => (event as { env: TurnEnv }).env;
export const messageIn = (event: unknown) => event as DialogEvent;

/** What was written, also by the quick reply of a template. */
export function wordsIn(event: unknown): string {
  const message = messageIn(event);
  return (message.type === 'templateButton' ? message.choice?.title : message.text) ?? '';
}

export class Teller {
  readonly catalogue: Catalogue;

  constructor(catalogue: Catalogue) {
    this.catalogue = catalogue;
  }

  language(own: Own | undefined, settings: NumberSettings): string {
    const wished = own?.language ?? settings.extra?.language;
    const { languages } = this.catalogue;
    return languages.find((each) => each === wished) ?? languages[0] ?? 'en';
  }

  told({ context, event }: Seen): Told {
    const { settings, nowMs } = envOf(event);
    return { language: this.language(context.nd, settings), settings, nowMs };
  }

  own(seen: Seen, name: keyof OwnTexts): string {
    return this.words(seen.context, this.told(seen), this.named(name));
  }

  named(name: string) {
    return (context: unknown, told: Told): string => {
      const line =
        this.catalogue.texts[told.language]?.[name] ?? ownTexts[told.language]?.[name as keyof OwnTexts];
      return line === undefined ? '' : String(resolve(line, context, told));
    };
  }

  #ofLanguage(piece: Readonly<Record<string, unknown>>, told: Told): unknown {
    if (typeof piece.text === 'string') return this.named(piece.text);
    return piece[told.language] ?? Object.values(piece)[0];
  }

  words(context: unknown, told: Told, words: Words<never>): string {
    const chosen = typeof words === 'object' ? this.#ofLanguage(words, told) : words;
    return String(resolve(chosen, context, told));
  }

  /** Every way in which words may be said. */
  wordsInAll(seen: Seen, words: Words<never>): string[] {
    const told = this.told(seen);
    return this.catalogue.languages.map((language) => this.words(seen.context, { ...told, language }, words));
  }

  template(seen: Seen, template: WindowTemplate<never>): TemplateBody | undefined {
    const told = this.told(seen);
    const chosen = isByLanguage(template) ? this.#ofLanguage(template, told) : template;
    return resolve(chosen, seen.context, told) as TemplateBody | undefined;
  }

  bodies(seen: Seen, say: Say<never> | undefined): SendBody[] {
    if (say === undefined) return [];
    const told = this.told(seen);
    const pieces = Array.isArray(say) ? say : [say];
    return pieces.flatMap((piece) => {
      const chosen = isByLanguage(piece) ? this.#ofLanguage(piece, told) : piece;
      const said = resolve(chosen, seen.context, told) as Said | undefined;
      const all = Array.isArray(said) ? said : [said];
      return all.flatMap((each) =>
        typeof each === 'string' ? textBodies(each) : each === undefined ? [] : [each],
      );
    });
  }
}

function resolve(line: unknown, context: unknown, told: Told): unknown {
  return typeof line === 'function' ? line(context, told) : line;
}

export function isByLanguage(piece: unknown): piece is Record<string, unknown> {
  return (
    typeof piece === 'object' && piece !== null && typeof (piece as { type?: unknown }).type !== 'string'
  );
}

/** Blank words are no message; long ones are several. */
export function textBodies(words: string): SendBody[] {
  return splitText(words).map((part) => ({ type: 'text', text: { body: part } }));
}

export interface Implementations {
  guards: Record<string, (seen: Seen) => boolean>;
  actions: Record<string, unknown>;
}

export interface ScopeInput {
  name: string;
  teller: Teller;
  implementations: Implementations;
  /** Names that exits lead to, to be checked when all steps are known. */
  targets: { from: string; to: string }[];
  /** Stands for whatever this state says where the service window is closed. */
  ifWindowClosed: WindowTemplate<never> | undefined;
}

/** What one state is built with. */
export class Scope {
  readonly name: string;
  readonly teller: Teller;
  readonly #implementations: Implementations;
  readonly #targets: ScopeInput['targets'];
  readonly #ifWindowClosed: ScopeInput['ifWindowClosed'];

  constructor({ name, teller, implementations, targets, ifWindowClosed }: ScopeInput) {
    this.name = name;
    this.teller = teller;
    this.#implementations = implementations;
    this.#targets = targets;
    this.#ifWindowClosed = ifWindowClosed;
  }

  guard(label: string, holds: (seen: Seen) => boolean): string {
    const name = `${this.name}: ${label}`;
    this.#implementations.guards[name] = holds;
    return name;
  }

  remember(label: string, change: (seen: Seen) => Partial<Memory>): string {
    const name = `${this.name}: ${label}`;
    this.#implementations.actions[name] = assign(({ context, event }) =>
      change({ context: context as Memory, event }),
    );
    return name;
  }

  /** An action of XState's own, under a name. */
  act(label: string, action: unknown): string {
    this.#implementations.actions[label] = action;
    return label;
  }

  leadsTo(target: string): void {
    this.#targets.push({ from: this.name, to: target });
  }

  /** Notes what the next question begins with. */
  lead(label: string, lead: (seen: Seen) => Own['lead']): string {
    return this.remember(label, (seen) => ({ nd: { ...seen.context.nd, lead: lead(seen) } }));
  }

  say(say: Say<never> | undefined): unknown[] {
    return say === undefined ? [] : [this.saying((seen) => this.teller.bodies(seen, say))];
  }

  saying(bodies: (seen: Seen) => SendBody[], more: Partial<SayParams> = {}): unknown {
    return this.sayingWith((seen) => ({ bodies: bodies(seen), ...more }));
  }

  sayingWith(params: (seen: Seen) => SayParams): unknown {
    const template = this.#ifWindowClosed;
    if (template === undefined) return { type: 'say', params };
    const withTemplate = (seen: Seen): SayParams => {
      const ifWindowClosed = this.teller.template(seen, template);
      return { ...params(seen), ...(ifWindowClosed && { ifWindowClosed }) };
    };
    return { type: 'say', params: withTemplate };
  }

  /** Transitions for exits. `stay` is what happens where an exit names no next step. */
  ways<V>(
    label: string,
    exits: Exits<never, V>,
    from: {
      value(seen: Seen): V;
      first?: unknown[];
      guard?: Way['guard'];
      holds?(seen: Seen): boolean;
      stay?: Way;
    },
  ): Way[] {
    const list: readonly Exit<never, V>[] =
      typeof exits === 'string'
        ? [{ next: exits }]
        : Array.isArray(exits)
          ? exits
          : [exits as Exit<never, V>];
    return list.map((exit, index) => {
      const { when, keep, next, flag } = exit;
      const suffix = list.length === 1 ? '' : ` ${index + 1}`;
      if (next !== undefined) this.#targets.push({ from: this.name, to: next });
      const guard =
        when === undefined
          ? from.guard
          : this.guard(`${label}${suffix} holds`, (seen) => {
              const fits = from.holds?.(seen) ?? true;
              return fits && when(seen.context as never, from.value(seen));
            });
      const actions = [
        ...(from.first ?? []),
        ...(keep === undefined
          ? []
          : [this.remember(`keep ${label}${suffix}`, (seen) => kept(keep, from.value(seen), seen))]),
        ...this.say(exit.say),
        ...(flag === undefined ? [] : [{ type: 'flag', params: { reason: 'customerAsked', detail: flag } }]),
      ];
      const where = next === undefined ? (from.stay ?? {}) : { target: next, reenter: true };
      return { ...where, ...(guard === undefined ? {} : { guard }), actions };
    });
  }
}

function kept<V>(keep: Keep<never, V>, value: V, { context }: Seen): Partial<Memory> {
  return typeof keep === 'string'
    ? { [keep]: value }
    : (keep as unknown as (v: V, c: unknown) => Partial<Memory>)(value, context);
}
