/**
 * From a stored state to a running dialog, also where the dialog has changed since. A snapshot of the same version is
 * restored as it is. For another version the ways are tried in this order: the dialog's own `migrate`; the snapshot itself,
 * where every active state still exists with the same activities and the context fits the schema; the declared landing
 * state; and at last a new beginning. What ran or waited and has no place any more is cancelled; a timer that the new
 * version adds to an active state is set. Nothing here throws: a customer never pays for a deployment.
 */
import {
  type AnyMachineSnapshot,
  type AnyStateNode,
  createActor,
  initialTransition,
  type Snapshot,
} from 'xstate';
import { parseNow } from '../standard-schema.ts';
import { firstVisit } from './buttons.ts';
import type { Dialog } from './dialog.ts';
import { type DialogState, type LiveState, notBegun } from './dialog-state.ts';

/** How a stored state goes on; `new` where nothing was stored, or the dialog had not begun. */
export type Continuing = 'new' | 'same' | 'restored' | 'migrated' | 'landed' | 'lost';

export interface Restored {
  live: LiveState;
  how: Continuing;
  /** What was stored and has no place any more: nobody waits for these. */
  gone: Pick<DialogState, 'activities' | 'timers'>;
  /** Timers of active states that the stored version did not have. */
  due: { timerId: string; event: { type: string }; delayMs: number }[];
}

const nothingGone = { activities: {}, timers: {} };

export function restore(dialog: Dialog, stored: string | null, nowMs: number): Restored {
  const state = stored === null ? null : parse(stored);
  if (stored === null || (state !== null && state.snapshot === null))
    return { live: notBegun(), how: 'new', gone: nothingGone, due: [] };
  const { visit = firstVisit } = state ?? {};
  if (state?.dialog === dialog.name && state.version === dialog.version) {
    const snapshot = revive(dialog, state.snapshot);
    // The version may have been left as it was by an oversight.
    const fits = attempt(() => contextFor(dialog, snapshot?.context)) !== null;
    if (snapshot !== null && fits)
      return { live: liveOf(state, snapshot), how: 'same', gone: nothingGone, due: [] };
  }
  // What had ended is begun anew by the next message anyway.
  if (state?.snapshot?.status === 'done')
    return { live: { ...notBegun(), visit }, how: 'new', gone: nothingGone, due: [] };
  if (state === null || state.dialog !== dialog.name) return lost(state);
  for (const [how, way] of ways) {
    const snapshot = attempt(() => way(dialog, state));
    if (snapshot !== null) return settle(dialog, state, snapshot, how, nowMs);
  }
  return lost(state);
}

/** Where a stored state would go on, as `nightdesk check --live` tells it. */
export function continuingOf(dialog: Dialog, stored: string): Continuing {
  return restore(dialog, stored, 0).how;
}

const lost = (state: DialogState | null): Restored => ({
  live: notBegun(),
  how: 'lost',
  gone: { activities: state?.activities ?? {}, timers: state?.timers ?? {} },
  due: [],
});

function parse(stored: string): DialogState | null {
  const state = attempt(() => JSON.parse(stored) as unknown);
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return null;
  return state as DialogState;
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}

type Persisted = Snapshot<unknown> & {
  value?: unknown;
  context?: unknown;
  children?: Record<string, { src?: unknown }>;
  historyValue?: unknown;
};

type Way = (dialog: Dialog, state: DialogState) => AnyMachineSnapshot | null;

const ways: readonly (readonly [Extract<Continuing, 'restored' | 'migrated' | 'landed'>, Way])[] = [
  ['migrated', byMigration],
  ['restored', asItIs],
  ['landed', byLanding],
];

function byMigration(dialog: Dialog, { version, snapshot }: DialogState): AnyMachineSnapshot | null {
  const { value, context, status, children } = snapshot as Persisted;
  if (dialog.migrate === undefined || status !== 'active') return null;
  const migrated = dialog.migrate({ version, value, context });
  if (migrated === null) return null;
  const made = revive(dialog, {
    ...(snapshot as Persisted),
    value: migrated.value,
    context: contextFor(dialog, migrated.context),
    historyValue: {},
  });
  return made !== null && runsWhatItInvokes(made, children) ? made : null;
}

function asItIs(dialog: Dialog, { snapshot }: DialogState): AnyMachineSnapshot | null {
  const persisted = snapshot as Persisted;
  const context = contextFor(dialog, persisted.context);
  const made = revive(dialog, { ...persisted, context });
  if (made === null || !runsWhatItInvokes(made, persisted.children)) return null;
  return Object.keys(persisted.children ?? {}).every((id) => id in invokesOf(made)) ? made : null;
}

function byLanding(dialog: Dialog, { snapshot }: DialogState): AnyMachineSnapshot | null {
  const node = landingOf(dialog);
  if (node === null) return null;
  const [first] = initialTransition(dialog.machine);
  const own = first.context as Record<string, unknown>;
  const kept = attempt(() =>
    dialog.context === undefined
      ? {}
      : parseNow(dialog.context, (snapshot as Persisted).context, 'The context'),
  );
  const value = node.path.reduceRight<unknown>(
    (inner, key) => (inner === null ? key : { [key]: inner }),
    null,
  );
  const landed = { status: 'active', value, context: { ...own, ...(kept as object) }, children: {} };
  const made = revive(dialog, { ...landed, historyValue: {} });
  return made !== null && Object.keys(invokesOf(made)).length === 0 ? made : null;
}

/** The landing state by its path (`a.b`), or by its name where only one state has it. */
export function landingOf({ machine, landing }: Dialog): AnyStateNode | null {
  if (landing === undefined) return null;
  const all = nodesUnder(machine.root);
  const named = all.filter(({ key }) => key === landing);
  return (
    all.find(({ path }) => path.join('.') === landing) ?? (named.length === 1 ? (named[0] ?? null) : null)
  );
}

const nodesUnder = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states).flatMap((child) => [
    child as AnyStateNode,
    ...nodesUnder(child as AnyStateNode),
  ]);

/** @throws SchemaMismatch */
function contextFor({ context: schema }: Dialog, context: unknown): unknown {
  if (schema === undefined) return context;
  // The schema may know only the author's part of it.
  return { ...(context as object), ...(parseNow(schema, context, 'The context') as object) };
}

function revive(dialog: Dialog, snapshot: unknown): AnyMachineSnapshot | null {
  return attempt(() => {
    const made = createActor(dialog.machine, { snapshot: snapshot as Snapshot<unknown> }).getSnapshot();
    return made.status === 'error' || made.status === 'stopped' ? null : (made as AnyMachineSnapshot);
  });
}

const activeNodes = (snapshot: AnyMachineSnapshot) =>
  (snapshot as unknown as { _nodes: readonly AnyStateNode[] })._nodes;

function invokesOf(snapshot: AnyMachineSnapshot): Record<string, unknown> {
  const invokes = activeNodes(snapshot).flatMap((node) => node.invoke);
  return Object.fromEntries(invokes.map(({ id, src }) => [id, src]));
}

/** No activity is started here: one that a state waits for must have been started by the stored version. */
function runsWhatItInvokes(snapshot: AnyMachineSnapshot, children: Persisted['children'] = {}): boolean {
  return Object.entries(invokesOf(snapshot)).every(([id, src]) => children[id]?.src === src);
}

function liveOf(state: DialogState, snapshot: AnyMachineSnapshot): LiveState {
  const { activities, timers, visit = firstVisit } = state;
  return { snapshot, activities: { ...activities }, timers: { ...timers }, visit };
}

function settle(
  dialog: Dialog,
  state: DialogState,
  snapshot: AnyMachineSnapshot,
  how: Continuing,
  nowMs: number,
): Restored {
  const live = liveOf(state, snapshot);
  const gone: Restored['gone'] = { activities: {}, timers: {} };
  const invokes = invokesOf(snapshot);
  for (const [invokeId, activityId] of Object.entries(state.activities)) {
    if (how !== 'landed' && invokeId in invokes) continue;
    gone.activities[invokeId] = activityId;
    delete live.activities[invokeId];
  }
  const expected = timersOf(dialog, snapshot);
  for (const [timerId, timer] of Object.entries(state.timers)) {
    const isOwn = timerId.startsWith('xstate.after.');
    if (how !== 'landed' && (!isOwn || timerId in expected)) continue;
    gone.timers[timerId] = timer;
    delete live.timers[timerId];
  }
  const due = Object.entries(expected)
    .filter(([timerId]) => !(timerId in live.timers))
    .map(([timerId, { delayMs, stateId }]) => {
      const enteredAtMs = enteredAt(state, stateId) ?? nowMs;
      return { timerId, event: { type: timerId }, delayMs: Math.max(0, enteredAtMs + delayMs - nowMs) };
    });
  return { live, how, gone, due };
}

/** When a state was entered, where another timer of it was set then. */
function enteredAt({ timers }: DialogState, stateId: string): number | undefined {
  return Object.entries(timers).find(([timerId]) => timerId.endsWith(`.${stateId}`))?.[1].setAtMs;
}

/** The `after` timers of the active states, as the new version has them. */
function timersOf(
  { machine }: Dialog,
  snapshot: AnyMachineSnapshot,
): Record<string, { delayMs: number; stateId: string }> {
  const found: Record<string, { delayMs: number; stateId: string }> = {};
  if (snapshot.status !== 'active') return found;
  for (const node of activeNodes(snapshot)) {
    for (const { eventType, delay } of node.after) {
      const delayMs = attempt(() => delayOf(machine.implementations.delays, delay, snapshot));
      if (typeof delayMs === 'number') found[eventType] = { delayMs, stateId: node.id };
    }
  }
  return found;
}

function delayOf(delays: Record<string, unknown>, delay: unknown, { context }: AnyMachineSnapshot): unknown {
  if (typeof delay !== 'string') return delay;
  const named = delays[delay];
  if (typeof named !== 'function') return named;
  return (named as (args: unknown) => unknown)({ context, event: { type: 'nightdesk.restored' } });
}
