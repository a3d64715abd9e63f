/**
 * The SQLite driver of the store port: it binds each method to its statements and to a lane of the group commit.
 * Reads run at once on the same connection, between commits. To add a method, write its statements in the file of
 * its subject and bind them here.
 */

import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { fireTimers, settleActivity } from './activities.ts';
import { append } from './append.ts';
import { audit } from './audit.ts';
import type { Context } from './context.ts';
import { type Database, faultOf, openDatabase } from './database.ts';
import { grantReceipt, grantSends } from './grants.ts';
import { GroupCommit } from './group-commit.ts';
import { readHistory, readTranscript } from './history.ts';
import * as lists from './lists.ts';
import * as operators from './operators.ts';
import { createPruner } from './prune.ts';
import { findWork, renewLeases, rescue } from './repair.ts';
import { settleSends } from './settle.ts';
import { recordStatuses } from './statuses.ts';
import { applyTenants, readTenants } from './tenants.ts';
import { commitTurn, releaseLease, takeConversation } from './turns.ts';
import { resolveUncertain } from './uncertain.ts';

export { isOwned, StoreRefused } from './database.ts';

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  path: string;
  /** Runs a function after the I/O that is ready now; what is submitted until then shares one commit. */
  soon: (fn: () => void) => void;
  random: () => number;
}

/** @throws StoreRefused where the file is owned, corrupt, newer than this code or cannot be written. */
export function openSqliteStore(options: SqliteOptions): Store {
  return storeOn(openDatabase(options.path), options);
}

/** The store on a database that is open already; closing the store closes it. */
export function storeOn(db: Database, options: Omit<SqliteOptions, 'path'>): Store {
  const context: Context = { db, random: options.random };
  const commits = new GroupCommit(db, options.soon);
  const write = <T>(change: () => T) => commits.submit('main', change);
  const read = async <T>(look: () => T): Promise<T> => {
    if (!db.raw.isOpen) throw new Fault('stopping', 'The store is closed: the process is stopping.');
    try {
      return look();
    } catch (error) {
      throw faultOf(error);
    }
  };
  const refuseWhenBehind = (lane: 'main' | 'status') => {
    if (commits.waiting(lane) < limits.appendWaitingMax) return;
    throw new Fault(
      'overloaded',
      'More bodies wait for a commit than may wait; Meta keeps them and comes back.',
      { retryAfterMs: limits.retryAfterMs },
    );
  };
  const prune = createPruner();
  return {
    driver: 'sqlite',
    rescue: (input) => write(() => rescue(context, input)),
    renewLeases: (input) => write(() => renewLeases(context, input)),
    readTenants: () => read(() => readTenants(context)),
    applyTenants: (input) => write(() => applyTenants(context, input)),
    append: async (batch) => {
      refuseWhenBehind('main');
      return write(() => append(context, batch));
    },
    recordStatuses: async (batch) => {
      refuseWhenBehind('status');
      return commits.submit('status', () => recordStatuses(context, batch));
    },
    takeConversations: ({ refs, ownerId, nowMs }) =>
      write(() => refs.map((ref) => takeConversation(context, ref, ownerId, nowMs))),
    commitTurn: (commit) => write(() => commitTurn(context, commit)),
    releaseLease: (input) => write(() => releaseLease(context, input)),
    settleActivity: (outcome) => write(() => settleActivity(context, outcome)),
    fireTimers: (input) => write(() => fireTimers(context, input)),
    grantSends: (request) => write(() => grantSends(context, request)),
    grantReceipt: (input) => write(() => grantReceipt(context, input)),
    settleSends: ({ nowMs, settlements }) => write(() => settleSends(context, nowMs, settlements)),
    resolveUncertain: (input) => write(() => resolveUncertain(context, input)),
    findWork: (input) => write(() => findWork(context, input)),
    readHistory: (query) => read(() => readHistory(context, query)),
    stats: () => read(() => lists.stats(context)),
    audit: (input) => read(() => audit(context, input)),
    prune: (input) => write(() => prune(context, input)),
    listFlags: (input) => read(() => lists.listFlags(context, input)),
    resolveFlags: (input) => write(() => operators.resolveFlags(context, input)),
    takeOver: (input) => write(() => operators.takeOver(context, input)),
    replyAsOperator: (input) => write(() => operators.replyAsOperator(context, input)),
    handBack: (input) => write(() => operators.handBack(context, input)),
    listIdleHolds: (input) => read(() => lists.listIdleHolds(context, input)),
    readTranscript: (input) => read(() => readTranscript(context, input)),
    findConversation: (input) => read(() => lists.findConversation(context, input)),
    listDeadLetters: (input) => read(() => lists.listDeadLetters(context, input)),
    redriveDeadLetter: (input) => write(() => operators.redriveDeadLetter(context, input)),
    listSends: (input) => read(() => lists.listSends(context, input)),
    resolveSend: (input) => write(() => operators.resolveSend(context, input)),
    listQuarantine: (input) => read(() => lists.listQuarantine(context, input)),
    markRedriven: (input) => write(() => lists.markRedriven(context, input)),
    close: async () => {
      commits.close();
      db.close();
    },
  };
}
