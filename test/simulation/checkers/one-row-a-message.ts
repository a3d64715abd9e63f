/**
 * I2: however often a message arrives and whatever is merged, it is one event, and it stays what it was. Only a person who
 * redrives a dead letter makes a second event of its message.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { RowChange, Values } from '../rows.ts';
import { SaidBook } from './said.ts';

const countRedriven = `SELECT count(*) AS count FROM dead_letter d JOIN event e USING (tenant_id, conversation_id, position)
  WHERE e.tenant_id = ? AND e.wamid = ? AND d.redriven_at_ms IS NOT NULL`;
const selectRepeated = `SELECT tenant_id, wamid, count(*) AS count FROM event WHERE wamid IS NOT NULL
  GROUP BY tenant_id, wamid HAVING count(*) > 1`;

const placeOf = (row: Values) => `${row.conversation_id} ${row.position}`;

export const oneRowAMessage: MakeChecker = (view) => new OneRowAMessage(view);

class OneRowAMessage implements Checker {
  readonly invariant = 'I2';
  readonly #view: View;
  readonly #said = new SaidBook();
  /** By tenant and wamid, the places where the message stands. */
  readonly #places = new Map<string, Set<string>>();

  constructor(view: View) {
    this.#view = view;
  }

  see = (seen: Parameters<NonNullable<Checker['see']>>[0]) => this.#said.see(seen);

  changed(changes: readonly RowChange[]): void {
    const fresh = new Map<string, Values>();
    for (const { table, old, new: row } of changes) {
      if (table !== 'event') continue;
      if (old?.wamid) this.#placesOf(old).delete(placeOf(old));
      if (row?.wamid) this.#placesOf(row).add(placeOf(row));
      if (row?.wamid && row.wamid !== old?.wamid) fresh.set(`${row.tenant_id} ${row.wamid}`, row);
      if (old && row && (old.kind !== row.kind || (old.wamid !== null && old.wamid !== row.wamid)))
        this.#isAnother(old, row);
    }
    for (const row of fresh.values()) {
      const count = this.#placesOf(row).size;
      if (count > 1) this.#judge(row.tenant_id, row.wamid, count);
    }
  }

  end(): void {
    for (const { tenant_id, wamid, count } of this.#view.rows.all<Values>(selectRepeated))
      this.#judge(tenant_id ?? null, wamid ?? null, Number(count));
  }

  #placesOf({ tenant_id, wamid }: Values): Set<string> {
    const key = `${tenant_id} ${wamid}`;
    const places = this.#places.get(key) ?? new Set();
    this.#places.set(key, places);
    return places;
  }

  #judge(tenantId: Values[string] = null, wamid: Values[string] = null, count: number): void {
    const redriven = this.#view.rows.get<{ count: number }>(countRedriven, tenantId, wamid)?.count ?? 0;
    if (count <= 1 + redriven) return;
    this.#view.violated({
      invariant: 'I2',
      what: `${this.#said.nameOf(wamid)} stands in the mailboxes of ${tenantId} ${count} times, and a person has redriven it ${redriven} times: a repeated webhook made a second event of it, which will be answered again.`,
      subjects: [String(wamid)],
    });
  }

  #isAnother(old: Values, row: Values): void {
    this.#view.violated({
      invariant: 'I2',
      what: `Event ${placeOf(old)} was ${old.kind} ${this.#said.nameOf(old.wamid)} and became ${row.kind} ${this.#said.nameOf(row.wamid)}. What was stored of a message may never change.`,
      subjects: [String(old.wamid), String(row.wamid)],
    });
  }
}
