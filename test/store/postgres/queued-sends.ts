/** Sends as turns leave them, without the turns. */
import type { SendRef } from '#core/ports/store.ts';
import type { TestSchema } from './server.ts';

/** `conversations` of a number, each with a lane of `sends`. */
export async function queueSends(
  schema: TestSchema,
  nowMs: number,
  { phoneNumberId, conversations, sends }: { phoneNumberId: string; conversations: number; sends: number },
): Promise<SendRef[]> {
  await schema.query(
    `INSERT INTO contact (tenant_id, contact_id, phone, created_at_ms) SELECT 'acme', 'con_' || $1 || c, '1555' || $1 || c, $2
      FROM generate_series(1, $3::int) c`,
    [phoneNumberId, nowMs, conversations],
  );
  await schema.query(
    `INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, customer_last_at_ms, ordinal_next, created_at_ms)
      SELECT 'acme', 'cnv_' || $1 || c, $1, 'waba', 'con_' || $1 || c, $2, $4::int + 1, $2 FROM generate_series(1, $3::int) c`,
    [phoneNumberId, nowMs, conversations, sends],
  );
  const rows = await schema.query<{ send_id: string; conversation_id: string }>(
    `INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, priority, origin, body, uncertain_policy, fence, created_at_ms, updated_at_ms)
      SELECT 'acme', 'snd_' || $1 || '_' || c || '_' || n, 'cnv_' || $1 || c, $1, n, 'queued', 'reply', 'dialog', '{"type":"text","text":{"body":"x"}}',
        'holdForPerson', 1, $2, $2 FROM generate_series(1, $3::int) c, generate_series(1, $4::int) n
      RETURNING send_id, conversation_id`,
    [phoneNumberId, nowMs, conversations, sends],
  );
  return rows.map(({ send_id: sendId, conversation_id: conversationId }) => ({
    ...{ ref: { tenantId: 'acme', conversationId }, sendId, phoneNumberId, priority: 'reply' as const },
  }));
}
