/**
 * What leaves. A send is a row with one life, told by the table below; its body is what Meta's `/messages` takes.
 * It is written to a socket only from `sending`, which is committed first, so a crash can never hide an attempt.
 * To add a kind of message, see `send-bodies.ts`.
 */
import type { ConversationRef } from './ids.ts';
import type { SendBody, TemplateBody } from './send-bodies.ts';

export type { SendBody } from './send-bodies.ts';

export type SendState =
  | 'queued'
  | 'sending'
  | 'uncertain'
  | 'accepted'
  | 'refused'
  | 'failed'
  | 'held'
  | 'withdrawn';

/** Total: from each state, the states that may follow, as in `docs/spec/send.md`, whose every cell a test walks. */
export const sendTransitions: Readonly<Record<SendState, readonly SendState[]>> = {
  /** Waiting for its turn in the lane and for the pacers. */
  queued: ['sending', 'withdrawn', 'accepted', 'failed', 'held'],
  /** Its attempt is committed; the request may be on the wire. */
  sending: ['queued', 'accepted', 'refused', 'uncertain', 'failed', 'withdrawn', 'held'],
  /** The request left and no answer says what became of it; the lane waits for evidence. */
  uncertain: ['accepted', 'queued', 'held', 'withdrawn', 'failed'],
  /** Meta took it; delivery statuses move `delivery`, not this. */
  accepted: ['failed'],
  /** Meta or we refused it for good; the conversation is flagged. */
  refused: [],
  /** Taken, then reported as failed; a later `delivered` overrides and is recorded. */
  failed: ['accepted'],
  /** Uncertain for good, or open when a backup was made that was restored: a person decides. */
  held: ['accepted', 'queued', 'withdrawn', 'failed'],
  /** Taken back before it left (an operator took over, the window closed, it was told to). */
  withdrawn: [],
};

/** States in which a send still blocks the lane of its conversation. */
export const laneBlockingStates = ['queued', 'sending', 'uncertain'] as const satisfies readonly SendState[];

/** What to do with a send of which nobody knows whether it was accepted. */
export type UncertainPolicy = 'resendOnEvidence' | 'holdForPerson' | 'resendMayRepeat' | 'dropMayLose';

/**
 * What leaves in the place of a send when the service window is closed by then: a template, or nothing, since the template
 * of the part before stands for the whole. Without it the send is withdrawn and a person asked.
 */
export type IfWindowClosed = TemplateBody | 'nothing';

export type SendPriority = 'operator' | 'reply' | 'other';
export const sendPriorities: readonly SendPriority[] = ['operator', 'reply', 'other'];

/** Who made a send: a dialog's turn, the runtime's fallback, or an operator. */
export type SendOrigin = 'dialog' | 'fallback' | 'operator';

/** A send before it has a place in the lane. */
export interface NewSend {
  sendId: string;
  body: SendBody;
  ifWindowClosed?: IfWindowClosed;
  /** The wamid to quote, where the answer should show which message it answers. */
  quoteWamid?: string;
  origin: SendOrigin;
  priority: SendPriority;
  uncertainPolicy: UncertainPolicy;
}

/** Where a message goes: `to` is a phone or a group, `recipient` a business-scoped user id. */
export interface SendAddress {
  to?: string;
  recipient?: string;
}

/** Order of delivery statuses; a send's delivery only ever moves up. */
export const deliveryRank: Readonly<Record<'none' | 'sent' | 'delivered' | 'read' | 'played', number>> = {
  none: 0,
  sent: 1,
  delivered: 2,
  read: 3,
  played: 4,
};
export type Delivery = keyof typeof deliveryRank;

/** Names a send that wants to leave, with what decides when it may. */
export interface SendRef {
  ref: ConversationRef;
  sendId: string;
  phoneNumberId: string;
  priority: SendPriority;
}
