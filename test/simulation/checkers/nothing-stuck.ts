/**
 * Liveness, after every commit: what is to be done stands where it will be found. A mailbox with something in it is due,
 * leased or held; what awaits an answer has somebody who makes it; a timer that a dialog waits for is in its table or has
 * become an event. What a person redrives while an operator holds waits for the hand-back.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';
import { SaidBook } from './said.ts';

const selectConversation = `SELECT holder, merged_into AS survivor, lease_owner AS lessee, due_at_ms AS due, dialog_state AS state,
    (SELECT min(position) FROM event e WHERE e.tenant_id = c.tenant_id AND e.conversation_id = c.conversation_id AND e.end IS NULL) AS open,
    (SELECT min(position) FROM event e WHERE e.tenant_id = c.tenant_id AND e.conversation_id = c.conversation_id AND e.end IS NULL AND e.class <> 'internal'
      AND coalesce(e.dedupe_key, '') NOT LIKE 'redrive:%') AS unseen,
    (SELECT min(position) FROM event e WHERE e.tenant_id = c.tenant_id AND e.conversation_id = c.conversation_id AND e.end = 'awaiting') AS awaiting,
    (SELECT count(*) FROM activity a WHERE a.tenant_id = c.tenant_id AND a.conversation_id = c.conversation_id AND a.state = 'running') AS running,
    (SELECT count(*) FROM timer t WHERE t.tenant_id = c.tenant_id AND t.conversation_id = c.conversation_id) AS timers
  FROM conversation c WHERE c.tenant_id = ? AND c.conversation_id = ?`;
const selectWamid = 'SELECT wamid FROM event WHERE tenant_id = ? AND conversation_id = ? AND position = ?';
const selectTimer = 'SELECT 1 AS one FROM timer WHERE tenant_id = ? AND token = ?';
const selectFired =
  "SELECT 1 AS one FROM event WHERE tenant_id = ? AND kind = 'timer' AND json_extract(content, '$.timerToken') = ?";

interface ConversationRow {
  holder: 'bot' | 'operator';
  survivor: string | null;
  lessee: string | null;
  due: number | null;
  state: string | null;
  open: number | null;
  unseen: number | null;
  awaiting: number | null;
  running: number;
  timers: number;
}

type Timers = Record<string, { token: string }>;

export const nothingStuck: MakeChecker = (view) => new NothingStuck(view);

class NothingStuck implements Checker {
  readonly invariant = 'liveness';
  readonly #view: View;
  readonly #said = new SaidBook();

  constructor(view: View) {
    this.#view = view;
  }

  see(seen: Observation): void {
    this.#said.see(seen);
  }

  changed(changes: readonly RowChange[]): void {
    const touched = new Map<string, Values>();
    const touch = (row: Values | null) => {
      if (row !== null) touched.set(`${row.tenant_id} ${row.conversation_id}`, row);
    };
    for (const { table, old, new: row } of changes) {
      if (table !== 'event' && table !== 'conversation' && table !== 'activity' && table !== 'timer')
        continue;
      touch(old);
      touch(row);
    }
    for (const row of touched.values()) this.#lookAt(String(row.tenant_id), String(row.conversation_id));
    for (const { table, old, new: row } of changes) {
      if (table === 'timer' && old !== null && old.token !== row?.token) this.#isFired(old);
      else if (table === 'conversation' && row !== null && row.dialog_state !== old?.dialog_state)
        this.#areSet(row, timersOf(old?.dialog_state));
    }
  }

  #lookAt(tenantId: string, id: string): void {
    const row = this.#conversation(tenantId, id);
    if (row === undefined) return;
    const position = row.open ?? row.awaiting;
    if (position === null) return;
    const stuck = whyStuck(row);
    if (stuck === null) return;
    const wamid = this.#view.rows.get<{ wamid: string | null }>(selectWamid, tenantId, id, position)?.wamid;
    const name = wamid ? ` (${this.#said.nameOf(wamid)})` : '';
    this.#object(`Conversation ${id}: ${stuck}${name}.`, [id, ...(wamid ? [wamid] : [])]);
  }

  /** A timer that is gone has become an event, or its dialog waits for it no more. */
  #isFired(timer: Values): void {
    const [tenantId, id, token] = [
      String(timer.tenant_id),
      String(timer.conversation_id),
      String(timer.token),
    ];
    const row = this.#conversation(tenantId, id);
    if (row === undefined || row.survivor !== null || row.holder === 'operator') return;
    if (!Object.values(timersOf(row.state)).some((each) => each.token === token)) return;
    if (this.#view.rows.get(selectFired, tenantId, token) !== undefined) return;
    this.#object(
      `The timer ${timer.timer_id} (${token}) of conversation ${id} is gone: its dialog still waits for it, and no event of it came into the mailbox.`,
      [id],
    );
  }

  /** What a turn has begun to wait for is in the table. */
  #areSet(fresh: Values, before: Timers): void {
    const [tenantId, id] = [String(fresh.tenant_id), String(fresh.conversation_id)];
    const waited = new Set(Object.values(before).map(({ token }) => token));
    for (const [name, { token }] of Object.entries(timersOf(fresh.dialog_state))) {
      if (waited.has(token) || this.#view.rows.get(selectTimer, tenantId, token) !== undefined) continue;
      if (this.#view.rows.get(selectFired, tenantId, token) !== undefined) continue;
      const row = this.#conversation(tenantId, id);
      if (
        row === undefined ||
        row.survivor !== null ||
        row.holder === 'operator' ||
        !row.state?.includes(token)
      )
        continue;
      this.#object(
        `The dialog of conversation ${id} waits for its timer ${name} (${token}), which no turn has written down: it will wait for ever.`,
        [id],
      );
    }
  }

  #conversation(tenantId: string, id: string): ConversationRow | undefined {
    return this.#view.rows.get<ConversationRow>(selectConversation, tenantId, id);
  }

  #object(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: 'liveness', what, subjects });
  }
}

function whyStuck({
  holder,
  survivor,
  lessee,
  due,
  open,
  unseen,
  awaiting,
  running,
  timers,
}: ConversationRow): string | null {
  if (survivor !== null)
    return open === null
      ? `it was merged into ${survivor}, and its event ${awaiting} still awaits an answer that nobody makes any more`
      : `it was merged into ${survivor} and kept event ${open}, which nobody has taken: no turn looks there any more`;
  if (holder === 'operator') {
    if (unseen !== null)
      return `an operator has it, and event ${unseen} is neither theirs nor will a turn take it`;
    return awaiting === null
      ? null
      : `an operator has it, and event ${awaiting} still awaits an answer of the bot's`;
  }
  if (lessee !== null) return null;
  if (open !== null)
    return due === null ? `event ${open} is in its mailbox, and it is neither due nor leased` : null;
  return running === 0 && timers === 0
    ? `event ${awaiting} awaits an answer, and there is no activity, timer or event that would bring one`
    : null;
}

function timersOf(state: Values[string] | undefined): Timers {
  if (typeof state !== 'string' || state.includes('"timers":{}')) return {};
  return (JSON.parse(state) as { timers?: Timers }).timers ?? {};
}
