-- What mailboxes are given from inside: events of our own making (results of activities, timers), and the locks that every change of a
-- mailbox takes first. In these rooms what reads a table on the hot path is PL/pgSQL: it keeps its plans, where a function in SQL is planned
-- anew by each call.

-- Puts an event of our own making into a mailbox; answers its position, or NULL where the conversation is gone. The row of the
-- conversation is locked by it, so positions follow one another in the order of commits.
CREATE FUNCTION _append_internal(p_tenant text, p_conversation text, p_kind text, p_dedupe_key text, p_content text, p_now bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken bigint;
BEGIN
  UPDATE conversation c SET position_next = c.position_next + 1, due_at_ms = least(c.due_at_ms, p_now),
      first_open_at_ms = coalesce(c.first_open_at_ms, p_now)
    WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation AND c.merged_into IS NULL
    RETURNING c.position_next - 1 INTO taken;
  IF taken IS NULL THEN RETURN NULL; END IF;
  INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, sent_at_ms, received_at_ms, content)
    VALUES (p_tenant, p_conversation, taken, p_dedupe_key, p_kind, 'internal', p_now, p_now, p_content);
  RETURN taken;
END $$;

-- Locks the conversations of a group, an array of objects with `tenantId` and `conversationId`, in key order: two groups that share
-- some of them wait for each other and never block each other. Each row is looked up by its key (a lock is not moved out of `LATERAL`), also
-- where the statement was planned while the table was small.
CREATE FUNCTION _lock_conversations(p_refs jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM (SELECT DISTINCT (value ->> 'tenantId')::id AS tenant_id, (value ->> 'conversationId')::id AS conversation_id
      FROM jsonb_array_elements(p_refs) ORDER BY 1, 2) r,
    LATERAL (SELECT FROM conversation c WHERE c.tenant_id = r.tenant_id AND c.conversation_id = r.conversation_id FOR UPDATE) locked;
END $$;
