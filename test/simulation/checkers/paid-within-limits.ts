/**
 * I7 and its limits, counted anew from the entries: the starts for a contact and the money of a tenant, in windows that lie
 * side by side, never pass what the plan allows; nothing is refused while there is room; and the counters say the same. What
 * was handed back counts no more, what was settled counts as what it cost, and a merge makes one contact's of both.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { RowChange, Values } from '../rows.ts';
import { contactLimit, reservedMicros, tenantLimit } from '../shop.ts';

export const paidWithinLimits: MakeChecker = (view) => new PaidLimits(view);

interface Entry {
  tenantId: string;
  contact: string;
  window: number;
  /** Another request of an activity is another cost, and no other start. */
  starts: number;
  micros: number;
}

const selectUsed =
  'SELECT used FROM limit_counter WHERE tenant_id = ? AND limit_name = ? AND scope = ? AND window_start_ms = ?';

class PaidLimits implements Checker {
  readonly invariant = 'I7';
  readonly #view: View;
  readonly #contactOf = new Map<string, string>();
  readonly #survivor = new Map<string, string>();
  readonly #entries = new Map<string, Entry>();

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    const counters: Values[] = [];
    const merged = new Set<string>();
    for (const { table, old, new: row } of changes) {
      if (row === null) continue;
      if (table === 'conversation') this.#contactOf.set(String(row.conversation_id), String(row.contact_id));
      else if (table === 'contact' && row.merged_into !== null && old?.merged_into === null) {
        merged.add(String(row.merged_into));
        this.#survivor.set(String(row.contact_id), String(row.merged_into));
      } else if (table === 'ledger_entry') this.#count(old, row);
      else if (table === 'limit_counter' && this.#maxOf(row.limit_name) !== undefined) {
        counters.push(row);
        const isRefusal = Number(row.refused) > Number(old?.refused ?? 0);
        if (isRefusal && !merged.has(String(row.scope))) this.#judgeRefusal(row);
      }
    }
    for (const counter of counters) this.#judgeCounter(counter);
  }

  #maxOf(limit: Values[string] | undefined): number | undefined {
    const { perContactMax, perTenantMicrosMax } = this.#view.plan.paid;
    if (limit === contactLimit) return perContactMax;
    return limit === tenantLimit ? perTenantMicrosMax : undefined;
  }

  #present(contact: string): string {
    const survivor = this.#survivor.get(contact);
    return survivor === undefined ? contact : this.#present(survivor);
  }

  #count(old: Values | null, row: Values): void {
    const id = `${row.tenant_id} ${row.activity_id} ${row.request}`;
    const { windowMs } = this.#view.plan.paid;
    const state = String(row.state);
    const micros =
      state === 'settled' ? Number(row.spent_micros) : state === 'refunded' ? 0 : Number(row.reserved_micros);
    const entry = this.#entries.get(id) ?? {
      tenantId: String(row.tenant_id),
      contact: this.#contactOf.get(String(row.conversation_id)) ?? '',
      window: Math.floor(Number(row.created_at_ms) / windowMs) * windowMs,
      ...{ starts: 0, micros: 0 },
    };
    Object.assign(entry, { micros, starts: row.request === 1 && state !== 'refunded' ? 1 : 0 });
    this.#entries.set(id, entry);
    if (old !== null) return;
    const limits = entry.starts === 1 ? [contactLimit, tenantLimit] : [tenantLimit];
    for (const limit of limits) {
      const used = this.#used(limit, entry.tenantId, this.#present(entry.contact), entry.window);
      const max = this.#maxOf(limit) ?? 0;
      if (used > max)
        this.#violated(
          `With ${row.activity_id} the limit ${limit} counts ${used} in one window, and ${max} are allowed.`,
          [String(row.activity_id)],
        );
    }
  }

  #used(limit: string, tenantId: string, scope: string, window: number): number {
    const counted = [...this.#entries.values()].filter(
      (entry) => entry.tenantId === tenantId && entry.window === window,
    );
    if (limit === tenantLimit) return counted.reduce((sum, { micros }) => sum + micros, 0);
    return counted.reduce(
      (sum, { contact, starts }) => sum + (this.#present(contact) === scope ? starts : 0),
      0,
    );
  }

  #of(counter: Values): number {
    const window = Number(counter.window_start_ms);
    return this.#used(String(counter.limit_name), String(counter.tenant_id), String(counter.scope), window);
  }

  #judgeRefusal(counter: Values): void {
    const limit = String(counter.limit_name);
    const used = this.#of(counter);
    const wanted = limit === tenantLimit ? reservedMicros : 1;
    if (used + wanted > (this.#maxOf(limit) ?? 0)) return;
    this.#violated(
      `Paid work was refused by the limit ${limit} of "${counter.scope}", when ${used} were used and ${this.#maxOf(limit)} are allowed.`,
      [String(counter.scope)],
    );
  }

  #judgeCounter(counter: Values): void {
    const { tenant_id: tenantId, limit_name: limit, scope, window_start_ms: window } = counter;
    const row = this.#view.rows.get<{ used: number }>(
      selectUsed,
      ...[String(tenantId), String(limit), String(scope), Number(window)],
    );
    const used = this.#of(counter);
    if (row !== undefined && row.used !== used)
      this.#violated(
        `The counter of the limit ${limit} of "${scope}" says ${row.used}, and the entries of its window say ${used}.`,
        [String(scope)],
      );
  }

  #violated(what: string, subjects: string[]): void {
    this.#view.violated({ invariant: this.invariant, what, subjects });
  }
}
