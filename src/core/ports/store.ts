/**
 * The store port. Each method is one domain transaction: all of it is durable when the promise resolves, or none
 * of it happened. Time is passed in. A driver that passes the conformance suite of `nightdesk/testing` is a store.
 *
 * Rejections are faults: `storeUnavailable` (all of it happened or none, and nobody heard which: do it again), `overloaded` (come
 * back), `badData` (this item alone cannot be stored). Anything else that is thrown is a bug. To add a method, add it here, to the
 * suite, then to every driver.
 */
import type { FlagReason } from '../model/effects.ts';
import type {
  EventEnd,
  InboundMessage,
  InboundNotice,
  InboundStatus,
  MailboxEvent,
  MediaRef,
  QuarantineReason,
} from '../model/events.ts';
import type { ConversationRef } from '../model/ids.ts';
import type { NewSend, SendAddress, SendBody, SendRef, UncertainPolicy } from '../model/sends.ts';
import type { FileStore } from './files.ts';
import type { ModelUsage } from './model.ts';
import type { BusinessStore } from './store-business.ts';
import type { ContactStore } from './store-contacts.ts';
import type {
  BudgetAlert,
  BudgetRule,
  ChargeEnd,
  LimitClaim,
  MoneyStore,
  OpenCharge,
  ReservedCost,
} from './store-money.ts';
import type { AuditReport, OperatorStore } from './store-operators.ts';
import type { UpkeepStore } from './store-upkeep.ts';
import type { PhoneNumber, Tenant } from './tenants.ts';

// --- in -----------------------------------------------------------------------------------------------------------

export interface AppendMessage {
  number: PhoneNumber;
  message: InboundMessage;
}

export type { QuarantineReason };

export interface QuarantineItem {
  reason: QuarantineReason;
  /** The tenant whose path it came by, or empty. */
  tenantId: string;
  phoneNumberId: string | null;
  /** Parsed items are stored as JSON and can be appended again; what could not be read is stored as bytes. */
  item: InboundMessage | InboundStatus | null;
  bytes: Uint8Array | null;
}

/** Everything of one webhook body that is not a status. */
export interface AppendBatch {
  receivedAtMs: number;
  messages: AppendMessage[];
  notices: { tenantId: string; notice: InboundNotice }[];
  quarantine: QuarantineItem[];
}

export interface Appended {
  /** Conversations that have something to do, and when. Duplicates of unconsumed events are among them. */
  wakes: { ref: ConversationRef; dueAtMs: number }[];
  stored: number;
  duplicates: number;
  /** The messages among the duplicates. */
  duplicateWamids: string[];
  quarantined: number;
  /** Conversations that took in another one, since their contacts proved to be one. */
  merged: ConversationRef[];
  /** Owner's echoes that took conversations over from the bot, and the activities that lost their effect by it. */
  tookOver: ConversationRef[];
  cancelled: string[];
}

export interface StatusBatch {
  receivedAtMs: number;
  statuses: { tenantId: string; status: InboundStatus }[];
}

export interface StatusesRecorded {
  applied: number;
  duplicates: number;
  /** Kept because no send of ours is known by it yet (another app's, or its answer is still under way). */
  unmatched: number;
  /** Uncertain or unanswered sends that a status proved accepted. */
  proven: number;
  /** Their ids. */
  provenSends: string[];
  /** Sends that turned out to have two wamids: the customer got the message twice. */
  provenDuplicates: number;
  failed: number;
  /** Lanes that may go on, or that a template leaves by: that of a send which failed since its service window was closed. */
  freed: SendRef[];
}

// --- turns --------------------------------------------------------------------------------------------------------

export interface Lease {
  ref: ConversationRef;
  ownerId: string;
  /** Rises with every take; a commit with an older one is refused. Also the number of the turn. */
  fence: number;
}

export interface TakenConversation {
  outcome: 'taken';
  lease: Lease;
  phoneNumberId: string;
  contactId: string;
  /** The dialog's state as the last turn left it, or null before the first. */
  dialogState: string | null;
  lastFallbackAtMs: number | null;
  events: MailboxEvent[];
  /** More events wait than this batch holds. */
  more: boolean;
}

export type Taken =
  | TakenConversation
  | { outcome: 'leased' | 'empty' | 'held' | 'gone'; ref: ConversationRef }
  | { outcome: 'notDue'; ref: ConversationRef; dueAtMs: number };

export type { LimitClaim, SendRef };

export interface NewActivity {
  activityId: string;
  name: string;
  input: unknown;
  deadlineMs: number;
  claims: LimitClaim[];
  /** Absent where it costs nothing. */
  cost?: ReservedCost;
}

export interface TurnCommit {
  lease: Lease;
  nowMs: number;
  dialogState: string;
  /** `dialog/state` for the counts of conversations per state. */
  stateLabel: string;
  consumed: { position: number; end: EventEnd }[];
  sends: NewSend[];
  activities: NewActivity[];
  cancelledActivities: string[];
  timers: { timerId: string; token: string; dueAtMs: number }[];
  cancelledTimers: string[];
  flags: { flagId: string; reason: FlagReason; detail: string | null }[];
  deadLetters: { deadLetterId: string; position: number; fault: string }[];
  /** Ends of what awaits an answer at or before `through`, save the positions that the dialog had not seen by then. */
  ends: { end: EventEnd; endRef: string; through: number; unseen?: readonly number[] }[];
  /** The bot becomes silent and the conversation is an operator's. */
  handOff: boolean;
  fallbackSent: boolean;
  /** Whether the activities of this turn start in the committing process at once. */
  runHere: boolean;
}

export type TurnCommitted =
  | {
      outcome: 'committed';
      sends: SendRef[];
      activities: RunnableActivity[];
      cancelled: string[];
      nextTimerAtMs: number | null;
      dueAtMs: number | null;
    }
  | { outcome: 'fenceOld' }
  /** Nothing was committed, the lease is still held; run the turn again with these refusals. */
  | { outcome: 'refused'; refusals: { activityId: string; limit: string }[] };

// --- activities ---------------------------------------------------------------------------------------------------

export interface RunnableActivity {
  ref: ConversationRef;
  activityId: string;
  name: string;
  input: unknown;
  phoneNumberId: string;
  contactId: string;
  /** Turn that started it; history for it ends there. */
  fence: number;
  deadlineMs: number;
  deadlineAtMs: number;
  /** Times a crash interrupted it. */
  restarts: number;
  /** Of paid work. */
  charge?: OpenCharge;
}

export interface ActivityOutcome {
  ref: ConversationRef;
  activityId: string;
  ownerId: string;
  nowMs: number;
  result?: unknown;
  fault?: { code: string; message: string };
  usage?: ModelUsage;
  /** Of paid work; settles its entry of the ledger, also where the result comes too late. */
  charge?: ChargeEnd;
  budget?: BudgetRule;
}

export type ActivitySettled = ({ outcome: 'stored'; position: number } | { outcome: 'late' }) & {
  alerts?: BudgetAlert[];
};

// --- out ----------------------------------------------------------------------------------------------------------

/** The paces that bind a number's sends, as configuration has them. */
export interface PaceRules {
  numberPerSecond: number;
  /** All numbers of the waba together, and of the tenant; null where nobody limits them. */
  wabaPerSecond: number | null;
  tenantPerSecond: number | null;
  pairEveryMs: number;
  pairBurst: number;
  wabaId: string;
  /** Hold a send back until the one before was delivered, at most this long; null where acceptance is enough. */
  waitDeliveredMs: number | null;
}

export interface GrantRequest {
  ownerId: string;
  nowMs: number;
  sends: SendRef[];
  rulesOf(send: SendRef): PaceRules;
  /**
   * Ids of sends among them of which an earlier request of this owner had no answer: what it granted nobody has written, so it is
   * granted anew, as the same attempt. Never one that this owner may be writing.
   */
  inDoubt?: readonly string[];
}

export type PaceScope = 'number' | 'pair' | 'waba' | 'tenant';

export type Granted =
  | {
      outcome: 'granted';
      send: SendRef;
      attempt: number;
      address: SendAddress;
      body: SendBody;
      quoteWamid: string | null;
      uncertainPolicy: UncertainPolicy;
      grantedAtMs: number;
    }
  | { outcome: 'wait'; send: SendRef; atMs: number; scope: PaceScope; paused: boolean }
  /** An earlier send of the lane is not settled; its settling frees this one. */
  | { outcome: 'blocked'; send: SendRef }
  | { outcome: 'gone'; send: SendRef }
  /** Not attempted, withdrawn and flagged: the service window is closed, Meta's agent owns the chat, there is no address. */
  | { outcome: 'withdrawn'; send: SendRef; next: SendRef | null };

/** What an answer says about the pace of a scope. */
export type PaceChange =
  | { scope: 'number' | 'waba' | 'tenant'; wabaId: string; change: 'slow'; retryAfterMs: number | null }
  | { scope: 'number' | 'waba' | 'tenant'; wabaId: string; change: 'pause'; untilMs: number; reason: string }
  | { scope: 'pair'; change: 'backOff' };

export interface SendSettlement {
  send: SendRef;
  attempt: number;
  outcome:
    | { kind: 'accepted'; wamid: string; waId: string | null; bsuid: string | null }
    | { kind: 'refused'; errorCode: number | null; reason: string }
    | {
        kind: 'retryLater';
        atMs: number;
        pace: PaceChange | null;
        countsAsAttempt: boolean;
        errorCode: number | null;
      }
    | { kind: 'uncertain'; why: string; windowMs: number; errorCode: number | null };
}

export interface SendsSettled {
  /** The next send of each lane that may go on. */
  freed: SendRef[];
  uncertain: { send: SendRef; resolveAtMs: number }[];
  /** Settlements that found the send already moved on (a status was faster). */
  alreadySettled: number;
  provenDuplicates: number;
  flagged: number;
}

export interface UncertainResolved {
  accepted: number;
  resent: SendRef[];
  held: number;
  dropped: number;
  /** Ids of what was held and dropped. */
  heldSends: string[];
  droppedSends: string[];
  freed: SendRef[];
  /** When to look again, or null when nothing is uncertain. */
  nextAtMs: number | null;
}

// --- the rest ------------------------------------------------------------------------------------------------------

export type { Rescued, StoreStats, Work, WorkKind } from './store-upkeep.ts';

export interface HistoryEntry {
  role: 'customer' | 'bot' | 'operator';
  fence: number;
  position: number | null;
  atMs: number;
  kind: string;
  text: string;
  /** The file of a media message. */
  media?: MediaRef;
  /** An operator saw it: it was theirs to answer. */
  seen: boolean;
}

export interface HistoryQuery {
  ref: ConversationRef;
  /** Turns later than this are left out. */
  throughFence: number;
  /** Entries beside the messages that still await their answer, of which none is left out. */
  max: number;
}

export interface Store
  extends OperatorStore,
    BusinessStore,
    ContactStore,
    FileStore,
    MoneyStore,
    UpkeepStore {
  readonly driver: string;

  readTenants(): Promise<Tenant[]>;
  /** Creates or updates; numbers that left the file stay unless `prune`. Re-appending quarantined items is the caller's. */
  applyTenants(input: { tenants: Tenant[]; nowMs: number }): Promise<void>;

  append(batch: AppendBatch): Promise<Appended>;
  recordStatuses(batch: StatusBatch): Promise<StatusesRecorded>;

  takeConversations(input: { refs: ConversationRef[]; ownerId: string; nowMs: number }): Promise<Taken[]>;
  /** The last turn that was committed may be committed again, since its answer may have been lost: it is answered, and nothing written. */
  commitTurn(commit: TurnCommit): Promise<TurnCommitted>;
  /** Gives a lease back unused. */
  releaseLease(input: { lease: Lease; nowMs: number }): Promise<void>;

  settleActivity(outcome: ActivityOutcome): Promise<ActivitySettled>;
  fireTimers(input: {
    nowMs: number;
    max: number;
  }): Promise<{ wakes: ConversationRef[]; nextTimerAtMs: number | null }>;

  grantSends(request: GrantRequest): Promise<Granted[]>;
  /** A slot of the number for something that is no send (a read receipt); refused unless there is room to spare. */
  grantReceipt(input: {
    tenantId: string;
    phoneNumberId: string;
    rules: PaceRules;
    nowMs: number;
  }): Promise<boolean>;
  settleSends(input: { nowMs: number; settlements: SendSettlement[] }): Promise<SendsSettled>;
  resolveUncertain(input: { nowMs: number; startedAtMs: number }): Promise<UncertainResolved>;

  readHistory(query: HistoryQuery): Promise<HistoryEntry[]>;
  audit(input: { sinceMs: number; nowMs: number }): Promise<AuditReport>;
  close(): Promise<void>;
}
