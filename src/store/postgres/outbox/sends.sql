-- Rows of the outbox: how sends get their place in a conversation's lane, and which one may leave next. Whoever calls these holds the
-- lock of the conversation, so nobody else gives or takes a place meanwhile.

CREATE FUNCTION _send_ref(p_tenant text, p_conversation text, p_send text, p_phone_number_id text, p_priority text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('ref', jsonb_build_object('tenantId', p_tenant, 'conversationId', p_conversation),
    'sendId', p_send, 'phoneNumberId', p_phone_number_id, 'priority', p_priority)
$$;

-- Graph's code for a service window that is closed.
CREATE FUNCTION _window_closed_code() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 131047::bigint $$;

-- `p_sends` are new sends as `encodeSends` of sends.ts makes them, `p_ordinal` is the lane's next place; the caller advances
-- `conversation.ordinal_next` by their number. Returns their references in order.
CREATE FUNCTION _insert_sends(p_tenant text, p_conversation text, p_phone_number_id text, p_fence bigint, p_ordinal bigint,
  p_sends jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  refs jsonb;
BEGIN
  INSERT INTO send (tenant_id, send_id, conversation_id, phone_number_id, ordinal, state, priority, origin, body, if_window_closed,
      quote_wamid, uncertain_policy, fence, created_at_ms, updated_at_ms)
    SELECT p_tenant, each ->> 'sendId', p_conversation, p_phone_number_id, p_ordinal + nth - 1, 'queued', each ->> 'priority',
      each ->> 'origin', each ->> 'body', each ->> 'ifWindowClosed', each ->> 'quoteWamid', each ->> 'uncertainPolicy', p_fence, p_now, p_now
    FROM jsonb_array_elements(p_sends) WITH ORDINALITY AS given (each, nth);
  SELECT coalesce(jsonb_agg(_send_ref(p_tenant, p_conversation, each ->> 'sendId', p_phone_number_id, each ->> 'priority')
      ORDER BY nth), '[]') INTO refs
    FROM jsonb_array_elements(p_sends) WITH ORDINALITY AS given (each, nth);
  RETURN refs;
END $$;

-- Index: send_open. The send that may leave next, or no row where the lane is empty or its head is not settled. In the statement that asks,
-- so many lanes cost one.
CREATE FUNCTION _next_of_lanes(p_tenant text, p_conversation text) RETURNS TABLE (ref jsonb) LANGUAGE sql STABLE AS $$
  SELECT _send_ref(head.tenant_id, head.conversation_id, head.send_id, head.phone_number_id, head.priority)
    FROM (SELECT s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, s.priority, s.state FROM send s
      WHERE s.tenant_id = p_tenant AND s.conversation_id = p_conversation AND s.state IN ('queued','sending','uncertain')
      ORDER BY s.ordinal LIMIT 1) head
    WHERE head.state = 'queued'
$$;

-- The same of one lane, or NULL. Volatile, so that it sees what its caller has changed.
CREATE FUNCTION _next_of_lane(p_tenant text, p_conversation text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT n.ref FROM _next_of_lanes(p_tenant, p_conversation) n);
END $$;

-- The answer was taken back and a person has the conversation: their end of the event is the true one.
CREATE FUNCTION _see_instead_of_answered(p_tenant text, p_conversation text, p_send text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE event SET ending = 'seenByOperator' WHERE tenant_id = p_tenant AND ending = 'answered' AND end_ref = p_send
    AND conversation_id IN (SELECT c.conversation_id FROM conversation c
      WHERE c.tenant_id = p_tenant AND (c.conversation_id = p_conversation OR c.merged_into = p_conversation));
END $$;
