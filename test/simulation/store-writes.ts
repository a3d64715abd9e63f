/**
 * Which calls of the store leave something behind of which their caller knows nothing when the answer is lost; a lost answer of
 * the others is a refusal. To add a method to the store, say here which it is.
 */
import type { Store } from '#core/ports/store.ts';

type Method = { [K in keyof Store]: Store[K] extends (...args: never[]) => unknown ? K : never }[keyof Store];

const leavesSomething = {
  append: true,
  appendBusiness: true,
  applyTenants: true,
  audit: false,
  beginAttempt: true,
  close: false,
  commitTurn: true,
  countContact: false,
  createApiKey: true,
  endAttempt: true,
  eraseContact: true,
  findApiKey: false,
  findContacts: false,
  findConversation: false,
  findFile: false,
  findFileUses: false,
  findUpload: false,
  findWork: true,
  fireTimers: true,
  forgetFile: true,
  grantReceipt: true,
  grantSends: true,
  handBack: true,
  holdAfterRestore: true,
  listApiKeys: false,
  listContactFiles: false,
  listDeadLetters: false,
  listFlags: false,
  listIdleHolds: false,
  listQuarantine: false,
  listSends: false,
  listStates: false,
  listUnusedFiles: false,
  markRedriven: true,
  noteFile: true,
  noteUpload: true,
  prune: true,
  readContact: false,
  readHistory: false,
  readLedger: false,
  readLimits: false,
  readTenants: false,
  readTranscript: false,
  recordStatuses: true,
  redriveDeadLetter: true,
  releaseLease: true,
  renewLeases: true,
  replyAsOperator: true,
  rescue: true,
  resolveFlags: true,
  resolveSend: true,
  resolveUncertain: true,
  revokeApiKey: true,
  settleActivity: true,
  settleSends: true,
  stats: false,
  takeConversations: true,
  takeOver: true,
} as const satisfies Record<Method, boolean>;

type Leaves = typeof leavesSomething;

export type StoreWrite = { [K in Method]: Leaves[K] extends true ? K : never }[Method];

export const isStoreWrite = (method: keyof Store): method is StoreWrite =>
  method !== 'driver' && leavesSomething[method];

export const storeWrites = (Object.keys(leavesSomething) as Method[]).filter(isStoreWrite);
