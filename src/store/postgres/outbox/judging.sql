-- How the sends of one request are judged, one after another. The conversations of `p_locked` are locked and the rows of `p_book` too,
-- so what is read here stays true; what became free only since the first look asks again at once.

-- An answer for each send, and the book with what was taken; everything else is written.
CREATE FUNCTION _grant_item(p_item jsonb, p_window_ms bigint, p_locked text[], p_book pace[], OUT answers jsonb, OUT book pace[])
LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(p_item);
  keys constant text[] := (SELECT array_agg(_pace_key(b.tenant_id, b.scope, b.key) ORDER BY b.ordinality) FROM unnest(p_book) WITH ORDINALITY AS b);
  -- What one send of a number must wait for, the next one of it must too: it is not looked at again.
  closed jsonb := '{}';
  given jsonb[] := '{}';
  granted jsonb[] := '{}';
  done text[] := '{}';
  moved int[] := '{}';
  each record;
  answer jsonb;
  slot record;
  at int[];
BEGIN
  book := p_book;
  FOR each IN SELECT * FROM _sends_to_judge(p_item, p_window_ms, now_ms, p_locked) LOOP
    IF closed ? each.number THEN answer := closed -> each.number;
    ELSIF _is_in_doubt(p_item, each.s) THEN answer := _wait(now_ms, 'number', false);
    ELSIF (each.s).send_id IS NULL OR (each.s).state <> 'queued' OR (each.s).send_id = ANY (done) THEN answer := '{"outcome":"gone"}';
    ELSIF NOT each.is_head THEN answer := '{"outcome":"blocked"}';
    ELSIF NOT each.is_locked THEN answer := _wait(now_ms, 'number', false);
    ELSE
      answer := _refusal_of(each.s, each.c, each.words, each.address, each.rules, now_ms);
      IF answer ->> 'outcome' = 'withdrawn' THEN done := done || (each.s).send_id::text; END IF;
    END IF;
    IF answer IS NULL THEN
      at := ARRAY[array_position(keys, _pace_key((each.s).tenant_id, 'number', (each.s).phone_number_id)),
        array_position(keys, _pace_key((each.s).tenant_id, 'waba', each.rules ->> 'wabaId')),
        array_position(keys, _pace_key((each.s).tenant_id, 'tenant', (each.s).tenant_id))];
      slot := _take_slot(ARRAY[book[at[1]], book[at[2]], book[at[3]]], each.rules, (each.c).pair_tat_ms, now_ms, false);
      IF slot.refused_by IS NOT NULL THEN
        answer := _wait(ceil(slot.refused_until_ms)::bigint, slot.refused_by, slot.is_paused);
        IF slot.refused_by <> 'pair' THEN closed := closed || jsonb_build_object(each.number, answer); END IF;
      ELSE
        FOR i IN 1..3 LOOP
          CONTINUE WHEN slot.tats[i] IS NULL;
          book[at[i]].tat_ms := slot.tats[i];
          moved := moved || at[i];
        END LOOP;
        book[at[1]].granted := book[at[1]].granted + 1;
        done := done || (each.s).send_id::text;
        answer := _granted(each.s, each.words, each.address, now_ms);
        granted := granted || jsonb_build_object('sendId', (each.s).send_id, 'tenantId', (each.s).tenant_id, 'nth', book[at[1]].granted,
          'conversationId', (each.s).conversation_id, 'pairTatMs', slot.tats[4], 'template', each.words ->> 'template');
      END IF;
    END IF;
    given := given || (answer || jsonb_build_object('send', each.asked));
  END LOOP;
  answers := to_jsonb(given);
  PERFORM _mark_sending(granted, p_item ->> 'ownerId', now_ms);
  PERFORM _write_paces((SELECT array_agg(book[m]) FROM (SELECT DISTINCT unnest(moved)) AS places (m)), now_ms);
END $$;

-- In the order in which they were asked for. `number` names the line, `words` say what may be said now (`_words_outside_window`).
CREATE FUNCTION _sends_to_judge(p_item jsonb, p_window_ms bigint, p_now bigint, p_locked text[])
RETURNS TABLE (number text, asked jsonb, rules jsonb, s send, c conversation, address jsonb, words jsonb, is_head boolean, is_locked boolean)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT a.tenant_id || chr(10) || (a.asked ->> 'phoneNumberId'),
      CASE WHEN (o).send_id IS NULL THEN a.asked
        ELSE _send_ref((o).tenant_id, (o).conversation_id, (o).send_id, (o).phone_number_id, (o).priority) END,
      a.rules, o, v,
      CASE WHEN k.phone IS NOT NULL THEN jsonb_build_object('to', k.phone)
        WHEN k.bsuid IS NOT NULL THEN jsonb_build_object('recipient', k.bsuid) END,
      CASE WHEN coalesce((v).customer_last_at_ms, 0) + p_window_ms > p_now THEN '{}' ELSE _words_outside_window(o) END,
      (o).ordinal = (SELECT b.ordinal FROM send b WHERE b.tenant_id = (o).tenant_id AND b.conversation_id = (o).conversation_id
        AND b.state IN ('queued','sending','uncertain') ORDER BY b.ordinal LIMIT 1),
      _place_key((o).tenant_id, (o).conversation_id, (o).send_id) = ANY (p_locked)
    FROM _asked_sends(p_item) a
    LEFT JOIN LATERAL (SELECT f FROM send f WHERE f.tenant_id = a.tenant_id AND f.send_id = a.send_id LIMIT 1) AS x (o) ON true
    LEFT JOIN LATERAL (SELECT f FROM conversation f WHERE f.tenant_id = (o).tenant_id AND f.conversation_id = (o).conversation_id LIMIT 1) AS y (v) ON true
    LEFT JOIN LATERAL (SELECT f.phone, f.bsuid FROM contact f WHERE f.tenant_id = (v).tenant_id AND f.contact_id = (v).contact_id LIMIT 1) k ON true
    ORDER BY a.nth;
END $$;

CREATE FUNCTION _wait(p_at bigint, p_scope text, p_paused boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', 'wait', 'atMs', p_at, 'scope', p_scope, 'paused', p_paused)
$$;

-- Why this send may not leave whatever its paces say, or NULL. What is given up is taken back here and now.
CREATE FUNCTION _refusal_of(p_send send, p_conversation conversation, p_words jsonb, p_address jsonb, p_rules jsonb, p_now bigint)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  until_ms bigint;
BEGIN
  -- A row that was written in the future was so before the clock was set back: its wait is over.
  IF p_send.not_before_ms > p_now AND p_send.updated_at_ms <= p_now THEN RETURN _wait(p_send.not_before_ms, 'pair', false); END IF;
  IF p_address IS NULL THEN RETURN _give_up(p_send, 'sendRefused', 'the contact has no address', p_now); END IF;
  IF p_words ->> 'refused' = 'closed' THEN RETURN _give_up(p_send, 'windowClosed', 'the service window is closed', p_now); END IF;
  IF p_words ->> 'refused' IS NOT NULL THEN RETURN _take_back(p_send, p_words ->> 'refused', p_now); END IF;
  -- A send would seize the chat from Meta's own agent; only a person may want that.
  IF p_conversation.standby AND p_send.origin <> 'operator' THEN
    RETURN _give_up(p_send, 'standby', 'Meta''s agent owns the chat now', p_now);
  END IF;
  IF p_rules ->> 'waitDeliveredMs' IS NOT NULL THEN
    until_ms := _undelivered_until(p_send, (p_rules ->> 'waitDeliveredMs')::bigint, p_now);
    IF until_ms > p_now THEN RETURN _wait(until_ms, 'pair', false); END IF;
  END IF;
  IF p_conversation.pair_until_ms > p_now THEN RETURN _wait(p_conversation.pair_until_ms, 'pair', false); END IF;
  RETURN NULL;
END $$;

-- Where a number waits for deliveries: locks what left before those that may leave now, in key order. A usual status locks no conversation, so
-- either it is seen here or it finds, behind this, who waits for it. Indexes: the key, send_by_ordinal.
CREATE FUNCTION _lock_sends_before(p_chosen jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM (SELECT DISTINCT b.tenant_id, b.send_id FROM jsonb_array_elements(p_chosen) AS c (chosen),
        LATERAL (SELECT o.tenant_id, o.conversation_id, o.ordinal FROM send o
          WHERE o.tenant_id = c.chosen ->> 'tenantId' AND o.send_id = c.chosen ->> 'sendId' LIMIT 1) s,
        LATERAL (SELECT f.tenant_id, f.send_id FROM send f WHERE f.tenant_id = s.tenant_id AND f.conversation_id = s.conversation_id
          AND f.ordinal < s.ordinal ORDER BY f.ordinal DESC LIMIT 1) b
      WHERE c.chosen -> 'rules' ->> 'waitDeliveredMs' IS NOT NULL ORDER BY 1, 2) k,
    LATERAL (SELECT FROM send f WHERE f.tenant_id = k.tenant_id AND f.send_id = k.send_id FOR SHARE) locked;
END $$;

-- Index: send_by_ordinal. Until when the previous send of the lane is waited for, or NULL where it was delivered or will never be.
CREATE FUNCTION _undelivered_until(p_send send, p_wait_ms bigint, p_now bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  before record;
BEGIN
  SELECT b.state, b.delivery, coalesce(b.sending_at_ms, b.updated_at_ms) AS left_at_ms INTO before FROM send b
    WHERE b.tenant_id = p_send.tenant_id AND b.conversation_id = p_send.conversation_id AND b.ordinal < p_send.ordinal
    ORDER BY b.ordinal DESC LIMIT 1;
  IF NOT FOUND OR before.state <> 'accepted' OR before.left_at_ms > p_now OR before.delivery NOT IN ('none','sent') THEN RETURN NULL; END IF;
  RETURN before.left_at_ms + p_wait_ms;
END $$;

CREATE FUNCTION _give_up(p_send send, p_reason text, p_why text, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM _raise_flag(p_send.tenant_id, p_send.conversation_id, p_reason, p_why, p_now);
  RETURN _take_back(p_send, p_why, p_now);
END $$;

CREATE FUNCTION _take_back(p_send send, p_why text, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  UPDATE send s SET state = 'withdrawn', why = p_why, updated_at_ms = p_now
    WHERE s.tenant_id = p_send.tenant_id AND s.send_id = p_send.send_id;
  RETURN jsonb_build_object('outcome', 'withdrawn', 'next', _next_of_lane(p_send.tenant_id, p_send.conversation_id));
END $$;

-- `body` is JSON text.
CREATE FUNCTION _granted(p_send send, p_words jsonb, p_address jsonb, p_now bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', 'granted', 'attempt', p_send.attempts + 1, 'address', p_address,
    'body', coalesce(p_words ->> 'template', p_send.body), 'uncertainPolicy', p_send.uncertain_policy, 'grantedAtMs', p_now,
    'quoteWamid', CASE WHEN p_words ->> 'template' IS NULL THEN p_send.quote_wamid END)
$$;

-- The template leaves instead, also at a later attempt; what was to be quoted may be too old for it.
CREATE FUNCTION _mark_sending(p_granted jsonb[], p_owner text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE send s SET state = 'sending', attempts = s.attempts + 1, owner_id = p_owner, sending_at_ms = p_now, granted_nth = (g ->> 'nth')::bigint,
      updated_at_ms = p_now, body = coalesce(g ->> 'template', s.body),
      quote_wamid = CASE WHEN g ->> 'template' IS NULL THEN s.quote_wamid END
    FROM unnest(p_granted) g WHERE s.tenant_id = g ->> 'tenantId' AND s.send_id = g ->> 'sendId';
  UPDATE conversation c SET pair_tat_ms = (g ->> 'pairTatMs')::double precision
    FROM unnest(p_granted) g WHERE c.tenant_id = g ->> 'tenantId' AND c.conversation_id = g ->> 'conversationId';
END $$;
