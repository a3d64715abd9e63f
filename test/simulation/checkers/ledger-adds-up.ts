/**
 * I7 in the rows: paid work is written down with what it reserves, in one commit; an entry follows the ways of an entry and
 * ends once; its postings add up to what it says, and the day's spending to its entries; what is counted as spent without
 * proof is seen by a person, or was asked for anew under another key.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { RowChange, Values } from '../rows.ts';
import { reservedMicros, workOf } from '../shop.ts';

export const ledgerAddsUp: MakeChecker = (view) => new Ledger(view);

/** What may follow what. */
const ways: Readonly<Record<string, readonly string[]>> = {
  reserved: ['calling', 'refunded'],
  calling: ['reserved', 'settled', 'uncertain'],
  uncertain: ['asking', 'reserved', 'settled'],
  asking: ['uncertain', 'settled'],
  settled: [],
  refunded: [],
};
/** Where the money of an entry stands. */
const placeOf: Readonly<Record<string, string>> = {
  ...{ reserved: 'reserved', calling: 'reserved', uncertain: 'uncertain', asking: 'uncertain' },
  ...{ settled: 'spent', refunded: 'budget' },
};
const selectNext =
  'SELECT 1 AS one FROM ledger_entry WHERE tenant_id = ? AND activity_id = ? AND request = ?';
const selectSurvivor =
  'SELECT coalesce(merged_into, conversation_id) AS id FROM conversation WHERE tenant_id = ? AND conversation_id = ?';

const idOf = (row: Values) => `${row.tenant_id} ${row.activity_id} ${row.request}`;
const dayOf = (row: Values) => `${row.tenant_id} ${row.day} ${row.currency}`;

interface Entry {
  row: Values;
  /** By place; the budget's falls below 0. */
  balances: Map<string, number>;
}

class Ledger implements Checker {
  readonly invariant = 'I7';
  readonly #view: View;
  readonly #paidNames: ReadonlySet<string>;
  readonly #entries = new Map<string, Entry>();
  readonly #spent = new Map<string, number>();

  constructor(view: View) {
    this.#view = view;
    this.#paidNames = new Set(Object.keys(workOf(view.plan.paid)));
  }

  changed(changes: readonly RowChange[]): void {
    const touched = new Set<Entry>();
    const days = new Map<string, Values>();
    const flagged = new Set<string>();
    const presumed: Values[] = [];
    for (const { table, old, new: row } of changes) {
      if (table === 'ledger_entry') {
        if (row === null) this.#violated('is gone', old as Values);
        else touched.add(this.#move(old, row));
        if (row?.presumed === 1 && old?.presumed === 0) presumed.push(row);
      } else if (table === 'ledger_posting' && row !== null) touched.add(this.#post(old, row));
      else if (table === 'ledger_day' && row !== null) days.set(dayOf(row), row);
      else if (table === 'flag' && row?.reason === 'chargeUncertain' && row.count !== old?.count)
        flagged.add(`${row.tenant_id} ${row.conversation_id}`);
    }
    for (const entry of touched) this.#addsUp(entry);
    for (const day of days.values()) this.#dayAddsUp(day);
    for (const row of presumed) this.#isSeen(row, flagged);
    for (const { table, old, new: row } of changes)
      if (table === 'activity' && old === null && row !== null) this.#isReserved(row);
  }

  #move(old: Values | null, row: Values): Entry {
    const id = idOf(row);
    const entry = this.#entries.get(id) ?? { row, balances: new Map<string, number>() };
    this.#entries.set(id, entry);
    entry.row = row;
    const state = String(row.state);
    if (old === null && state !== 'reserved') this.#violated(`began as ${state}`, row);
    if (old === null || old.state === state) {
      if (old !== null && ways[state]?.length === 0)
        this.#violated(`ended as ${state}, and changed again`, row);
      return entry;
    }
    if (!ways[String(old.state)]?.includes(state))
      this.#violated(`was ${old.state} and became ${state}, which is no way of an entry`, row);
    if (state === 'settled')
      this.#spent.set(dayOf(row), (this.#spent.get(dayOf(row)) ?? 0) + Number(row.spent_micros));
    return entry;
  }

  #post(old: Values | null, row: Values): Entry {
    const entry = this.#entries.get(idOf(row)) ?? { row, balances: new Map<string, number>() };
    this.#entries.set(idOf(row), entry);
    if (old !== null) this.#violated(`has a posting that changed (${row.nth})`, row);
    const add = (place: Values[string] | undefined, micros: number) =>
      entry.balances.set(String(place), (entry.balances.get(String(place)) ?? 0) + micros);
    add(row.from_place, -Number(row.amount_micros));
    add(row.to_place, Number(row.amount_micros));
    return entry;
  }

  #addsUp({ row, balances }: Entry): void {
    const held = row.state === 'settled' ? Number(row.spent_micros) : Number(row.reserved_micros);
    const should = new Map([[placeOf[String(row.state)], held]]);
    should.set('budget', row.state === 'refunded' ? 0 : -held);
    for (const place of ['budget', 'reserved', 'uncertain', 'spent']) {
      const is = balances.get(place) ?? 0;
      if (is !== (should.get(place) ?? 0))
        this.#violated(
          `is ${row.state} with ${held}, and its postings leave ${is} in ${place}, not ${should.get(place) ?? 0}`,
          row,
        );
    }
  }

  #dayAddsUp(day: Values): void {
    const spent = this.#spent.get(dayOf(day)) ?? 0;
    if (day.spent_micros !== spent)
      this.#violated(
        `counts for a day on which ${spent} was settled and ${day.spent_micros} is written`,
        day,
      );
  }

  /** Counted as spent, and nobody knows. */
  #isSeen(row: Values, flagged: ReadonlySet<string>): void {
    const { rows } = this.#view;
    const [tenantId, activityId] = [String(row.tenant_id), String(row.activity_id)];
    if (rows.get(selectNext, tenantId, activityId, Number(row.request) + 1) !== undefined) return;
    const survivor = rows.get<{ id: string }>(selectSurvivor, tenantId, String(row.conversation_id))?.id;
    if (!flagged.has(`${tenantId} ${survivor}`))
      this.#violated('is counted as spent without proof, and no person was asked', row);
  }

  /** What runs is paid for; a result that was paid for before is given at once. */
  #isReserved(activity: Values): void {
    if (!this.#paidNames.has(String(activity.name)) || activity.state === 'done') return;
    const row = this.#entries.get(`${activity.tenant_id} ${activity.activity_id} 1`)?.row;
    if (row?.reserved_micros !== reservedMicros)
      this.#violated(`was started and has reserved ${row?.reserved_micros ?? 'nothing'}`, activity);
  }

  #violated(what: string, row: Values): void {
    const id = String(row.activity_id ?? row.day);
    this.#view.violated({ invariant: this.invariant, what: `Paid work ${id} ${what}.`, subjects: [id] });
  }
}
