/**
 * I8: one state visit starts an activity at most once, and a late result changes nothing. A visit is named by the position
 * through which it asks: positions only rise, so a second activity that asks through the same one is of the same visit,
 * unless the first was cancelled. An activity has one end, told by one event; and of a result for which the dialog does
 * not wait nothing follows.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { RowChange, Values } from '../rows.ts';

export const visitsActOnce: MakeChecker = (view) => new Activities(view);

/** What a turn did in one commit, as far as a late result must not do it. */
interface Turn {
  /** Activities whose results it took. */
  results: string[];
  others: number;
  made: string[];
  before: string | null;
  after: string | null;
}

class Activities implements Checker {
  readonly invariant = 'I8';
  readonly #view: View;
  /** The activity that each end's event tells of, by conversation and position. */
  readonly #toldAt = new Map<string, string>();
  readonly #told = new Set<string>();

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    const started = new Set<string>();
    const turns = new Map<string, Turn>();
    const told = new Map<string, Values>();
    for (const { table, old, new: fresh } of changes) {
      if (fresh === null) continue;
      const id = String(fresh.conversation_id);
      if (table === 'activity' && old === null) {
        this.#judgeVisit(fresh);
        started.add(`${fresh.tenant_id} ${id}`);
        turnOf(turns, id).made.push(`activity ${fresh.activity_id}`);
      } else if (table === 'activity' && old !== null) this.#judgeState(old, fresh);
      else if (table === 'event' && old === null) {
        if (fresh.kind === 'activityDone' || fresh.kind === 'activityFailed') told.set(placeOf(fresh), fresh);
      } else if (table === 'event' && old !== null) {
        if (told.delete(placeOf(old))) told.set(placeOf(fresh), fresh);
        this.#move(old, fresh, turns);
      } else if (table === 'send' && old === null && fresh.origin !== 'operator')
        turnOf(turns, id).made.push(`send ${fresh.send_id}`);
      else if (table === 'conversation' && old !== null) noteState(turnOf(turns, id), old, fresh);
    }
    for (const event of told.values()) this.#judgeTold(event);
    for (const conversation of started) this.#mustRunOne(conversation);
    for (const [id, turn] of turns) this.#judgeLate(id, turn);
  }

  #judgeVisit(activity: Values): void {
    const { activity_id: activityId, conversation_id: id, input } = activity;
    const other = this.#view.rows.get<{ activity_id: string; state: string }>(
      `SELECT activity_id, state FROM activity WHERE tenant_id = ? AND conversation_id = ? AND activity_id <> ? AND state <> 'cancelled'
       AND json_extract(input, '$.through') = json_extract(?, '$.through')`,
      ...[String(activity.tenant_id), String(id), String(activityId), String(input)],
    );
    if (other !== undefined)
      this.#violated(
        `Activity ${activityId} was started in conversation ${id} for ${input}, for which ${other.activity_id} was started before (${other.state}): one visit of a state has two activities.`,
        [String(id), String(activityId), other.activity_id],
      );
  }

  /** Both dialogs wait for one thing at a time. */
  #mustRunOne(conversation: string): void {
    const [tenantId, id] = conversation.split(' ') as [string, string];
    const running = this.#view.rows.all<{ activity_id: string }>(
      "SELECT activity_id FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'",
      ...[tenantId, id],
    );
    if (running.length <= 1) return;
    const ids = running.map((each) => each.activity_id);
    this.#violated(
      `Conversation ${id} has ${ids.length} running activities and waits for one: ${ids.join(', ')}.`,
      [id, ...ids],
    );
  }

  #judgeState(old: Values, activity: Values): void {
    if (old.state === 'running' || old.state === activity.state) return;
    const id = String(activity.activity_id);
    this.#violated(
      `Activity ${id} was ${old.state} and became ${activity.state}: what comes after the end of an activity is late and must change nothing.`,
      [id, String(activity.conversation_id)],
    );
  }

  #judgeTold(event: Values): void {
    const { tenant_id: tenantId, conversation_id: id, position } = event;
    const row = this.#view.rows.get<{
      activity_id: string | null;
      state: string | null;
      is_copy: number | null;
    }>(
      `SELECT json_extract(content, '$.activityId') AS activity_id, state, dedupe_key LIKE 'redrive:%' AS is_copy FROM event LEFT JOIN activity
         ON activity.tenant_id = event.tenant_id AND activity_id = json_extract(content, '$.activityId')
       WHERE event.tenant_id = ? AND event.conversation_id = ? AND position = ?`,
      ...[String(tenantId), String(id), Number(position)],
    );
    const activityId = String(row?.activity_id);
    const what = `Event ${position} of conversation ${id} tells the end of activity ${activityId}`;
    this.#toldAt.set(placeOf(event), activityId);
    // A person may put a dead result into the mailbox again; the dialog has begun anew and does not wait for it.
    if (row?.is_copy === 1) return;
    const should = event.kind === 'activityDone' ? 'done' : 'failed';
    if (this.#told.has(activityId))
      this.#violated(`${what}, which was told before: an activity ends once.`, [String(id), activityId]);
    else if (row?.state !== should)
      this.#violated(
        `${what} as ${should}, and the activity is ${row?.state}: its result came too late to count.`,
        [String(id), activityId],
      );
    this.#told.add(activityId);
  }

  /** A turn takes an event, or a merge moves it. */
  #move(old: Values, event: Values, turns: Map<string, Turn>): void {
    const activityId = this.#toldAt.get(placeOf(old));
    if (activityId !== undefined) this.#toldAt.set(placeOf(event), activityId);
    if (old.end !== null || event.end === null) return;
    const turn = turnOf(turns, String(event.conversation_id));
    if (activityId === undefined) turn.others += 1;
    else turn.results.push(activityId);
  }

  /** A turn that took nothing but results for which its dialog did not wait leaves everything as it was. */
  #judgeLate(id: string, { results, others, made, before, after }: Turn): void {
    if (results.length === 0 || others > 0) return;
    const state = memoryOf(before);
    const waitsFor = Object.values(state.activities);
    if (results.some((activityId) => waitsFor.includes(activityId))) return;
    const isSame = JSON.stringify(state) === JSON.stringify(memoryOf(after));
    const followed = [...made, ...(isSame ? [] : ['another state of the dialog'])];
    if (followed.length > 0)
      this.#violated(
        `The dialog of conversation ${id} took the result of ${results.join(', ')}, for which it did not wait any more, and what followed was ${followed.join(', ')}. A late result must change nothing.`,
        [id, ...results],
      );
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}

const placeOf = ({ conversation_id: id, position }: Values) => `${id} ${position}`;

function turnOf(turns: Map<string, Turn>, id: string): Turn {
  const turn = turns.get(id) ?? { results: [], others: 0, made: [], before: null, after: null };
  turns.set(id, turn);
  return turn;
}

/** The state before the first and after the last change of the commit. */
function noteState(turn: Turn, old: Values, fresh: Values): void {
  turn.before ??= String(old.dialog_state ?? '{}');
  turn.after = String(fresh.dialog_state ?? '{}');
}

interface Memory {
  snapshot: unknown;
  activities: Record<string, string>;
  timers: unknown;
}

/** A dialog that has not begun remembers nothing, written down or not. */
function memoryOf(state: string | null): Memory {
  const { snapshot = null, activities = {}, timers = {} } = JSON.parse(state ?? '{}') as Partial<Memory>;
  return { snapshot, activities, timers };
}
