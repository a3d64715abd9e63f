/**
 * What a conversation remembers between turns: the machine's snapshot and, beside it, which activity and which timer
 * belong to the present visit of a state. An invoke id names a state, not a visit to it; without this, a late result of an
 * earlier visit would be taken for the present one's. A dialog begins with the first message that wants an answer, so that
 * a reaction or an echo never makes it say its first words.
 */
import type { AnyMachineSnapshot, Snapshot } from 'xstate';
import type { NumberSettings } from '../ports/tenants.ts';
import { firstVisit, type Visit } from './buttons.ts';
import type { Dialog } from './dialog.ts';
import { firstTransition, type Transitioned } from './transition.ts';

/** A timer of the present visit, and the event that it raises. */
export interface KeptTimer {
  token: string;
  event: { type: string };
  /** Absent in states from before they were kept. */
  setAtMs?: number;
  delayMs?: number;
  /** It is kept until its state is left, so that a new version does not set it once more. */
  hasFired?: true;
}

export interface DialogState {
  dialog: string;
  version: number;
  /** Null before the dialog has begun. */
  snapshot: Snapshot<unknown> | null;
  /** Invoke id -> the activity of the present visit. */
  activities: Record<string, string>;
  /** By timer id. */
  timers: Record<string, KeptTimer>;
  /** Which question's buttons are good; states from before they were minted have none. */
  visit?: Visit;
}

/** The state while a turn runs: a live snapshot beside the visits. */
export interface LiveState {
  snapshot: AnyMachineSnapshot | null;
  activities: Record<string, string>;
  timers: DialogState['timers'];
  visit: Visit;
}

export const notBegun = (): LiveState => ({
  snapshot: null,
  activities: {},
  timers: {},
  visit: firstVisit,
});

/** The language in which the customer is spoken to. */
export function languageOf(dialog: Dialog, { snapshot }: LiveState, settings: NumberSettings): string | null {
  const wished = settings.extra?.language;
  const known = dialog.languageOf?.(snapshot?.context, settings) ?? null;
  return known ?? (typeof wished === 'string' ? wished : null);
}

/** Whether the dialog has begun and not ended, so that it may be told of something that is no message to it. */
export function isUnderWay({ snapshot }: LiveState): boolean {
  return snapshot !== null && snapshot.status !== 'done';
}

/** The first snapshot of a dialog and the actions of its beginning. @throws what the dialog throws */
export function begin(dialog: Dialog): Transitioned {
  const first = firstTransition(dialog);
  if (first.snapshot.status === 'error') throw (first.snapshot as { error?: unknown }).error;
  return first;
}

export function persist(dialog: Dialog, live: LiveState): string {
  const state: DialogState = {
    dialog: dialog.name,
    version: dialog.version,
    snapshot: live.snapshot === null ? null : dialog.machine.getPersistedSnapshot(live.snapshot),
    activities: live.activities,
    timers: live.timers,
    ...(live.visit === firstVisit ? {} : { visit: live.visit }),
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
