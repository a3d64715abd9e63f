-- Activities that a turn starts and cancels. A start whose paid result is there already, made for an earlier visit that was over when it
-- came, is given that result at once and costs nothing. Every other one is written with what it reserves.

-- The starts of a turn; one that is given a result has the activity it comes from as `reuses`, and the `result`. What another turn
-- is about to use is not waited for. Index: activity_reusable; what waits is small: each is one customer's.
CREATE FUNCTION _with_paid_results(p_tenant text, p_contact text, p_starts jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  started jsonb;
  given jsonb := '[]';
  taken text[] := '{}';
  found_one record;
BEGIN
  IF NOT p_starts @? '$[*].cost.late ? (@ == "reuse")' THEN RETURN p_starts; END IF;
  FOR started IN SELECT value FROM jsonb_array_elements(p_starts) LOOP
    IF started #>> '{cost,late}' = 'reuse' THEN
      SELECT a.activity_id, a.result INTO found_one FROM activity a
        WHERE a.tenant_id = p_tenant AND a.name = started ->> 'name' AND a.reuse = 'waiting' AND a.input = started ->> 'input'
        AND a.activity_id <> ALL (taken) AND EXISTS (SELECT FROM ledger_entry e
          WHERE e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id AND e.state = 'settled'
          AND _surviving_contact(p_tenant, e.contact_id) = _surviving_contact(p_tenant, p_contact))
        ORDER BY a.created_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        taken := taken || found_one.activity_id::text;
        started := started || jsonb_build_object('reuses', found_one.activity_id, 'result', found_one.result);
      END IF;
    END IF;
    given := given || started;
  END LOOP;
  RETURN given;
END $$;

-- `p_owner` runs them at once; where it is NULL, they wait for somebody who finds them.
CREATE FUNCTION _write_starts(p_held conversation, p_starts jsonb, p_owner text, p_now bigint, p_lease_ttl bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  started jsonb;
  is_given boolean;
BEGIN
  FOR started IN SELECT value FROM jsonb_array_elements(p_starts) LOOP
    is_given := started ? 'reuses';
    INSERT INTO activity (tenant_id, activity_id, conversation_id, name, input, state, owner_id, lease_until_ms, deadline_ms,
        deadline_at_ms, fence, created_at_ms, settled_at_ms)
      VALUES (p_held.tenant_id, started ->> 'activityId', p_held.conversation_id, started ->> 'name', started ->> 'input',
        CASE WHEN is_given THEN 'done' ELSE 'running' END, CASE WHEN NOT is_given THEN p_owner END,
        CASE WHEN NOT is_given AND p_owner IS NOT NULL THEN p_now + p_lease_ttl END, (started ->> 'deadlineMs')::bigint,
        p_now + (started ->> 'deadlineMs')::bigint, p_held.fence, p_now, CASE WHEN is_given THEN p_now END);
    IF is_given THEN
      UPDATE activity a SET reuse = 'used'
        WHERE a.tenant_id = p_held.tenant_id AND a.activity_id = started ->> 'reuses' AND a.reuse = 'waiting';
      PERFORM _append_internal(p_held.tenant_id, p_held.conversation_id, 'activityDone', 'activity:' || (started ->> 'activityId'),
        format('{"activityId":%s,"result":%s}', started -> 'activityId', started ->> 'result'), p_now);
    ELSIF started ? 'cost' THEN
      PERFORM _reserve(p_held.tenant_id, p_held.conversation_id, p_held.contact_id, started, p_owner, p_now, p_lease_ttl);
    END IF;
  END LOOP;
END $$;

-- A request of paid work that is under way goes on: what it costs is seen when it ends. One that is done, and whose visit ends without
-- having seen the result, is kept where that is wanted.
CREATE FUNCTION _cancel_activities(p_tenant text, p_conversation text, p_cancelled jsonb, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ids constant text[] := ARRAY(SELECT jsonb_array_elements_text(p_cancelled));
BEGIN
  UPDATE activity a SET state = 'cancelled', settled_at_ms = p_now
    WHERE a.tenant_id = p_tenant AND a.activity_id = ANY (ids) AND a.state = 'running';
  UPDATE activity a SET reuse = 'waiting'
    WHERE a.tenant_id = p_tenant AND a.activity_id = ANY (ids) AND a.state = 'done' AND a.result IS NOT NULL AND a.reuse IS NULL
    AND EXISTS (SELECT FROM ledger_entry e WHERE e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id AND e.late = 'reuse');
  PERFORM _cancel_charges(p_tenant, p_conversation, p_now);
END $$;
