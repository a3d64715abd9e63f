/**
 * Every place where a process may die between two things that the outside can see: before and after each commit, and
 * before and after each write to a socket. A running server is given the empty implementation; a test gives one that ends
 * the process at a place, starts it again and looks what became of the messages. The list is total: a writing method of
 * the store or a request without its points does not compile.
 *
 * To add a commit or a socket write, add its name to the types below, what is true at its points to the list, and the
 * way to come there to `test/crash/`.
 */
import type { Store } from './store.ts';

/** Methods of the store that commit nothing. */
type StoreRead =
  | 'driver'
  | 'readTenants'
  | 'readHistory'
  | 'readLedger'
  | 'readLimits'
  | 'readTranscript'
  | 'stats'
  | 'audit'
  | 'findConversation'
  | 'listFlags'
  | 'listStates'
  | 'listIdleHolds'
  | 'listDeadLetters'
  | 'listSends'
  | 'listQuarantine'
  | 'listApiKeys'
  | 'findApiKey'
  | 'findFile'
  | 'findUpload'
  | 'listUnusedFiles'
  | 'findContacts'
  | 'readContact'
  | 'countContact'
  | 'listContactFiles'
  | 'findFileUses'
  | 'close';

/** A transaction: one for each writing method of the store, and the change of the schema at a start. */
export type Transaction = Exclude<keyof Store, StoreRead> | 'migrate';

/** What a request is made for. */
export type RequestPurpose =
  | 'graphSend'
  | 'graphReceipt'
  | 'graphMedia'
  | 'graphRead'
  | 'mediaFile'
  | 'mediaUpload'
  | 'fileStore'
  | 'model'
  | 'provider'
  | 'doctor';

/** An answer that this process gives. */
export type AnswerName = 'webhookAnswer' | 'eventAnswer' | 'commandAnswer';

export type CrashPoint =
  | `${Transaction}.${'beforeCommit' | 'afterCommit'}`
  | `${RequestPurpose}.${'beforeWrite' | 'afterWrite' | 'afterAnswer'}`
  | `${AnswerName}.${'beforeWrite' | 'afterWrite'}`;

export interface CrashPoints {
  /** The process is at this point. Neither throws nor waits: a caller goes on as if nothing had been called. */
  reach(point: CrashPoint): void;
}

/** For every process that is not to die. */
export const noCrashPoints: CrashPoints = { reach() {} };

/**
 * What is true at each point. `beforeCommit`: the change is made inside an open transaction; `afterCommit`: it is durable
 * and its caller does not know yet. `beforeWrite`: the socket is connected and not a byte is written; `afterWrite`: the
 * last byte is with the system; `afterAnswer`: the whole answer is here and its caller does not know yet.
 */
export const crashPoints: Readonly<Record<CrashPoint, string>> = {
  'migrate.beforeCommit': 'the tables of the newest schema are made and not yet there',
  'migrate.afterCommit': 'the schema is the newest; nobody has used it',
  'rescue.beforeCommit': 'what a dead process had under way is taken over and still counts as that process’',
  'rescue.afterCommit':
    'leases, activities and sends of the dead process are free or uncertain; no work was found yet',
  'renewLeases.beforeCommit': 'running activities are prolonged, not durably',
  'renewLeases.afterCommit': 'running activities are prolonged for a process that dies now',
  'holdAfterRestore.beforeCommit': 'a backup was restored; what is open in it would still go on',
  'holdAfterRestore.afterCommit': 'what was open in a backup is held for a person; nothing else was done',
  'applyTenants.beforeCommit': 'the operator’s tenants are not stored',
  'applyTenants.afterCommit':
    'the tenants are stored; the operator has no answer, nothing of the quarantine was put in',
  'append.beforeCommit': 'nothing of the body is stored; Meta has no answer and sends it again',
  'append.afterCommit': 'the body is stored; Meta has no answer and sends it again',
  'recordStatuses.beforeCommit': 'the status is not stored; Meta has no answer and sends it again',
  'recordStatuses.afterCommit': 'the status is stored; Meta has no answer and sends it again',
  'takeConversations.beforeCommit': 'no lease is stored; the events wait in the mailbox',
  'takeConversations.afterCommit': 'the conversation is leased to a process that dies now',
  'commitTurn.beforeCommit': 'the turn has been run; nothing of it is stored',
  'commitTurn.afterCommit': 'the turn is stored; its sends, activities and timers were handed to nobody',
  'releaseLease.beforeCommit': 'a conversation that nobody can answer now is still leased',
  'releaseLease.afterCommit': 'the lease is given back; the events wait in the mailbox',
  'beginAttempt.beforeCommit': 'what paid work costs is reserved; nothing says that its provider is asked',
  'beginAttempt.afterCommit': 'the paid request counts as under way; not a byte of it was written',
  'endAttempt.beforeCommit': 'a paid request has failed; the store knows only that it was under way',
  'endAttempt.afterCommit': 'a paid request has failed and will be repeated; nobody has begun to',
  'settleActivity.beforeCommit': 'the model’s answer is known to this process alone',
  'settleActivity.afterCommit': 'the model’s answer is an event in the mailbox; no wake announced it',
  'fireTimers.beforeCommit': 'the timer is due and still a timer',
  'fireTimers.afterCommit': 'the timer is an event in the mailbox; no wake announced it',
  'grantSends.beforeCommit': 'the send is queued, its slot is not taken',
  'grantSends.afterCommit': 'the send counts as on the wire; not a byte of it was written',
  'grantReceipt.beforeCommit': 'the slot of a read receipt is not taken',
  'grantReceipt.afterCommit': 'the slot of a read receipt is taken; the receipt was not written',
  'settleSends.beforeCommit': 'Meta has accepted the send; the store knows only that it was on the wire',
  'settleSends.afterCommit': 'the send is stored as accepted; the next of its lane was not told',
  'resolveUncertain.beforeCommit': 'the fate of an uncertain send is decided, not durably',
  'resolveUncertain.afterCommit': 'the fate of an uncertain send is decided; nobody acted on it',
  'findWork.beforeCommit': 'what waits was found; its activities belong to nobody',
  'findWork.afterCommit': 'what waits was found; its activities belong to a process that dies now',
  'prune.beforeCommit': 'old rows are still there',
  'prune.afterCommit': 'a step of old rows is gone',
  'resolveFlags.beforeCommit': 'the flag is open; the operator has no answer',
  'resolveFlags.afterCommit': 'the flag is resolved; the operator has no answer',
  'takeOver.beforeCommit': 'the bot holds the conversation; the operator has no answer',
  'takeOver.afterCommit': 'the operator holds the conversation and has no answer',
  'replyAsOperator.beforeCommit': 'nothing of the operator’s words is stored; they have no answer',
  'replyAsOperator.afterCommit': 'the operator’s words are queued; they have no answer',
  'handBack.beforeCommit': 'the operator holds the conversation and has no answer',
  'handBack.afterCommit': 'the bot holds the conversation; no wake announced it, the operator has no answer',
  'redriveDeadLetter.beforeCommit': 'the dead letter is where it was; the operator has no answer',
  'redriveDeadLetter.afterCommit':
    'the event is in its mailbox again; no wake announced it, the operator has no answer',
  'resolveSend.beforeCommit': 'the send waits for a verdict; the operator has no answer',
  'resolveSend.afterCommit': 'the verdict is stored; nobody acted on it, the operator has no answer',
  'appendBusiness.beforeCommit':
    'nothing of the event of the business is stored; its sender has no answer and sends it again',
  'appendBusiness.afterCommit':
    'the event of the business is in the mailbox; no wake announced it, its sender has no answer and sends it again',
  'createApiKey.beforeCommit': 'no key is stored; the operator has no answer',
  'createApiKey.afterCommit': 'a key is stored that nobody has seen; the operator has no answer',
  'revokeApiKey.beforeCommit': 'the key opens still; the operator has no answer',
  'revokeApiKey.afterCommit': 'the key opens no more; the operator has no answer',
  'eraseContact.beforeCommit': 'all of a contact is stored; the operator has no answer',
  'eraseContact.afterCommit':
    'the contact is erased, its bytes may stand in the log of commits; the operator has no answer',
  'noteFile.beforeCommit': 'the bytes of a file are there; the store does not know of it',
  'noteFile.afterCommit': 'a file is kept; whoever made or fetched it does not know yet',
  'noteUpload.beforeCommit': 'Meta has a file; only this process knows under which id',
  'noteUpload.afterCommit': 'it is stored under which id Meta has a file; nobody sent it yet',
  'forgetFile.beforeCommit': 'the bytes of an old file are gone; the store still knows of it',
  'forgetFile.afterCommit': 'an old file is gone and forgotten',
  'markRedriven.beforeCommit': 'what was in quarantine stands in its mailbox and still counts as quarantined',
  'markRedriven.afterCommit': 'what was in quarantine stands in its mailbox; nobody was told',

  'graphSend.beforeWrite': 'the send counts as on the wire; not a byte of it was written',
  'graphSend.afterWrite': 'the send is with Meta, which may have accepted it',
  'graphSend.afterAnswer': 'Meta has accepted the send; only this process knows its wamid',
  'graphReceipt.beforeWrite': 'the read receipt was not written',
  'graphReceipt.afterWrite': 'the read receipt is with Meta',
  'graphReceipt.afterAnswer': 'the read receipt is shown; nobody counted it',
  'graphMedia.beforeWrite': 'Meta was not asked where a customer’s file lies',
  'graphMedia.afterWrite': 'Meta was asked where a customer’s file lies',
  'graphMedia.afterAnswer': 'it is known where a customer’s file lies; it was not fetched',
  'mediaFile.beforeWrite': 'a customer’s file was not asked for',
  'mediaFile.afterWrite': 'a customer’s file was asked for',
  'mediaFile.afterAnswer': 'a customer’s file is here; nobody has looked at it',
  'mediaUpload.beforeWrite': 'a file was not given to Meta',
  'mediaUpload.afterWrite': 'a file was given to Meta, which may have taken it',
  'mediaUpload.afterAnswer': 'Meta has a file; only this process knows under which id',
  'fileStore.beforeWrite': 'the bucket of files was not asked to keep, give or remove a file',
  'fileStore.afterWrite': 'the bucket was asked to keep, give or remove a file, and may have done it',
  'fileStore.afterAnswer': 'the bucket has done what it was asked; the store does not know of it',
  'graphRead.beforeWrite': 'Meta was not asked about a number of ours',
  'graphRead.afterWrite': 'Meta was asked about a number of ours',
  'graphRead.afterAnswer': 'Meta has told about a number of ours; the operator has no answer',
  'model.beforeWrite': 'the activity runs; the model was not asked',
  'model.afterWrite': 'the model was asked and works, which may cost',
  'model.afterAnswer': 'the model’s answer is here; the store knows only that the activity runs',
  'provider.beforeWrite': 'the paid request counts as under way; its provider was not asked',
  'provider.afterWrite': 'the provider was asked and works, which costs',
  'provider.afterAnswer': 'the provider has charged and answered; the store knows only that it was asked',
  'doctor.beforeWrite': 'an address was not tried',
  'doctor.afterWrite': 'an address was tried',
  'doctor.afterAnswer': 'an address answers; the operator has no answer',

  'eventAnswer.beforeWrite':
    'the event of the business is stored; not a byte of the 202 was written, so it is sent again',
  'eventAnswer.afterWrite': 'the 202 is with the system: the event of the business is acknowledged',
  'webhookAnswer.beforeWrite':
    'the body is stored; not a byte of the 200 was written, so Meta sends it again',
  'webhookAnswer.afterWrite': 'the 200 is with the system: the body is acknowledged',
  'commandAnswer.beforeWrite': 'the command is done; the operator has no answer',
  'commandAnswer.afterWrite': 'the command is done; its answer is with the system',
};
