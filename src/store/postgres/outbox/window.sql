-- What leaves when the service window is closed: the template of a send in its place, by itself before it leaves (`_words_outside_window`), or
-- as a send of its own where Meta accepted the words and says afterwards, by a status, that the window was closed.

-- Whether a body, as JSON text, is a template: Meta takes those at any time. What is escaped in it may be what `jsonb` refuses, so a letter
-- takes its place.
CREATE FUNCTION _is_template(p_body text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(p_body, '\\(u[0-9a-fA-F]{4}|.)', 'x', 'g')::jsonb ->> 'type' = 'template'
$$;

-- The template that stands for a send, as JSON text, or NULL where there is none (any more).
CREATE FUNCTION _template_for(p_if_window_closed text, p_body text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_if_window_closed <> '"nothing"' AND NOT _is_template(p_body) THEN p_if_window_closed END
$$;

-- `{}` where the send is said as it is; else its `template`; else why it is `refused`: `closed`, or that a template stands for all parts.
CREATE FUNCTION _words_outside_window(p_send send) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  stood_for constant text := 'the service window is closed, and a template was sent for all of it';
  template constant text := _template_for(p_send.if_window_closed, p_send.body);
  before record;
BEGIN
  IF p_send IS NULL OR _is_template(p_send.body) THEN RETURN '{}'; END IF;
  IF template IS NOT NULL THEN RETURN jsonb_build_object('template', template); END IF;
  IF p_send.if_window_closed IS NULL THEN RETURN '{"refused":"closed"}'; END IF;
  -- The part before left as a template, or was stood for itself; else the customer would have got half of what was said.
  SELECT b.body, b.state, b.why INTO before FROM send b WHERE b.tenant_id = p_send.tenant_id
    AND b.conversation_id = p_send.conversation_id AND b.ordinal < p_send.ordinal ORDER BY b.ordinal DESC LIMIT 1;
  IF FOUND AND (CASE before.state WHEN 'withdrawn' THEN before.why = stood_for ELSE _is_template(before.body) END) THEN
    RETURN jsonb_build_object('refused', stood_for);
  END IF;
  RETURN '{"refused":"closed"}';
END $$;

-- To be called in the transaction in which a send becomes failed, under the locks of its conversation and of the one that this was merged
-- into. Answers the lane that the template, or the one of the part before, leaves by; NULL where there is none and a person must be asked:
-- also where one has the conversation already. The failed one stays what it is, so a status that comes again finds nothing to do.
CREATE FUNCTION _send_template_after_failure(p_tenant text, p_send text, p_error_code bigint, p_now bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  replaced constant text := 'the service window was closed; its template was sent after it';
  stood_for constant text := 'the service window was closed; a template was sent for all of it';
  failed send;
  lane conversation;
  before record;
  template text;
  follower constant text := _new_id('snd', p_now);
BEGIN
  IF p_error_code IS DISTINCT FROM _window_closed_code() THEN RETURN NULL; END IF;
  SELECT * INTO failed FROM send s WHERE s.tenant_id = p_tenant AND s.send_id = p_send;
  IF NOT FOUND OR failed.if_window_closed IS NULL OR failed.withdraw_on_return THEN RETURN NULL; END IF;
  SELECT * INTO lane FROM conversation c WHERE c.tenant_id = p_tenant
    AND c.conversation_id = _surviving_conversation(p_tenant, failed.conversation_id) FOR UPDATE;
  IF NOT FOUND OR lane.holder <> 'bot' THEN RETURN NULL; END IF;
  template := _template_for(failed.if_window_closed, failed.body);
  IF template IS NULL THEN
    SELECT b.state, b.why INTO before FROM send b WHERE b.tenant_id = p_tenant
      AND b.conversation_id = failed.conversation_id AND b.ordinal < failed.ordinal ORDER BY b.ordinal DESC LIMIT 1;
    IF NOT FOUND OR failed.if_window_closed <> '"nothing"' OR before.state <> 'failed'
      OR before.why IS NULL OR before.why NOT IN (replaced, stood_for) THEN RETURN NULL; END IF;
    UPDATE send s SET why = stood_for WHERE s.tenant_id = p_tenant AND s.send_id = p_send;
    RETURN lane.conversation_id;
  END IF;
  PERFORM _insert_sends(p_tenant, lane.conversation_id, lane.phone_number_id, lane.fence, lane.ordinal_next, jsonb_build_array(
    jsonb_build_object('sendId', follower, 'body', template, 'priority', failed.priority, 'origin', failed.origin,
      'uncertainPolicy', failed.uncertain_policy)), p_now);
  UPDATE conversation c SET ordinal_next = c.ordinal_next + 1 WHERE c.tenant_id = p_tenant AND c.conversation_id = lane.conversation_id;
  UPDATE send s SET why = replaced WHERE s.tenant_id = p_tenant AND s.send_id = p_send;
  -- What the failed one was the answer to is answered by the template.
  UPDATE event e SET end_ref = follower WHERE e.tenant_id = p_tenant AND e.ending = 'answered' AND e.end_ref = p_send
    AND e.conversation_id IN (SELECT c.conversation_id FROM conversation c
      WHERE c.tenant_id = p_tenant AND (c.conversation_id = lane.conversation_id OR c.merged_into = lane.conversation_id));
  RETURN lane.conversation_id;
END $$;

-- Whether the words of a send are meant whose template has taken their place already: an attempt of which nobody knew failed after all.
-- A template itself never fails so.
CREATE FUNCTION _is_about_replaced_words(p_send send, p_error_code bigint, p_wamid text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_error_code IS NOT DISTINCT FROM _window_closed_code() AND p_send.if_window_closed IS NOT NULL
    AND p_send.wamid IS DISTINCT FROM p_wamid AND _is_template(p_send.body)
$$;
