/**
 * Old rows in every table that grows with service: customers who wrote over the last 30 days, and everything that became of it, settled.
 * Half of them are of the tenant whose doors are watched. A table that is to be among them is added to `statements`.
 */
import type pg from 'pg';

export interface OldRows {
  /** Of each conversation one activity, one timer far ahead, one posting and so on; see `statements`. */
  conversations: number;
  /** Messages of each conversation, and sends that answered them. */
  messagesEach: number;
  nowMs: number;
}

const days = 30;

/** `c.nth`, whose it is, and when it was: one after another, as they came. $1 are conversations, $2 is now. */
const conversations = `(SELECT nth, CASE WHEN nth % 2 = 0 THEN 'acme' ELSE 'old' || nth % 9 END AS tenant_id,
    CASE WHEN nth % 2 = 0 THEN '100' ELSE '90' || nth % 9 END AS phone_number_id, 'waba' AS waba_id,
    'con_0' || lpad(nth::text, 9, '0') AS contact_id, 'cnv_0' || lpad(nth::text, 9, '0') AS conversation_id,
    $2::bigint - ($1::bigint - nth) * ${days * 86_400_000} / $1::bigint AS at_ms
  FROM generate_series(1, $1::int) AS nth) AS c`;
const messages = `${conversations}, generate_series(1, $3::int) AS n`;

/** Each with the parameters it takes, in their order. */
const statements: readonly { sql: string; isOfMessages?: boolean }[] = [
  {
    sql: `INSERT INTO contact (tenant_id, contact_id, name, phone, bsuid, created_at_ms)
      SELECT tenant_id, contact_id, 'Customer', '1651' || nth, 'US.9' || nth, at_ms FROM ${conversations}`,
  },
  ...(['phone', 'bsuid'] as const).map((kind) => ({
    sql: `INSERT INTO contact_address (tenant_id, waba_id, kind, value, contact_id, created_at_ms)
      SELECT tenant_id, waba_id, '${kind}', '${kind === 'phone' ? '1651' : 'US.9'}' || nth, contact_id, at_ms FROM ${conversations}`,
  })),
  {
    sql: `INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, position_next, ordinal_next, seen_through,
        customer_last_at_ms, dialog_state, state_label, created_at_ms)
      SELECT tenant_id, conversation_id, phone_number_id, waba_id, contact_id, 1000, 1000, 1000, at_ms, '{"value":"idle"}', 'assistant/idle', at_ms
      FROM ${conversations}`,
  },
  {
    isOfMessages: true,
    sql: `INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, wamid, sent_at_ms, received_at_ms, content, ending,
        end_ref, fence)
      SELECT tenant_id, conversation_id, n, 'msg:old' || nth || '-' || n, 'text', 'answer', 'wamid.old.' || nth || '-' || n, at_ms, at_ms,
        '{"text":"Hello, when do you open tomorrow?"}', 'answered', 'snd_0' || nth || '-' || n, n FROM ${messages}`,
  },
  {
    isOfMessages: true,
    sql: `INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, delivery, priority, origin, body, uncertain_policy,
        attempts, sending_at_ms, first_status_at_ms, delivered_at_ms, granted_nth, wamid, fence, created_at_ms, updated_at_ms)
      SELECT tenant_id, 'snd_0' || nth || '-' || n, conversation_id, phone_number_id, n, CASE WHEN nth % 200 = 0 THEN 'failed' ELSE 'accepted' END,
        'read', 'reply', 'dialog', '{"type":"text","text":{"body":"We open at nine tomorrow."}}', 'resendOnEvidence', 1, at_ms, at_ms, at_ms,
        -(nth * $3::int + n), 'wamid.oldout.' || nth || '-' || n, n, at_ms, at_ms FROM ${messages}`,
  },
  {
    sql: `INSERT INTO activity (tenant_id, activity_id, conversation_id, name, input, state, deadline_ms, deadline_at_ms, fence, created_at_ms,
        settled_at_ms)
      SELECT tenant_id, 'act_0' || nth, conversation_id, 'draw', '{}', 'done', 60000, at_ms + 60000, 1, at_ms, at_ms FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO ledger_entry (tenant_id, activity_id, request, conversation_id, contact_id, activity, day, currency, reserved_micros,
        spent_micros, state, on_uncertain, late, claims, created_at_ms, updated_at_ms)
      SELECT tenant_id, 'act_0' || nth, 1, conversation_id, contact_id, 'draw', to_char(to_timestamp(at_ms / 1000), 'YYYY-MM-DD'), 'USD', 100, 100,
        'settled', 'retryWithKey', 'discard', '[]', at_ms, at_ms FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO ledger_posting (tenant_id, activity_id, request, nth, at_ms, from_place, to_place, amount_micros)
      SELECT tenant_id, 'act_0' || nth, 1, n, at_ms, CASE n WHEN 1 THEN 'budget' ELSE 'reserved' END, CASE n WHEN 1 THEN 'reserved' ELSE 'spent' END, 100
      FROM ${conversations}, generate_series(1, 2) AS n`,
  },
  {
    sql: `INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used)
      SELECT tenant_id, 'starts', contact_id, at_ms, at_ms + 3600000, 1 FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO timer (tenant_id, conversation_id, timer_id, token, due_at_ms)
      SELECT tenant_id, conversation_id, 'reminder', 'token', $2::bigint + 864000000 + nth FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO status_unmatched (tenant_id, phone_number_id, wamid, status, at_ms, received_at_ms)
      SELECT tenant_id, phone_number_id, 'wamid.others.' || nth, 'delivered', at_ms, at_ms FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO flag (tenant_id, flag_id, conversation_id, reason, created_at_ms, last_at_ms, resolved_at_ms, resolved_by)
      SELECT tenant_id, 'flg_0' || nth, conversation_id, 'sendFailed', at_ms, at_ms, at_ms, 'somebody' FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO dead_letter (tenant_id, dead_letter_id, conversation_id, position, fault, created_at_ms, redriven_at_ms)
      SELECT tenant_id, 'dlt_0' || nth, conversation_id, 1, '{}', at_ms, at_ms FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO notice (tenant_id, dedupe_key, field, alert, at_ms, received_at_ms, raw)
      SELECT tenant_id, 'old' || nth, 'business_capability_update', false, at_ms, at_ms, '{}' FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO quarantine (tenant_id, quarantine_id, reason, item, dedupe_key, created_at_ms, redriven_at_ms)
      SELECT tenant_id, 'qrt_0' || nth, 'unknown', '{}', 'old' || nth, at_ms, at_ms FROM ${conversations}`,
  },
  {
    sql: `INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id)
      SELECT tenant_id, at_ms, 'somebody', 'takeOver', conversation_id FROM ${conversations}`,
  },
];

/** The tables of the client's search path are filled; nobody has analyzed them then. */
export async function bringOldRows(
  client: Pick<pg.Client, 'query'>,
  { conversations: count, messagesEach, nowMs }: OldRows,
): Promise<void> {
  // What is lost in a crash of the server is brought in again.
  await client.query('SET synchronous_commit = off');
  await client.query("SET work_mem = '64MB'");
  for (const { sql, isOfMessages = false } of statements)
    await client.query(sql, isOfMessages ? [count, nowMs, messagesEach] : [count, nowMs]);
  await client.query('RESET synchronous_commit');
}
