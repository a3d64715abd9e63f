/**
 * I7, seen by the provider: each request leaves under an attempt of its own that was committed before it, of money that
 * was reserved; nobody is charged twice for one entry, nor for one that was handed back; who cannot be asked again under
 * a key is asked again only where no earlier request can have cost anything; and an activity asks so often as it may.
 */
import type { Checker, MakeChecker, View } from '../checker.ts';
import type { Observation, PaidCall } from '../journal.ts';
import type { RowChange } from '../rows.ts';

export const paidUnderAttempt: MakeChecker = (view) => new Attempts(view);

/** After its activity is over. */
const triesMax = 8;
/** Answers by which the provider says that a request cost nothing. */
const isFree = (how: string | null) =>
  how === '503' || how === '400' || how === 'disproved' || how?.startsWith('notSent') === true;

interface EntryRow {
  state: string;
  spent: number | null;
  presumed: number;
  rule: string;
  restarts: number;
}

const selectEntry = `SELECT e.state, e.spent_micros AS spent, e.presumed, e.on_uncertain AS rule, a.restarts FROM ledger_entry e
  JOIN activity a USING (tenant_id, activity_id) WHERE e.tenant_id = ? AND e.activity_id = ? AND e.request = ?`;
const selectEnded = `SELECT tenant_id AS tenant, activity_id || iif(request = 1, '', '-' || request) AS key, state, spent_micros AS spent, presumed
  FROM ledger_entry`;

/** What is known of the requests under one key. */
interface Asked {
  attempts: number;
  /** By call, what was heard of it, or that a look-up knew of no charge. */
  requests: Map<number, string | null>;
  charges: number[];
}

class Attempts implements Checker {
  readonly invariant = 'I7';
  readonly #view: View;
  /** By tenant and key. */
  readonly #asked = new Map<string, Asked>();
  readonly #requests = new Map<string, number>();

  constructor(view: View) {
    this.#view = view;
  }

  changed(changes: readonly RowChange[]): void {
    for (const { table, old, new: row } of changes) {
      if (table !== 'ledger_entry' || row === null) continue;
      const { tenant_id: tenantId, activity_id: activityId, request, state } = row;
      const key = request === 1 ? `${activityId}` : `${activityId}-${request}`;
      const asked = this.#of(`${tenantId}`, key);
      if (old?.state !== state && (state === 'calling' || state === 'asking')) asked.attempts += 1;
      if (state === 'refunded' && asked.charges.length > 0)
        this.#violated(`What ${key} had reserved was handed back, and the provider has charged for it.`, key);
      if (old?.state !== state && state === 'settled' && row.presumed === 0)
        this.#isCharged(key, asked, Number(row.spent_micros));
    }
  }

  see(seen: Observation): void {
    if (seen.kind === 'paidAsked') this.#ask(seen);
    else if (seen.kind === 'paidHeard') this.#of(seen.tenantId, seen.key).requests.set(seen.call, seen.how);
    else if (seen.kind === 'lookupHeard' && seen.how === '404') this.#disprove(seen);
    else if (seen.kind === 'provided' && seen.amountMicros !== null)
      this.#charge(seen.tenantId, seen.key, seen.amountMicros);
  }

  end(): void {
    const entries = this.#view.rows.all<EntryRow & { tenant: string; key: string }>(selectEnded);
    for (const { tenant, key, state, spent, presumed } of entries) {
      const { charges } = this.#of(tenant, key);
      if (state === 'settled' && presumed === 0) this.#isCharged(key, this.#of(tenant, key), Number(spent));
      else if (state !== 'settled' && charges.length > 0)
        this.#violated(`The provider charged for ${key}, and its entry ended as ${state}.`, key);
    }
    const known = new Set(entries.map(({ tenant, key }) => `${tenant} ${key}`));
    for (const [id, { charges }] of this.#asked)
      if (charges.length > 0 && !known.has(id))
        this.#violated(`The provider charged for ${id}, of which there is no entry.`, id);
  }

  #of(tenantId: string, key: string): Asked {
    const id = `${tenantId} ${key}`;
    let asked = this.#asked.get(id);
    if (asked === undefined) {
      asked = { attempts: 0, requests: new Map(), charges: [] };
      this.#asked.set(id, asked);
    }
    return asked;
  }

  #disprove({ tenantId, key, call }: PaidCall): void {
    const { requests } = this.#of(tenantId, key);
    for (const asked of requests.keys()) if (asked < call) requests.set(asked, 'disproved');
  }

  #ask({ tenantId, key, call, process }: PaidCall): void {
    const [activityId = '', request = '1'] = key.split('-');
    const asked = this.#of(tenantId, key);
    const row = this.#view.rows.get<EntryRow>(selectEntry, tenantId, activityId, Number(request));
    const what = `Process ${process} asked the provider under ${key}`;
    if (row === undefined) this.#violated(`${what}, for which nothing was reserved.`, key);
    else if (asked.requests.size >= asked.attempts)
      this.#violated(
        `${what} for the ${asked.requests.size + 1}th time, and ${asked.attempts} attempts were committed.`,
        key,
      );
    else if (row.state === 'refunded')
      this.#violated(`${what}, when what it had reserved had been handed back.`, key);
    else this.#mayAsk(what, key, row, asked);
    asked.requests.set(call, null);
    const all = (this.#requests.get(activityId) ?? 0) + 1;
    this.#requests.set(activityId, all);
    const may = this.#view.plan.paid.attemptsMax * (1 + (row?.restarts ?? 0)) + triesMax;
    if (all > may) this.#violated(`${what}, the ${all}th request of its activity, and ${may} may be.`, key);
  }

  /** Another request where an earlier one may have cost something. */
  #mayAsk(what: string, key: string, { rule }: EntryRow, asked: Asked): void {
    if (rule === 'retryWithKey') return;
    const open = [...asked.requests.values()].find((how) => !isFree(how));
    if (open === undefined) return;
    const heard =
      open === null ? 'nothing was heard of an earlier one' : `"${open}" was heard of an earlier one`;
    this.#violated(
      `${what} again, though ${heard} and its rule is ${rule}: the provider may charge twice.`,
      key,
    );
  }

  #charge(tenantId: string, key: string, amountMicros: number): void {
    const asked = this.#of(tenantId, key);
    asked.charges.push(amountMicros);
    if (asked.charges.length > 1)
      this.#violated(`The provider charged ${asked.charges.length} times for ${key}.`, key);
  }

  #isCharged(key: string, { charges }: Asked, spentMicros: number): void {
    if (charges.length === 1 && charges[0] === spentMicros) return;
    this.#violated(
      `${key} is settled with ${spentMicros}, as if it were known, and the provider has charged ${charges.join(' and ') || 'nothing'}.`,
      key,
    );
  }

  #violated(what: string, key: string): void {
    this.#view.violated({ invariant: this.invariant, what, subjects: [key.split('-')[0] ?? key] });
  }
}
