/**
 * I3: events of a conversation are consumed in the order of their positions, each once. An event is opened again only
 * where its conversation was merged away before it was answered, or where an operator who had seen it hands back.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';
import { SaidBook } from './said.ts';

const selectOpenBefore = `SELECT position FROM event
  WHERE tenant_id = ? AND conversation_id = ? AND end IS NULL AND position < ? ORDER BY position`;
const selectMergedInto = 'SELECT merged_into FROM conversation WHERE tenant_id = ? AND conversation_id = ?';

/** Which end may follow which; null is an event that is open. */
const mayFollow = new Map<string | null, readonly (string | null)[]>([
  [null, ['awaiting', 'noAnswerNeeded', 'deadLetter', 'seenByOperator']],
  ['awaiting', ['answered', 'flagged', 'noAnswerNeeded', 'seenByOperator', null]],
  ['answered', ['seenByOperator']],
  ['seenByOperator', [null]],
  ['flagged', []],
  ['deadLetter', []],
  ['noAnswerNeeded', []],
]);
/** How an event may begin: while an operator holds, it is theirs at once. */
const mayBegin: readonly (string | null)[] = [null, 'seenByOperator', 'noAnswerNeeded'];

const mailboxOf = (row: Values) => `${row.tenant_id} ${row.conversation_id}`;
const placeOf = (row: Values) => `${mailboxOf(row)} ${row.position}`;
const endOf = (row: Values) => (row.end ?? null) as string | null;
const inWords = (end: string | null) => end ?? 'open';

export const consumedInOrder: MakeChecker = (view) => new ConsumedInOrder(view);

class ConsumedInOrder implements Checker {
  readonly invariant = 'I3';
  readonly #view: View;
  readonly #said = new SaidBook();
  /** By mailbox, the last position that was given away. */
  readonly #lastPosition = new Map<string, number>();

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    this.#said.see(seen);
  }

  changed(changes: readonly RowChange[]): void {
    /** By mailbox, the last event that a turn took. */
    const taken = new Map<string, Values>();
    const opened = new Set<string>();
    for (const { table, old, new: row } of changes) {
      if (table !== 'event') continue;
      if (row === null) this.#isGone(old as Values);
      else {
        if (old === null || placeOf(old) !== placeOf(row)) this.#hasPlace(row);
        if (old === null) this.#begins(row);
        else if (endOf(old) !== endOf(row)) this.#follows(old, row, changes);
        if (old !== null && endOf(old) !== null && endOf(row) === null) opened.add(placeOf(row));
        if (old !== null && endOf(old) === null && isTakenByTurn(row)) {
          const last = taken.get(mailboxOf(row));
          if (last === undefined || Number(last.position) < Number(row.position))
            taken.set(mailboxOf(row), row);
        }
      }
    }
    for (const row of taken.values()) this.#leavesNothingBefore(row, opened);
  }

  #leavesNothingBefore(row: Values, opened: ReadonlySet<string>): void {
    const left = this.#view.rows
      .all<{ position: number }>(
        selectOpenBefore,
        row.tenant_id as string,
        row.conversation_id as string,
        row.position as number,
      )
      .find(({ position }) => !opened.has(`${mailboxOf(row)} ${position}`));
    if (left !== undefined)
      this.#object(
        row,
        `it was consumed while event ${left.position} before it was not: turns take events in order`,
      );
  }

  #hasPlace(row: Values): void {
    const last = this.#lastPosition.get(mailboxOf(row)) ?? 0;
    this.#lastPosition.set(mailboxOf(row), Math.max(last, Number(row.position)));
    if (Number(row.position) <= last)
      this.#object(
        row,
        `it got its place when place ${last} had been given away: a turn may have passed it already`,
      );
  }

  #begins(row: Values): void {
    if (!mayBegin.includes(endOf(row)))
      this.#object(row, `it came into the mailbox as ${inWords(endOf(row))}, before any turn has seen it`);
  }

  #isGone(row: Values): void {
    this.#object(
      row,
      `it was deleted as ${inWords(endOf(row))}, though nothing here is old enough to be deleted`,
    );
  }

  #follows(old: Values, row: Values, changes: readonly RowChange[]): void {
    const [before, after] = [endOf(old), endOf(row)];
    const how = `it was ${inWords(before)} and became ${inWords(after)}`;
    if (!mayFollow.get(before)?.includes(after))
      this.#object(row, `${how}: it was consumed a second time or by nobody`);
    else if (after === null && before === 'awaiting' && !this.#isMergedAway(old))
      this.#object(
        row,
        `${how}, though its conversation was not merged into another: it will be answered twice`,
      );
    else if (after === null && before === 'seenByOperator' && !isHandedBack(old, changes))
      this.#object(
        row,
        `${how}, though no operator gave back what came after their last word: both will answer it`,
      );
  }

  #isMergedAway(row: Values): boolean {
    const found = this.#view.rows.get<{ merged_into: string | null }>(
      selectMergedInto,
      row.tenant_id as string,
      row.conversation_id as string,
    );
    return typeof found?.merged_into === 'string';
  }

  #object(row: Values, what: string): void {
    const name = typeof row.wamid === 'string' ? this.#said.nameOf(row.wamid) : String(row.kind);
    const word = this.#said.byWamid(row.wamid)?.text ?? '';
    this.#view.violated({
      invariant: 'I3',
      what: `Event ${row.position} of conversation ${row.conversation_id} (${name}): ${what}.`,
      subjects: [String(row.conversation_id), String(row.wamid), ...(word === '' ? [] : [word])],
    });
  }
}

/** An operator takes what customers wrote and the ends of activities, whatever else of our own making stands before it. */
function isTakenByTurn({ end, kind }: Values): boolean {
  return (
    end === 'awaiting' ||
    end === 'deadLetter' ||
    (end !== null && (kind === 'timer' || kind === 'handedBack' || kind === 'business'))
  );
}

/** The conversation went from an operator to the bot, and the event came after what the operator had seen. */
function isHandedBack(row: Values, changes: readonly RowChange[]): boolean {
  return changes.some(
    ({ table, old, new: fresh }) =>
      table === 'conversation' &&
      old !== null &&
      fresh !== null &&
      mailboxOf(fresh) === mailboxOf(row) &&
      old.holder === 'operator' &&
      fresh.holder === 'bot' &&
      fresh.merged_into === null &&
      Number(row.position) > Number(old.seen_through),
  );
}
