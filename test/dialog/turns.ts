/** Turns of a dialog without a store: events are numbered, the state is carried, effects are looked at. */
import type { Dialog } from '#core/dialog/dialog.ts';
import { runTurn, type TurnInput, type TurnOutput } from '#core/dialog/run-turn.ts';
import type { Effect } from '#core/model/effects.ts';
import type { EventContent, EventKind, MailboxEvent } from '#core/model/events.ts';

export const nowMs = Date.UTC(2026, 10, 22, 12);

let position = 0;

export function event(
  kind: EventKind,
  content: EventContent = {},
  more: Partial<MailboxEvent> = {},
): MailboxEvent {
  position += 1;
  const at = { sentAtMs: nowMs, receivedAtMs: nowMs };
  return { position, kind, wamid: `wamid.${position}`, ...at, content, ...more };
}

export const text = (words: string, more: Partial<MailboxEvent> = {}) => event('text', { text: words }, more);

export function inputOf(
  dialog: Dialog,
  events: readonly MailboxEvent[],
  more: Partial<TurnInput> = {},
): TurnInput {
  let ids = 0;
  return {
    dialog,
    stored: null,
    events,
    more: false,
    nowMs,
    seed: 1,
    settings: {},
    lastFallbackAtMs: null,
    newId: (prefix) => `${prefix}_${++ids}_${events[0]?.position ?? 0}`,
    refused: [],
    ...more,
  };
}

export function turn(
  dialog: Dialog,
  events: readonly MailboxEvent[],
  more: Partial<TurnInput> = {},
): TurnOutput {
  return runTurn(inputOf(dialog, events, more));
}

export type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>;

export function effectsOf<T extends Effect['type']>(output: TurnOutput, type: T): EffectOf<T>[] {
  return output.effects.filter((effect): effect is EffectOf<T> => effect.type === type);
}

export const textsOf = (output: TurnOutput) =>
  effectsOf(output, 'send').map(({ body }) => (body.type === 'text' ? body.text.body : body.type));
