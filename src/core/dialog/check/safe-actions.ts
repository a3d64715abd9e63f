/**
 * A machine's actions, made safe for exploration. Their functions are written for real events and contexts; the checker has
 * samples only, so a function that fails is left out: an assignment keeps the context as it was, a text has no words.
 * What was left out cannot change the verdict, since guards are taken both ways whatever the context is.
 */
import { assign, enqueueActions, raise } from 'xstate';
import type { Answers } from './answers.ts';

export interface SafeNotes {
  /** Actions that choose by code of their own what they do: of these only samples are seen. */
  decided: Set<string>;
}

/** A delay of which only the dialog's own function knows how long it is. */
const sampleDelayMs = 60_000;

type Fn = (...args: unknown[]) => unknown;

interface Builtin {
  type: string;
  assignment?: unknown;
  event?: unknown;
  delay?: unknown;
  id?: unknown;
  input?: unknown;
  collect?: unknown;
  resolve?: unknown;
}

/** Params that could not be made from samples. */
export const unseen = { unseen: true } as const;

function attempt<T>(run: () => unknown, otherwise: T): unknown | T {
  try {
    return run();
  } catch {
    return otherwise;
  }
}

export function safeAction(action: unknown, answers: Answers, notes: SafeNotes): unknown {
  if (typeof action === 'function') return safeBuiltin(action as unknown as Builtin, answers, notes);
  if (typeof action !== 'object' || action === null) return action;
  const { params } = action as { params?: unknown };
  if (typeof params !== 'function') return action;
  return { ...action, params: (...args: unknown[]) => attempt(() => (params as Fn)(...args), unseen) };
}

function safeBuiltin(action: Builtin, answers: Answers, notes: SafeNotes): unknown {
  if (action.resolve === undefined) return action;
  switch (action.type) {
    case 'xstate.assign':
      return assign((args, params) => attempt(() => assigned(action.assignment, args, params), {}) as never);
    case 'xstate.raise':
      return safeRaise(action);
    case 'xstate.enqueueActions':
      return safeEnqueue(action, answers, notes);
    case 'xstate.spawnChild':
      return Object.assign((() => {}) as object, action, { input: undefined });
    default:
      return action;
  }
}

function assigned(assignment: unknown, args: unknown, params: unknown): unknown {
  if (typeof assignment === 'function') return (assignment as Fn)(args, params);
  return Object.fromEntries(
    Object.entries(assignment as Record<string, unknown>).map(([key, value]) => [
      key,
      typeof value === 'function' ? (value as Fn)(args, params) : value,
    ]),
  );
}

function safeRaise({ event, delay, id }: Builtin): unknown {
  const safeDelay =
    typeof delay === 'function'
      ? (...args: unknown[]) => attempt(() => (delay as Fn)(...args), sampleDelayMs)
      : delay;
  const safeEvent =
    typeof event === 'function'
      ? (...args: unknown[]) => attempt(() => (event as Fn)(...args), { type: 'an event of unknown type' })
      : event;
  return raise(safeEvent as never, { id, delay: safeDelay } as never);
}

function safeEnqueue({ collect }: Builtin, answers: Answers, notes: SafeNotes): unknown {
  const name = (collect as Fn).name === '' ? 'enqueueActions' : (collect as Fn).name;
  return enqueueActions(((args: { enqueue: unknown }, params: unknown) => {
    notes.decided.add(name);
    const moment = {};
    const check = (guard: unknown) => answers.evaluate(guard, moment);
    attempt(() => (collect as Fn)({ ...args, check }, params), undefined);
  }) as never);
}
