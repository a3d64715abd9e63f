-- Delivery statuses, a lane of their own. They match a send by the id that was sent along, else by wamid, and may come before the answer of
-- the request. Delivery only moves up; `failed` is a flag that a later `delivered` overrides. A status is also the proof that an
-- uncertain send was accepted, and a second wamid the proof that a customer got it twice. Where it failed since the service window was
-- closed, its template leaves (`window.sql`).

-- Items: `statuses`, each with `tenantId`, `phoneNumberId`, `wamid`, `status`, `atMs`, `errorCode` and `sendId` where it names a send of ours.
CREATE FUNCTION record_statuses(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  items constant jsonb := input -> 'items';
  unplaced jsonb;
  answers jsonb[] := '{}';
  item jsonb;
  each jsonb;
  told jsonb;
BEGIN
  unplaced := _lock_lanes_of_statuses((SELECT jsonb_agg(s) FROM jsonb_array_elements(items) i, jsonb_array_elements(i -> 'statuses') s));
  IF unplaced <> '[]' THEN
    PERFORM _lock_wamids((SELECT array_agg(u ->> 'wamid') FROM jsonb_array_elements(unplaced) u));
    PERFORM _lock_lanes_of_statuses(unplaced);
  END IF;
  FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
    told := '{"applied":0,"duplicates":0,"unmatched":0,"proven":0,"provenSends":[],"provenDuplicates":0,"failed":0,"freed":[]}';
    FOR each IN SELECT value FROM jsonb_array_elements(item -> 'statuses') LOOP
      told := _record_status(each, _now_of(item), told);
    END LOOP;
    answers := answers || told;
  END LOOP;
  -- In the order of locks: paces come last.
  INSERT INTO pace AS p (tenant_id, scope, key, status_at_ms)
    SELECT s ->> 'tenantId', 'number', s ->> 'phoneNumberId', max(_now_of(i))
      FROM jsonb_array_elements(items) i, jsonb_array_elements(i -> 'statuses') s
      GROUP BY 1, 2, 3 ORDER BY (s ->> 'tenantId')::id, (s ->> 'phoneNumberId')::id
    ON CONFLICT (tenant_id, scope, key) DO UPDATE SET status_at_ms = excluded.status_at_ms
      WHERE coalesce(p.status_at_ms, 0) < excluded.status_at_ms;
  RETURN to_jsonb(answers);
END $$;

-- Locks the lanes of what is matched, and answers what is not.
CREATE FUNCTION _lock_lanes_of_statuses(p_statuses jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  placed jsonb := '[]';
  unplaced jsonb := '[]';
  each jsonb;
  s send;
BEGIN
  FOR each IN SELECT value FROM jsonb_array_elements(p_statuses) LOOP
    s := _send_of_status(each);
    IF s.send_id IS NULL THEN unplaced := unplaced || each;
    ELSE placed := placed || jsonb_build_object('tenantId', s.tenant_id, 'sendId', s.send_id);
    END IF;
  END LOOP;
  PERFORM _lock_lanes_of(placed);
  RETURN unplaced;
END $$;

-- Indexes: the key, send_by_wamid.
CREATE FUNCTION _send_of_status(p_status jsonb) RETURNS send LANGUAGE plpgsql STABLE AS $$
DECLARE
  s send;
BEGIN
  IF p_status ->> 'sendId' IS NOT NULL THEN
    SELECT * INTO s FROM send WHERE tenant_id = p_status ->> 'tenantId' AND send_id = p_status ->> 'sendId';
    IF FOUND AND s.phone_number_id = p_status ->> 'phoneNumberId' THEN RETURN s; END IF;
  END IF;
  SELECT * INTO s FROM send WHERE tenant_id = p_status ->> 'tenantId' AND wamid = p_status ->> 'wamid'
    AND phone_number_id = p_status ->> 'phoneNumberId' LIMIT 1;
  RETURN s;
END $$;

CREATE FUNCTION _record_status(p_status jsonb, p_now bigint, p_told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  s constant send := _send_of_status(p_status);
  code constant bigint := p_status ->> 'errorCode';
  told jsonb;
  after record;
  lane text;
  arrived_at_ms bigint;
BEGIN
  IF s.send_id IS NULL THEN RETURN _add(p_told, _keep_unmatched(p_status, p_now), 1); END IF;
  after := _after_status(s, p_status ->> 'status', p_status ->> 'wamid');
  IF NOT after.is_new OR p_status ->> 'status' = 'failed' AND _is_about_replaced_words(s, code, p_status ->> 'wamid') THEN
    RETURN _add(p_told, 'duplicates', 1);
  END IF;
  arrived_at_ms := CASE WHEN _delivery_rank(after.delivery) >= _delivery_rank('delivered') THEN (p_status ->> 'atMs')::bigint END;
  UPDATE send u SET state = after.state, delivery = after.delivery, wamid = after.wamid, second_wamid = after.second_wamid,
      first_status_at_ms = coalesce(u.first_status_at_ms, p_now), delivered_at_ms = coalesce(u.delivered_at_ms, arrived_at_ms),
      error_code = coalesce(code, u.error_code), why = after.why, updated_at_ms = p_now
    WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  told := _add(p_told, 'applied', 1);
  -- A status of a send in these states proves them wrong: something of it was accepted.
  IF s.state IN ('queued','sending','uncertain','held') THEN
    told := jsonb_insert(_add(told, 'proven', 1), '{provenSends,-1}', to_jsonb(s.send_id), true);
  END IF;
  IF after.second_wamid IS DISTINCT FROM s.second_wamid THEN told := _add(told, 'provenDuplicates', 1); END IF;
  lane := s.conversation_id;
  IF after.state = 'failed' AND s.state <> 'failed' THEN
    told := _add(told, 'failed', 1);
    lane := _send_template_after_failure(s.tenant_id, s.send_id, code, p_now);
    IF lane IS NULL THEN
      PERFORM _raise_flag(s.tenant_id, s.conversation_id, 'sendFailed', code::text, p_now);
      lane := s.conversation_id;
    END IF;
  END IF;
  RETURN CASE WHEN after.state <> s.state OR arrived_at_ms IS NOT NULL THEN _free_lane(told, s.tenant_id, lane) ELSE told END;
END $$;

-- Kept for the send whose answer is still under way, if it is one of ours; tells what it counts as.
CREATE FUNCTION _keep_unmatched(p_status jsonb, p_now bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO status_unmatched (tenant_id, phone_number_id, wamid, status, at_ms, error_code, received_at_ms)
    VALUES (p_status ->> 'tenantId', p_status ->> 'phoneNumberId', p_status ->> 'wamid', p_status ->> 'status',
      (p_status ->> 'atMs')::bigint, (p_status ->> 'errorCode')::bigint, p_now)
    ON CONFLICT (tenant_id, phone_number_id, wamid, status) DO NOTHING;
  RETURN CASE WHEN FOUND THEN 'unmatched' ELSE 'duplicates' END;
END $$;

-- What a status makes of a send, and whether it says anything new.
CREATE FUNCTION _after_status(s send, p_status text, p_wamid text, OUT state text, OUT delivery text, OUT wamid text, OUT second_wamid text,
  OUT why text, OUT is_new boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  is_other constant boolean := s.wamid IS NOT NULL AND s.wamid <> p_wamid;
  is_unsettled constant boolean := s.state IN ('queued','sending','uncertain','held');
  arrived boolean;
BEGIN
  second_wamid := CASE WHEN is_other THEN coalesce(s.second_wamid, p_wamid) ELSE s.second_wamid END;
  wamid := coalesce(s.wamid, p_wamid);
  delivery := CASE WHEN _delivery_rank(p_status) > _delivery_rank(s.delivery) THEN p_status ELSE s.delivery END;
  arrived := _delivery_rank(delivery) >= _delivery_rank('delivered');
  state := CASE
    WHEN p_status = 'failed' THEN CASE WHEN (is_unsettled OR s.state = 'accepted') AND NOT arrived AND NOT is_other THEN 'failed' ELSE s.state END
    WHEN is_unsettled THEN 'accepted'
    WHEN s.state = 'failed' AND arrived THEN 'accepted'
    ELSE s.state END;
  why := CASE WHEN state = s.state THEN s.why WHEN state = 'failed' THEN 'reported as failed'
    WHEN s.state = 'failed' THEN 'delivered after it was reported as failed' END;
  is_new := state <> s.state OR delivery <> s.delivery OR wamid IS DISTINCT FROM s.wamid OR second_wamid IS DISTINCT FROM s.second_wamid;
END $$;
