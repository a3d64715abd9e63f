/**
 * I11, the other side: a send of which nobody knows whether it was accepted is uncertain, and is repeated only after its
 * window and on evidence. So a customer gets a message twice only if: the first acceptance was not heard of, no status had
 * told of it, the window had passed, and later sends of the number had been told of, while this one had not; or a person
 * asked for it.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import { type Observation, short } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';

export const repeatedOnEvidence: MakeChecker = (view) => new Repeats(view);

/** Without an answer, and after an answer that Graph failed. */
const windowMs = 60_000;
const windowAfterErrorMs = 10_000;
/** Later sends of the number whose statuses came. */
const evidenceSends = 3;
/** Codes by which Graph does not promise that it accepted nothing. */
const promiseNothing: ReadonlySet<number | null> = new Set([1, 2, 131_000, 131_016, 133_004]);

/** One write of a send. */
interface Call {
  call: number;
  process: number;
  sendId: string;
  phoneNumberId: string;
  atMs: number;
  /** When its row was marked as sending. */
  markedAtMs: number;
  wamid: string | null;
  code: number | null;
  heard: string | null;
  heardAtMs: number | null;
}

class Repeats implements Checker {
  readonly invariant = 'I11';
  readonly #view: View;
  /** By send, its writes in their order. */
  readonly #calls = new Map<string, Call[]>();
  readonly #byCall = new Map<number, Call>();
  readonly #byNumber = new Map<string, Call[]>();
  /** By wamid. */
  readonly #sendOf = new Map<string, string>();
  /** By send, when the first status of it came, and when one was acknowledged. */
  readonly #cameAtMs = new Map<string, number>();
  readonly #toldAtMs = new Map<string, number>();
  readonly #markedAtMs = new Map<string, number>();
  /** When each process last was held up or ended. */
  readonly #brokenAtMs = new Map<number, number>();
  readonly #steps: { atMs: number; byMs: number }[] = [];
  #offMs = 0;

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    const offMs = this.#view.clockOffMs();
    if (offMs !== this.#offMs) this.#steps.push({ atMs: seen.atMs, byMs: Math.abs(offMs - this.#offMs) });
    this.#offMs = offMs;
    if (seen.kind === 'written') this.#write(seen);
    else if (seen.kind === 'arrived') this.#arrive(seen);
    else if (seen.kind === 'heard') {
      const call = this.#byCall.get(seen.call);
      if (call !== undefined) Object.assign(call, { heard: seen.how, heardAtMs: seen.atMs });
    } else if (seen.kind === 'process' && seen.what !== 'started')
      this.#brokenAtMs.set(seen.process, seen.atMs);
    // What has come may be stored before it is acknowledged.
    else if (seen.kind === 'posted')
      for (const { wamid } of seen.statuses) noteFirst(this.#cameAtMs, this.#sendOf.get(wamid), seen.atMs);
    // One that does not name its send tells of it only to who knows its wamid, and nobody knows that of an uncertain one.
    else if (seen.kind === 'acknowledged' && seen.status === 200)
      for (const { opaque } of seen.statuses) noteFirst(this.#toldAtMs, opaque, seen.atMs);
  }

  #write({ call, process, sendId, phoneNumberId, atMs }: Extract<Observation, { kind: 'written' }>): void {
    const markedAtMs = this.#markedAtMs.get(sendId) ?? atMs;
    const written: Call = {
      ...{ call, process, sendId, phoneNumberId, atMs, markedAtMs },
      ...{ wamid: null, code: null, heard: null, heardAtMs: null },
    };
    this.#byCall.set(call, written);
    this.#calls.set(sendId, [...(this.#calls.get(sendId) ?? []), written]);
    this.#byNumber.set(phoneNumberId, [...(this.#byNumber.get(phoneNumberId) ?? []), written]);
  }

  #arrive({ call: number, wamid, code }: Extract<Observation, { kind: 'arrived' }>): void {
    const call = this.#byCall.get(number);
    if (call === undefined) return;
    Object.assign(call, { wamid, code });
    if (wamid === null) return;
    this.#sendOf.set(wamid, call.sendId);
    for (const first of this.#calls.get(call.sendId) ?? []) {
      if (first === call || first.wamid === null) continue;
      const wrong = this.#faultOfRepeat(first, call.markedAtMs);
      if (wrong !== null)
        this.#violated(
          `The customer got send ${call.sendId} twice, as ${short(first.wamid)} and ${short(wamid)}, and ${wrong}.`,
          call.sendId,
        );
    }
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: fresh } of changes) {
      if (table !== 'send' || fresh === null || old === null || old.state === fresh.state) continue;
      const id = String(fresh.send_id);
      if (fresh.state === 'sending') this.#markedAtMs.set(id, this.#view.nowMs());
      else if (old.state === 'sending') this.#judgeEnd(id, fresh);
      else if (old.state === 'uncertain' && fresh.state === 'queued') this.#judgeAgain(id);
      else if (old.state === 'uncertain' && fresh.state === 'held') this.#judgeHeld(id);
    }
  }

  /** An attempt of which nobody knows may not end as if somebody knew. */
  #judgeEnd(id: string, { state }: Values): void {
    const last = this.#calls.get(id)?.at(-1);
    const isKnown = state === 'queued' || state === 'refused' || state === 'withdrawn';
    if (!isKnown || last === undefined || last.atMs < (this.#markedAtMs.get(id) ?? 0)) return;
    if (last.heard !== null && !promisesNothing(last.heard, last.code)) return;
    const heard = last.heard === null ? 'nothing was heard of it' : `"${last.heard}" was heard of it`;
    this.#violated(
      `Send ${id} was written and ${heard}, which does not say that Meta refused it; it became ${state} and should be uncertain.`,
      id,
    );
  }

  #judgeAgain(id: string): void {
    const last = this.#calls.get(id)?.at(-1);
    const wrong = last === undefined ? null : this.#faultOfRepeat(last, this.#view.nowMs());
    if (wrong !== null) this.#violated(`The uncertain send ${id} is to be sent again, and ${wrong}.`, id);
  }

  #judgeHeld(id: string): void {
    const last = this.#calls.get(id)?.at(-1);
    const wrong = last === undefined ? null : this.#faultOfWait(last, this.#view.nowMs());
    if (wrong !== null) this.#violated(`The uncertain send ${id} was given to a person, and ${wrong}.`, id);
  }

  /** What forbids that a write is repeated at this time; null where it may be. */
  #faultOfRepeat(first: Call, atMs: number): string | null {
    const { sendId, process, heard } = first;
    const asked = this.#view.rows.get(
      "SELECT 1 FROM operator_action WHERE action = 'resolveSend resend' AND ref = ?",
      sendId,
    );
    if (asked !== undefined) return null;
    const heardAtMs = first.heardAtMs ?? first.atMs;
    if (heard === '200' && (this.#brokenAtMs.get(process) ?? 0) < heardAtMs)
      return `process ${process} had heard that it was accepted and lived to store it`;
    if ((this.#toldAtMs.get(sendId) ?? Number.POSITIVE_INFINITY) < atMs)
      return 'a status that told of it had been acknowledged before';
    const hurried = this.#faultOfWait(first, atMs);
    if (hurried !== null) return hurried;
    const later = this.#laterHeardOf(first, atMs);
    return later >= evidenceSends
      ? null
      : `statuses of ${later} later sends of number ${first.phoneNumberId} had come, where ${evidenceSends} are the evidence that its own should have`;
  }

  #faultOfWait({ atMs: writtenAtMs, heard, heardAtMs }: Call, atMs: number): string | null {
    const sinceMs = heardAtMs ?? writtenAtMs;
    const steppedMs = this.#steps.reduce((sum, step) => sum + (step.atMs >= sinceMs ? step.byMs : 0), 0);
    const neededMs = heard !== null && /^\d/.test(heard) ? windowAfterErrorMs : windowMs;
    const waitedMs = atMs - sinceMs;
    return waitedMs + steppedMs >= neededMs
      ? null
      : `only ${waitedMs} ms were waited for a status, where ${neededMs} ms are promised`;
  }

  #laterHeardOf(first: Call, atMs: number): number {
    const hasCome = ({ sendId }: Call) => (this.#cameAtMs.get(sendId) ?? Number.POSITIVE_INFINITY) <= atMs;
    const later = (this.#byNumber.get(first.phoneNumberId) ?? []).filter(
      (call) => call.atMs >= first.atMs && call.sendId !== first.sendId && hasCome(call),
    );
    return new Set(later.map(({ sendId }) => sendId)).size;
  }

  #violated(what: string, sendId: string): void {
    this.#view.violated({ invariant: this.invariant, what, subjects: [sendId] });
  }
}

function noteFirst(atMsOf: Map<string, number>, sendId: string | null | undefined, atMs: number): void {
  if (sendId && !atMsOf.has(sendId)) atMsOf.set(sendId, atMs);
}

function promisesNothing(heard: string, code: number | null): boolean {
  return (
    heard.startsWith('uncertain') || Number(heard) >= 500 || (heard !== '200' && promiseNothing.has(code))
  );
}
