-- A send was accepted: its statuses may have been faster than the answer and are applied now, the answer may name another address of the
-- customer, and the pair's backing off is over.

-- `p_is_answer` where an answer says so, and not only a wamid that was known.
CREATE FUNCTION _accept(s send, p_wamid text, p_is_answer boolean, p_now bigint, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  early record;
  settled jsonb := p_settled;
BEGIN
  UPDATE send u SET state = 'accepted', wamid = coalesce(u.wamid, p_wamid), error_code = NULL, why = NULL, updated_at_ms = p_now
    WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  SELECT count(*) AS count, min(e.at_ms) AS first_at_ms, coalesce(max(_delivery_rank(e.status)), 0) AS rank, bool_or(e.status = 'failed') AS failed,
      max(e.error_code) FILTER (WHERE e.status = 'failed') AS error_code INTO early
    FROM status_unmatched e WHERE e.tenant_id = s.tenant_id AND e.phone_number_id = s.phone_number_id AND e.wamid = p_wamid;
  IF early.count > 0 THEN
    UPDATE send u SET delivery = _delivery_of_rank(early.rank), first_status_at_ms = coalesce(u.first_status_at_ms, early.first_at_ms)
      WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
    IF early.failed AND early.rank < _delivery_rank('delivered') THEN
      UPDATE send u SET state = 'failed', error_code = early.error_code, why = 'reported as failed', updated_at_ms = p_now
        WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
      IF _send_template_after_failure(s.tenant_id, s.send_id, early.error_code, p_now) IS NULL THEN
        PERFORM _raise_flag(s.tenant_id, s.conversation_id, 'sendFailed', early.error_code::text, p_now);
        settled := _add(settled, 'flagged', 1);
      END IF;
    END IF;
    DELETE FROM status_unmatched e WHERE e.tenant_id = s.tenant_id AND e.phone_number_id = s.phone_number_id AND e.wamid = p_wamid;
  END IF;
  IF p_is_answer THEN
    UPDATE conversation c SET pair_failures = 0, pair_until_ms = 0
      WHERE c.tenant_id = s.tenant_id AND c.conversation_id = s.conversation_id AND c.pair_failures > 0;
  END IF;
  RETURN settled;
END $$;

-- Order of delivery statuses, as `deliveryRank` of the core; NULL for what is none.
CREATE FUNCTION _delivery_rank(p_delivery text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT array_position('{none,sent,delivered,read,played}'::text[], p_delivery) - 1
$$;

CREATE FUNCTION _delivery_of_rank(p_rank int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ('{none,sent,delivered,read,played}'::text[])[p_rank + 1]
$$;

-- The answer came after a status, a rescue, a person or another attempt had settled the send. `accepted` without a wamid is a person's word:
-- its statuses are applied now.
CREATE FUNCTION _late_acceptance(s send, p_wamid text, p_now bigint, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF s.wamid IS NOT NULL THEN RETURN _note_second(s, p_wamid, p_settled); END IF;
  IF s.state IN ('queued','uncertain','held','accepted') THEN
    RETURN _free_lane(_accept(s, p_wamid, true, p_now, p_settled), s.tenant_id, s.conversation_id);
  END IF;
  -- Another attempt is on the wire, or the send was given up: kept as the proof that this one arrived.
  UPDATE send u SET wamid = p_wamid WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id AND u.wamid IS NULL;
  RETURN p_settled;
END $$;

-- A second wamid of one send: the customer got it twice. Counted once, whether an answer or a status tells of it.
CREATE FUNCTION _note_second(s send, p_wamid text, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF s.wamid IS NULL OR s.wamid = p_wamid OR s.second_wamid IS NOT NULL THEN RETURN p_settled; END IF;
  UPDATE send u SET second_wamid = p_wamid WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  RETURN _add(p_settled, 'provenDuplicates', 1);
END $$;

-- An address that an answer names and that leads nowhere yet leads to this contact; a second id is somebody else's. Done first, since
-- contacts are locked before conversations, and whatever became of the send: the answer is Meta's word for it. Not for a contact that
-- was erased: its conversation names itself as merged, and no address must lead to it any more.
CREATE FUNCTION _learn_from_answers(p_settlements jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  FOR each IN SELECT DISTINCT c.tenant_id, c.waba_id, c.contact_id, k.phone, k.bsuid, t.outcome ->> 'waId' AS wa_id, t.outcome ->> 'bsuid' AS new_bsuid,
      (t.given ->> 'nowMs')::bigint AS now_ms
    FROM jsonb_array_elements(p_settlements) AS x (given), LATERAL (SELECT x.given, x.given -> 'outcome' AS outcome) t
      , LATERAL (SELECT o.* FROM send o WHERE o.tenant_id = t.given -> 'send' -> 'ref' ->> 'tenantId' AND o.send_id = t.given -> 'send' ->> 'sendId' LIMIT 1) s
      , LATERAL (SELECT v.* FROM conversation v WHERE v.tenant_id = s.tenant_id AND v.conversation_id = s.conversation_id LIMIT 1) c
      , LATERAL (SELECT f.* FROM contact f WHERE f.tenant_id = c.tenant_id AND f.contact_id = c.contact_id LIMIT 1) k
    WHERE t.outcome ->> 'kind' = 'accepted' AND c.merged_into IS DISTINCT FROM c.conversation_id
      AND (t.outcome ->> 'waId' IS DISTINCT FROM k.phone AND t.outcome ->> 'waId' IS NOT NULL
          AND NOT _is_known_address(c.tenant_id, c.waba_id, 'phone', t.outcome ->> 'waId')
        OR t.outcome ->> 'bsuid' IS NOT NULL AND k.bsuid IS NULL
          AND NOT _is_known_address(c.tenant_id, c.waba_id, 'bsuid', t.outcome ->> 'bsuid'))
    ORDER BY 1, 2, 3
  LOOP
    IF each.wa_id IS DISTINCT FROM each.phone AND each.wa_id IS NOT NULL THEN
      PERFORM _learn_address(each.tenant_id, each.waba_id, 'phone', each.wa_id, each.contact_id, each.now_ms);
    END IF;
    IF each.new_bsuid IS NOT NULL AND each.bsuid IS NULL
      AND _learn_address(each.tenant_id, each.waba_id, 'bsuid', each.new_bsuid, each.contact_id, each.now_ms) THEN
      UPDATE contact k SET bsuid = each.new_bsuid WHERE k.tenant_id = each.tenant_id AND k.contact_id = each.contact_id AND k.bsuid IS NULL;
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION _is_known_address(p_tenant text, p_waba text, p_kind text, p_value text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM contact_address a WHERE a.tenant_id = p_tenant AND a.waba_id = p_waba AND a.kind = p_kind AND a.value = p_value);
END $$;
