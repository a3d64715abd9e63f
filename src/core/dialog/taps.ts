/**
 * What a turn does with a tap, by the visit that its button belongs to. One of the present visit is the option; a second
 * one of the same visit changes nothing and says nothing; one of an earlier question, or of another dialog, follows
 * `staleTap`: it acts as if it were new, is explained (a machine that listens to `staleTap` does it itself), or is ignored.
 */
import type { Effect } from '../model/effects.ts';
import type { MailboxEvent } from '../model/events.ts';
import { type TapSigner, tapOf, type Visit } from './buttons.ts';
import type { Dialog, DialogEvent } from './dialog.ts';

export type Tap =
  | { kind: 'option'; visit: number; option: string }
  /** Delivered as it came: nothing of ours is in its id. */
  | { kind: 'foreign' }
  | { kind: 'stale'; option: string | null }
  | { kind: 'second' }
  | { kind: 'unwanted' };

export interface TapContext {
  dialog: Dialog;
  visit: Visit;
  signer: TapSigner;
  isUnderWay: boolean;
}

/** Null where the event is no tap. */
export function judgeTap(event: MailboxEvent, { dialog, visit, signer, isUnderWay }: TapContext): Tap | null {
  const tap = tapOf(event, { dialog: dialog.name, visit, signer });
  if (tap === null) return null;
  if (tap.kind === 'second') return { kind: 'second' };
  const option = tap.kind === 'foreign' ? null : tap.option;
  const asIs: Tap =
    tap.kind === 'foreign' ? { kind: 'foreign' } : { kind: 'option', visit: tap.visit, option: tap.option };
  if (tap.kind === 'now' && isUnderWay) return asIs;
  // Whoever taps an old button where nothing is under way begins anew, as with any other message.
  if (!isUnderWay) return { kind: 'foreign' };
  switch (dialog.staleTap ?? 'explain') {
    case 'act':
      return asIs;
    case 'ignore':
      return { kind: 'unwanted' };
    case 'explain':
      return { kind: 'stale', option };
  }
}

/** The event as the machine gets it: `choice.id` is the option that it offered. */
export function asTapped(event: DialogEvent, tap: Tap): Omit<DialogEvent, 'type'> & { type: string } {
  const choice = event.choice ?? { id: '', title: '' };
  switch (tap.kind) {
    case 'option':
      return { ...event, choice: { ...choice, id: tap.option } };
    case 'stale':
      return { ...event, type: 'staleTap', choice: { ...choice, id: tap.option ?? choice.id } };
    default:
      return event;
  }
}

/**
 * The visit after a step of the machine: a new one where the state changed or a tap was taken. What was said before a tap
 * was seen is no answer to it, wherever it stands in the mailbox.
 */
export function visitAfter(
  visit: Visit,
  { position, tap, isNewState }: { position: number; tap: Tap | null; isNewState: boolean },
): Visit {
  if (tap?.kind === 'option') {
    const tapped = { visit: tap.visit, option: tap.option, began: position };
    const { answeredThrough = 0 } = visit;
    const isBehind = answeredThrough >= position;
    return { ...visit, began: position, tapped, ...(isBehind && { answeredThrough: position - 1 }) };
  }
  return isNewState ? { ...visit, began: position } : visit;
}

/** Notes through which position the dialog has said or flagged something. */
export function answeredBy(visit: Visit, effects: readonly Effect[]): Visit {
  const { answeredThrough = 0 } = visit;
  const through = Math.max(
    answeredThrough,
    ...effects.map((effect) => ('answersThrough' in effect ? (effect.answersThrough ?? 0) : 0)),
  );
  return through === answeredThrough ? visit : { ...visit, answeredThrough: through };
}

/** Where the first tap has had its answer, the second needs none; else both wait for the same one. */
export function secondTapEffects(visit: Visit, position: number): Effect[] {
  const isAnswered = (visit.answeredThrough ?? 0) >= (visit.tapped?.began ?? 0);
  return isAnswered ? [{ type: 'noAnswer', rule: 'secondTap', answersThrough: position }] : [];
}
