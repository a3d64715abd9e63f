/**
 * What a turn wants done. A turn is pure: it returns effects as data, and the commit of the turn makes all of them
 * durable or none. To add an effect, add it here and its writing in each store's `commitTurn`.
 */
import type { IfWindowClosed, SendBody, UncertainPolicy } from './sends.ts';

export type FlagReason =
  | 'replyTimeout'
  | 'replyFailed'
  | 'customerAsked'
  | 'deadLetter'
  | 'sendRefused'
  | 'sendFailed'
  | 'sendUncertain'
  | 'windowClosed'
  | 'standby'
  | 'cannotRead'
  | 'mutedByLimit'
  | 'tookOver'
  | 'unexpected'
  | 'dialogChanged'
  | 'businessEvent'
  /** A paid request is counted as spent, and nobody knows whether it was charged for. */
  | 'chargeUncertain'
  /** Two contacts proved to be one while paid work was under way: what it was for is not asked for again. */
  | 'paidWorkCutOff'
  /** It was under way when a backup was made; what became of it afterwards is not in the store. */
  | 'restored';

export type Effect =
  | {
      type: 'send';
      body: SendBody;
      ifWindowClosed?: IfWindowClosed;
      quoteWamid?: string;
      uncertainPolicy?: UncertainPolicy;
      /** Mailbox position through which this send answers; without it, everything still awaiting an answer. */
      answersThrough?: number;
      /** Positions among those that it does not answer: the dialog saw them only afterwards. Noted by the turn. */
      unseen?: readonly number[];
      fallback?: boolean;
    }
  | { type: 'startActivity'; activityId: string; name: string; input: unknown }
  | { type: 'cancelActivity'; activityId: string }
  | { type: 'setTimer'; timerId: string; token: string; delayMs: number }
  | { type: 'cancelTimer'; timerId: string }
  /** Asks for a person; `answersThrough` and `unseen` as above. */
  | {
      type: 'flag';
      reason: FlagReason;
      detail?: string;
      answersThrough?: number;
      unseen?: readonly number[];
    }
  /** Declares that what awaits an answer needs none, by a rule of the dialog that says so in its name. */
  | { type: 'noAnswer'; rule: string; answersThrough?: number; unseen?: readonly number[] }
  /** The bot falls silent and an operator holds the conversation; what the same turn says still leaves. */
  | { type: 'handOff' }
  /** Shows the customer that the message was read, and that an answer is being typed. Best effort, never in a commit. */
  | { type: 'markRead'; wamid: string; typing: boolean }
  | { type: 'end' };
