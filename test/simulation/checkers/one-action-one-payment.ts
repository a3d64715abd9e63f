/**
 * I7: no action of a customer starts two paid calls. Each activity that asks the provider was started by a turn which took
 * messages that may have caused it: a text that asks for such work, or a tap. A button that is tapped twice is one action,
 * however many messages tell of it. A turn takes several messages, so what is asked is whether each activity can have an
 * action of its own (a matching, by augmenting paths). What certainly cost nothing leaves its action free. Who redrives a dead letter acts for themselves.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation } from '../journal.ts';
import type { RowChange } from '../rows.ts';
import { workOf } from '../shop.ts';
import { type Said, SaidBook } from './said.ts';

export const oneActionOnePayment: MakeChecker = (view) => new Causes(view);

const selectTurn =
  'SELECT conversation_id AS id, fence FROM activity WHERE tenant_id = ? AND activity_id = ?';

const selectCostly =
  "SELECT 1 AS one FROM ledger_entry WHERE tenant_id = ? AND activity_id = ? AND state <> 'refunded'";

class Causes implements Checker {
  readonly invariant = 'I7';
  readonly #view: View;
  readonly #said = new SaidBook();
  readonly #verbs: readonly string[];
  /** By turn, the actions that it took. */
  readonly #taken = new Map<string, string[]>();
  /** By activity that has asked, what may have caused it. */
  readonly #causes = new Map<string, string[]>();
  readonly #tenantOf = new Map<string, string>();
  readonly #givenTo = new Map<string, string>();

  constructor(view: View) {
    this.#view = view;
    this.#verbs = Object.keys(workOf(view.plan.paid));
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      if (table !== 'event' || old?.end !== null || row?.end == null || row.fence === null) continue;
      const said = this.#said.byWamid(row.wamid);
      if (said === undefined) continue;
      const turn = `${row.tenant_id} ${row.conversation_id} ${row.fence}`;
      const action = this.#actionOf(said);
      if (action !== null) this.#taken.set(turn, [...(this.#taken.get(turn) ?? []), action]);
    }
  }

  see(seen: Observation): void {
    this.#said.see(seen);
    if (seen.kind !== 'paidAsked') return;
    const { tenantId, key } = seen;
    const activityId = key.split('-')[0] ?? key;
    if (this.#causes.has(activityId)) return;
    const turn = this.#view.rows.get<{ id: string; fence: number }>(selectTurn, tenantId, activityId);
    const causes = this.#taken.get(`${tenantId} ${turn?.id} ${turn?.fence}`) ?? [];
    this.#causes.set(activityId, causes);
    this.#tenantOf.set(activityId, tenantId);
    if (!this.#give(activityId, new Set()))
      this.#view.violated({
        invariant: this.invariant,
        what: `The provider is asked for ${activityId}, and what may have caused it (${causes.join(', ') || 'nothing'}) has caused ${causes.map((cause) => this.#givenTo.get(cause)).join(', ') || 'nothing'} already: one action of a customer is paid for twice.`,
        subjects: [activityId, turn?.id ?? '', ...causes],
      });
  }

  #actionOf({ wamid, type, text, button }: Said): string | null {
    if (button !== undefined) return `tap on ${button}`;
    const isWanted = type === 'text' && this.#verbs.some((verb) => text.startsWith(`${verb} `));
    return isWanted ? wamid : null;
  }

  #isCostly(activityId: string): boolean {
    return this.#view.rows.get(selectCostly, this.#tenantOf.get(activityId) ?? '', activityId) !== undefined;
  }

  #give(activityId: string, tried: Set<string>): boolean {
    for (const cause of this.#causes.get(activityId) ?? []) {
      if (tried.has(cause)) continue;
      tried.add(cause);
      const owner = this.#givenTo.get(cause);
      if (owner !== undefined && this.#isCostly(owner) && !this.#give(owner, tried)) continue;
      this.#givenTo.set(cause, activityId);
      return true;
    }
    return false;
  }
}
