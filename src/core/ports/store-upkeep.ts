/**
 * The part of the store that keeps it going: what a crash left behind is taken over, what no wake announced is found, what is old
 * enough is deleted. None of it is on the hot path, and any number of processes may do it at once.
 */
import type { ConversationRef } from '../model/ids.ts';
import type { SendRef, SendState } from '../model/sends.ts';
import type { RunnableActivity } from './store.ts';

/** Costs to be found out go with the activities. */
export type WorkKind = 'conversations' | 'activities' | 'sends';

export interface Work {
  conversations: { ref: ConversationRef; dueAtMs: number }[];
  activities: RunnableActivity[];
  /** Of which nobody waits for a result any more, and nobody knows yet what they cost. */
  charges: RunnableActivity[];
  sends: SendRef[];
  nextTimerAtMs: number | null;
  nextUncertainAtMs: number | null;
  /** Another one than before says that tenants were applied since, perhaps by another process. */
  tenantsVersion: string;
}

export interface Rescued {
  conversations: number;
  activities: number;
  /** Entries of the ledger. */
  charges: number;
  uncertain: number;
}

export interface StoreStats {
  mailboxDepth: number;
  mailboxOldestMs: number | null;
  awaiting: number;
  flagsOpen: number;
  deadLettersOpen: number;
  quarantineOpen: number;
  sendsByState: Partial<Record<SendState, number>>;
  conversationsByState: { label: string; count: number }[];
  held: number;
}

export interface UpkeepStore {
  /**
   * Takes away from its owner what ran out, the caller's own included: the answer that gave it more may have been lost. With `all`
   * it takes all that others have, who are dead then.
   */
  rescue(input: { ownerId: string; nowMs: number; all: boolean }): Promise<Rescued>;
  /**
   * Renews what `ownerId` runs, of which it `knows`: the answer that gave it more may have been lost, and what nobody runs must
   * run out. All that it owns where absent. Returns what it knows and does not own any more: cancelled, ended, taken over.
   */
  renewLeases(input: {
    ownerId: string;
    nowMs: number;
    knows?: readonly string[];
  }): Promise<{ lost: string[] }>;
  /** Only some kinds of work where a process runs not all of it: what is claimed for somebody who does not do it waits in vain. */
  findWork(input: { ownerId: string; nowMs: number; max: number; only?: readonly WorkKind[] }): Promise<Work>;
  stats(): Promise<StoreStats>;
  /** Deletes a small step of what is older than allowed; returns the rows it removed, 0 where nothing is left or another process is at it. */
  prune(input: {
    nowMs: number;
    retentionMs: number;
    dedupeKeepMs: number;
    maxRows: number;
  }): Promise<number>;
}
