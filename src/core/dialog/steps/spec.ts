/**
 * What an author writes of a dialog of steps. A line is what is said: fixed words, words by language, or a function of
 * what is remembered; a built send (an image, a link) may stand where words may. An exit says what is kept, what is said
 * and which step is next. To add a step, add its spec here, its file beside this one, and its line in `build.ts`.
 */
import type { MediaRef, MessageContent, MessageKind } from '../../model/events.ts';
import type { TemplateBody } from '../../model/send-bodies.ts';
import type { SendBody } from '../../model/sends.ts';
import type { NumberSettings } from '../../ports/tenants.ts';
import type { OutputOf, StandardSchema } from '../../standard-schema.ts';
import type { NamedActivity } from '../activity.ts';
import type { ActivityDeclaration, EventSchemas } from '../dialog.ts';

/** What a function of an author is told beside what is remembered. */
export interface Told {
  language: string;
  settings: NumberSettings;
  nowMs: number;
}

/** Words alone: a question, a title. */
export type Words<C> = Fixed<C> | Readonly<Record<string, Fixed<C>>>;
type Fixed<C> = string | ((context: Readonly<C>, told: Told) => string);

/** One message, or several one after another. */
export type Said = string | SendBody | readonly (string | SendBody)[];
type Spoken<C> = Said | ((context: Readonly<C>, told: Told) => Said);

/**
 * What may be said: words, a built send, either by language or made from what is remembered; or several of these.
 * `{ text: 'name' }` is a line of the catalogues, for where `text('name')` of the steps is out of reach.
 */
export type Say<C> =
  | Spoken<C>
  | Readonly<Record<string, Spoken<C>>>
  | readonly (Spoken<C> | Readonly<Record<string, Spoken<C>>>)[];

/** A template, by language, or made from what is remembered: undefined where that is not enough for one yet. */
export type WindowTemplate<C> = FixedTemplate<C> | Readonly<Record<string, FixedTemplate<C>>>;
type FixedTemplate<C> = TemplateBody | ((context: Readonly<C>, told: Told) => TemplateBody | undefined);

/** What every step may have that says something. */
export interface Speaking<C> {
  /**
   * Leaves in the place of whatever is said in this step where the 24 h service window is closed by then; instead of the
   * dialog's own. Without either a person is asked.
   */
  ifWindowClosed?: WindowTemplate<C>;
}

/** What is remembered of a value: under one name, or as a function makes it. */
export type Keep<C, V> = (keyof C & string) | ((value: V, context: Readonly<C>) => Partial<C>);

/** A way out of a step. */
export interface Exit<C, V = unknown> {
  /** The way is taken where this holds; the last of several exits says nothing here. */
  when?(context: Readonly<C>, value: V): boolean;
  keep?: Keep<C, V>;
  say?: Say<C>;
  /** Asks for a person as well, with these words for the operator. */
  flag?: string;
  /** The next step; without one the dialog stays where it is and asks again. */
  next?: string;
}

/** The name of the next step, an exit, or several of which the first that holds is taken. */
export type Exits<C, V = unknown> = string | Exit<C, V> | readonly Exit<C, V>[];

/** What events of the business' own systems lead on to, by name; the value is their data, as `eventData` has it. */
export type EventExits<C, E extends EventSchemas> = {
  readonly [N in keyof E & string]?: Exits<C, OutputOf<E[N]>>;
};

/** What every step that waits for the customer may say. */
export interface Waiting<C, E extends EventSchemas = EventSchemas> extends Speaking<C> {
  /** Said once, on coming to the step, before the question. */
  intro?: Say<C>;
  question: Words<C>;
  /** Said with the question where the answer does not fit. */
  wrong?: Words<C>;
  /** Silence here, and return after it, instead of the dialog's own `later`. */
  later?: StepLater<C>;
  /** What a command does here, instead of what it does elsewhere; `false` takes it as an answer like any other. */
  commands?: Readonly<Partial<Record<CommandName, Exits<C, string> | false>>>;
  /** Events of the business' own systems that lead on from here. */
  events?: EventExits<C, E>;
}

/** Times are counted from what the customer last wrote here. What is not said is as the dialog has it. */
export interface StepLater<C> {
  /** One reminder; 0 for none. Under 23 h, and before `startOverAfterMs`. */
  remindAfterMs?: number;
  /** Said with the question as the reminder. */
  reminder?: Words<C>;
  /** From then on whoever comes back is welcomed. */
  resumeAfterMs?: number;
  /** Said with the question to whoever comes back with something that is no answer. */
  welcomeBack?: Words<C>;
  /** The way of whoever comes back, whatever they write or tap; commands are heeded as ever. */
  onReturn?: Exits<C, unknown>;
  /** Silence after which the step is left. */
  startOverAfterMs?: number;
  /** Where it leads then, with everything remembered; without it all is forgotten and the dialog begins anew. */
  onSilence?: string | Leaving<C> | readonly Leaving<C>[];
}
type Leaving<C> = Exit<C, unknown> & { next: string };

export interface AskSpec<C, V = string, E extends EventSchemas = EventSchemas> extends Waiting<C, E> {
  /** Reads the answer; null where it does not fit. */
  read?(text: string, context: Readonly<C>): V | null;
  /** What the answer, or what `read` made of it, must fit. */
  as?: StandardSchema<unknown, V>;
  keep?: Keep<C, V>;
  next: Exits<C, V>;
}

export interface Option<C> {
  /** Comes back with the tap: letters, digits, - and _. */
  id: string;
  /** At most 20 characters for a button, 24 for a row of a list; longer ones make a numbered text. */
  title: Words<C>;
  description?: Words<C>;
  /** Offered only where this holds. */
  when?(context: Readonly<C>): boolean;
  /** Other words that count as this option when they are typed. */
  words?: readonly string[];
  /** Instead of the step's own `next`. */
  next?: Exits<C, string>;
}

export interface ChooseSpec<C, E extends EventSchemas = EventSchemas> extends Waiting<C, E> {
  options: readonly Option<C>[];
  /** Three buttons, else a list, else numbered text; or always one of them. */
  as?: 'buttons' | 'list' | 'text';
  keep?: Keep<C, string>;
  /** For options without a `next` of their own; the value is the option's id. */
  next?: Exits<C, string>;
}

export interface ConfirmSpec<C, E extends EventSchemas = EventSchemas> extends Waiting<C, E> {
  yes: Exits<C, string>;
  no: Exits<C, string>;
  yesTitle?: Words<C>;
  noTitle?: Words<C>;
}

/** Waits for the business' own systems. */
export interface WaitForSpec<C, E extends EventSchemas = EventSchemas>
  extends Omit<ChooseSpec<C, E>, 'options'> {
  events: EventExits<C, E>;
  /** What the customer may do meanwhile. */
  options?: readonly Option<C>[];
}

type WaitedFor = Extract<
  MessageKind,
  'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker' | 'location'
>;

export interface WaitForMediaSpec<C, K extends WaitedFor = WaitedFor, E extends EventSchemas = EventSchemas>
  extends Waiting<C, E> {
  kinds: readonly K[];
  keep?: Keep<C, MediaValue<K>>;
  next: Exits<C, MediaValue<K>>;
}
type MediaValue<K> = K extends 'location' ? NonNullable<MessageContent['location']> : MediaRef;

/** Why a work gave nothing. */
export interface WorkFault {
  /** `limitRefused`, `deadline`, `uncertain`, or the fault's own. */
  code: string;
  message: string;
  /** The limit that refused. */
  limit?: string;
}

export interface WorkSpec<C, I, O> extends Speaking<C> {
  activity: NamedActivity<I, O>;
  input(context: Readonly<C>, told: Told): I;
  /** Said when the work starts; not where a limit refused it. */
  say?: Say<C>;
  /** Said to whoever writes meanwhile. */
  stillWorking?: Words<C>;
  /** "cancel" and "menu" are heeded meanwhile: the result, and its cost, are then for nothing. */
  cancellable?: boolean;
  done: Exits<C, O>;
  failed: Exits<C, WorkFault>;
  /** A limit refused it, before anything was charged. */
  refused: Exits<C, WorkFault>;
  /** As `failed` if absent. */
  deadline?: Exits<C, WorkFault>;
}

export interface HandOffSpec<C> extends Speaking<C> {
  /** A text that says that a person will answer, if absent. */
  say?: Say<C>;
  /** What the operator reads. */
  detail?: string;
  /** Where it goes on when the operator hands back. */
  next: string;
}

export interface EndSpec<C> extends Speaking<C> {
  say?: Say<C>;
}

/** A step as `build.ts` takes it. */
export interface Step {
  readonly step: string;
}

/** What the function that writes the steps is given. `text` names a line of the catalogues. */
export interface Steps<C, K extends string, E extends EventSchemas = EventSchemas> {
  ask<V = string>(spec: AskSpec<C, V, E>): Step;
  choose(spec: ChooseSpec<C, E>): Step;
  confirm(spec: ConfirmSpec<C, E>): Step;
  waitFor(spec: WaitForSpec<C, E>): Step;
  waitForMedia<K2 extends WaitedFor>(spec: WaitForMediaSpec<C, K2, E>): Step;
  work<I, O>(spec: WorkSpec<C, I, O>): Step;
  handOff(spec: HandOffSpec<C>): Step;
  end(spec?: EndSpec<C>): Step;
  /** A state of XState's, as it stands. Its actions and guards come by name from `actions` and `guards` of the dialog. */
  state(config: Readonly<Record<string, unknown>>): Step;
  text(key: K): (context: Readonly<C>, told: Told) => string;
}

export interface CommandSpec<C> {
  /** More words than the built-in ones. */
  words?: readonly string[];
  say?: Say<C>;
  next?: string;
}
export type CommandName = 'cancel' | 'menu' | 'help' | 'human';

export interface StepsSpec<
  S extends StandardSchema,
  K extends string,
  C = OutputOf<S>,
  E extends EventSchemas = EventSchemas,
> extends Speaking<C> {
  name: string;
  /** Raised when a stored snapshot of the version before would not fit. */
  version: number;
  /** What is remembered. All of it must be there from the beginning, by default or as `initial`, or be optional. */
  context: S;
  initial?: Partial<C>;
  /** Words by language and name. The first language is the one to begin with. */
  texts?: Readonly<Record<string, Readonly<Record<K, Fixed<C>>>>>;
  /** Said to whoever begins, before the first step. */
  greeting?: Say<C>;
  start: string;
  states(steps: Steps<C, K, NoInfer<E>>): Readonly<Record<string, Step>>;
  /** `false` turns a command off. */
  commands?: Readonly<Partial<Record<CommandName, CommandSpec<C> | false>>>;
  later?: {
    /** One reminder, to whoever falls silent within a step. Under 23 h: later nothing may be sent. */
    remindAfterMs?: number;
    /** From then on whoever comes back is welcomed, and asked again where they were. */
    resumeAfterMs?: number;
    /** Silence after which everything is forgotten and the dialog begins anew; 7 days if absent. */
    startOverAfterMs?: number;
  };
  /** Questions in the middle of it all are answered by the assistant; the dialog stays where it is. */
  assistant?: boolean | { about?: string };
  /**
   * Schemas of the data of events, by name. `POST /events` refuses what does not fit; where it is given, the dialog takes
   * only these events. One event has one schema in all dialogs of the bot.
   */
  eventData?: E;
  /** Events of the business' own systems wherever the dialog stands. */
  events?: EventExits<C, NoInfer<E>>;
  /** Further activities, for raw states. */
  activities?: Readonly<Record<string, ActivityDeclaration>>;
  /** For raw states. */
  actions?: Readonly<Record<string, unknown>>;
  guards?: Readonly<Record<string, unknown>>;
  staleTap?: 'act' | 'explain' | 'ignore';
  migrate?(old: { version: number; value: unknown; context: unknown }): {
    value: unknown;
    context: unknown;
  } | null;
  landing?: string;
}
