/**
 * Old rows for a Postgres, as years of service leave them: customers of each tenant, their conversations, messages that were answered and the
 * sends that answered them, spread over the days that everything is kept for. None of them is open, and none of their customers
 * writes again. A column that the schema gains without a default must be filled here.
 */
import pg from 'pg';

export interface OldRows {
  tenants: readonly { tenantId: string; phoneNumberId: string; wabaId: string }[];
  conversations: number;
  events: number;
}

/** Nothing so young is pruned. */
const spreadMs = 7 * 86_400_000;

/** Names one conversation `c.nth` with what it belongs to; tenants take turns. */
const conversations = `(SELECT nth, t."tenantId" AS tenant_id, t."phoneNumberId" AS phone_number_id, t."wabaId" AS waba_id,
    'con_old' || lpad(nth::text, 12, '0') AS contact_id, 'cnv_old' || lpad(nth::text, 12, '0') AS conversation_id,
    $2::bigint - nth % $3::bigint AS at_ms
  FROM generate_series(0, $4::int - 1) AS nth
  JOIN jsonb_to_recordset($1::jsonb) AS t (place int, "tenantId" text, "phoneNumberId" text, "wabaId" text)
    ON t.place = nth % jsonb_array_length($1::jsonb)) AS c`;

/** Each takes tenants, now, the spread, the conversations; the last two also the events of each. */
const contactStatements = [
  `INSERT INTO nightdesk.contact (tenant_id, contact_id, name, phone, bsuid, created_at_ms)
    SELECT tenant_id, contact_id, 'Customer ' || nth, '1651' || lpad(nth::text, 9, '0'), 'US.9' || lpad(nth::text, 12, '0'), at_ms FROM ${conversations}`,
  ...(['phone', 'bsuid'] as const).map(
    (
      kind,
    ) => `INSERT INTO nightdesk.contact_address (tenant_id, waba_id, kind, value, contact_id, created_at_ms)
    SELECT tenant_id, waba_id, '${kind}', ${kind === 'phone' ? "'1651' || lpad(nth::text, 9, '0')" : "'US.9' || lpad(nth::text, 12, '0')"}, contact_id, at_ms
    FROM ${conversations}`,
  ),
];
const rowStatements = [
  `INSERT INTO nightdesk.conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, position_next, ordinal_next,
      seen_through, customer_last_at_ms, created_at_ms)
    SELECT tenant_id, conversation_id, phone_number_id, waba_id, contact_id, $5::int + 1, $5::int + 1, $5::int, at_ms, at_ms FROM ${conversations}`,
  `INSERT INTO nightdesk.event (tenant_id, conversation_id, position, dedupe_key, kind, class, wamid, sent_at_ms, received_at_ms, content,
      ending, end_ref, fence)
    SELECT tenant_id, conversation_id, n, 'old' || nth || '-' || n, 'text', 'answer', 'wamid.old.in' || nth || '-' || n, at_ms, at_ms,
      '{"kind":"text","text":"Hello, when do you open tomorrow? This was asked a while ago."}', 'answered', 'snd_old' || nth || '-' || n, n
    FROM ${conversations}, generate_series(1, $5::int) AS n`,
  `INSERT INTO nightdesk.send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, delivery, priority, origin, body,
      uncertain_policy, attempts, sending_at_ms, first_status_at_ms, delivered_at_ms, granted_nth, wamid, fence, created_at_ms, updated_at_ms)
    SELECT tenant_id, 'snd_old' || nth || '-' || n, conversation_id, phone_number_id, n, 'accepted', 'read', 'reply', 'dialog',
      '{"kind":"text","text":"We open at nine tomorrow, and are there until six."}', 'resendOnEvidence', 1, at_ms, at_ms, at_ms,
      -(nth * $5::int + n), 'wamid.old.out' || nth || '-' || n, n, at_ms, at_ms
    FROM ${conversations}, generate_series(1, $5::int) AS n`,
];

/** Brings them in and leaves the tables as upkeep would: vacuumed, analyzed, on disk. Answers how many there are then. */
export async function bringOldRows(
  url: string,
  rows: OldRows,
  nowMs: number,
): Promise<Pick<OldRows, 'conversations' | 'events'>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tenants = JSON.stringify(rows.tenants.map((tenant, place) => ({ place, ...tenant })));
    const values = [tenants, Math.round(nowMs), spreadMs, rows.conversations];
    // What is lost here is brought in again, and the checkpoint comes at the end.
    await client.query('SET synchronous_commit = off');
    await client.query("SET work_mem = '64MB'");
    for (const statement of contactStatements) await client.query(statement, values);
    const each = Math.max(1, Math.round(rows.events / rows.conversations));
    for (const statement of rowStatements) await client.query(statement, [...values, each]);
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
    const counted = await client.query<{ conversations: number; events: number }>(
      `SELECT (SELECT count(*)::int FROM nightdesk.conversation) AS conversations, (SELECT count(*)::int FROM nightdesk.event) AS events`,
    );
    return counted.rows[0] ?? { conversations: 0, events: 0 };
  } finally {
    await client.end();
  }
}
