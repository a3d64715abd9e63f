-- Sends of which nobody knows whether they were accepted. Each waits for a status that carries its id: for its window, which counts only
-- while statuses of its number arrive and starts anew with the process, or until the cap. Then its policy decides. Silence is evidence
-- only when at least three sends of the same number that left later have been heard of. Any process may look; what two decide at
-- once, the second finds decided.

-- Input: `startedAtMs` and the limits. Those whose wait is over are decided under the locks of their lanes, on rows read anew.
CREATE FUNCTION resolve_uncertain(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  told jsonb := '{"accepted":0,"resent":[],"held":0,"dropped":0,"heldSends":[],"droppedSends":[],"freed":[]}';
  over jsonb;
  next_at_ms bigint;
  each record;
BEGIN
  PERFORM _begin_waits_anew(input, now_ms);
  SELECT min(u.until_ms), coalesce(jsonb_agg(jsonb_build_object('tenantId', (u.s).tenant_id, 'sendId', (u.s).send_id))
      FILTER (WHERE u.until_ms IS NULL), '[]') INTO next_at_ms, over FROM _uncertain_sends(input, now_ms) u;
  IF over <> '[]' THEN
    PERFORM _lock_lanes_of(over);
    FOR each IN SELECT u.s FROM _uncertain_sends(input, now_ms) u WHERE u.until_ms IS NULL
      AND over @> jsonb_build_array(jsonb_build_object('tenantId', (u.s).tenant_id, 'sendId', (u.s).send_id))
    LOOP
      told := _decide_uncertain(each.s, input, now_ms, told);
    END LOOP;
  END IF;
  RETURN told || jsonb_build_object('nextAtMs', next_at_ms);
END $$;

-- A wait that began in the future did so before the clock was set back: it begins anew, so that it stays bounded.
CREATE FUNCTION _begin_waits_anew(p_input jsonb, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  late constant bigint := p_now + (p_input ->> 'clockSetBackMinMs')::bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM send s WHERE s.state = 'uncertain' AND s.uncertain_since_ms > late) THEN RETURN; END IF;
  PERFORM _lock_lanes_of((SELECT jsonb_agg(jsonb_build_object('tenantId', s.tenant_id, 'sendId', s.send_id)) FROM send s
    WHERE s.state = 'uncertain' AND s.uncertain_since_ms > late));
  UPDATE send s SET uncertain_since_ms = p_now WHERE s.state = 'uncertain' AND s.uncertain_since_ms > late;
END $$;

-- Index: send_uncertain. Each with the time until which it waits, NULL where that is over. Statuses that arrive after the window's
-- end prove that the way they come was open. The statement is large, and its rows are few.
CREATE FUNCTION _uncertain_sends(p_input jsonb, p_now bigint) RETURNS TABLE (s send, until_ms bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  cap_ms constant bigint := p_input ->> 'uncertainCapMs';
  look_again_ms constant bigint := p_now + (p_input ->> 'sweepEveryMs')::bigint;
  started_at_ms constant bigint := CASE WHEN (p_input ->> 'startedAtMs')::bigint > p_now THEN 0 ELSE (p_input ->> 'startedAtMs')::bigint END;
BEGIN
  RETURN QUERY SELECT w.u, CASE
      WHEN p_now < w.window_ends_at_ms THEN w.window_ends_at_ms
      WHEN p_now < w.cap_ends_at_ms AND w.status_at_ms < w.window_ends_at_ms THEN least(w.cap_ends_at_ms, look_again_ms) END
    FROM (SELECT u, e.window_ends_at_ms, greatest(u.uncertain_since_ms + cap_ms, e.window_ends_at_ms) AS cap_ends_at_ms,
        coalesce((SELECT p.status_at_ms FROM pace p WHERE p.tenant_id = u.tenant_id AND p.scope = 'number' AND p.key = u.phone_number_id), 0)
          AS status_at_ms
      FROM send u, LATERAL (SELECT greatest(u.uncertain_since_ms, started_at_ms) + u.uncertain_window_ms AS window_ends_at_ms) e
      WHERE u.state = 'uncertain' ORDER BY u.uncertain_since_ms LIMIT 500) w;
END $$;

CREATE FUNCTION _decide_uncertain(s send, p_input jsonb, p_now bigint, p_told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  verdict constant text := _verdict_of(s, p_input);
  reason constant text := CASE verdict WHEN 'hold' THEN 'nobody knows whether it was accepted'
    WHEN 'drop' THEN 'dropped: nobody knows whether it was accepted'
    WHEN 'withdraw' THEN 'it was taken back meanwhile; nobody knows whether it was accepted' END;
  told jsonb := p_told;
BEGIN
  UPDATE send u SET state = CASE verdict WHEN 'resend' THEN 'queued' WHEN 'hold' THEN 'held' ELSE 'withdrawn' END, not_before_ms = 0,
      why = coalesce(reason, u.why), updated_at_ms = p_now
    WHERE u.tenant_id = s.tenant_id AND u.send_id = s.send_id;
  IF verdict = 'resend' THEN
    RETURN jsonb_insert(told, '{resent,-1}', _send_ref(s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, s.priority), true);
  END IF;
  IF verdict = 'withdraw' THEN PERFORM _see_instead_of_answered(s.tenant_id, s.conversation_id, s.send_id); END IF;
  PERFORM _raise_flag(s.tenant_id, s.conversation_id, 'sendUncertain', reason, p_now);
  IF verdict = 'hold' THEN told := jsonb_insert(_add(told, 'held', 1), '{heldSends,-1}', to_jsonb(s.send_id), true);
  ELSE told := jsonb_insert(_add(told, 'dropped', 1), '{droppedSends,-1}', to_jsonb(s.send_id), true);
  END IF;
  RETURN _free_lane(told, s.tenant_id, s.conversation_id);
END $$;

-- A resend is bounded like any other attempt, and never happens behind the back of an operator who took over.
CREATE FUNCTION _verdict_of(s send, p_input jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  verdict constant text := CASE s.uncertain_policy WHEN 'resendMayRepeat' THEN 'resend' WHEN 'dropMayLose' THEN 'drop'
    WHEN 'resendOnEvidence' THEN CASE WHEN _is_silence_evidence(s, (p_input ->> 'uncertainEvidenceSends')::int) THEN 'resend' ELSE 'hold' END
    ELSE 'hold' END;
BEGIN
  IF verdict <> 'resend' THEN RETURN verdict; END IF;
  IF s.withdraw_on_return THEN RETURN 'withdraw'; END IF;
  RETURN CASE WHEN s.attempts >= (p_input ->> 'sendAttemptsMax')::bigint THEN 'hold' ELSE 'resend' END;
END $$;

-- Index: send_heard_of, in the order in which sends of a number left; three are enough.
CREATE FUNCTION _is_silence_evidence(s send, p_sends int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT count(*) >= p_sends FROM (SELECT FROM send l WHERE l.tenant_id = s.tenant_id AND l.phone_number_id = s.phone_number_id
    AND l.granted_nth > coalesce(s.granted_nth, 0) AND l.first_status_at_ms IS NOT NULL ORDER BY l.granted_nth LIMIT p_sends) heard);
END $$;
