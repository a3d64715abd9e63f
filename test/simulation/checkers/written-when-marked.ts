/**
 * I5: a send exists only by a committed turn or an operator, and is written to the socket only from `sending`: once for
 * each time that it was marked so, while the mark is fresh, and as its row says. A sender that was paused must not write
 * late, when the row may long have been taken over by somebody else.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { GraphCall, Observation } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';

export const writtenWhenMarked: MakeChecker = (view) => new Writes(view);

/** From the mark to the write. What is older is given back and marked anew. */
const markedMaxMs = 2_000;

/** A row that became `sending`. */
interface Mark {
  atMs: number;
  /** The contact's addresses then; one of them is written to. */
  address: string;
  isWritten: boolean;
}

class Writes implements Checker {
  readonly invariant = 'I5';
  readonly #view: View;
  /** The last mark of each send. */
  readonly #marks = new Map<string, Mark>();
  readonly #contacts = new Map<string, Values>();
  readonly #contactOf = new Map<string, string>();
  /** Sends that Meta has accepted at least once. */
  readonly #accepted = new Set<string>();
  readonly #arrivedCalls = new Set<number>();
  #offMs = 0;
  #steppedAtMs = Number.NEGATIVE_INFINITY;

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    const turns = new Set<string>();
    for (const { table, old, new: fresh } of changes)
      if (table === 'event' && old?.end === null && fresh?.end)
        turns.add(`${fresh.conversation_id} ${fresh.fence}`);
    for (const { table, old, new: fresh } of changes) {
      if (fresh === null) continue;
      if (table === 'contact') this.#contacts.set(String(fresh.contact_id), fresh);
      else if (table === 'conversation')
        this.#contactOf.set(String(fresh.conversation_id), String(fresh.contact_id));
      else if (table === 'send' && old === null) this.#judgeNew(fresh, turns);
      else if (table === 'send' && fresh.state === 'sending' && old?.state !== 'sending') this.#mark(fresh);
    }
  }

  see(seen: Observation): void {
    const offMs = this.#view.clockOffMs();
    if (offMs !== this.#offMs) this.#steppedAtMs = seen.atMs;
    this.#offMs = offMs;
    if (seen.kind === 'written') this.#judgeWrite(seen, seen.atMs);
    else if (seen.kind === 'arrived') this.#judgeArrival(seen);
  }

  #judgeArrival({ call, process, sendId, wamid }: Extract<Observation, { kind: 'arrived' }>): void {
    if (wamid !== null) this.#accepted.add(sendId);
    if (this.#arrivedCalls.has(call))
      this.#violated(
        `Process ${process} wrote send ${sendId} once and it arrived at Meta twice: something below repeats requests unasked.`,
        [sendId],
      );
    this.#arrivedCalls.add(call);
  }

  #judgeNew(send: Values, turns: ReadonlySet<string>): void {
    const id = String(send.send_id);
    const conversation = String(send.conversation_id);
    if (send.origin === 'operator') {
      const said = this.#view.rows.get(
        "SELECT 1 FROM operator_action WHERE tenant_id = ? AND conversation_id = ? AND action = 'reply' AND instr(ref, ?) > 0",
        ...[String(send.tenant_id), conversation, id],
      );
      if (said === undefined)
        this.#violated(`Send ${id} says that it is an operator's, but no operator is on record for it.`, [
          id,
        ]);
    } else if (!turns.has(`${conversation} ${send.fence}`))
      this.#violated(
        `Send ${id} of conversation ${conversation} was written with fence ${send.fence} in a commit that consumed no event under this fence: it is of no committed turn.`,
        [id, conversation],
      );
  }

  #mark(send: Values): void {
    const contact = this.#contacts.get(this.#contactOf.get(String(send.conversation_id)) ?? '');
    const address = String(contact?.phone ?? contact?.bsuid ?? '');
    this.#marks.set(String(send.send_id), { atMs: this.#view.nowMs(), address, isWritten: false });
  }

  #judgeWrite(call: GraphCall, atMs: number): void {
    const { sendId } = call;
    const row = this.#view.rows.get<{ state: string; phone_number_id: string; words: string | null }>(
      "SELECT state, phone_number_id, json_extract(body, '$.text.body') AS words FROM send WHERE send_id = ?",
      sendId,
    );
    const mark = this.#marks.get(sendId);
    const wrong =
      row === undefined
        ? 'there is no such send'
        : (this.#markFault(call, row.state, mark, atMs) ?? contentFault(call, row, mark));
    if (mark !== undefined) mark.isWritten = true;
    if (wrong !== null)
      this.#violated(`Process ${call.process} wrote send ${sendId} to the socket, but ${wrong}.`, [sendId]);
  }

  #markFault({ sendId }: GraphCall, state: string, mark: Mark | undefined, atMs: number): string | null {
    if (mark === undefined) return `its row was never marked as sending: it is ${state}`;
    if (mark.isWritten)
      return `it had been written already since it was marked as sending (its row is ${state}): one mark is one attempt`;
    const ageMs = atMs - mark.atMs;
    // The process asks its own clock how old the mark is.
    if (ageMs > markedMaxMs && this.#steppedAtMs < mark.atMs)
      return `the mark was ${ageMs} ms old: a sender that was held up must give its mark back after ${markedMaxMs} ms`;
    // Between the mark and the write a status of an earlier attempt may settle the send; its sender cannot know.
    const isProven = (state === 'accepted' || state === 'failed') && this.#accepted.has(sendId);
    return state === 'sending' || isProven ? null : `its row had left sending and was ${state}`;
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}

function contentFault(
  call: GraphCall,
  row: { phone_number_id: string; words: string | null },
  mark: Mark | undefined,
): string | null {
  if (call.phoneNumberId !== row.phone_number_id)
    return `it left by number ${call.phoneNumberId}, and its row names ${row.phone_number_id}`;
  if (row.words !== null && call.text !== row.words)
    return `it said "${call.text}", and its row says "${row.words}"`;
  const to = call.to.replace(/^\+/, '');
  return to === mark?.address
    ? null
    : `it went to ${to}, when the address of its contact was ${mark?.address || 'not known'}`;
}
