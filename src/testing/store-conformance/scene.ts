/**
 * The stage of a conformance case: one store, a clock that stands still, ids from a seed, and the few verbs that most
 * cases need (a customer says something, the bot answers, Meta accepts). Every verb goes through the port, so a case
 * knows nothing of a driver's tables.
 */
import assert from 'node:assert/strict';
import type { InboundMessage, InboundStatus, MessageKind, Sender } from '#core/model/events.ts';
import { answerClassOf } from '#core/model/events.ts';
import { type ConversationRef, type IdPrefix, makeId } from '#core/model/ids.ts';
import type { NewSend, SendState } from '#core/model/sends.ts';
import type {
  AppendBatch,
  Appended,
  Granted,
  PaceRules,
  SendRef,
  SendSettlement,
  Store,
  TakenConversation,
  TurnCommit,
} from '#core/ports/store.ts';
import type { SendRow } from '#core/ports/store-operators.ts';
import type { NumberSettings, PhoneNumber } from '#core/ports/tenants.ts';
import { type FakeWorld, fakeWorld } from '../fake-world.ts';

/** The invariants of the architecture that a store has a part in. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11';

export interface OpenedStore {
  store: Store;
  /** Closes the store and opens the same data again, as after a restart; absent where nothing outlives a store. */
  reopen?(): Promise<Store>;
  close(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

export interface CaseBody {
  name: string;
  invariant?: Invariant;
  body(scene: Scene): Promise<void>;
}

export const owner = 'own_first';
export const otherOwner = 'own_second';
export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export interface Said {
  from?: Sender;
  number?: PhoneNumber;
  kind?: InboundMessage['kind'];
  content?: InboundMessage['content'];
  wamid?: string;
  sentAtMs?: number;
}

export type CommitParts = Partial<Omit<TurnCommit, 'lease' | 'nowMs'>>;

export const wide: PaceRules = {
  numberPerSecond: 1_000,
  wabaPerSecond: null,
  tenantPerSecond: null,
  pairEveryMs: 6 * secondMs,
  pairBurst: 40,
  wabaId: 'waba',
  waitDeliveredMs: null,
};

export function phoneNumber(settings: NumberSettings = {}, over: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    tenantId: 'acme',
    phoneNumberId: '100',
    wabaId: 'waba',
    displayNumber: '+1 555 010 0200',
    dialog: 'assistant',
    sendsPerSecondMax: 1_000,
    settings,
    ...over,
  };
}

export async function openScene(open: OpenStore): Promise<Scene> {
  return new Scene(await open());
}

export class Scene {
  readonly world: FakeWorld = fakeWorld(1);
  readonly number: PhoneNumber = phoneNumber();
  readonly customer: Sender = { phone: '15550001111', bsuid: 'US.1', name: 'Noor' };
  readonly opened: OpenedStore;
  store: Store;
  #messages = 0;

  constructor(opened: OpenedStore) {
    this.opened = opened;
    this.store = opened.store;
  }

  get nowMs(): number {
    return this.world.nowMs();
  }

  advance(ms: number): void {
    this.world.advance(ms);
  }

  id(prefix: IdPrefix): string {
    return makeId(prefix, this.nowMs, this.world.random);
  }

  async close(): Promise<void> {
    await this.opened.close();
  }

  /** As after a crash and a start: the new owner takes over. Where nothing outlives a store, only the taking over. */
  async restart(ownerId: string = otherOwner): Promise<void> {
    if (this.opened.reopen !== undefined) this.store = await this.opened.reopen();
    await this.store.rescue({ ownerId, nowMs: this.nowMs, all: true });
  }

  // --- in ---------------------------------------------------------------------------------------------------------

  message(text: string, said: Said = {}): InboundMessage {
    const number = said.number ?? this.number;
    const kind = said.kind ?? 'text';
    const content = said.content ?? { text };
    return {
      type: 'message',
      wabaId: number.wabaId,
      phoneNumberId: number.phoneNumberId,
      kind,
      wamid: said.wamid ?? `wamid.in.${++this.#messages}`,
      sender: said.from ?? this.customer,
      sentAtMs: said.sentAtMs ?? this.nowMs,
      content,
      raw: JSON.stringify({ type: kind, content }),
    };
  }

  batch(parts: Partial<AppendBatch> = {}): AppendBatch {
    return { receivedAtMs: this.nowMs, messages: [], notices: [], quarantine: [], ...parts };
  }

  append(...messages: InboundMessage[]): Promise<Appended> {
    return this.appendTo(this.number, ...messages);
  }

  appendTo(number: PhoneNumber, ...messages: InboundMessage[]): Promise<Appended> {
    return this.store.append(this.batch({ messages: messages.map((message) => ({ number, message })) }));
  }

  /** A customer's message is stored; returns its conversation. */
  async say(text: string, said: Said = {}): Promise<ConversationRef> {
    const number = said.number ?? this.number;
    await this.appendTo(number, this.message(text, said));
    return this.conversationOf(said.from ?? this.customer, number);
  }

  async conversationOf(sender: Sender, number: PhoneNumber = this.number): Promise<ConversationRef> {
    const address = sender.bsuid ?? sender.phone ?? sender.parentBsuid;
    assert.ok(address !== undefined, 'the case names a sender without an address');
    const { tenantId, phoneNumberId } = number;
    const ref = await this.store.findConversation({ tenantId, phoneNumberId, address });
    assert.ok(ref !== null, `no conversation is found by the address ${address}`);
    return ref;
  }

  // --- turns ------------------------------------------------------------------------------------------------------

  async take(ref: ConversationRef, ownerId: string = owner): Promise<TakenConversation> {
    const [taken] = await this.store.takeConversations({ refs: [ref], ownerId, nowMs: this.nowMs });
    assert.equal(taken?.outcome, 'taken', `the conversation was not taken: ${taken?.outcome}`);
    return taken as TakenConversation;
  }

  async takeOutcome(ref: ConversationRef, ownerId: string = owner): Promise<string | undefined> {
    const [taken] = await this.store.takeConversations({ refs: [ref], ownerId, nowMs: this.nowMs });
    return taken?.outcome;
  }

  /** A commit that consumes the whole batch; what wants an answer awaits it, unless `parts` says otherwise. */
  commitOf(taken: TakenConversation, parts: CommitParts = {}): TurnCommit {
    return {
      lease: taken.lease,
      nowMs: this.nowMs,
      dialogState: '{"value":"idle"}',
      stateLabel: 'assistant/idle',
      consumed: taken.events.map(({ position, kind }) => ({
        position,
        end: answerClassOf[kind] === 'answer' ? 'awaiting' : 'noAnswerNeeded',
      })),
      sends: [],
      activities: [],
      cancelledActivities: [],
      timers: [],
      cancelledTimers: [],
      flags: [],
      deadLetters: [],
      ends: [],
      handOff: false,
      fallbackSent: false,
      runHere: true,
      ...parts,
    };
  }

  async commit(taken: TakenConversation, parts: CommitParts = {}) {
    const committed = await this.store.commitTurn(this.commitOf(taken, parts));
    assert.equal(committed.outcome, 'committed', `the turn was not committed: ${committed.outcome}`);
    return committed as Extract<typeof committed, { outcome: 'committed' }>;
  }

  newSend(words: string, over: Partial<NewSend> = {}): NewSend {
    return {
      sendId: this.id('snd'),
      body: { type: 'text', text: { body: words } },
      origin: 'dialog',
      priority: 'reply',
      uncertainPolicy: 'holdForPerson',
      ...over,
    };
  }

  /** One turn that answers everything in the mailbox, with a send for each of `answers`. */
  async answer(ref: ConversationRef, ...answers: (string | NewSend)[]): Promise<SendRef[]> {
    const taken = await this.take(ref);
    const sends = answers.map((each) => (typeof each === 'string' ? this.newSend(each) : each));
    const through = Math.max(...taken.events.map((each) => each.position));
    const ends = sends
      .slice(0, 1)
      .map(({ sendId }) => ({ end: 'answered' as const, endRef: sendId, through }));
    return (await this.commit(taken, { sends, ends })).sends;
  }

  /** One turn that starts an activity and lets everything await its result. */
  async think(
    ref: ConversationRef,
    activityId: string,
    over: Partial<TurnCommit['activities'][number]> = {},
  ) {
    const taken = await this.take(ref);
    const activity = {
      activityId,
      name: 'reply',
      input: { n: 1 },
      deadlineMs: 10 * secondMs,
      claims: [],
      ...over,
    };
    return this.commit(taken, { activities: [activity] });
  }

  // --- out --------------------------------------------------------------------------------------------------------

  grant(sends: SendRef[], rules: PaceRules = wide, ownerId: string = owner): Promise<Granted[]> {
    return this.store.grantSends({ ownerId, nowMs: this.nowMs, sends, rulesOf: () => rules });
  }

  /** Grants one send, which must be granted. */
  async leave(send: SendRef, ownerId: string = owner): Promise<Extract<Granted, { outcome: 'granted' }>> {
    const [granted] = await this.grant([send], wide, ownerId);
    assert.equal(granted?.outcome, 'granted', `the send was not granted: ${granted?.outcome}`);
    return granted as Extract<Granted, { outcome: 'granted' }>;
  }

  settle(granted: { send: SendRef; attempt: number }, outcome: SendSettlement['outcome']) {
    const settlement = { send: granted.send, attempt: granted.attempt, outcome };
    return this.store.settleSends({ nowMs: this.nowMs, settlements: [settlement] });
  }

  /** Grants a send and has Meta accept it. */
  async deliver(send: SendRef, wamid = `wamid.out.${send.sendId}`): Promise<string> {
    await this.settle(await this.leave(send), accepted(wamid));
    return wamid;
  }

  /** Grants a send, and nobody knows what became of it. */
  async loseSight(send: SendRef, windowMs = minuteMs) {
    const granted = await this.leave(send);
    const outcome = { kind: 'uncertain' as const, why: 'socket closed', windowMs, errorCode: null };
    return { granted, settled: await this.settle(granted, outcome) };
  }

  status(status: InboundStatus['status'], over: Partial<InboundStatus> = {}): InboundStatus {
    return {
      type: 'status',
      wabaId: this.number.wabaId,
      phoneNumberId: this.number.phoneNumberId,
      wamid: 'wamid.out',
      status,
      atMs: this.nowMs,
      recipient: this.customer,
      raw: '{}',
      ...over,
    };
  }

  report(...statuses: InboundStatus[]) {
    const { tenantId } = this.number;
    return this.store.recordStatuses({
      receivedAtMs: this.nowMs,
      statuses: statuses.map((status) => ({ tenantId, status })),
    });
  }

  /** The row of a send as people see it. */
  async sendRow(sendId: string): Promise<SendRow> {
    const rows = await this.store.listSends({ states: everyState, max: 10_000 });
    const row = rows.find((each) => each.sendId === sendId);
    assert.ok(row !== undefined, `the send ${sendId} is in no state`);
    return row;
  }

  audit() {
    return this.store.audit({ sinceMs: 0, nowMs: this.nowMs });
  }

  /** Nothing that was acknowledged is missing; says which, if so. */
  async assertNothingMissing(): Promise<void> {
    assert.deepEqual((await this.audit()).missing, [], 'the audit finds acknowledged events without an end');
  }
}

export const everyState: SendState[] = [
  'queued',
  'sending',
  'uncertain',
  'accepted',
  'refused',
  'failed',
  'held',
  'withdrawn',
];

export function accepted(wamid: string, waId: string | null = null, bsuid: string | null = null) {
  return { kind: 'accepted' as const, wamid, waId, bsuid };
}

export function texts(taken: TakenConversation): (string | undefined)[] {
  return taken.events.map((event) => event.content.text);
}

/** Kinds whose messages want an answer, for cases that walk them. */
export const answerKinds = (Object.keys(answerClassOf) as MessageKind[]).filter(
  (kind) => answerClassOf[kind] === 'answer',
);

/** The event of a batch at an index, which must be there. */
export function nth<T>(list: readonly T[], index: number): T {
  const item = list[index];
  assert.ok(item !== undefined, `there is no item ${index} of ${list.length}`);
  return item;
}
