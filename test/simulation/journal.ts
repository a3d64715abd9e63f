/**
 * What leaves the system, as it is seen from outside: webhooks and their answers, Graph calls and what became of them,
 * model calls, and what was done to the system. The journal is all that checkers see beside the rows of the store, it is
 * what a run's trace is made of, and it tells a failure in words.
 */
import { createHash } from 'node:crypto';
import type { RateName } from './plan.ts';
import type { StoreWrite } from './store-writes.ts';

export interface StatusSeen {
  /** Of our send. */
  wamid: string;
  status: string;
  /** The id of the send that it carries. */
  opaque: string | null;
}

/** A send as it is written to the socket. */
export interface GraphCall {
  /** One write to a socket; its arrival and its answer carry the same number. */
  call: number;
  process: number;
  phoneNumberId: string;
  /** Of the token that it carries. */
  tenantId: string;
  to: string;
  text: string;
  /** The id of the send, from `biz_opaque_callback_data`. */
  sendId: string;
}

/** One request to the provider of paid work, or a look-up of one. */
export interface PaidCall {
  call: number;
  process: number;
  tenantId: string;
  /** The idempotency key that it carries. */
  key: string;
}

/** Something that a system of the business says. */
export interface Telling {
  process: number;
  tenantId: string;
  fact: string;
  /** Of its data: under one key there are two where the business is in error. */
  variant: number;
}

export type What =
  | {
      kind: 'said';
      wamid: string;
      contact: string;
      tenantId: string;
      phoneNumberId: string;
      type: string;
      text: string;
      /** The button that was tapped. */
      button?: string;
    }
  | { kind: 'posted'; process: number; delivery: string; messages: string[]; statuses: StatusSeen[] }
  | {
      kind: 'acknowledged';
      process: number;
      delivery: string;
      status: number;
      messages: string[];
      statuses: StatusSeen[];
    }
  /** A send leaves its process. */
  | ({ kind: 'written' } & GraphCall)
  /** It arrives at Meta, which accepts it under a wamid or refuses it. */
  | ({ kind: 'arrived'; wamid: string | null; code: number | null } & GraphCall)
  /** Its process hears of it: accepted, refused, or nothing that it could be sure of. */
  | ({ kind: 'heard'; how: string } & GraphCall)
  | {
      kind: 'asked';
      process: number;
      call: number;
      tenantId: string;
      key: string;
      words: string[];
      all: string[];
    }
  | { kind: 'modelEnded'; process: number; call: number; key: string; how: string; words: string[] }
  /** A request leaves its process for the provider; what that makes of it, and charges for it; its process hears of it. */
  | ({ kind: 'paidAsked' } & PaidCall)
  | {
      kind: 'provided';
      tenantId: string;
      key: string;
      how: RateName | 'answers';
      amountMicros: number | null;
    }
  | ({ kind: 'paidHeard'; how: string } & PaidCall)
  | ({ kind: 'lookedUp' } & PaidCall)
  | ({ kind: 'lookupHeard'; how: string } & PaidCall)
  | ({ kind: 'told' } & Telling)
  | ({ kind: 'tellingAnswered'; status: number } & Telling)
  | { kind: 'fault'; process: number; what: string }
  /** The store has committed; its caller does not hear of it. */
  | { kind: 'answerLost'; process: number; method: StoreWrite; about: string[] }
  | { kind: 'process'; process: number; what: 'started' | 'crashed' | 'stopped' | 'paused' | 'resumed' }
  | { kind: 'world'; what: string }
  | { kind: 'operator'; what: string; tenantId: string; contact: string };

export type Observation = { atMs: number } & What;

export class Journal {
  readonly seen: Observation[] = [];
  readonly #startMs: number;
  readonly #nowMs: () => number;
  readonly #listeners: ((seen: Observation) => void)[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  note(what: What): void {
    const observation = { atMs: this.#nowMs(), ...what };
    this.seen.push(observation);
    for (const listener of this.#listeners) listener(observation);
  }

  onNote(listener: (seen: Observation) => void): void {
    this.#listeners.push(listener);
  }

  /** Equal for two runs exactly if they did the same things at the same times. */
  hash(): string {
    const hash = createHash('sha256');
    for (const observation of this.seen) hash.update(`${JSON.stringify(observation)}\n`);
    return hash.digest('hex');
  }

  /** One line for each thing that happened, with the seconds since the start; only those that name one of `subjects`. */
  story(subjects: readonly string[] = []): string[] {
    const told = this.seen.filter(
      (each) =>
        subjects.length === 0 ||
        isAboutAll(each) ||
        subjects.some((subject) => JSON.stringify(each).includes(subject)),
    );
    return told.map(
      (each) => `${((each.atMs - this.#startMs) / 1_000).toFixed(3).padStart(9)} s  ${inWords(each)}`,
    );
  }
}

const isAboutAll = ({ kind }: Observation) => kind === 'process' || kind === 'world';

const list = (items: readonly string[]) => (items.length === 0 ? 'nothing' : items.join(', '));
const statusText = ({ wamid, status }: StatusSeen) => `${status} of ${short(wamid)}`;
export const short = (id: string) => (id.startsWith('wamid.') ? `wamid..${id.slice(-8)}` : id);
const bodyText = (each: { messages: string[]; statuses: StatusSeen[] }) =>
  list([...each.messages.map((wamid) => `message ${short(wamid)}`), ...each.statuses.map(statusText)]);

type Paid = Extract<Observation, { key: string; kind: `paid${string}` | `look${string}` | 'provided' }>;

function paidInWords(each: Paid): string {
  switch (each.kind) {
    case 'paidAsked':
      return `process ${each.process} asks the provider (${each.key})`;
    case 'paidHeard':
      return `process ${each.process} hears of the provider (${each.key}): ${each.how}`;
    case 'provided':
      return `the provider (${each.key}): ${each.how}, it charges ${each.amountMicros ?? 'nothing'}`;
    case 'lookedUp':
      return `process ${each.process} looks up what became of ${each.key}`;
    case 'lookupHeard':
      return `process ${each.process} hears what became of ${each.key}: ${each.how}`;
  }
}

function inWords(each: Observation): string {
  switch (each.kind) {
    case 'said':
      return `${each.contact} writes "${each.text}" (${each.type}, ${short(each.wamid)}) to ${each.phoneNumberId}`;
    case 'posted':
      return `Meta posts ${each.delivery} to process ${each.process}: ${bodyText(each)}`;
    case 'acknowledged':
      return `process ${each.process} answers ${each.status} to ${each.delivery}: ${bodyText(each)}`;
    case 'written':
      return `process ${each.process} writes send ${each.sendId} to ${each.to}: "${each.text}"`;
    case 'arrived':
      return each.wamid === null
        ? `Meta refuses send ${each.sendId} with ${each.code}`
        : `Meta accepts send ${each.sendId} as ${short(each.wamid)}: "${each.text}"`;
    case 'heard':
      return `process ${each.process} hears of send ${each.sendId}: ${each.how}`;
    case 'asked':
      return `process ${each.process} asks the model (${each.key}): ${list(each.words)}`;
    case 'modelEnded':
      return `the model's answer to process ${each.process} (${each.key}): ${each.how}`;
    case 'paidAsked':
    case 'paidHeard':
    case 'provided':
    case 'lookedUp':
    case 'lookupHeard':
      return paidInWords(each);
    case 'told':
      return `${each.fact} (${each.variant}) is told to process ${each.process} for ${each.tenantId}`;
    case 'tellingAnswered':
      return `process ${each.process} answers ${each.status} to ${each.fact} (${each.variant}) of ${each.tenantId}`;
    case 'fault':
      return `process ${each.process}: ${each.what}`;
    case 'answerLost':
      return `process ${each.process}: the answer of ${each.method} is lost (${list(each.about)})`;
    case 'process':
      return `process ${each.process} ${each.what}`;
    case 'world':
      return each.what;
    case 'operator':
      return `an operator of ${each.tenantId}: ${each.what} (${each.contact})`;
  }
}
