-- Two contacts proved to be one: their conversations on each number become one, in one transaction. The one with the later customer
-- message survives with its snapshot. The other's unconsumed events are appended to it in their order, its unsettled sends keep
-- their order behind the survivor's, its timers are cancelled, its activities come too late. Both fences rise, so a turn that runs on
-- either commits nothing. Where an operator held either, one holds the survivor: the bot must not answer behind a person's back.
--
-- All conversations of both contacts are locked, in key order, before the first is changed: whatever a turn, a settlement or a webhook
-- changes in one of them waits, and is judged by what is true behind it.

-- Merges the other contact into this one; answers the conversations that took in another. Both contacts are locked by the caller.
CREATE FUNCTION _merge_contacts(p_tenant text, p_into text, p_other text, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
  UPDATE contact_address a SET contact_id = p_into WHERE a.tenant_id = p_tenant AND a.contact_id = p_other;
  UPDATE contact k SET merged_into = p_into WHERE k.tenant_id = p_tenant AND k.contact_id = p_other;
  -- What only the other contact was known by is not forgotten.
  UPDATE contact k SET name = coalesce(k.name, o.name), username = coalesce(k.username, o.username), phone = coalesce(k.phone, o.phone),
      bsuid = coalesce(k.bsuid, o.bsuid)
    FROM contact o WHERE o.tenant_id = p_tenant AND o.contact_id = p_other AND k.tenant_id = p_tenant AND k.contact_id = p_into;
  PERFORM 1 FROM conversation c WHERE c.tenant_id = p_tenant AND c.contact_id IN (p_into, p_other) AND c.merged_into IS NULL
    ORDER BY c.conversation_id FOR UPDATE;
  PERFORM _add_counters(p_tenant, p_other, p_into);
  RETURN _merge_conversations(p_tenant, p_into, p_other, p_now);
END $$;

-- What was counted for one scope counts for the other from now on.
CREATE FUNCTION _add_counters(p_tenant text, p_from text, p_to text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO limit_counter AS l (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used, refused, refused_units, returned, max_last, unit)
    SELECT o.tenant_id, o.limit_name, p_to, o.window_start_ms, o.window_end_ms, o.used, o.refused, o.refused_units, o.returned, o.max_last, o.unit
      FROM limit_counter o WHERE o.tenant_id = p_tenant AND o.scope = p_from ORDER BY o.limit_name, o.window_start_ms
    ON CONFLICT (tenant_id, limit_name, scope, window_start_ms) DO UPDATE SET used = l.used + excluded.used, refused = l.refused + excluded.refused,
      refused_units = l.refused_units + excluded.refused_units, returned = l.returned + excluded.returned;
  DELETE FROM limit_counter o WHERE o.tenant_id = p_tenant AND o.scope = p_from
$$;

-- A contact has one conversation a number. Index: conversation_of_contact.
CREATE FUNCTION _merge_conversations(p_tenant text, p_into text, p_other text, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  other conversation;
  own conversation;
  touched text[] := '{}';
BEGIN
  FOR other IN SELECT * FROM conversation c WHERE c.tenant_id = p_tenant AND c.contact_id = p_other AND c.merged_into IS NULL
    ORDER BY c.conversation_id
  LOOP
    SELECT * INTO own FROM conversation c WHERE c.tenant_id = p_tenant AND c.phone_number_id = other.phone_number_id
      AND c.contact_id = p_into AND c.merged_into IS NULL;
    IF NOT FOUND THEN
      UPDATE conversation c SET contact_id = p_into WHERE c.tenant_id = p_tenant AND c.conversation_id = other.conversation_id;
    ELSIF coalesce(own.customer_last_at_ms, 0) >= coalesce(other.customer_last_at_ms, 0) THEN
      PERFORM _absorb(p_into, own, other, p_now);
      touched := touched || own.conversation_id::text;
    ELSE
      PERFORM _absorb(p_into, other, own, p_now);
      touched := touched || other.conversation_id::text;
    END IF;
  END LOOP;
  RETURN touched;
END $$;

-- `survivor` and `loser` are the rows as they were before.
CREATE FUNCTION _absorb(p_contact text, survivor conversation, loser conversation, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tenant constant text := survivor.tenant_id;
  into_id constant text := survivor.conversation_id;
  from_id constant text := loser.conversation_id;
  positions bigint;
  ordinals bigint;
BEGIN
  PERFORM _leave_paid_to_person(tenant, from_id, p_now);
  -- Timers, results and hand-backs are words to the dialog of the lost conversation, which hears nothing more; what the business told of
  -- the customer is not.
  UPDATE event e SET ending = 'noAnswerNeeded', fence = loser.fence WHERE e.tenant_id = tenant AND e.conversation_id = from_id
    AND e.ending IS NULL AND e.class = 'internal' AND e.kind <> 'business';
  UPDATE conversation c SET merged_into = into_id, fence = c.fence + 1, lease_owner = NULL, lease_until_ms = NULL, due_at_ms = NULL
    WHERE c.tenant_id = tenant AND c.conversation_id = from_id;
  -- Earlier aliases lead to the survivor in one step. Index: conversation_merged.
  UPDATE conversation c SET merged_into = into_id WHERE c.tenant_id = tenant AND c.merged_into = from_id;
  positions := _move_events(survivor, loser, p_now);
  ordinals := _move_sends(survivor, loser);
  DELETE FROM timer t WHERE t.tenant_id = tenant AND t.conversation_id = from_id;
  UPDATE activity a SET state = 'cancelled', settled_at_ms = p_now
    WHERE a.tenant_id = tenant AND a.conversation_id = from_id AND a.state = 'running';
  PERFORM _cancel_charges(tenant, from_id, p_now);
  PERFORM _join_flags(tenant, into_id, from_id, p_now);
  PERFORM _add_counters(tenant, from_id, into_id);
  -- The pair's pace carries what both have taken of it; what only one side remembers is kept.
  UPDATE conversation c SET contact_id = p_contact, fence = c.fence + 1, lease_owner = NULL, lease_until_ms = NULL,
      position_next = positions, ordinal_next = ordinals, first_open_at_ms = least(c.first_open_at_ms, loser.first_open_at_ms),
      customer_last_at_ms = greatest(c.customer_last_at_ms, loser.customer_last_at_ms, 0),
      operator_last_at_ms = greatest(c.operator_last_at_ms, loser.operator_last_at_ms),
      fallback_last_at_ms = greatest(c.fallback_last_at_ms, loser.fallback_last_at_ms),
      pair_tat_ms = greatest(c.pair_tat_ms, p_now) + greatest(loser.pair_tat_ms - p_now, 0),
      pair_failures = greatest(c.pair_failures, loser.pair_failures), pair_until_ms = greatest(c.pair_until_ms, loser.pair_until_ms)
    WHERE c.tenant_id = tenant AND c.conversation_id = into_id;
  PERFORM _settle_holder(survivor, loser, p_now);
END $$;

-- What awaits the result of paid work would be asked anew and paid for a second time (I7), while its first result comes too late for
-- anybody. So it ends here, and a person is asked. Index: event_awaiting.
CREATE FUNCTION _leave_paid_to_person(p_tenant text, p_conversation text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  paid_fence constant bigint := _paid_fence(p_tenant, p_conversation);
  flag_id text;
BEGIN
  IF paid_fence IS NULL THEN RETURN; END IF;
  PERFORM 1 FROM event e WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending = 'awaiting'
    AND e.fence <= paid_fence LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  flag_id := _raise_flag(p_tenant, p_conversation, 'paidWorkCutOff',
    'paid work was under way when two contacts proved to be one; its result comes too late', p_now);
  UPDATE event e SET ending = 'flagged', end_ref = flag_id WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation
    AND e.ending = 'awaiting' AND e.fence <= paid_fence;
END $$;

-- The last turn that began paid work which the provider may have been asked for, since the first message that still awaits an answer.
-- Indexes: activity_running, ledger_entry (key), event (key), event_awaiting. An open entry of a cancelled activity is found by
-- activity_ended.
CREATE FUNCTION _paid_fence(p_tenant text, p_conversation text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT max(fence) FROM (
    SELECT a.fence FROM activity a JOIN ledger_entry l ON l.tenant_id = a.tenant_id AND l.activity_id = a.activity_id
        AND l.state NOT IN ('reserved','refunded')
      WHERE a.tenant_id = p_tenant AND a.conversation_id = p_conversation AND a.state = 'running'
    UNION ALL SELECT a.fence FROM activity a JOIN ledger_entry l ON l.tenant_id = a.tenant_id AND l.activity_id = a.activity_id
        AND l.state IN ('calling','uncertain','asking')
      WHERE a.tenant_id = p_tenant AND a.conversation_id = p_conversation AND a.settled_at_ms IS NOT NULL
    UNION ALL SELECT a.fence FROM event e
      -- Its content is ours and begins so; what else it holds no JSON function of the database may read (NUL).
      JOIN activity a ON a.tenant_id = e.tenant_id AND a.activity_id = substring(e.content FROM '^\{"activityId":"([^"]+)"')
      JOIN ledger_entry l ON l.tenant_id = a.tenant_id AND l.activity_id = a.activity_id AND l.state NOT IN ('reserved','refunded')
      WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.kind IN ('activityDone','activityFailed')
      AND e.position > (SELECT min(w.position) FROM event w WHERE w.tenant_id = p_tenant AND w.conversation_id = p_conversation
        AND w.ending = 'awaiting')) AS paid
$$;

-- Appends the lost side's open events to the survivor; answers its next position. Indexes: event_open, event_awaiting.
CREATE FUNCTION _move_events(survivor conversation, loser conversation, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  next_position bigint := survivor.position_next;
  moved bigint;
BEGIN
  -- A hold reaches the survivor: a hand-back leaves to its dialog anew what it was about to answer, so that stands anew, too.
  IF loser.holder = 'operator' AND survivor.holder = 'bot' THEN
    PERFORM _leave_paid_to_person(survivor.tenant_id, survivor.conversation_id, p_now);
    UPDATE event e SET position = next_position - 1 + o.nth FROM (SELECT w.position, row_number() OVER (ORDER BY w.position) AS nth FROM event w
        WHERE w.tenant_id = survivor.tenant_id AND w.conversation_id = survivor.conversation_id
        AND (w.ending IS NULL OR w.ending = 'awaiting')) AS o
      WHERE e.tenant_id = survivor.tenant_id AND e.conversation_id = survivor.conversation_id AND e.position = o.position;
    GET DIAGNOSTICS moved = ROW_COUNT;
    next_position := next_position + moved;
  END IF;
  -- What awaited an answer of the lost conversation is asked anew in the surviving one: its activities will not answer it.
  UPDATE event e SET ending = NULL, fence = NULL
    WHERE e.tenant_id = loser.tenant_id AND e.conversation_id = loser.conversation_id AND e.ending = 'awaiting';
  -- What an operator has seen since their last word moves, too: a hand-back leaves it to the bot.
  UPDATE event e SET conversation_id = survivor.conversation_id, position = next_position - 1 + o.nth
    FROM (SELECT w.position, row_number() OVER (ORDER BY w.position) AS nth FROM event w
      WHERE w.tenant_id = loser.tenant_id AND w.conversation_id = loser.conversation_id AND (w.ending IS NULL
        OR (loser.holder = 'operator' AND w.ending = 'seenByOperator' AND w.position > loser.seen_through))) AS o
    WHERE e.tenant_id = loser.tenant_id AND e.conversation_id = loser.conversation_id AND e.position = o.position;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN next_position + moved;
END $$;

-- Answers the survivor's next place in its lane. Indexes: send_open, send_by_ordinal.
CREATE FUNCTION _move_sends(survivor conversation, loser conversation) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  moved bigint;
BEGIN
  UPDATE send s SET conversation_id = survivor.conversation_id, ordinal = survivor.ordinal_next - 1 + o.nth
    FROM (SELECT w.ordinal, row_number() OVER (ORDER BY w.ordinal) AS nth FROM send w WHERE w.tenant_id = loser.tenant_id
      AND w.conversation_id = loser.conversation_id AND w.state IN ('queued','sending','uncertain','held')) AS o
    WHERE s.tenant_id = loser.tenant_id AND s.conversation_id = loser.conversation_id AND s.ordinal = o.ordinal;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN survivor.ordinal_next + moved;
END $$;

-- A flag that is open on both sides is one: the survivor's counts both, the other is done. Index: flag_open.
CREATE FUNCTION _join_flags(p_tenant text, p_into text, p_from text, p_now bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE flag f SET count = f.count + o.count, last_at_ms = greatest(f.last_at_ms, o.last_at_ms) FROM flag o
    WHERE f.tenant_id = p_tenant AND f.conversation_id = p_into AND f.resolved_at_ms IS NULL
    AND o.tenant_id = p_tenant AND o.conversation_id = p_from AND o.resolved_at_ms IS NULL AND o.reason = f.reason;
  UPDATE flag o SET resolved_at_ms = p_now, resolved_by = 'a merge: the same flag is open on the other conversation'
    WHERE o.tenant_id = p_tenant AND o.conversation_id = p_from AND o.resolved_at_ms IS NULL
    AND o.reason IN (SELECT f.reason FROM flag f WHERE f.tenant_id = p_tenant AND f.conversation_id = p_into AND f.resolved_at_ms IS NULL);
  UPDATE flag o SET conversation_id = p_into WHERE o.tenant_id = p_tenant AND o.conversation_id = p_from AND o.resolved_at_ms IS NULL
$$;

-- Due at once where the bot holds it and something is open; held where either was. Index: event_open.
CREATE FUNCTION _settle_holder(survivor conversation, loser conversation, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tenant constant text := survivor.tenant_id;
  into_id constant text := survivor.conversation_id;
  is_due boolean;
BEGIN
  IF survivor.holder = 'bot' AND loser.holder = 'bot' THEN
    is_due := EXISTS (SELECT 1 FROM event e WHERE e.tenant_id = tenant AND e.conversation_id = into_id AND e.ending IS NULL);
    UPDATE conversation c SET due_at_ms = CASE WHEN is_due THEN p_now END, first_open_at_ms = CASE WHEN is_due THEN c.first_open_at_ms END
      WHERE c.tenant_id = tenant AND c.conversation_id = into_id;
    RETURN;
  END IF;
  PERFORM _withdraw_bot_sends(tenant, into_id, p_now);
  PERFORM _fall_silent(tenant, into_id, survivor.fence, p_now);
  -- Nobody has seen what is open on the other side yet: a hand-back leaves it to the bot.
  UPDATE conversation c SET holder = 'operator', held_by = coalesce(c.held_by, loser.held_by),
      held_since_ms = coalesce(c.held_since_ms, loser.held_since_ms), due_at_ms = NULL, first_open_at_ms = NULL,
      seen_through = CASE WHEN survivor.holder = 'operator' THEN survivor.seen_through ELSE survivor.position_next - 1 END
    WHERE c.tenant_id = tenant AND c.conversation_id = into_id;
  -- The stale holder of a conversation that is gone would keep it on the list of idle holds.
  UPDATE conversation c SET holder = 'bot' WHERE c.tenant_id = tenant AND c.conversation_id = loser.conversation_id;
END $$;
