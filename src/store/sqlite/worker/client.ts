/**
 * The store as its caller sees it where it lives in another thread: each method is a call that travels and an answer that
 * comes back. Neither the disk nor a large commit stands between the caller's event loop and its sockets. Calls of one round
 * of the event loop travel together. To add a method of the port, name it in `callerOf`; say in `inData` what of it is no data.
 */
import type { MessagePort } from 'node:worker_threads';
import { limits } from '#core/limits.ts';
import { refuseWhenBehind } from '#core/model/behind.ts';
import { Fault } from '#core/model/faults.ts';
import type { CrashPoints } from '#core/ports/crash-points.ts';
import type { ActivityOutcome, AppendBatch, GrantRequest, Store, TurnCommit } from '#core/ports/store.ts';
import { Rounds } from '#core/rounds.ts';
import { rulesTold } from './grant-rules.ts';
import {
  type Answer,
  type Call,
  type FromStore,
  type Method,
  type OpenRequest,
  receivedError,
  tellStore,
} from './wire.ts';

export interface RemoteOptions {
  /** The other end of `serveStore`'s port. */
  port: MessagePort;
  path: string;
  /** In force in this thread. */
  limits: OpenRequest['limits'];
  /** As `SqliteOptions` has it. */
  afterRestore?: boolean;
  /** Runs a function after the I/O that is ready now; what is called until then travels together. */
  soon: (fn: () => void) => void;
  /** Looked at in this thread while the store waits; nobody is told if absent. */
  crashPoints?: CrashPoints;
}

export interface RemoteStore {
  /** @throws StoreRefused as `openSqliteStore` does */
  open(): Promise<Store>;
  /** The other thread is gone: what waits for it, and whatever is called from now on, ends as a fault. */
  lost(cause: Error): void;
}

interface Waiting {
  method: Method;
  resolve(value: never): void;
  reject(error: Error): void;
}

export function remoteStore(options: RemoteOptions): RemoteStore {
  return new Remote(options);
}

class Remote implements RemoteStore {
  readonly #options: RemoteOptions;
  readonly #acks: Rounds;
  readonly #rounds: Rounds;
  readonly #waiting = new Map<number, Waiting>();
  #calls: Call[] = [];
  #opening: { resolve(store: Store): void; reject(error: Error): void } | null = null;
  #lastId = 0;
  #behind = { main: 0, status: 0 };
  #ended: Fault | null = null;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#acks = new Rounds(options.soon, () => limits.answersPerRoundMax);
    this.#rounds = new Rounds(options.soon, () => limits.answersPerRoundMax);
  }

  open(): Promise<Store> {
    const { port, path, limits, crashPoints, afterRestore = false } = this.#options;
    const passed = crashPoints === undefined ? null : new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    port.on('message', (message: FromStore) => {
      if (message.kind === 'answers') this.#settle(message.answers);
      else if (message.kind === 'reached') {
        crashPoints?.reach(message.point);
        if (passed !== null) letPass(new Int32Array(passed));
      } else this.#opened(message);
    });
    tellStore(port, { kind: 'open', request: { path, limits, passed, afterRestore } });
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      if (this.#ended !== null) reject(this.#ended);
    });
  }

  lost(cause: Error): void {
    this.#end(
      new Fault(
        'storeUnavailable',
        'The store is gone: its worker thread ended. Nothing that waited for it is known to be stored. Start the server again.',
        { cause },
      ),
    );
  }

  #opened(message: Extract<FromStore, { kind: 'opened' | 'refused' }>): void {
    const opening = this.#opening;
    this.#opening = null;
    if (message.kind === 'refused') {
      this.#ended = closedFault();
      this.#options.port.close();
      opening?.reject(receivedError(message.error));
      return;
    }
    this.#options.port.unref();
    opening?.resolve(callerOf(message.driver, (method, input) => this.#call(method, input)));
  }

  #call<T>(method: Method, input: unknown): Promise<T> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      const lane = laneOf(method);
      refuseWhenBehind(method, this.#behind[lane]);
      this.#lastId += 1;
      const id = this.#lastId;
      this.#calls.push({ id, method, input: inData(method, input) });
      this.#behind[lane] += 1;
      this.#waiting.set(id, { method, resolve: resolve as (value: never) => void, reject });
      // What is under way keeps the process alive; a store that nobody asks does not.
      if (this.#waiting.size === 1) this.#options.port.ref();
      if (this.#calls.length === 1) this.#options.soon(() => this.#send());
    });
  }

  /** What travels is copied here; a large body's slices go in several rounds, so that others get their turn between them. */
  #send(): void {
    const calls = firstOf(this.#calls, limits.groupCommitCostMax / 4);
    if (calls.length === 0) return;
    if (this.#calls.length > 0) this.#options.soon(() => this.#send());
    try {
      tellStore(this.#options.port, { kind: 'calls', calls });
    } catch {
      for (const call of calls) this.#sendAlone(call);
    }
  }

  /** Something in the calls cannot travel: whose it is fails by itself. */
  #sendAlone(call: Call): void {
    try {
      tellStore(this.#options.port, { kind: 'calls', calls: [call] });
    } catch (error) {
      this.#answered({ id: call.id, error: error as Error });
    }
  }

  #settle(answers: readonly Answer[]): void {
    let isClosed = false;
    for (const answer of answers) {
      const method = this.#waiting.get(answer.id)?.method;
      if (method === 'close') isClosed = true;
      const settle = () =>
        this.#answered('error' in answer ? { id: answer.id, error: receivedError(answer.error) } : answer);
      // Whoever sent a body does not wait behind the turns that it made.
      if (method === 'append' || method === 'recordStatuses') this.#acks.run(1 / 4, settle);
      else this.#rounds.run(costOf(method, 'value' in answer ? answer.value : undefined), settle);
    }
    if (!isClosed) return;
    // What was committed by the close has its answers beside it.
    this.#acks.run(0, () => this.#rounds.run(0, () => this.#end(closedFault())));
  }

  #answered(answer: { id: number; value: unknown } | { id: number; error: Error }): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    this.#behind[laneOf(waiting.method)] -= 1;
    if (this.#waiting.size === 0) this.#options.port.unref();
    if ('error' in answer) waiting.reject(answer.error);
    else waiting.resolve(answer.value as never);
  }

  #end(fault: Fault): void {
    this.#ended ??= fault;
    this.#calls = [];
    this.#opening?.reject(this.#ended);
    this.#opening = null;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#options.port.close();
  }
}

/** Takes the first calls, up to a sum of what they bring; at least one. */
function firstOf(calls: Call[], max: number): Call[] {
  let sum = 0;
  const next = calls.findIndex((call, index) => {
    sum += sizeOf(call);
    return sum > max && index > 0;
  });
  return calls.splice(0, next < 0 ? calls.length : next);
}

/** In appended messages, about. */
const sizeOf = ({ method, input }: Call): number =>
  method === 'append' ? (input as AppendBatch).messages.length + 1 : 1;

const closedFault = (): Fault => new Fault('stopping', 'The store is closed: the process is stopping.');

const laneOf = (method: Method): 'main' | 'status' => (method === 'recordStatuses' ? 'status' : 'main');

/** What a caller does at once with an answer, in turns: those that were taken are run, what is granted is written. */
function costOf(method: Method | undefined, value: unknown): number {
  const isBatch = method === 'takeConversations' || method === 'grantSends';
  return isBatch && Array.isArray(value) ? value.length : 1;
}

function letPass(passed: Int32Array): void {
  Atomics.store(passed, 0, 1);
  Atomics.notify(passed, 0);
}

/** What a dialog or a model made is stored as JSON, so it travels as what JSON makes of it. @throws TypeError where nothing */
function plain<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value) ?? 'null') as T);
}

function inData(method: Method, input: unknown): unknown {
  if (method === 'grantSends') return rulesTold(input as GrantRequest);
  if (method === 'commitTurn') {
    const commit = input as TurnCommit;
    const activities = commit.activities.map((each) => ({ ...each, input: plain(each.input) }));
    const sends = commit.sends.map((send) => ({ ...send, body: plain(send.body) }));
    return { ...commit, activities, sends };
  }
  if (method === 'settleActivity') {
    const outcome = input as ActivityOutcome;
    return 'result' in outcome ? { ...outcome, result: plain(outcome.result) } : outcome;
  }
  return input;
}

type Caller = <T>(method: Method, input?: unknown) => Promise<T>;

function callerOf(driver: string, call: Caller): Store {
  let closing: Promise<void> | null = null;
  return {
    driver,
    rescue: (input) => call('rescue', input),
    renewLeases: (input) => call('renewLeases', input),
    readTenants: () => call('readTenants'),
    applyTenants: (input) => call('applyTenants', input),
    append: (batch) => call('append', batch),
    recordStatuses: (batch) => call('recordStatuses', batch),
    appendBusiness: (event) => call('appendBusiness', event),
    createApiKey: (input) => call('createApiKey', input),
    revokeApiKey: (input) => call('revokeApiKey', input),
    listApiKeys: (input) => call('listApiKeys', input),
    findApiKey: (digest) => call('findApiKey', digest),
    findContacts: (input) => call('findContacts', input),
    readContact: (input) => call('readContact', input),
    countContact: (input) => call('countContact', input),
    listContactFiles: (input) => call('listContactFiles', input),
    findFileUses: (input) => call('findFileUses', input),
    eraseContact: (input) => call('eraseContact', input),
    noteFile: (input) => call('noteFile', input),
    findFile: (file) => call('findFile', file),
    noteUpload: (input) => call('noteUpload', input),
    findUpload: (input) => call('findUpload', input),
    listUnusedFiles: (input) => call('listUnusedFiles', input),
    forgetFile: (input) => call('forgetFile', input),
    takeConversations: (input) => call('takeConversations', input),
    commitTurn: (commit) => call('commitTurn', commit),
    releaseLease: (input) => call('releaseLease', input),
    beginAttempt: (attempt) => call('beginAttempt', attempt),
    endAttempt: (attempt) => call('endAttempt', attempt),
    readLedger: (query) => call('readLedger', query),
    readLimits: (query) => call('readLimits', query),
    settleActivity: (outcome) => call('settleActivity', outcome),
    fireTimers: (input) => call('fireTimers', input),
    grantSends: (request) => call('grantSends', request),
    grantReceipt: (input) => call('grantReceipt', input),
    settleSends: (input) => call('settleSends', input),
    resolveUncertain: (input) => call('resolveUncertain', input),
    findWork: (input) => call('findWork', input),
    readHistory: (query) => call('readHistory', query),
    stats: () => call('stats'),
    audit: (input) => call('audit', input),
    prune: (input) => call('prune', input),
    listFlags: (input) => call('listFlags', input),
    listStates: (input) => call('listStates', input),
    resolveFlags: (input) => call('resolveFlags', input),
    takeOver: (input) => call('takeOver', input),
    replyAsOperator: (input) => call('replyAsOperator', input),
    handBack: (input) => call('handBack', input),
    listIdleHolds: (input) => call('listIdleHolds', input),
    readTranscript: (input) => call('readTranscript', input),
    findConversation: (input) => call('findConversation', input),
    listDeadLetters: (input) => call('listDeadLetters', input),
    redriveDeadLetter: (input) => call('redriveDeadLetter', input),
    listSends: (input) => call('listSends', input),
    resolveSend: (input) => call('resolveSend', input),
    holdAfterRestore: (input) => call('holdAfterRestore', input),
    listQuarantine: (input) => call('listQuarantine', input),
    markRedriven: (input) => call('markRedriven', input),
    close: () => (closing ??= call<void>('close')),
  };
}
