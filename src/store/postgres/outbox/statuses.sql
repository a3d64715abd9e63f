-- Delivery statuses, a lane of their own. They match a send by the id that was sent along, else by wamid, and may come before the answer of
-- the request. Delivery only moves up; `failed` is a flag that a later `delivered` overrides. A status is also the proof that an
-- uncertain send was accepted, and a second wamid the proof that a customer got it twice. Where it failed since the service window was
-- closed, its template leaves (`window.sql`).
--
-- The usual status is one of an accepted send by its wamid: it says how far the send came and settles nothing, so the row of the send is
-- all that is locked for it, and a group has one statement for all of them (`usual-statuses.sql`). Any other locks the conversation, since it
-- may change who leaves next, and is taken on its own in its order, as are all of a send that has one of those.

-- Items: `statuses`, each with `tenantId`, `phoneNumberId`, `wamid`, `status`, `atMs`, `errorCode` and `sendId` where it names a send of ours.
CREATE FUNCTION record_statuses(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  items constant jsonb := input -> 'items';
  told _told_status[] := _match_statuses(items);
  unplaced constant text[] := ARRAY(SELECT t.wamid FROM unnest(told) t WHERE t.send_id IS NULL);
  answers jsonb[];
  each _told_status;
BEGIN
  PERFORM _lock_lanes_of_unusual(told);
  IF unplaced <> '{}' THEN
    PERFORM _lock_wamids(unplaced);
    told := _match_statuses(items);
    PERFORM _lock_lanes_of_unusual(told);
  END IF;
  answers := _record_usual(told, jsonb_array_length(items));
  FOR each IN SELECT t.* FROM unnest(told) t WHERE NOT t.is_usual ORDER BY t.item, t.place LOOP
    answers[each.item] := _record_status(items -> each.item - 1 -> 'statuses' -> each.place - 1, each.now_ms, answers[each.item]);
  END LOOP;
  -- In the order of locks: paces come last.
  PERFORM _note_numbers(items);
  RETURN to_jsonb(answers);
END $$;

-- When statuses of a number arrived last. Only those that arrive after the window of an uncertain send tell anything (`uncertain.sql`), so
-- where nothing is uncertain nothing is written, and the row that all statuses of a number share is left alone. What becomes uncertain
-- meanwhile has its window before it. Index: send_uncertain.
CREATE FUNCTION _note_numbers(p_items jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM send u WHERE u.state = 'uncertain' AND u.uncertain_since_ms IS NOT NULL) THEN RETURN; END IF;
  INSERT INTO pace AS p (tenant_id, scope, key, status_at_ms)
    SELECT s ->> 'tenantId', 'number', s ->> 'phoneNumberId', max(_now_of(i))
      FROM jsonb_array_elements(p_items) i, jsonb_array_elements(i -> 'statuses') s
      GROUP BY 1, 2, 3 ORDER BY (s ->> 'tenantId')::id, (s ->> 'phoneNumberId')::id
    ON CONFLICT (tenant_id, scope, key) DO UPDATE SET status_at_ms = excluded.status_at_ms
      WHERE coalesce(p.status_at_ms, 0) < excluded.status_at_ms;
END $$;

-- Locks the row, too: usual statuses hold nothing else. Indexes: the key, send_by_wamid.
CREATE FUNCTION _send_of_status(p_status jsonb) RETURNS send LANGUAGE plpgsql AS $$
DECLARE
  s send;
BEGIN
  IF p_status ->> 'sendId' IS NOT NULL THEN
    SELECT * INTO s FROM send WHERE tenant_id = p_status ->> 'tenantId' AND send_id = p_status ->> 'sendId'
      AND phone_number_id = p_status ->> 'phoneNumberId' FOR NO KEY UPDATE;
    IF FOUND THEN RETURN s; END IF;
  END IF;
  SELECT * INTO s FROM send WHERE tenant_id = p_status ->> 'tenantId' AND wamid = p_status ->> 'wamid'
    AND phone_number_id = p_status ->> 'phoneNumberId' LIMIT 1 FOR NO KEY UPDATE;
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
