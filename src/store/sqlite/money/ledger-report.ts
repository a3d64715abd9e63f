/**
 * What the ledger adds up to, from its postings: the entries say whose they are, the postings where the money stands. An
 * entry whose postings do not add up to its state is counted; only somebody who wrote into the file could make one.
 */
import type { LedgerGroup, LedgerQuery, LedgerReport, LedgerRow } from '#core/ports/store-money.ts';
import { survivingContact } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';

/** What an place holds of an entry. */
const held = (place: string) =>
  `coalesce(sum(CASE WHEN p.to_place = '${place}' THEN p.amount_micros WHEN p.from_place = '${place}' THEN -p.amount_micros END), 0)`;
/** Index: ledger_entry_by_day. */
const selectEntries = `SELECT e.tenant_id, e.contact_id, e.activity, e.day, e.currency, e.request, e.state, e.presumed, e.reserved_micros, e.spent_micros,
    ${held('reserved')} AS reserved, ${held('uncertain')} AS uncertain, ${held('spent')} AS spent, ${held('budget')} AS budget
  FROM ledger_entry e JOIN ledger_posting p ON p.tenant_id = e.tenant_id AND p.activity_id = e.activity_id AND p.request = e.request
  WHERE (?1 IS NULL OR e.tenant_id = ?1) AND (?2 IS NULL OR e.activity = ?2) AND e.day BETWEEN ?3 AND ?4
  GROUP BY e.tenant_id, e.activity_id, e.request`;
const sumEntries = `SELECT tenant_id, contact_id, activity, day, currency, sum(request = 1) AS starts, sum(reserved) AS reserved,
    sum(uncertain) AS uncertain, sum(spent) AS spent, sum(spent * presumed) AS presumed, sum(reserved_micros + budget) AS returned,
    sum(reserved + uncertain + spent + budget <> 0 OR spent <> coalesce(spent_micros, 0)
      OR (state IN ('reserved','calling')) <> (reserved <> 0) OR (state IN ('uncertain','asking')) <> (uncertain <> 0)) AS unbalanced
  FROM (${selectEntries}) GROUP BY tenant_id, contact_id, activity, day, currency ORDER BY tenant_id, day, activity, contact_id, currency`;

interface SumRow {
  tenant_id: string;
  contact_id: string;
  activity: string;
  day: string;
  currency: string;
  starts: number;
  reserved: number;
  uncertain: number;
  spent: number;
  presumed: number;
  returned: number;
  unbalanced: number;
}

/** Contacts that were merged count for the one that they became. */
export function readLedger(context: Context, query: LedgerQuery): LedgerReport {
  const rows = new Map<string, LedgerRow>();
  let unbalanced = 0;
  const isBy = (group: LedgerGroup) => query.by.includes(group);
  const found = context.db.all<SumRow>(
    sumEntries,
    query.tenantId ?? null,
    query.activity ?? null,
    query.fromDay ?? '',
    query.toDay ?? '9999',
  );
  for (const each of found) {
    unbalanced += each.unbalanced;
    const contactId = survivingContact(context, each.tenant_id, each.contact_id);
    if (query.contactId !== undefined && contactId !== query.contactId) continue;
    const group = {
      tenantId: isBy('tenant') || isBy('contact') ? each.tenant_id : null,
      contactId: isBy('contact') ? contactId : null,
      activity: isBy('activity') ? each.activity : null,
      day: isBy('day') ? each.day : null,
      currency: each.currency,
    };
    const key = JSON.stringify(Object.values(group));
    const row = rows.get(key) ?? { ...group, ...nothing };
    rows.set(key, {
      ...row,
      starts: row.starts + each.starts,
      reservedMicros: row.reservedMicros + each.reserved,
      uncertainMicros: row.uncertainMicros + each.uncertain,
      spentMicros: row.spentMicros + each.spent,
      presumedMicros: row.presumedMicros + each.presumed,
      returnedMicros: row.returnedMicros + each.returned,
    });
  }
  return { rows: [...rows.values()], unbalanced };
}

const nothing = {
  starts: 0,
  reservedMicros: 0,
  uncertainMicros: 0,
  spentMicros: 0,
  presumedMicros: 0,
  returnedMicros: 0,
};
