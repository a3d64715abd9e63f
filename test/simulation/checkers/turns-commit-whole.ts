/**
 * I4: a turn commits everything or nothing, and only with the newest fence. A turn is seen by the events that it
 * consumes; whatever else only a turn may write (activities, timers, the dialog's state, dead letters, the ends of events that
 * awaited an answer) must be of one commit with them and carry their fence.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import { short } from '../journal.ts';
import type { RowChange, Values } from '../rows.ts';

export const turnsCommitWhole: MakeChecker = (view) => new Turns(view);

/** What is known of the changes that came together before they are judged one by one. */
interface Together {
  /** `conversation fence` of each turn. */
  turns: Set<string>;
  /** By conversation. */
  fences: Map<string, number>;
  sends: Set<string>;
  /** Conversations that became one: what is silenced then is so under the fence of before. */
  merged: Set<string>;
  activities: Values[];
}

/** Ends that only a turn gives to an event that was open. */
const turnEnds: ReadonlySet<unknown> = new Set(['awaiting', 'answered', 'flagged', 'deadLetter']);

class Turns implements Checker {
  readonly invariant = 'I4';
  readonly #view: View;
  /** The rows of conversations as they are at the change that is looked at. */
  readonly #conversations = new Map<string, Values>();

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    const together = this.#together(changes);
    for (const change of changes) this.#judge(change, together);
    for (const [id, fence] of together.fences) {
      const row = this.#conversations.get(id);
      if (row?.fence === fence && row.lease_owner !== null)
        this.#violated(
          `Events of conversation ${id} were consumed with fence ${fence} in a commit that left the conversation leased under the same fence: the turn was committed in part.`,
          [id],
        );
    }
    for (const activity of together.activities) this.#mustBeRemembered(activity);
  }

  #together(changes: readonly RowChange[]): Together {
    const together: Together = {
      ...{ turns: new Set(), fences: new Map(), sends: new Set(), merged: new Set(), activities: [] },
    };
    for (const { table, old, new: fresh } of changes) {
      if (table === 'event' && old?.end === null && typeof fresh?.end === 'string') {
        together.turns.add(`${fresh.conversation_id} ${fresh.fence}`);
        if (turnEnds.has(fresh.end)) together.fences.set(String(fresh.conversation_id), Number(fresh.fence));
      } else if (table === 'send' && old === null) together.sends.add(String(fresh?.send_id));
      else if (table === 'activity' && old === null && fresh !== null) together.activities.push(fresh);
      else if (table === 'conversation' && old?.merged_into === null && fresh?.merged_into)
        together.merged.add(String(fresh.merged_into)).add(String(fresh.conversation_id));
    }
    return together;
  }

  #judge({ table, old, new: fresh }: RowChange, together: Together): void {
    if (fresh === null) return;
    const id = String(fresh.conversation_id);
    switch (table) {
      case 'conversation':
        this.#judgeConversation(id, old, fresh, together);
        return;
      case 'event':
        if (old === null || old.end === fresh.end || fresh.end === null) return;
        if (old.end === null) this.#judgeConsumed(id, fresh, together);
        else this.#judgeEnd(id, old, fresh, together);
        return;
      case 'activity':
        if (old === null) this.#ofTurn(id, `activity ${fresh.activity_id}`, fresh.fence, together);
        return;
      case 'timer':
        this.#ofTurn(id, `timer ${fresh.timer_id}`, this.#conversations.get(id)?.fence, together);
        return;
      case 'dead_letter':
        if (old === null) this.#ofTurn(id, `dead letter ${fresh.dead_letter_id}`, this.#fence(id), together);
    }
  }

  #judgeConversation(id: string, old: Values | null, fresh: Values, together: Together): void {
    if (old !== null && Number(fresh.fence) < Number(old.fence))
      this.#violated(
        `The fence of conversation ${id} fell from ${old.fence} to ${fresh.fence}; it may only rise.`,
        [id],
      );
    if (old !== null && old.dialog_state !== fresh.dialog_state)
      this.#ofTurn(id, 'a new state of the dialog', old.fence, together);
    this.#conversations.set(id, fresh);
  }

  #judgeConsumed(id: string, event: Values, { merged }: Together): void {
    const row = this.#conversations.get(id);
    const newest = Number(row?.fence);
    const words = `Event ${event.position} (${eventText(event)}) of conversation ${id} was consumed as ${event.end} with fence ${event.fence}`;
    const subjects = [id, ...(event.wamid === null ? [] : [String(event.wamid)])];
    const isTurn = turnEnds.has(event.end);
    // Whoever silences what a merge brought together does it under the fence of before the merge.
    if (!isTurn && merged.has(id)) return;
    if (event.fence !== newest)
      this.#violated(
        `${words}, when the conversation's newest fence was ${newest}: a turn that had lost its lease committed all the same.`,
        subjects,
      );
    else if (isTurn && row?.lease_owner === null)
      this.#violated(
        `${words}, when nobody held the conversation's lease: a turn without a lease committed.`,
        subjects,
      );
  }

  /** An end that an event got after it had awaited its answer. */
  #judgeEnd(id: string, old: Values, event: Values, together: Together): void {
    // Paid work that a merge cuts off is left to a person, by the merge.
    if (event.end === 'flagged' && together.merged.has(id)) return;
    const isByTurn = old.end === 'awaiting' && (event.end === 'answered' || event.end === 'flagged');
    if (!isByTurn) return;
    const what = `the end "${event.end}" of event ${event.position}`;
    this.#ofTurn(id, what, this.#fence(id), together);
    if (event.end === 'answered' && !together.sends.has(String(event.end_ref)))
      this.#violated(
        `Event ${event.position} (${eventText(event)}) of conversation ${id} was called answered by send ${event.end_ref}, which the same commit did not write: a turn was committed in part.`,
        [id, String(event.end_ref)],
      );
  }

  #fence(id: string): unknown {
    return this.#conversations.get(id)?.fence;
  }

  /** What only a turn writes must be of one commit with events that were consumed under the newest fence. */
  #ofTurn(id: string, what: string, fence: unknown, { turns }: Together): void {
    const newest = this.#fence(id);
    if (fence !== newest)
      this.#violated(
        `${what} of conversation ${id} was written with fence ${fence}, when the newest was ${newest}: a turn that had lost its lease wrote all the same.`,
        [id],
      );
    else if (!turns.has(`${id} ${fence}`))
      this.#violated(
        `${what} of conversation ${id} was written with fence ${fence} in a commit that consumed no event under this fence: a turn was committed in part.`,
        [id],
      );
  }

  /** An activity and the state that waits for it are of one commit. */
  #mustBeRemembered(activity: Values): void {
    const { tenant_id: tenantId, activity_id: activityId, conversation_id: id } = activity;
    const row = this.#view.rows.get<{ state: string }>(
      'SELECT state FROM activity WHERE tenant_id = ? AND activity_id = ?',
      String(tenantId),
      String(activityId),
    );
    if (row?.state !== 'running') return;
    const { activities } = JSON.parse(String(this.#conversations.get(String(id))?.dialog_state ?? '{}')) as {
      activities?: Record<string, string>;
    };
    if (!Object.values(activities ?? {}).includes(String(activityId)))
      this.#violated(
        `Activity ${activityId} was started by a turn of conversation ${id} whose stored state does not wait for it: state and activity were not committed together.`,
        [String(id), String(activityId)],
      );
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}

function eventText({ kind, wamid }: Values): string {
  return wamid === null ? String(kind) : `${kind}, ${short(String(wamid))}`;
}
