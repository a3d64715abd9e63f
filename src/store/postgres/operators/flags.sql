-- A flag asks for a person. A conversation has at most one open flag of each reason; a repeat counts on it. Two that are raised at
-- once meet at the unique index flag_open, so they count on one, too.

-- Raises a flag, or counts on the open one; answers its id. On a conversation that was merged away: on its survivor. A clock may have
-- been set back: a flag is not older than a send that it may be about, or the audit would not count it.
-- Indexes: conversation_merged, send_by_ordinal.
CREATE FUNCTION _raise_flag(p_tenant text, p_conversation text, p_reason text, p_detail text, p_now bigint, p_flag_id text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  survivor constant text := _surviving_conversation(p_tenant, p_conversation);
  raised_at constant bigint := greatest(p_now, (SELECT max(s.created_at_ms) FROM send s WHERE s.tenant_id = p_tenant
    AND s.conversation_id IN (SELECT c.conversation_id FROM conversation c
      WHERE c.tenant_id = p_tenant AND (c.conversation_id = survivor OR c.merged_into = survivor))));
  raised text;
BEGIN
  INSERT INTO flag AS f (tenant_id, flag_id, conversation_id, reason, detail, created_at_ms, last_at_ms)
    VALUES (p_tenant, coalesce(p_flag_id, _new_id('flg', p_now)), survivor, p_reason, p_detail, raised_at, raised_at)
    ON CONFLICT (tenant_id, conversation_id, reason) WHERE resolved_at_ms IS NULL DO UPDATE SET count = f.count + 1,
      last_at_ms = greatest(f.last_at_ms, excluded.last_at_ms), detail = coalesce(excluded.detail, f.detail)
    RETURNING f.flag_id INTO raised;
  RETURN raised;
END $$;
