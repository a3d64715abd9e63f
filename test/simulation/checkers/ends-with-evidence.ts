/**
 * I9: when everything has come to rest, every acknowledged message is in the store and has one end, and there is evidence of
 * that end: a send that reached the customer, a flag, a dead letter with its fallback text, an operator who had it.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange } from '../rows.ts';
import { SaidBook } from './said.ts';

/** Everything that an end may refer to, of the same tenant only. */
const selectEvents = `SELECT e.conversation_id AS conversation, e.position, e.kind, e.class, e.wamid, e.end, e.end_ref AS ref,
    s.state AS sent, s.conversation_id AS lane, f.conversation_id AS flagged,
    (SELECT d.dead_letter_id FROM dead_letter d WHERE d.tenant_id = e.tenant_id AND d.conversation_id = e.conversation_id AND d.position = e.position) AS dead,
    (SELECT 1 FROM operator_action o WHERE o.tenant_id = e.tenant_id AND o.ref = e.end_ref AND o.action LIKE 'resolveSend%') AS judged
  FROM event e
  LEFT JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref
  LEFT JOIN flag f ON f.tenant_id = e.tenant_id AND f.flag_id = e.end_ref`;
const selectMerged =
  'SELECT conversation_id AS id, merged_into AS survivor FROM conversation WHERE merged_into IS NOT NULL';

interface EventRow {
  conversation: string;
  position: number;
  kind: string;
  class: string;
  wamid: string | null;
  end: string | null;
  ref: string | null;
  sent: string | null;
  lane: string | null;
  flagged: string | null;
  dead: string | null;
  judged: number | null;
}

export const endsWithEvidence: MakeChecker = (view) => new EndsWithEvidence(view);

class EndsWithEvidence implements Checker {
  readonly invariant = 'I9';
  readonly #view: View;
  readonly #said = new SaidBook();
  readonly #acknowledged = new Set<string>();
  /** Conversations that an operator had at some time. */
  readonly #held = new Set<string>();
  /** What was done when, by the number of its change; a clock that is set back must not confuse it. */
  readonly #flags: { conversation: string; at: number; reason: string }[] = [];
  readonly #fallbacks: { conversation: string; at: number }[] = [];
  readonly #sends = new Map<string, number>();
  readonly #dead = new Map<string, number>();
  #survivors = new Map<string, string>();
  #at = 0;

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    this.#said.see(seen);
    if (seen.kind === 'acknowledged' && seen.status === 200)
      for (const wamid of seen.messages) this.#acknowledged.add(wamid);
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      this.#at += 1;
      if (row === null) continue;
      const conversation = String(row.conversation_id);
      if (table === 'conversation' && row.holder === 'operator') this.#held.add(conversation);
      else if (table === 'flag' && Number(row.count) > Number(old?.count ?? 0))
        this.#flags.push({ conversation, at: this.#at, reason: String(row.reason) });
      else if (table === 'send' && old === null) {
        this.#sends.set(String(row.send_id), this.#at);
        if (row.origin === 'fallback') this.#fallbacks.push({ conversation, at: this.#at });
      } else if (table === 'dead_letter' && old === null)
        this.#dead.set(String(row.dead_letter_id), this.#at);
    }
    // A turn writes its dead letters before its texts.
    for (const [id, at] of this.#dead) if (at > this.#at - changes.length) this.#dead.set(id, this.#at);
  }

  end(): void {
    const { rows } = this.#view;
    this.#survivors = new Map(
      rows.all<{ id: string; survivor: string }>(selectMerged).map(({ id, survivor }) => [id, survivor]),
    );
    const events = rows.all<EventRow>(selectEvents);
    const stored = new Set(events.map(({ wamid }) => wamid));
    for (const wamid of this.#acknowledged)
      if (!stored.has(wamid))
        this.#object(
          wamid,
          `${this.#said.nameOf(wamid)} was acknowledged and is in no mailbox any more`,
          'nobody will ever answer it',
        );
    for (const event of events) {
      const lacks = this.#lacks(event);
      if (lacks !== null)
        this.#object(
          event.wamid ?? event.conversation,
          `Event ${event.position} of conversation ${event.conversation} (${event.kind}${event.wamid === null ? '' : `, ${this.#said.nameOf(event.wamid)}`}) ended as ${event.end}`,
          lacks,
          event,
        );
    }
  }

  /** What is missing to believe an event's end; null where nothing is. */
  #lacks(event: EventRow): string | null {
    switch (event.end) {
      case 'answered':
        return this.#lacksAnswer(event);
      case 'flagged':
        if (event.flagged === null) return `there is no flag ${event.ref}`;
        return this.#isSame(event.flagged, event.conversation)
          ? null
          : `flag ${event.ref} is of conversation ${event.flagged}`;
      case 'deadLetter':
        return this.#lacksDeadLetter(event);
      case 'seenByOperator':
        return event.judged === null && !this.#isAmong(this.#held, event.conversation)
          ? 'no operator ever had its conversation, nor took its answer back'
          : null;
      case 'noAnswerNeeded':
        return event.class === 'answer' && event.ref === null
          ? 'a customer wants an answer to it, and no rule says no'
          : null;
      default:
        return 'this is no end';
    }
  }

  #lacksAnswer({ ref, sent, lane, conversation }: EventRow): string | null {
    if (ref === null || sent === null || lane === null) return `there is no send ${ref}`;
    if (!this.#isSame(lane, conversation)) return `its answer ${ref} is of conversation ${lane}`;
    if (sent === 'accepted') return null;
    const sinceAt = this.#sends.get(ref) ?? 0;
    return this.#flags.some((flag) => flag.at > sinceAt && this.#isSame(flag.conversation, conversation))
      ? null
      : `its answer ${ref} ended as ${sent}, and no flag was raised since`;
  }

  #lacksDeadLetter({ dead, conversation, kind }: EventRow): string | null {
    if (dead === null) return 'there is no dead letter of it';
    const at = this.#dead.get(dead) ?? 0;
    if (
      !this.#flags.some(
        ({ conversation: of, reason }) => reason === 'deadLetter' && this.#isSame(of, conversation),
      )
    )
      return 'no flag asks a person to look';
    // Of what the business told nobody but the business knows: no customer waits for a word.
    if (kind === 'business') return null;
    return this.#fallbacks.some((each) => each.at <= at && this.#isSame(each.conversation, conversation))
      ? null
      : 'the customer never got a fallback text';
  }

  #survivorOf(conversation: string): string {
    const survivor = this.#survivors.get(conversation);
    return survivor === undefined ? conversation : this.#survivorOf(survivor);
  }

  #isSame(one: string, other: string): boolean {
    return this.#survivorOf(one) === this.#survivorOf(other);
  }

  #isAmong(conversations: ReadonlySet<string>, conversation: string): boolean {
    return [...conversations].some((each) => this.#isSame(each, conversation));
  }

  #object(subject: string, what: string, lacks: string, event?: EventRow): void {
    const word = this.#said.byWamid(subject)?.text ?? '';
    this.#view.violated({
      invariant: 'I9',
      what: `${what}: ${lacks}.`,
      subjects: [subject, ...(word === '' ? [] : [word]), ...(event?.ref ? [event.ref] : [])],
    });
  }
}
