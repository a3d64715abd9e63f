/**
 * What a dialog is to the runtime: a named, versioned XState machine that is only ever run by the pure functions, and
 * the activities it may start. A machine speaks by the actions below: they come back from a transition as data and
 * become effects. `defineDialog` refuses at start what would fail silently at night.
 */
import { type AnyStateMachine, type AnyStateNode, initialTransition } from 'xstate';
import type { FlagReason } from '../model/effects.ts';
import type { ContentOf, EventKind } from '../model/events.ts';
import { KnownError, messageOf } from '../model/faults.ts';
import type { LateRule, OnUncertain } from '../model/ledger.ts';
import type { TemplateBody } from '../model/send-bodies.ts';
import type { SendBody, UncertainPolicy } from '../model/sends.ts';
import type { ActivityLookup, ActivityRun } from '../ports/activity.ts';
import type { LimitClaim } from '../ports/store.ts';
import type { NumberSettings } from '../ports/tenants.ts';
import type { OutputOf, StandardSchema } from '../standard-schema.ts';
import { type ActivityCost, problemOfCost } from './cost.ts';

/** What every event carries beside its content; dialogs know no other clock, chance or configuration. */
export interface TurnEnv {
  nowMs: number;
  seed: number;
  settings: NumberSettings;
  /** What the customer speaks, as far as it is known. */
  language: string | null;
  /** Recordings become words before a model is asked. */
  transcribes: boolean;
  /** When this conversation last got the fallback text. */
  lastFallbackAtMs: number | null;
}

/** A customer's message or a hand-back as a machine receives it: `type` is its kind, and says what it carries. */
export type DialogEvent<K extends EventKind = EventKind> = { [Kind in K]: EventOf<Kind> }[K];

type EventOf<K extends EventKind> = ContentOf<K> & {
  type: K;
  position: number;
  wamid: string | null;
  sentAtMs: number;
  env: TurnEnv;
};

/** What a system of the business told, as a machine receives it: `payment.succeeded` is `business.payment.succeeded`. */
export interface BusinessDialogEvent<N extends string = string, D = unknown> {
  type: `business.${N}`;
  data: D;
  position: number;
  env: TurnEnv;
}

/** Schemas of the data of the business' own events, by name. */
export type EventSchemas = Readonly<Record<string, StandardSchema>>;

/** These events as a machine receives them, for `setup({ types: { events } })`. */
export type BusinessEventsOf<E extends EventSchemas> = {
  [N in keyof E & string]: BusinessDialogEvent<N, OutputOf<E[N]>>;
}[keyof E & string];

/** Sent after the last event of a batch, when nothing more waits in the mailbox. */
export interface MailboxDrained {
  type: 'mailboxDrained';
  env: TurnEnv;
}

export interface SayParams {
  text?: string;
  body?: SendBody;
  /** Several messages, one after another. */
  bodies?: readonly SendBody[];
  /** Leaves in the place of all of it where the service window is closed by then; without it a person is asked. */
  ifWindowClosed?: TemplateBody;
  /** Said only where this activity of the state is really started, and no limit refuses it. */
  ifStarts?: string;
  quoteWamid?: string;
  answersThrough?: number;
  uncertainPolicy?: UncertainPolicy;
  fallback?: boolean;
}

export interface FlagParams {
  reason: FlagReason;
  detail?: string;
  answersThrough?: number;
}

const asData = () => {
  throw new Error(
    'A dialog was started as an actor. Dialogs are only run by runTurn, which takes their actions as data.',
  );
};

/** The actions by which a machine speaks; give them to `setup({ actions: { ...dialogActions } })`. */
export const dialogActions = {
  /** Sends a text (split where it is too long), a built body, or several. A blank text is a fault of the dialog. */
  say: asData as (_: unknown, params: SayParams) => void,
  flag: asData as (_: unknown, params: FlagParams) => void,
  /** Declares that what awaits an answer gets none, by a rule that says so in its name. */
  noAnswer: asData as (_: unknown, params: { rule: string; answersThrough?: number }) => void,
  handOff: asData as (_: unknown, params: Record<string, never>) => void,
  markRead: asData as (_: unknown, params: { wamid: string; typing: boolean }) => void,
};

/** The guards that the checker knows exactly; give them to `setup({ guards: { ...dialogGuards } })`. */
export const dialogGuards = {
  /** The customer tapped this option of a message with buttons or a list. */
  chose: ({ event }: { event: unknown }, { option }: { option: string }): boolean =>
    (event as DialogEvent).choice?.id === option,
};

export interface ActivityDeclaration {
  deadlineMs(settings: NumberSettings): number;
  /** Units of limits that a start takes in the turn's commit. */
  claims?(settings: NumberSettings, contactId: string): LimitClaim[];
  /** Paid work. */
  cost?: ActivityCost;
  /** Demanded where there is a cost. */
  onUncertain?: OnUncertain;
  /** What becomes of a result that comes after its visit is over; discarded if absent. */
  late?: LateRule;
  attemptsMax?: number;
  /** For each request over `context.fetch`: one that hangs leaves time for another attempt. */
  requestTimeoutMs?: number;
  /** The input as it is stored and run. @throws SchemaMismatch */
  acceptInput?(input: unknown): unknown;
  /** Absent for those that the runtime has itself: `reply`, `fetchMedia`. */
  run?: ActivityRun;
  /** For `onUncertain: 'lookup'`. */
  lookup?: ActivityLookup;
}

/** A state that an earlier version could be in, as its snapshots had it. */
export interface EarlierState {
  version: number;
  /** As XState writes it: `'people'`, `{ buying: 'paying' }`. */
  value: unknown;
  /** A sample. */
  context?: unknown;
  /** Activities that run there: invoke id -> name. */
  running?: Readonly<Record<string, string>>;
}

export interface Dialog {
  name: string;
  /** Raised when a stored snapshot of the version before would not fit. */
  version: number;
  machine: AnyStateMachine;
  activities: Readonly<Record<string, ActivityDeclaration>>;
  /** What the data of these events must fit, and become. An event is declared once for all dialogs of the bot. */
  eventData?: EventSchemas;
  /** The language of a conversation, by what its context tells; where it tells none the number's `extra.language` counts. */
  languageOf?(context: unknown, settings: NumberSettings): string | null;
  /** Said when a customer's message changes nothing and is answered by nothing. */
  unexpectedText?(settings: NumberSettings): string;
  /** An older version's snapshot in this version's words, or null where it cannot be continued. */
  migrate?(old: {
    version: number;
    value: unknown;
    context: unknown;
  }): { value: unknown; context: unknown } | null;
  /** What the context of a stored snapshot must fit to be continued. */
  context?: StandardSchema;
  /** States of earlier versions in which conversations may still stand: `nightdesk check` looks that each goes on. */
  earlier?: readonly EarlierState[];
  /** The state for conversations whose snapshot fits no more. */
  landing?: string;
  /** Nobody named the landing state: it is where the dialog begins, so whoever lands loses their place. */
  landsAnew?: true;
  /** What a tap on a button of an earlier question does; `explain` if absent. */
  staleTap?: 'act' | 'explain' | 'ignore';
  staleText?(settings: NumberSettings): string;
}

/** A dialog that cannot be run; the message says which state and what to write instead. */
export class DialogRefused extends KnownError {
  override readonly name = 'DialogRefused';
}

/** A dialog as it is given: one that starts nothing need not say so. */
export type GivenDialog = Omit<Dialog, 'activities'> & Partial<Pick<Dialog, 'activities'>>;

/** Checks a dialog and returns it. @throws DialogRefused */
export function defineDialog(given: GivenDialog): Dialog {
  const dialog: Dialog = { ...given, activities: given.activities ?? {} };
  const refuse = (what: string) => {
    throw new DialogRefused(`Dialog ${dialog.name}: ${what}`);
  };
  if (!/^[a-zA-Z][\w-]{0,63}$/.test(dialog.name))
    refuse('its name must begin with a letter and hold letters, digits, - and _ only, at most 64.');
  for (const [name, declaration] of Object.entries(dialog.activities)) {
    const problem = problemOfCost(declaration);
    if (problem !== null) refuse(`activity ${name}: ${problem}`);
    const own = (declaration as { name?: unknown }).name;
    if (own !== undefined && own !== name)
      refuse(`activity ${String(own)} stands under the name ${name}. Both must be the same.`);
  }
  for (const node of nodesOf(dialog.machine.root)) {
    for (const invoke of node.invoke) {
      if (typeof invoke.src === 'string' && invoke.src in dialog.activities) continue;
      const named = typeof invoke.src === 'string' ? `"${invoke.src}"` : 'an inline actor';
      refuse(
        `state ${node.id} invokes ${named}, which is not a declared activity. Declare it under activities and name it in src.`,
      );
    }
    const transitions = [...node.transitions.values()].flat();
    for (const action of [...node.entry, ...node.exit, ...transitions.flatMap((each) => each.actions)]) {
      const problem = problemOfAction(dialog, action);
      if (problem !== null) refuse(`state ${node.id} ${problem}`);
    }
  }
  try {
    const [first] = initialTransition(dialog.machine);
    if (first.status === 'error') throw (first as { error?: unknown }).error;
  } catch (error) {
    refuse(`it cannot begin: ${messageOf(error)}. Mend its context or the entry of its first state.`);
  }
  return dialog;
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((child) => nodesOf(child as AnyStateNode))];
}

/** XState's own actions that the pure functions carry out or that become effects. The others would be lost in silence. */
const ownActions = ['assign', 'raise', 'cancel', 'spawnChild', 'stopChild', 'enqueueActions'].map(
  (name) => `xstate.${name}`,
);

/** What is wrong with an action: a function, a name, or a name with params. */
function problemOfAction({ machine, activities }: Dialog, action: unknown): string | null {
  const name = typeof action === 'object' && action !== null ? (action as { type: unknown }).type : action;
  if (typeof name === 'string' && name in dialogActions) return null;
  const given = typeof name === 'string' ? machine.implementations.actions[name] : name;
  const { type, src } = (given ?? {}) as { type?: unknown; src?: unknown };
  const called = typeof name === 'string' ? `the action "${name}"` : `the action ${String(type ?? '')}`;
  if (typeof type !== 'string' || !type.startsWith('xstate.')) {
    return typeof name === 'string'
      ? `uses ${called}, which is not one of dialogActions and would do nothing. Say it with an action of dialogActions, or use assign.`
      : 'has an inline action function, which cannot be kept as data. Name an action of dialogActions with params, or use assign.';
  }
  if (!ownActions.includes(type))
    return `uses ${called} (${type}), which would be lost: nothing but the runtime listens. Use an action of dialogActions.`;
  if (type === 'xstate.spawnChild' && !(typeof src === 'string' && src in activities))
    return `spawns an actor by ${called} that is not a declared activity. Declare it under activities and name it in spawnChild.`;
  return null;
}
