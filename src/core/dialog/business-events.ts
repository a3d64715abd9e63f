/**
 * What the business' own systems tell a dialog. A machine gets `business.` and the name, with the data. One that its
 * state does not take changes nothing, and is not lost in silence: somebody paid, or waits for a parcel, so a person is
 * asked. A dialog that is not under way begins for it where its first state takes it.
 */
import type { AnyEventObject } from 'xstate';
import type { Effect } from '../model/effects.ts';
import type { MailboxEvent } from '../model/events.ts';
import type { BusinessDialogEvent, Dialog, TurnEnv } from './dialog.ts';
import { begin, isUnderWay, type LiveState } from './dialog-state.ts';

export function factOf({ content, position }: MailboxEvent, env: TurnEnv): BusinessDialogEvent {
  const { name = 'unnamed', data = null } = content.business ?? {};
  return { type: `business.${name}`, data, position, env };
}

/**
 * Whether the state that the conversation is in, or would begin in, has a transition for the event, be it an empty one: so
 * a dialog says that it wants nothing of it.
 * @throws what a guard throws
 */
export function takesFact(dialog: Dialog, live: LiveState, event: AnyEventObject): boolean {
  const underWay = isUnderWay(live) ? live.snapshot : null;
  return dialog.machine.getTransitionData(underWay ?? begin(dialog).snapshot, event).length > 0;
}

/** It answers nothing that a customer said. */
export function unheardFact({ content }: MailboxEvent): Effect {
  const detail = `the dialog has no answer to the event "${content.business?.name ?? 'unnamed'}" of the business`;
  return { type: 'flag', reason: 'businessEvent', detail, answersThrough: 0 };
}
