/**
 * The part of the store that people use: flags, holds, dead letters, uncertain sends, quarantine, the audit. Low
 * volume, one transaction each, every change with the name of who made it.
 */
import type { FlagReason } from '../model/effects.ts';
import type { InboundMessage, InboundStatus, QuarantineReason } from '../model/events.ts';
import type { ConversationRef } from '../model/ids.ts';
import type { NewSend, SendRef, SendState } from '../model/sends.ts';

export interface FlagRow extends ConversationRef {
  flagId: string;
  reason: FlagReason;
  detail: string | null;
  count: number;
  phoneNumberId: string;
  contact: string;
  holder: 'bot' | 'operator';
  createdAtMs: number;
  lastAtMs: number;
  resolvedAtMs: number | null;
}

export interface DeadLetterRow extends ConversationRef {
  deadLetterId: string;
  position: number;
  kind: string;
  fault: string;
  createdAtMs: number;
  redrivenAtMs: number | null;
}

export interface SendRow extends ConversationRef {
  sendId: string;
  phoneNumberId: string;
  state: SendState;
  delivery: string;
  wamid: string | null;
  attempts: number;
  why: string | null;
  errorCode: number | null;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface QuarantineRow {
  quarantineId: string;
  tenantId: string;
  reason: QuarantineReason;
  phoneNumberId: string | null;
  item: InboundMessage | InboundStatus | null;
  bytes: Uint8Array | null;
  createdAtMs: number;
  redrivenAtMs: number | null;
}

export interface TranscriptLine {
  role: 'customer' | 'bot' | 'operator';
  atMs: number;
  kind: string;
  text: string;
  state: string | null;
}

/** The stored state of a dialog, as `nightdesk check --live` looks at it. */
export interface StateRow {
  tenantId: string;
  conversationId: string;
  phoneNumberId: string;
  stateLabel: string | null;
  state: string;
}

/** Ends of acknowledged events, counted; `missing` must be empty. */
export interface AuditReport {
  sinceMs: number;
  events: number;
  byEnd: Record<string, number>;
  /** Under way right now: not consumed yet, or awaiting an answer that is being made or sent. */
  underWay: number;
  missing: { tenantId: string; conversationId: string; position: number; kind: string; why: string }[];
  missingCount: number;
  provenDuplicates: number;
}

/** `isUnseen`: held since a restore, and no person has taken it yet. */
export type IdleHold = ConversationRef & { sinceMs: number; isUnseen: boolean };

/** What was open in a store that was restored, and waits for a person now. */
export interface HeldAfterRestore {
  /** When the backup was made; null where the database is not one. */
  takenAtMs: number | null;
  conversations: number;
  /** Customers' messages without an answer. */
  messages: number;
  sends: number;
  activities: number;
  /** Entries of the ledger. */
  charges: number;
  timers: number;
  quarantined: number;
}

export interface OperatorStore {
  /**
   * Everything that was under way is held for a person, in one commit: what became of it since the backup is not known here,
   * so nothing of it is sent, run or asked again by itself. Comes before anything else is asked of a store that was restored.
   */
  holdAfterRestore(input: { nowMs: number }): Promise<HeldAfterRestore>;

  listFlags(input: { tenantId?: string; open: boolean; max: number }): Promise<FlagRow[]>;
  resolveFlags(input: {
    tenantId: string;
    flagIds?: string[];
    conversationId?: string;
    by: string;
    nowMs: number;
  }): Promise<number>;
  /** The bot falls silent: its unsent sends are withdrawn, running turns and activities lose their effect. */
  takeOver(input: {
    ref: ConversationRef;
    by: string;
    nowMs: number;
  }): Promise<{ withdrawn: number; cancelled: string[] }>;
  /** Sends an operator's words; takes over first where the bot holds the conversation. */
  replyAsOperator(input: {
    ref: ConversationRef;
    by: string;
    sends: NewSend[];
    nowMs: number;
  }): Promise<{ sends: SendRef[]; cancelled: string[] }>;
  /** Gives the conversation back; messages after the operator's last word are left to the bot. */
  handBack(input: { ref: ConversationRef; by: string; nowMs: number }): Promise<{ reopened: number }>;
  /** Holds without an operator's word for `idleMs`, oldest first. */
  listIdleHolds(input: { nowMs: number; idleMs: number; max: number }): Promise<IdleHold[]>;
  /** Stored states in key order, those after one conversation; none of conversations that were merged into another. */
  listStates(input: {
    after: { tenantId: string; conversationId: string } | null;
    max: number;
  }): Promise<StateRow[]>;
  readTranscript(input: { ref: ConversationRef; max: number }): Promise<TranscriptLine[]>;
  findConversation(input: {
    tenantId: string;
    phoneNumberId: string;
    address: string;
  }): Promise<ConversationRef | null>;

  listDeadLetters(input: { tenantId?: string; open: boolean; max: number }): Promise<DeadLetterRow[]>;
  redriveDeadLetter(input: {
    tenantId: string;
    deadLetterId: string;
    by: string;
    nowMs: number;
  }): Promise<ConversationRef>;

  listSends(input: { tenantId?: string; states: SendState[]; max: number }): Promise<SendRow[]>;
  /** A person decides what became of an uncertain or held send. */
  resolveSend(input: {
    tenantId: string;
    sendId: string;
    verdict: 'accepted' | 'resend' | 'withdraw';
    by: string;
    nowMs: number;
  }): Promise<SendRef[]>;

  listQuarantine(input: { open: boolean; max: number; phoneNumberIds?: string[] }): Promise<QuarantineRow[]>;
  markRedriven(input: { quarantineIds: string[]; nowMs: number }): Promise<void>;
}
