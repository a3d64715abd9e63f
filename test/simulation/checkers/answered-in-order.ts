/**
 * I3 as a customer sees it: where the 200 of one message was received before the next one was posted, the first is answered
 * not later than the second. It holds for messages that came into one mailbox; those whose sender was not yet known to be
 * one person cannot be told apart. It holds for answers proper: the model may say a word again of what a person was asked
 * about before. What waited in quarantine for its number to be known counts from when it left it.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange } from '../rows.ts';
import { type Said, SaidBook, wordsIn } from './said.ts';

/** What a person redrives is answered when they do. */
const selectOwn =
  "SELECT 1 AS one FROM event WHERE wamid = ? AND end_ref = ? AND coalesce(dedupe_key, '') NOT LIKE 'redrive:%'";

export const answeredInOrder: MakeChecker = (view) => new AnsweredInOrder(view);

class AnsweredInOrder implements Checker {
  readonly invariant = 'I3';
  readonly #view: View;
  readonly #said = new SaidBook();
  /** By wamid: the mailbox that it came into, and when it was first posted and first acknowledged. */
  readonly #mailbox = new Map<string, { id: string; at: number }>();
  readonly #postedAt = new Map<string, number>();
  readonly #acknowledgedAt = new Map<string, number>();
  /** By mailbox, what was answered in it. */
  readonly #answered = new Map<string, { said: Said; text: string; sendId: string }[]>();
  readonly #words = new Set<string>();
  #steps = 0;

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    this.#steps += 1;
    this.#said.see(seen);
    if (seen.kind === 'posted') this.#note(this.#postedAt, seen.messages);
    else if (seen.kind === 'acknowledged' && seen.status === 200)
      this.#note(this.#acknowledgedAt, seen.messages);
    else if (seen.kind === 'arrived' && seen.wamid !== null) {
      const fresh = wordsIn(seen.text).filter((word) => !this.#words.has(word));
      const answered = fresh
        .map((word) => this.#said.byWord(word))
        .filter((said) => said !== undefined)
        .filter(({ wamid }) => this.#view.rows.get(selectOwn, wamid, seen.sendId) !== undefined);
      for (const said of answered) this.#isInOrder(said, seen.text);
      for (const said of answered) this.#keep(said, seen);
    }
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      if (table !== 'event' || old?.wamid || typeof row?.wamid !== 'string') continue;
      if (!this.#mailbox.has(row.wamid))
        this.#mailbox.set(row.wamid, { id: `${row.conversation_id}`, at: this.#steps });
    }
  }

  #note(first: Map<string, number>, wamids: readonly string[]): void {
    for (const wamid of wamids) if (!first.has(wamid)) first.set(wamid, this.#steps);
  }

  #keep(said: Said, { text, sendId }: { text: string; sendId: string }): void {
    const mailbox = this.#mailbox.get(said.wamid)?.id ?? '';
    const answered = this.#answered.get(mailbox) ?? [];
    answered.push({ said, text, sendId });
    for (const word of wordsIn(said.text)) this.#words.add(word);
    this.#answered.set(mailbox, answered);
  }

  #isInOrder(said: Said, text: string): void {
    const mailbox = this.#mailbox.get(said.wamid);
    const acknowledgedAt = this.#acknowledgedAt.get(said.wamid);
    if (mailbox === undefined || acknowledgedAt === undefined) return;
    const thereAt = Math.max(acknowledgedAt, mailbox.at);
    const overtaker = this.#answered
      .get(mailbox.id)
      ?.find(
        (other) => other.said.atMs >= said.atMs && (this.#postedAt.get(other.said.wamid) ?? 0) > thereAt,
      );
    if (overtaker === undefined) return;
    this.#view.violated({
      invariant: 'I3',
      what: `${this.#said.nameOf(said.wamid)} was acknowledged before ${this.#said.nameOf(overtaker.said.wamid)} was posted, yet "${overtaker.text}" was accepted first and "${text}" only after it: the customer reads the answers in the wrong order.`,
      subjects: [...wordsIn(said.text), ...wordsIn(overtaker.said.text), mailbox.id, overtaker.sendId],
    });
  }
}
