/**
 * Everything that is stored of one contact, read a page at a time and in one order: section by section, in each by contact
 * or conversation, in each by key. A page costs what it holds, however much came before it. Rows of other contacts are
 * never read; what only may be theirs (a body that could not be read) is told of without its bytes. To export another table, add
 * a part. Without statistics SQLite takes a tenant for ten rows, so a statement names its index where it has to be another one
 * than the key.
 */
import type { ContactPage, ContactRow, ContactSection, ContactStore } from '#core/ports/store-contacts.ts';
import type { Context } from '../database/context.ts';
import { filesOf } from './contact-files.ts';
import { noticesOf, quarantinedOf } from './contact-mentions.ts';
import { type ContactScope, scopeOf } from './contact-scope.ts';

type Row = Record<string, unknown>;

interface Part {
  section: ContactSection;
  per: 'contact' | 'conversation' | 'both';
  /** The row after a key, which it gives as `key`: tenant, contact or conversation, key. */
  sql: string;
  /** What is before every key. */
  first: string | number;
  /** Columns that hold JSON. */
  json: readonly string[];
}

const text = { first: '' } as const;
const number = { first: -1 } as const;

const sendColumns = `send_id AS sendId, ordinal, phone_number_id AS phoneNumberId, state, delivery, origin, body, if_window_closed AS ifWindowClosed,
  quote_wamid AS quoteWamid, wamid, second_wamid AS secondWamid, attempts, error_code AS errorCode, why, created_at_ms AS createdAtMs,
  sending_at_ms AS sendingAtMs, delivered_at_ms AS deliveredAtMs, updated_at_ms AS updatedAtMs`;
const activityColumns = `activity_id AS activityId, name, state, input, result, fault, created_at_ms AS createdAtMs,
  settled_at_ms AS settledAtMs, deadline_at_ms AS deadlineAtMs`;
const activitiesWhere = (
  index: string,
  which: string,
) => `SELECT activity_id AS key, conversation_id AS conversationId, ${activityColumns} FROM activity INDEXED BY ${index}
  WHERE tenant_id = ? AND conversation_id = ? AND ${which} AND activity_id > ? ORDER BY activity_id LIMIT 1`;

const parts: readonly Part[] = [
  {
    ...{ section: 'contacts', per: 'contact', ...text, json: [] },
    sql: `SELECT contact_id AS key, contact_id AS contactId, name, username, phone, bsuid, merged_into AS mergedInto, created_at_ms AS createdAtMs
      FROM contact WHERE tenant_id = ? AND contact_id = ? AND contact_id > ?`,
  },
  {
    ...{ section: 'addresses', per: 'contact', ...text, json: [] },
    sql: `SELECT waba_id || ' ' || kind || ' ' || value AS key, contact_id AS contactId, waba_id AS wabaId, kind, value, created_at_ms AS createdAtMs
      FROM contact_address INDEXED BY contact_address_by_contact WHERE tenant_id = ? AND contact_id = ? AND waba_id || ' ' || kind || ' ' || value > ? ORDER BY key LIMIT 1`,
  },
  {
    ...{ section: 'conversations', per: 'conversation', ...text, json: ['dialogState'] },
    sql: `SELECT conversation_id AS key, conversation_id AS conversationId, contact_id AS contactId, phone_number_id AS phoneNumberId, waba_id AS wabaId,
        merged_into AS mergedInto, holder, state_label AS stateLabel, dialog_state AS dialogState, customer_last_at_ms AS customerLastAtMs,
        operator_last_at_ms AS operatorLastAtMs, created_at_ms AS createdAtMs
      FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND conversation_id > ?`,
  },
  {
    ...{ section: 'events', per: 'conversation', ...number, json: ['content', 'raw'] },
    sql: `SELECT position AS key, conversation_id AS conversationId, position, kind, wamid, dedupe_key AS dedupeKey, sent_at_ms AS sentAtMs,
        received_at_ms AS receivedAtMs, end, end_ref AS endRef, content, raw
      FROM event WHERE tenant_id = ? AND conversation_id = ? AND position > ? ORDER BY position LIMIT 1`,
  },
  {
    ...{ section: 'sends', per: 'conversation', ...number, json: ['body', 'ifWindowClosed'] },
    sql: `SELECT ordinal AS key, conversation_id AS conversationId, ${sendColumns}
      FROM send WHERE tenant_id = ? AND conversation_id = ? AND ordinal > ? ORDER BY ordinal LIMIT 1`,
  },
  {
    ...{ section: 'timers', per: 'conversation', ...text, json: [] },
    sql: `SELECT timer_id AS key, conversation_id AS conversationId, timer_id AS timerId, due_at_ms AS dueAtMs
      FROM timer WHERE tenant_id = ? AND conversation_id = ? AND timer_id > ? ORDER BY timer_id LIMIT 1`,
  },
  {
    ...{ section: 'flags', per: 'conversation', ...text, json: [] },
    sql: `SELECT flag_id AS key, conversation_id AS conversationId, flag_id AS flagId, reason, detail, count, created_at_ms AS createdAtMs,
        last_at_ms AS lastAtMs, resolved_at_ms AS resolvedAtMs
      FROM flag INDEXED BY flag_by_conversation WHERE tenant_id = ? AND conversation_id = ? AND flag_id > ? ORDER BY flag_id LIMIT 1`,
  },
  {
    ...{ section: 'deadLetters', per: 'conversation', ...text, json: [] },
    sql: `SELECT dead_letter_id AS key, conversation_id AS conversationId, dead_letter_id AS deadLetterId, position, fault, created_at_ms AS createdAtMs,
        redriven_at_ms AS redrivenAtMs
      FROM dead_letter INDEXED BY dead_letter_by_conversation WHERE tenant_id = ? AND conversation_id = ? AND dead_letter_id > ? ORDER BY dead_letter_id LIMIT 1`,
  },
  {
    ...{ section: 'actions', per: 'conversation', ...number, json: [] },
    sql: `SELECT rowid AS key, conversation_id AS conversationId, action, at_ms AS atMs, ref
      FROM operator_action WHERE tenant_id = ? AND conversation_id = ? AND rowid > ? ORDER BY rowid LIMIT 1`,
  },
  // Those that run first: one that ends meanwhile is told twice rather than never.
  {
    ...{ section: 'activities', per: 'conversation', ...text, json: ['input', 'result', 'fault'] },
    sql: activitiesWhere('activity_running', "state = 'running'"),
  },
  {
    ...{ section: 'activities', per: 'conversation', ...text, json: ['input', 'result', 'fault'] },
    sql: activitiesWhere('activity_ended', 'settled_at_ms IS NOT NULL'),
  },
  {
    ...{ section: 'ledger', per: 'contact', ...text, json: ['postings'] },
    sql: `SELECT activity_id || ' ' || request AS key, contact_id AS contactId, conversation_id AS conversationId, activity_id AS activityId, request, activity, day,
        currency, reserved_micros AS reservedMicros, spent_micros AS spentMicros, state, presumed, created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs,
        (SELECT json_group_array(json_object('atMs', p.at_ms, 'from', p.from_place, 'to', p.to_place, 'amountMicros', p.amount_micros) ORDER BY p.nth)
          FROM ledger_posting p WHERE p.tenant_id = e.tenant_id AND p.activity_id = e.activity_id AND p.request = e.request) AS postings
      FROM ledger_entry e INDEXED BY ledger_entry_by_contact WHERE tenant_id = ? AND contact_id = ? AND activity_id || ' ' || request > ? ORDER BY activity_id, request LIMIT 1`,
  },
  {
    ...{ section: 'limits', per: 'both', ...text, json: [] },
    sql: `SELECT limit_name || ' ' || window_start_ms AS key, limit_name AS 'limit', scope, unit, window_start_ms AS windowStartMs, window_end_ms AS windowEndMs,
        used, refused, returned, max_last AS max
      FROM limit_counter WHERE tenant_id = ? AND scope = ? AND limit_name || ' ' || window_start_ms > ? ORDER BY key LIMIT 1`,
  },
];

/** Small, and found by another way than a key: each is read at once, after all parts. */
const lists: readonly { section: ContactSection; read(context: Context, scope: ContactScope): object[] }[] = [
  { section: 'quarantine', read: quarantinedOf },
  {
    section: 'notices',
    read: (context, scope) => noticesOf(context, scope).map(({ dedupeKey: _, ...notice }) => notice),
  },
  {
    section: 'files',
    read: (context, scope) => filesOf(context, scope).map((fileId) => fileRow(context, scope, fileId)),
  },
];

const selectFile = `SELECT file_id AS fileId, mime_type AS mimeType, bytes, used_at_ms AS usedAtMs FROM file
  WHERE tenant_id = ? AND file_id = ?`;

const fileRow = (context: Context, { tenantId }: ContactScope, fileId: string): object => ({
  ...context.db.get<object>(selectFile, tenantId, fileId),
});

export function readContact(
  context: Context,
  { tenantId, contactId, after, bytesMax }: Parameters<ContactStore['readContact']>[0],
): ContactPage {
  const scope = scopeOf(context, tenantId, contactId);
  const rows: ContactRow[] = [];
  let bytes = 0;
  let cursor = after ?? { part: 0, scope: 0, after: null };
  while (cursor.part < parts.length) {
    const part = parts[cursor.part]!;
    const id = idsOf(part, scope)[cursor.scope];
    const found =
      id === undefined
        ? undefined
        : context.db.get<Row & { key: string | number }>(part.sql, tenantId, id, cursor.after ?? part.first);
    if (found === undefined) {
      cursor =
        id === undefined
          ? { part: cursor.part + 1, scope: 0, after: null }
          : { ...cursor, scope: cursor.scope + 1, after: null };
      continue;
    }
    const { key, ...row } = found;
    if (bytes >= bytesMax) return { rows, next: cursor };
    rows.push({ section: part.section, row: withJson(row, part.json) });
    bytes += JSON.stringify(row).length;
    cursor = { ...cursor, after: key };
  }
  for (const list of lists.slice(cursor.part - parts.length)) {
    if (bytes >= bytesMax) return { rows, next: cursor };
    const found = list.read(context, scope);
    for (const row of found) rows.push({ section: list.section, row: { ...row } });
    bytes += JSON.stringify(found).length;
    cursor = { part: cursor.part + 1, scope: 0, after: null };
  }
  return { rows, next: null };
}

function idsOf({ per }: Part, { contactIds, conversationIds }: ContactScope): readonly string[] {
  if (per === 'contact') return contactIds;
  return per === 'conversation' ? conversationIds : [...contactIds, ...conversationIds];
}

function withJson(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      columns.includes(name) && typeof value === 'string' ? parsed(value) : value,
    ]),
  );
}

/** What a system of the business sent is kept as text, which need not be JSON. */
function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
