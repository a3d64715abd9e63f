/**
 * The SQLite driver of the store port: it binds each method to its statements and to a lane of the group commit.
 * Reads run at once on the same connection, between commits. To add a method, write its statements in the file of
 * its subject and bind them here.
 */

import { refuseWhenBehind } from '#core/model/behind.ts';
import { Fault } from '#core/model/faults.ts';
import type { CrashPoints, Transaction } from '#core/ports/crash-points.ts';
import type { FileStore } from '#core/ports/files.ts';
import type { Store } from '#core/ports/store.ts';
import type { ContactStore } from '#core/ports/store-contacts.ts';
import { readContact } from './contacts/contact-export.ts';
import { findFileUses, listContactFiles } from './contacts/contact-files.ts';
import { findContacts } from './contacts/contact-scope.ts';
import { countContact, eraseContact, scrub } from './contacts/erase.ts';
import type { Context } from './database/context.ts';
import { type Database, faultOf, openDatabase } from './database/database.ts';
import { GroupCommit } from './database/group-commit.ts';
import * as files from './files.ts';
import { fireTimers, settleActivity } from './mailbox/activities.ts';
import { append } from './mailbox/append.ts';
import * as business from './mailbox/business.ts';
import { readHistory, readTranscript } from './mailbox/history.ts';
import { commitTurn, releaseLease, takeConversation } from './mailbox/turns.ts';
import { beginAttempt, endAttempt } from './money/ledger.ts';
import { readLedger } from './money/ledger-report.ts';
import { readLimits } from './money/limits.ts';
import { audit } from './operators/audit.ts';
import * as lists from './operators/lists.ts';
import * as operators from './operators/operators.ts';
import { grantReceipt, grantSends } from './outbox/grants.ts';
import { settleSends } from './outbox/settle.ts';
import { recordStatuses } from './outbox/statuses.ts';
import { resolveUncertain } from './outbox/uncertain.ts';
import { applyTenants, readTenants } from './tenants.ts';
import { createPruner } from './upkeep/prune.ts';
import { findWork, renewLeases, rescue } from './upkeep/repair.ts';
import { holdAfterRestore } from './upkeep/restored.ts';

export { isOwned, StoreRefused } from './database/database.ts';

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  path: string;
  /** Runs a function after the I/O that is ready now; what is submitted until then shares one commit. */
  soon: (fn: () => void) => void;
  /** Bounds what one commit holds up; absent where time does not pass meanwhile. */
  monotonicMs?: () => number;
  random: () => number;
  /** Told of every commit; nobody is if absent. */
  crashPoints?: CrashPoints;
  /** Opens what is a backup, too; its caller holds what was open in it before anything else. */
  afterRestore?: boolean;
}

/**
 * Of changes that come in bursts, in appended messages, about: their statements, and what their callers do at once when
 * they are committed. A turn is computed when its conversation was taken, and its activity begins when it was committed.
 */
const costs = { take: 2, commitTurn: 4 } as const;

/** @throws StoreRefused where the file is owned, corrupt, a backup, newer than this code or cannot be written. */
export function openSqliteStore(options: SqliteOptions): Store {
  return storeOn(openDatabase(options.path, options), options);
}

/** The store on a database that is open already; closing the store closes it. */
export function storeOn(db: Database, options: Omit<SqliteOptions, 'path'>): Store {
  const context: Context = { db, random: options.random };
  const commits = new GroupCommit(db, options);
  const write = <T>(transaction: Transaction, change: () => T, cost = 1) =>
    commits.submit('main', transaction, change, cost);
  const read = async <T>(look: () => T): Promise<T> => {
    if (!db.raw.isOpen) throw new Fault('stopping', 'The store is closed: the process is stopping.');
    try {
      return look();
    } catch (error) {
      throw faultOf(error);
    }
  };
  const prune = createPruner();
  return {
    driver: 'sqlite',
    rescue: (input) => write('rescue', () => rescue(context, input)),
    renewLeases: (input) => write('renewLeases', () => renewLeases(context, input)),
    readTenants: () => read(() => readTenants(context)),
    applyTenants: (input) => write('applyTenants', () => applyTenants(context, input)),
    append: async (batch) => {
      refuseWhenBehind('append', commits.waiting('main'));
      const cost = batch.messages.length + batch.notices.length + batch.quarantine.length;
      return write('append', () => append(context, batch), cost);
    },
    recordStatuses: async (batch) => {
      refuseWhenBehind('recordStatuses', commits.waiting('status'));
      const cost = batch.statuses.length;
      return commits.submit('status', 'recordStatuses', () => recordStatuses(context, batch), cost);
    },
    appendBusiness: async (event) => {
      refuseWhenBehind('appendBusiness', commits.waiting('main'));
      return write('appendBusiness', () => business.appendBusiness(context, event));
    },
    createApiKey: (input) => write('createApiKey', () => business.createApiKey(context, input)),
    revokeApiKey: (input) => write('revokeApiKey', () => business.revokeApiKey(context, input)),
    listApiKeys: (input) => read(() => business.listApiKeys(context, input)),
    findApiKey: (digest) => read(() => business.findApiKey(context, digest)),
    ...contactMethods(context, write, read),
    ...fileMethods(context, write, read),
    takeConversations: ({ refs, ownerId, nowMs }) =>
      write(
        'takeConversations',
        () => refs.map((ref) => takeConversation(context, ref, ownerId, nowMs)),
        refs.length * costs.take,
      ),
    commitTurn: (commit) => write('commitTurn', () => commitTurn(context, commit), costs.commitTurn),
    releaseLease: (input) => write('releaseLease', () => releaseLease(context, input)),
    beginAttempt: (attempt) => write('beginAttempt', () => beginAttempt(context, attempt)),
    endAttempt: (attempt) => write('endAttempt', () => endAttempt(context, attempt)),
    readLedger: (query) => read(() => readLedger(context, query)),
    readLimits: (query) => read(() => readLimits(context, query)),
    settleActivity: (outcome) => write('settleActivity', () => settleActivity(context, outcome)),
    fireTimers: (input) => write('fireTimers', () => fireTimers(context, input)),
    grantSends: (request) => write('grantSends', () => grantSends(context, request)),
    grantReceipt: (input) => write('grantReceipt', () => grantReceipt(context, input)),
    settleSends: ({ nowMs, settlements }) =>
      write('settleSends', () => settleSends(context, nowMs, settlements)),
    resolveUncertain: (input) => write('resolveUncertain', () => resolveUncertain(context, input)),
    findWork: (input) => write('findWork', () => findWork(context, input)),
    readHistory: (query) => read(() => readHistory(context, query)),
    stats: () => read(() => lists.stats(context)),
    audit: (input) => read(() => audit(context, input)),
    prune: (input) => write('prune', () => prune(context, input)),
    listFlags: (input) => read(() => lists.listFlags(context, input)),
    listStates: (input) => read(() => lists.listStates(context, input)),
    resolveFlags: (input) => write('resolveFlags', () => operators.resolveFlags(context, input)),
    takeOver: (input) => write('takeOver', () => operators.takeOver(context, input)),
    replyAsOperator: (input) => write('replyAsOperator', () => operators.replyAsOperator(context, input)),
    handBack: (input) => write('handBack', () => operators.handBack(context, input)),
    listIdleHolds: (input) => read(() => lists.listIdleHolds(context, input)),
    readTranscript: (input) => read(() => readTranscript(context, input)),
    findConversation: (input) => read(() => lists.findConversation(context, input)),
    listDeadLetters: (input) => read(() => lists.listDeadLetters(context, input)),
    holdAfterRestore: (input) => write('holdAfterRestore', () => holdAfterRestore(context, input)),
    redriveDeadLetter: (input) =>
      write('redriveDeadLetter', () => operators.redriveDeadLetter(context, input)),
    listSends: (input) => read(() => lists.listSends(context, input)),
    resolveSend: (input) => write('resolveSend', () => operators.resolveSend(context, input)),
    listQuarantine: (input) => read(() => lists.listQuarantine(context, input)),
    markRedriven: (input) => write('markRedriven', () => lists.markRedriven(context, input)),
    close: async () => {
      commits.close();
      db.close();
    },
  };
}

type Write = <T>(transaction: Transaction, change: () => T, cost?: number) => Promise<T>;
type Read = <T>(look: () => T) => Promise<T>;

function contactMethods(context: Context, write: Write, read: Read): ContactStore {
  return {
    findContacts: (input) => read(() => findContacts(context, input)),
    readContact: (input) => read(() => readContact(context, input)),
    countContact: (input) => read(() => countContact(context, input)),
    listContactFiles: (input) => read(() => listContactFiles(context, input)),
    findFileUses: (input) => read(() => findFileUses(context, input)),
    eraseContact: async (input) => {
      const erased = await write('eraseContact', () => eraseContact(context, input));
      return { ...erased, isScrubbed: await read(() => scrub(context.db)) };
    },
  };
}

function fileMethods(context: Context, write: Write, read: Read): FileStore {
  return {
    noteFile: (input) => write('noteFile', () => files.noteFile(context, input)),
    findFile: (file) => read(() => files.findFile(context, file)),
    noteUpload: (input) => write('noteUpload', () => files.noteUpload(context, input)),
    findUpload: (input) => read(() => files.findUpload(context, input)),
    listUnusedFiles: (input) => read(() => files.listUnusedFiles(context, input)),
    forgetFile: (input) => write('forgetFile', () => files.forgetFile(context, input)),
  };
}
