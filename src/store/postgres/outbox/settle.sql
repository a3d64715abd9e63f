-- What became of a request: accepted, refused, to be tried later, or nobody knows. A delivery status, a rescue or the answer of an earlier
-- attempt may have been faster, so a settlement that finds its send settled only checks whether both tell of the same wamid: a
-- second one proves that the customer got the message twice.

-- Items: `settlements` as the port has them. What answers say of a pace changes its row last, in the order of locks.
CREATE FUNCTION settle_sends(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answers jsonb[] := '{}';
  paces jsonb := '[]';
  told jsonb;
  item jsonb;
  each jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(s.given || jsonb_build_object('nowMs', _now_of(i.item))), '[]') INTO told
    FROM jsonb_array_elements(input -> 'items') AS i (item), jsonb_array_elements(i.item -> 'settlements') AS s (given);
  PERFORM _learn_from_answers(told);
  PERFORM _lock_lanes_of((SELECT jsonb_agg(jsonb_build_object('tenantId', t -> 'send' -> 'ref' ->> 'tenantId', 'sendId', t -> 'send' ->> 'sendId'))
    FROM jsonb_array_elements(told) t));
  PERFORM _lock_wamids((SELECT array_agg(t -> 'outcome' ->> 'wamid') FROM jsonb_array_elements(told) t));
  FOR item IN SELECT value FROM jsonb_array_elements(input -> 'items') LOOP
    told := '{"freed":[],"uncertain":[],"alreadySettled":0,"provenDuplicates":0,"flagged":0,"paces":[]}';
    FOR each IN SELECT value FROM jsonb_array_elements(item -> 'settlements') LOOP
      told := _settle_one(each, _now_of(item), told);
    END LOOP;
    paces := paces || (told -> 'paces');
    answers := answers || (told - 'paces');
  END LOOP;
  PERFORM _change_paces(paces);
  RETURN to_jsonb(answers);
END $$;

-- Locks the conversations of some sends, objects with `tenantId` and `sendId`, and those that they were merged into. A merge may move a send
-- while its lock is waited for, so it is looked again until all stand still.
CREATE FUNCTION _lock_lanes_of(p_sends jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  lanes jsonb;
  locked jsonb := '[]';
BEGIN
  LOOP
    SELECT coalesce(jsonb_agg(l.lane), '[]') INTO lanes FROM (
      SELECT DISTINCT jsonb_build_object('tenantId', s.tenant_id, 'conversationId', unnest(ARRAY[s.conversation_id, c.merged_into])) AS lane
        FROM jsonb_array_elements(p_sends) AS e (given),
          LATERAL (SELECT o.tenant_id, o.conversation_id FROM send o WHERE o.tenant_id = e.given ->> 'tenantId' AND o.send_id = e.given ->> 'sendId' LIMIT 1) s,
          LATERAL (SELECT v.merged_into FROM conversation v WHERE v.tenant_id = s.tenant_id AND v.conversation_id = s.conversation_id LIMIT 1) c
        ORDER BY 1) l;
    EXIT WHEN lanes = locked;
    PERFORM _lock_conversations(lanes);
    locked := lanes;
  END LOOP;
END $$;

-- An answer that names a wamid, and a status of it that nobody can place yet, must see one another: whoever comes second waits here.
CREATE FUNCTION _lock_wamids(p_wamids text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each bigint;
BEGIN
  FOR each IN SELECT DISTINCT hashtextextended('wamid ' || w, 0) FROM unnest(p_wamids) w WHERE w IS NOT NULL ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(each);
  END LOOP;
END $$;

CREATE FUNCTION _settle_one(p_settlement jsonb, p_now bigint, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  outcome constant jsonb := p_settlement -> 'outcome';
  kind constant text := outcome ->> 'kind';
  settled jsonb := p_settled;
  until_ms bigint;
  s send;
BEGIN
  -- The row tells the lane, not the reference: a merge may have moved the send since.
  SELECT * INTO s FROM send WHERE tenant_id = p_settlement -> 'send' -> 'ref' ->> 'tenantId' AND send_id = p_settlement -> 'send' ->> 'sendId';
  IF NOT FOUND THEN RETURN settled; END IF;
  IF outcome -> 'pace' ->> 'scope' = 'pair' THEN until_ms := _back_off_pair(s, p_now);
  ELSIF outcome -> 'pace' ->> 'scope' IS NOT NULL THEN
    settled := jsonb_insert(settled, '{paces,-1}', _pace_change(s, outcome -> 'pace', p_now), true);
  END IF;
  IF s.state <> 'sending' OR s.attempts <> (p_settlement ->> 'attempt')::bigint THEN
    settled := _add(settled, 'alreadySettled', 1);
    RETURN CASE kind WHEN 'accepted' THEN _late_acceptance(s, outcome ->> 'wamid', p_now, settled) ELSE settled END;
  END IF;
  IF kind = 'accepted' THEN
    settled := _note_second(s, outcome ->> 'wamid', settled);
    settled := _accept(s, coalesce(s.wamid, outcome ->> 'wamid'), true, p_now, settled);
  ELSIF s.wamid IS NOT NULL THEN
    -- An earlier attempt was accepted after all, so whatever became of this one, the customer has it.
    settled := _accept(s, s.wamid, false, p_now, settled);
  ELSIF kind = 'refused' THEN settled := _refuse(s, outcome, p_now, settled);
  ELSIF kind = 'retryLater' THEN settled := _give_back(s, outcome, until_ms, p_now, settled);
  ELSE
    UPDATE send u SET state = 'uncertain', uncertain_since_ms = p_now, uncertain_window_ms = (outcome ->> 'windowMs')::bigint,
        error_code = (outcome ->> 'errorCode')::bigint, why = outcome ->> 'why', updated_at_ms = p_now
      WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
    RETURN jsonb_insert(settled, '{uncertain,-1}', jsonb_build_object('resolveAtMs', p_now + (outcome ->> 'windowMs')::bigint,
      'send', _send_ref(s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, s.priority)), true);
  END IF;
  RETURN _free_lane(settled, s.tenant_id, s.conversation_id);
END $$;

CREATE FUNCTION _add(p_told jsonb, p_name text, p_by bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_set(p_told, ARRAY[p_name], to_jsonb((p_told ->> p_name)::bigint + p_by))
$$;

-- Tells of the send that may leave next, if one may.
CREATE FUNCTION _free_lane(p_told jsonb, p_tenant text, p_conversation text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  next constant jsonb := _next_of_lane(p_tenant, p_conversation);
BEGIN
  RETURN CASE WHEN next IS NULL THEN p_told ELSE jsonb_insert(p_told, '{freed,-1}', next, true) END;
END $$;

-- Meta's clock decides about the window; ours may have been a little late: then its template leaves at once.
CREATE FUNCTION _refuse(s send, p_outcome jsonb, p_now bigint, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  code constant bigint := p_outcome ->> 'errorCode';
  reason constant text := p_outcome ->> 'reason';
  template constant text := CASE WHEN code = _window_closed_code() AND NOT s.withdraw_on_return THEN _template_for(s.if_window_closed, s.body) END;
BEGIN
  IF template IS NOT NULL THEN
    UPDATE send u SET body = template, quote_wamid = NULL, state = 'queued', not_before_ms = p_now, error_code = code, updated_at_ms = p_now
      WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
    RETURN p_settled;
  END IF;
  UPDATE send u SET state = 'refused', error_code = code, why = reason, updated_at_ms = p_now
    WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  PERFORM _raise_flag(s.tenant_id, s.conversation_id, 'sendRefused', CASE WHEN code IS NULL THEN reason ELSE code || ': ' || reason END, p_now);
  RETURN _add(p_settled, 'flagged', 1);
END $$;

-- Back into the lane, or out of it where an operator has taken over since.
CREATE FUNCTION _give_back(s send, p_outcome jsonb, p_until_ms bigint, p_now bigint, p_settled jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  code constant bigint := p_outcome ->> 'errorCode';
BEGIN
  IF s.withdraw_on_return THEN
    RETURN _add(p_settled, 'flagged', _withdraw_on_return(s.tenant_id, s.conversation_id, s.send_id, code, p_now)::int);
  END IF;
  UPDATE send u SET state = 'queued', attempts = CASE WHEN (p_outcome ->> 'countsAsAttempt')::boolean THEN s.attempts ELSE s.attempts - 1 END,
      not_before_ms = greatest((p_outcome ->> 'atMs')::bigint, p_until_ms), error_code = code, updated_at_ms = p_now
    WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  RETURN p_settled;
END $$;

-- Whether a person must be told: the operator handed back while it was on the wire, and may believe that it arrived.
CREATE FUNCTION _withdraw_on_return(p_tenant text, p_conversation text, p_send text, p_error_code bigint, p_now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE send u SET state = 'withdrawn', error_code = p_error_code, updated_at_ms = p_now,
      why = CASE WHEN u.why = 'the contact was erased' THEN u.why ELSE 'an operator took over' END
    WHERE u.tenant_id = p_tenant AND u.send_id = p_send;
  PERFORM _see_instead_of_answered(p_tenant, p_conversation, p_send);
  IF NOT EXISTS (SELECT FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation AND c.holder = 'bot') THEN
    RETURN false;
  END IF;
  PERFORM _raise_flag(p_tenant, p_conversation, 'tookOver', 'an answer was withdrawn after the hand-back', p_now);
  RETURN true;
END $$;

-- Longer each time; answers until when the pair is left alone.
CREATE FUNCTION _back_off_pair(s send, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  until_ms bigint;
BEGIN
  UPDATE conversation c SET pair_until_ms = p_now + _pair_backoff_ms(c.pair_failures), pair_failures = c.pair_failures + 1
    WHERE c.tenant_id = s.tenant_id AND c.conversation_id = s.conversation_id RETURNING c.pair_until_ms INTO until_ms;
  RETURN coalesce(until_ms, p_now + _pair_backoff_ms(0));
END $$;

CREATE FUNCTION _pace_change(s send, p_change jsonb, p_now bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT p_change || jsonb_build_object('nowMs', p_now, 't', s.tenant_id, 's', p_change ->> 'scope', 'p', true, 'k',
    CASE p_change ->> 'scope' WHEN 'number' THEN s.phone_number_id::text WHEN 'waba' THEN p_change ->> 'wabaId' ELSE s.tenant_id END)
$$;

-- Slows or pauses scopes, one change after another.
CREATE FUNCTION _change_paces(p_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each jsonb;
BEGIN
  IF p_changes = '[]' THEN RETURN; END IF;
  PERFORM _open_paces(p_changes);
  FOR each IN SELECT value FROM jsonb_array_elements(p_changes) LOOP
    UPDATE pace p SET
        speed = CASE each ->> 'change' WHEN 'slow' THEN _slow_down(p.speed, (each ->> 'nowMs')::double precision, (each ->> 'retryAfterMs')::double precision)
          ELSE p.speed END,
        paused_until_ms = CASE each ->> 'change' WHEN 'pause' THEN greatest(p.paused_until_ms, (each ->> 'untilMs')::bigint) ELSE p.paused_until_ms END,
        pause_reason = CASE each ->> 'change' WHEN 'pause' THEN each ->> 'reason' ELSE p.pause_reason END
      WHERE p.tenant_id = each ->> 't' AND p.scope = each ->> 's' AND p.key = each ->> 'k';
  END LOOP;
END $$;
