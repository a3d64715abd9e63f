-- The usual statuses of a group: found, judged and written by a few statements, however many they are.

-- A status: where it stands in its group, the send that it is of (NULL where there is none), `rank` in the order of deliveries (NULL where it
-- failed), and whether nothing needs more than the lock of that send's row.
CREATE TYPE _told_status AS (item int, place int, now_ms bigint, tenant_id id, send_id id, wamid id, rank int, at_ms bigint,
  error_code bigint, is_usual boolean);

-- Without a lock, in the order of the group. Indexes: the key, send_by_wamid.
CREATE FUNCTION _match_statuses(p_items jsonb) RETURNS _told_status[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(SELECT ROW(m.item, m.place, m.now_ms, m.tenant_id, m.send_id, m.wamid, m.rank, m.at_ms, m.error_code,
      m.send_id IS NOT NULL AND bool_and(m.is_usual) OVER (PARTITION BY m.tenant_id, m.send_id))::_told_status
    FROM (SELECT i.nth AS item, s.nth AS place, i.now_ms, s.tenant_id, coalesce(a.send_id, b.send_id) AS send_id, s.wamid,
          _delivery_rank(s.status) AS rank, s.at_ms, s.error_code,
          coalesce(coalesce(a.state, b.state) = 'accepted' AND coalesce(a.wamid, b.wamid) = s.wamid AND _delivery_rank(s.status) > 0, false) AS is_usual
        FROM (SELECT value AS item, ordinality AS nth, _now_of(value) AS now_ms FROM jsonb_array_elements(p_items) WITH ORDINALITY) i,
          ROWS FROM (jsonb_to_recordset(i.item -> 'statuses') AS ("tenantId" text, "phoneNumberId" text, wamid text, status text, "atMs" bigint,
            "errorCode" bigint, "sendId" text)) WITH ORDINALITY AS s (tenant_id, phone_number_id, wamid, status, at_ms, error_code, send_id, nth)
        LEFT JOIN LATERAL (SELECT o.send_id, o.state, o.wamid FROM send o WHERE o.tenant_id = s.tenant_id AND o.send_id = s.send_id
          AND o.phone_number_id = s.phone_number_id LIMIT 1) a ON true
        LEFT JOIN LATERAL (SELECT o.send_id, o.state, o.wamid FROM send o WHERE a.send_id IS NULL AND o.tenant_id = s.tenant_id
          AND o.wamid = s.wamid AND o.phone_number_id = s.phone_number_id LIMIT 1) b ON true) m
    ORDER BY m.item, m.place);
END $$;

CREATE FUNCTION _lock_lanes_of_unusual(p_told _told_status[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  unusual constant jsonb := (SELECT jsonb_agg(jsonb_build_object('tenantId', t.tenant_id, 'sendId', t.send_id))
    FROM unnest(p_told) t WHERE NOT t.is_usual AND t.send_id IS NOT NULL);
BEGIN
  IF unusual IS NOT NULL THEN PERFORM _lock_lanes_of(unusual); END IF;
END $$;

-- Answers for all items, with what their usual statuses come to. The rows of all sends are locked here, in key order, those of other statuses
-- too. A row that is not any more what it was when it was looked at needs other locks: all is tried again, as after a deadlock.
CREATE FUNCTION _record_usual(p_told _told_status[], p_items int) RETURNS jsonb[] LANGUAGE plpgsql AS $$
DECLARE
  nothing constant jsonb := '{"applied":0,"duplicates":0,"unmatched":0,"proven":0,"provenSends":[],"provenDuplicates":0,"failed":0,"freed":[]}';
  answers jsonb[] := array_fill(nothing, ARRAY[p_items]);
  usual constant bigint := (SELECT count(*) FROM unnest(p_told) t WHERE t.is_usual);
  judged record;
  each record;
BEGIN
  WITH locked AS MATERIALIZED (
    SELECT t.*, s.conversation_id, s.delivery, s.is_usual AS is_usual_still
      FROM (SELECT * FROM unnest(p_told) WHERE send_id IS NOT NULL ORDER BY tenant_id, send_id, item, place) t,
        LATERAL (SELECT o.conversation_id, _delivery_rank(o.delivery) AS delivery, o.state = 'accepted' AND o.wamid = t.wamid AS is_usual
          FROM send o WHERE o.tenant_id = t.tenant_id AND o.send_id = t.send_id FOR NO KEY UPDATE) s),
  judged AS MATERIALIZED (
    SELECT l.*, l.rank > greatest(l.delivery, max(l.rank) OVER (PARTITION BY l.tenant_id, l.send_id ORDER BY l.item, l.place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS is_new
      FROM locked l WHERE l.is_usual AND l.is_usual_still),
  written AS (
    UPDATE send u SET delivery = _delivery_of_rank(n.rank), first_status_at_ms = coalesce(u.first_status_at_ms, n.first_at_ms),
        delivered_at_ms = coalesce(u.delivered_at_ms, n.arrived_at_ms), error_code = coalesce(n.error_code, u.error_code), updated_at_ms = n.last_at_ms
      FROM (SELECT j.tenant_id, j.send_id, max(j.rank) AS rank, (array_agg(j.now_ms ORDER BY j.rank))[1] AS first_at_ms,
            (array_agg(j.at_ms ORDER BY j.rank) FILTER (WHERE j.rank >= _delivery_rank('delivered')))[1] AS arrived_at_ms,
            (array_agg(j.error_code ORDER BY j.rank DESC) FILTER (WHERE j.error_code IS NOT NULL))[1] AS error_code,
            (array_agg(j.now_ms ORDER BY j.rank DESC))[1] AS last_at_ms
          FROM judged j WHERE j.is_new GROUP BY 1, 2) n
      WHERE u.tenant_id = n.tenant_id AND u.send_id = n.send_id)
  SELECT count(*) AS count, array_agg(j.item) AS items, array_agg(j.is_new) AS news, array_agg(j.tenant_id) AS tenants,
      array_agg(CASE WHEN j.is_new AND j.rank >= _delivery_rank('delivered') THEN j.conversation_id END) AS lanes INTO judged FROM judged j;
  IF judged.count <> usual THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'a send changed while its status was matched';
  END IF;
  -- What is behind a message may wait for it to be delivered. Looked for under the locks, so that what comes behind it now finds it so.
  FOR each IN SELECT j.item, count(*) FILTER (WHERE j.is_new) AS applied, count(*) FILTER (WHERE NOT j.is_new) AS duplicates,
      coalesce(jsonb_agg(h.ref) FILTER (WHERE h.ref IS NOT NULL), '[]') AS freed
    FROM unnest(judged.items, judged.news, judged.tenants, judged.lanes) AS j (item, is_new, tenant_id, lane)
      LEFT JOIN LATERAL _next_of_lanes(j.tenant_id, j.lane) h ON true
    GROUP BY j.item
  LOOP
    answers[each.item] := nothing || jsonb_build_object('applied', each.applied, 'duplicates', each.duplicates, 'freed', each.freed);
  END LOOP;
  RETURN answers;
END $$;
