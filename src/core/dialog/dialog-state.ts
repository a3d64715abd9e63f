/**
 * What a conversation remembers between turns: the machine's snapshot and, beside it, which activity and which timer
 * belong to the present visit of a state. An invoke id names a state, not a visit to it; without this, a late result of an
 * earlier visit would be taken for the present one's. A dialog begins with the first message that wants an answer, so that
 * a reaction or an echo never makes it say its first words.
 */
import { type AnyMachineSnapshot, createActor, initialTransition, type Snapshot } from 'xstate';
import type { Dialog } from './dialog.ts';

export interface DialogState {
  dialog: string;
  version: number;
  /** Null before the dialog has begun. */
  snapshot: Snapshot<unknown> | null;
  /** Invoke id -> the activity of the present visit. */
  activities: Record<string, string>;
  /** Timer id -> the token of the present visit and the event it raises. */
  timers: Record<string, { token: string; event: { type: string } }>;
}

/** The state while a turn runs: a live snapshot beside the visits. */
export interface LiveState {
  snapshot: AnyMachineSnapshot | null;
  activities: Record<string, string>;
  timers: DialogState['timers'];
}

export interface Restored {
  live: LiveState;
  /** What was stored and fits the dialog no more: its activities and timers have nobody who waits for them. */
  lost: Pick<DialogState, 'activities' | 'timers'> | null;
}

export const notBegun = (): LiveState => ({ snapshot: null, activities: {}, timers: {} });

/** Whether the dialog has begun and not ended, so that it may be told of something that is no message to it. */
export function isUnderWay({ snapshot }: LiveState): boolean {
  return snapshot !== null && snapshot.status !== 'done';
}

/** Restores a stored state; where it fits no more the dialog has to begin anew, and `lost` says what it leaves. */
export function restore(dialog: Dialog, stored: string | null): Restored {
  if (stored === null) return { live: notBegun(), lost: null };
  const state = parse(stored);
  const lost = { activities: state?.activities ?? {}, timers: state?.timers ?? {} };
  if (state === null || state.dialog !== dialog.name || state.version !== dialog.version)
    return { live: notBegun(), lost: state?.snapshot === null ? null : lost };
  if (state.snapshot === null) return { live: notBegun(), lost: null };
  try {
    const options = { snapshot: state.snapshot };
    const snapshot = createActor(dialog.machine, options).getSnapshot() as AnyMachineSnapshot;
    if (snapshot.status === 'error') return { live: notBegun(), lost };
    return {
      live: { snapshot, activities: { ...state.activities }, timers: { ...state.timers } },
      lost: null,
    };
  } catch {
    return { live: notBegun(), lost };
  }
}

function parse(stored: string): DialogState | null {
  try {
    const state = JSON.parse(stored) as DialogState | null;
    return typeof state === 'object' ? state : null;
  } catch {
    return null;
  }
}

/** The first snapshot of a dialog and the actions of its beginning. @throws what the dialog throws */
export function begin(dialog: Dialog): { snapshot: AnyMachineSnapshot; actions: readonly unknown[] } {
  const [snapshot, actions] = initialTransition(dialog.machine);
  if (snapshot.status === 'error') throw (snapshot as { error?: unknown }).error;
  return { snapshot: snapshot as AnyMachineSnapshot, actions };
}

export function persist(dialog: Dialog, live: LiveState): string {
  const state: DialogState = {
    dialog: dialog.name,
    version: dialog.version,
    snapshot: live.snapshot === null ? null : dialog.machine.getPersistedSnapshot(live.snapshot),
    activities: live.activities,
    timers: live.timers,
  };
  return JSON.stringify(state);
}

/** `dialog/state`, with nested states joined by dots. */
export function labelOf(dialog: Dialog, live: LiveState): string {
  const path = (value: unknown): string =>
    typeof value === 'string'
      ? value
      : Object.entries(value as object)
          .map(([key, inner]) => `${key}.${path(inner)}`)
          .join('+');
  return `${dialog.name}/${live.snapshot === null ? 'notBegun' : path(live.snapshot.value)}`;
}
