/** What a configuration is made of: the states that are active, what runs, what is timed, and what tells two edges apart. */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { ActionData } from './both-ways.ts';
import type { Configuration, Edge } from './graph.ts';

export type Bookkeeping = Pick<Configuration, 'running' | 'timers'>;

/** Activities and timers after these actions, as `turn-effects.ts` keeps them. */
export function bookkeep({ running, timers }: Bookkeeping, actions: readonly ActionData[]): Bookkeeping {
  const after = { running: { ...running }, timers: { ...timers } };
  for (const { type, params } of actions) {
    const given = (params ?? {}) as Record<string, unknown>;
    if (type === 'xstate.spawnChild') after.running[String(given.id)] = String(given.src);
    else if (type === 'xstate.stopChild') delete after.running[String(given.id)];
    else if (type === 'xstate.cancel') delete after.timers[String(given.sendId)];
    else if (type === 'xstate.raise' && typeof given.delay === 'number')
      after.timers[String(given.id)] = { event: given.event as AnyEventObject, delayMs: given.delay };
  }
  return after;
}

/** Activities that a step has neither ended nor stopped. */
export const stillAwaited = ({ running }: Bookkeeping, actions: readonly ActionData[]) =>
  Object.keys(running).filter(
    (id) =>
      !actions.some(
        ({ type, params }) =>
          type === 'xstate.stopChild' && (params as { id?: unknown } | undefined)?.id === id,
      ),
  );

export function placeOf(
  { value, historyValue }: AnyMachineSnapshot,
  { running }: Pick<Configuration, 'running'>,
): string {
  const history = Object.entries((historyValue ?? {}) as Record<string, { id: string }[]>).map(
    ([id, nodes]) => `${id}=${nodes.map((node) => node.id).join('+')}`,
  );
  return [JSON.stringify(value), ...history, ...Object.keys(running).sort()].join(' ');
}

export function labelOfValue(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as object)
    .map(([key, inner]) => (labelOfValue(inner) === '' ? key : `${key}.${labelOfValue(inner)}`))
    .join(' + ');
}

export function isSame(a: Edge, b: Edge): boolean {
  return (
    a.to === b.to &&
    a.happening.words === b.happening.words &&
    a.happening.event.type === b.happening.event.type &&
    a.moved === b.moved &&
    a.fault === b.fault &&
    a.starts.join() === b.starts.join() &&
    a.took.join() === b.took.join() &&
    a.said.join('\n') === b.said.join('\n')
  );
}

export function without<T>(from: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = from;
  return rest;
}
