-- Grants: which send may be written to the socket now. In one transaction the head of the lane is checked, the service window, the pauses
-- and the paces of number, pair, waba and tenant; only if all agree do the paces advance and the row becomes `sending`. So several processes
-- share one pace, and an attempt is durable before its request leaves.
--
-- Sends are looked at without a lock first: a line of hundreds that waits for its pace must not lock hundreds of conversations for the
-- one send that may leave. Then the conversations of those that may are locked, then the paces, and all is judged on rows read anew.

-- Items: `ownerId`, `askedAtMs`, `sends` (references whose `rules` is a place in the item's `rules`, from 0), `rules`, and `inDoubt` where a
-- request of before had no answer: ids of sends.
CREATE FUNCTION grant_sends(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  items constant jsonb := input -> 'items';
  chosen constant jsonb := _may_leave(items);
  book pace[];
  judged record;
  answers jsonb[] := '{}';
  locked text[];
BEGIN
  PERFORM _lock_conversations(chosen);
  PERFORM _lock_sends_before(chosen);
  SELECT array_agg(_place_key(c ->> 'tenantId', c ->> 'conversationId', c ->> 'sendId')) INTO locked FROM jsonb_array_elements(chosen) c;
  PERFORM _return_in_doubt(items, locked);
  book := _open_paces((SELECT coalesce(jsonb_agg(w), '[]') FROM jsonb_array_elements(chosen) c,
    jsonb_array_elements(_paces_of_number(c ->> 'tenantId', c ->> 'phoneNumberId', c -> 'rules')) w));
  FOR n IN 0..jsonb_array_length(items) - 1 LOOP
    judged := _grant_item(items -> n, (input ->> 'serviceWindowMs')::bigint, coalesce(locked, '{}'), book);
    book := judged.book;
    answers := answers || judged.answers;
  END LOOP;
  RETURN to_jsonb(answers);
END $$;

-- A send where it stood when it was looked at: a merge may have moved it since.
CREATE FUNCTION _place_key(p_tenant text, p_conversation text, p_send text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT p_tenant || chr(10) || p_conversation || chr(10) || p_send
$$;

CREATE FUNCTION _asked_sends(p_item jsonb) RETURNS TABLE (nth bigint, tenant_id id, send_id id, rules jsonb, asked jsonb)
LANGUAGE sql STABLE AS $$
  SELECT nth, (each -> 'ref' ->> 'tenantId')::id, (each ->> 'sendId')::id, p_item -> 'rules' -> (each ->> 'rules')::int, each - 'rules'
    FROM jsonb_array_elements(p_item -> 'sends') WITH ORDINALITY AS given (each, nth)
$$;

-- Heads of lanes, as many of each number as its pace can grant now and one more, which is told how long to wait. Each row is looked up by
-- its key, one after another (`LATERAL ... LIMIT 1`): a planner that thinks of thousands would read the whole table instead.
CREATE FUNCTION _may_leave(p_items jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  chosen jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('tenantId', l.tenant_id, 'conversationId', l.conversation_id, 'sendId', l.send_id,
      'phoneNumberId', l.phone_number_id, 'rules', l.rules)) INTO chosen
    FROM (SELECT s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, a.rules, _slots_at_most(p.tat_ms, a.rules, i.now_ms) AS most,
        row_number() OVER (PARTITION BY s.tenant_id, s.phone_number_id ORDER BY i.nth, a.nth) AS place
      FROM (SELECT value AS item, ordinality AS nth, _now_of(value) AS now_ms FROM jsonb_array_elements(p_items) WITH ORDINALITY) i,
        _asked_sends(i.item) a,
        LATERAL (SELECT o.*, _is_in_doubt(i.item, o) AS is_in_doubt FROM send o WHERE o.tenant_id = a.tenant_id AND o.send_id = a.send_id LIMIT 1) s
        LEFT JOIN LATERAL (SELECT b.ordinal FROM send b WHERE b.tenant_id = s.tenant_id AND b.conversation_id = s.conversation_id
          AND b.state IN ('queued','sending','uncertain') ORDER BY b.ordinal LIMIT 1) head ON true
        LEFT JOIN LATERAL (SELECT n.tat_ms FROM pace n WHERE n.tenant_id = s.tenant_id AND n.scope = 'number' AND n.key = s.phone_number_id LIMIT 1) p
          ON true
      WHERE (s.state = 'queued' OR s.is_in_doubt) AND s.ordinal = head.ordinal) l
    WHERE l.place <= l.most;
  RETURN coalesce(chosen, '[]');
END $$;

-- A bound from above: another process, or a slower speed, only makes it less.
CREATE FUNCTION _slots_at_most(p_tat_ms double precision, p_rules jsonb, p_now double precision) RETURNS double precision
LANGUAGE plpgsql STABLE AS $$
DECLARE
  pace constant record := _pace_of_per_second((p_rules ->> 'numberPerSecond')::double precision);
BEGIN
  IF _is_strange_tat(pace.every_ms, pace.burst, pace.debt_ms, p_tat_ms, p_now) THEN RETURN pace.burst + 2; END IF;
  RETURN 2 + floor(greatest(-1::double precision, pace.burst - 1 - (greatest(p_tat_ms, p_now) - p_now) / pace.every_ms));
END $$;

-- Whether the answer that granted this send to this owner was lost, so that nobody writes it. Not what was granted after this request was
-- asked: then this one was held up on its way, and a later one had the answer.
CREATE FUNCTION _is_in_doubt(p_item jsonb, s send) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT s.state = 'sending' AND s.owner_id = p_item ->> 'ownerId' AND coalesce(p_item -> 'inDoubt' ? s.send_id, false)
    AND s.sending_at_ms <= (p_item ->> 'askedAtMs')::bigint
$$;

-- Back into the lane, as if the slot was given back unused, to be judged like any other. What was taken back meanwhile leaves the lane; the
-- sweep finds what stands behind it.
CREATE FUNCTION _return_in_doubt(p_items jsonb, p_locked text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  IF NOT jsonb_path_exists(p_items, '$[*].inDoubt[*]') THEN RETURN; END IF;
  FOR each IN SELECT s.tenant_id, s.conversation_id, s.send_id, s.withdraw_on_return, _now_of(i.item) AS now_ms
    FROM jsonb_array_elements(p_items) AS i (item), _asked_sends(i.item) a,
      LATERAL (SELECT o.*, _is_in_doubt(i.item, o) AS is_in_doubt FROM send o WHERE o.tenant_id = a.tenant_id AND o.send_id = a.send_id LIMIT 1) s
    WHERE s.is_in_doubt
      AND _place_key(s.tenant_id, s.conversation_id, s.send_id) = ANY (p_locked)
  LOOP
    IF each.withdraw_on_return THEN
      PERFORM _withdraw_on_return(each.tenant_id, each.conversation_id, each.send_id, NULL, each.now_ms);
    ELSE
      UPDATE send s SET state = 'queued', attempts = s.attempts - 1, not_before_ms = 0, updated_at_ms = each.now_ms
        WHERE s.tenant_id = each.tenant_id AND s.send_id = each.send_id AND s.state = 'sending';
    END IF;
  END LOOP;
END $$;
