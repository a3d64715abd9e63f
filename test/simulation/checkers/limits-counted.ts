/**
 * Limits are counted and judged in the commit: the replies that a contact gets in an hour are as many as were started for
 * them, in all conversations and after a merge for both; they never pass the limit, and none is refused while there is room.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { RowChange, Values } from '../rows.ts';

export const limitsCounted: MakeChecker = (view) => new Limits(view);

const limitName = 'repliesPerContactPerHour';
const hourMs = 3_600_000;
/** Where a tenant names none. */
const maxByDefault = 60;

class Limits implements Checker {
  readonly invariant = 'limits';
  readonly #view: View;
  /** By tenant; only the assistant's replies are limited. */
  readonly #max = new Map<string, number>();
  readonly #contactOf = new Map<string, string>();
  /** Replies by contact, then by the hour in which they were started. */
  readonly #started = new Map<string, Map<number, number>>();

  constructor(view: View) {
    this.#view = view;
    for (const { id, dialog, repliesPerHourMax } of view.plan.tenants)
      if (dialog === 'assistant') this.#max.set(id, repliesPerHourMax ?? maxByDefault);
  }

  changed(changes: readonly RowChange[]): void {
    const counters: Values[] = [];
    const merged = new Set<string>();
    for (const { table, old, new: fresh } of changes) {
      if (fresh === null) continue;
      if (table === 'conversation')
        this.#contactOf.set(String(fresh.conversation_id), String(fresh.contact_id));
      else if (table === 'contact' && fresh.merged_into !== null && old?.merged_into === null) {
        merged.add(String(fresh.merged_into));
        this.#merge(String(fresh.contact_id), String(fresh.merged_into));
      } else if (table === 'activity' && old === null) this.#start(fresh);
      else if (table === 'limit_counter' && fresh.limit_name === limitName) {
        counters.push(fresh);
        const isRefusal = Number(fresh.refused) > Number(old?.refused ?? 0);
        if (isRefusal && !merged.has(String(fresh.scope))) this.#judgeRefusal(fresh);
      }
    }
    for (const counter of counters) this.#judgeCounter(counter);
  }

  #of(contact: string): Map<number, number> {
    let hours = this.#started.get(contact);
    if (hours === undefined) {
      hours = new Map();
      this.#started.set(contact, hours);
    }
    return hours;
  }

  #merge(from: string, into: string): void {
    const hours = this.#of(into);
    for (const [hour, count] of this.#of(from)) hours.set(hour, (hours.get(hour) ?? 0) + count);
    this.#started.delete(from);
  }

  #start(activity: Values): void {
    const max = this.#max.get(String(activity.tenant_id));
    if (max === undefined) return;
    const contact = this.#contactOf.get(String(activity.conversation_id)) ?? '';
    const hour = Math.floor(Number(activity.created_at_ms) / hourMs) * hourMs;
    const hours = this.#of(contact);
    const started = (hours.get(hour) ?? 0) + 1;
    hours.set(hour, started);
    if (started > max)
      this.#violated(
        `Reply ${activity.activity_id} is the ${started}th to contact ${contact} in one hour, and ${max} are allowed.`,
        [contact, String(activity.activity_id)],
      );
  }

  #judgeRefusal({ tenant_id: tenantId, scope, window_start_ms: hour }: Values): void {
    const max = this.#max.get(String(tenantId));
    const started = this.#of(String(scope)).get(Number(hour)) ?? 0;
    if (max !== undefined && started < max)
      this.#violated(
        `A reply to contact ${scope} was refused by its limit, when ${started} had been started in the hour and ${max} are allowed.`,
        [String(scope)],
      );
  }

  #judgeCounter({ scope, window_start_ms: hour, tenant_id: tenantId }: Values): void {
    const row = this.#view.rows.get<{ used: number }>(
      'SELECT used FROM limit_counter WHERE tenant_id = ? AND limit_name = ? AND scope = ? AND window_start_ms = ?',
      ...[String(tenantId), limitName, String(scope), Number(hour)],
    );
    const started = this.#of(String(scope)).get(Number(hour)) ?? 0;
    if (row !== undefined && row.used !== started)
      this.#violated(
        `The counter of replies to contact ${scope} says ${row.used}, and ${started} were started in its hour.`,
        [String(scope)],
      );
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}
