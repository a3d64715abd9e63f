-- The commit of turns. First all locks of the group, in the order in which everybody takes them; then one member after another: is its
-- fence the newest, do its limits allow what it starts, and only then its writes.

CREATE FUNCTION commit_turns(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  lease_ttl constant bigint := (input ->> 'leaseTtlMs')::bigint;
  answers jsonb := '[]';
  members jsonb[];
  each jsonb;
BEGIN
  PERFORM _lock_conversations(input -> 'items');
  members := _lock_limits_of_turns(input -> 'items');
  FOREACH each IN ARRAY members LOOP
    answers := answers || _commit_turn(each ->> 'tenantId', each ->> 'conversationId', each, lease_ttl);
  END LOOP;
  RETURN answers;
END $$;

CREATE FUNCTION _commit_turn(p_tenant text, p_conversation text, p_item jsonb, p_lease_ttl bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(p_item);
  owner constant text := p_item ->> 'ownerId';
  starts jsonb := p_item -> 'activities';
  held conversation;
  refusals jsonb;
  sends jsonb;
  due bigint;
BEGIN
  SELECT * INTO held FROM conversation c
    WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation AND c.merged_into IS NULL;
  IF held.fence IS DISTINCT FROM (p_item ->> 'fence')::bigint OR held.lease_owner IS DISTINCT FROM owner THEN
    RETURN _committed_before(held, p_item);
  END IF;
  IF starts IS NOT NULL THEN
    starts := _with_paid_results(p_tenant, held.contact_id, starts);
    refusals := _judge_claims(p_tenant, jsonb_path_query_array(starts, '$[*] ? (!exists(@.reuses))'));
    IF refusals <> '[]' THEN RETURN jsonb_build_object('outcome', 'refused', 'refusals', refusals); END IF;
  END IF;
  PERFORM _consume_events(p_tenant, p_conversation, held.fence, p_item, now_ms);
  IF p_item ? 'sends' THEN
    sends := _insert_sends(p_tenant, p_conversation, held.phone_number_id, held.fence, held.ordinal_next, p_item -> 'sends', now_ms);
  END IF;
  IF starts IS NOT NULL THEN
    PERFORM _write_starts(held, starts, CASE WHEN (p_item -> 'runHere')::boolean THEN owner END, now_ms, p_lease_ttl);
  END IF;
  IF p_item ? 'cancelled' THEN PERFORM _cancel_activities(p_tenant, p_conversation, p_item -> 'cancelled', now_ms); END IF;
  PERFORM _write_timers(p_tenant, p_conversation, p_item);
  PERFORM _write_flags_and_ends(p_tenant, p_conversation, p_item, now_ms);
  -- A paid result that is given at once took a position, and made the conversation due. Index: event_open.
  IF EXISTS (SELECT FROM event e WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending IS NULL) THEN
    due := coalesce((SELECT c.due_at_ms FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation), now_ms);
  END IF;
  UPDATE conversation c SET dialog_state = p_item ->> 'dialogState', state_label = p_item ->> 'stateLabel', due_at_ms = due,
      first_open_at_ms = CASE WHEN due IS NOT NULL THEN c.first_open_at_ms END, lease_owner = NULL, lease_until_ms = NULL,
      committed_fence = held.fence, committed_by = owner, ordinal_next = held.ordinal_next + coalesce(jsonb_array_length(p_item -> 'sends'), 0),
      fallback_last_at_ms = CASE WHEN (p_item -> 'fallbackSent')::boolean THEN now_ms ELSE c.fallback_last_at_ms END
    WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation;
  IF (p_item -> 'handOff')::boolean THEN
    RETURN jsonb_build_object('outcome', 'committed', 'sends', sends, 'silenced', to_jsonb(_hand_off(p_tenant, p_conversation, now_ms)));
  END IF;
  RETURN jsonb_build_object('outcome', 'committed', 'sends', sends, 'dueAtMs', due,
    'activities', _activities_of_turn(held, p_item));
END $$;

-- The answer of a commit may be lost though it was committed; then its caller commits the same turn again, and must hear what was
-- committed: the activities that it owns would be run by nobody. Nothing is written twice. Indexes: the primary key of sends, activity_ended.
CREATE FUNCTION _committed_before(p_held conversation, p_item jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_held.committed_fence IS DISTINCT FROM (p_item ->> 'fence')::bigint OR p_held.committed_by IS DISTINCT FROM p_item ->> 'ownerId' THEN
    RETURN '{"outcome":"fenceOld"}';
  END IF;
  RETURN jsonb_build_object('outcome', 'committed', 'dueAtMs', p_held.due_at_ms, 'activities', _activities_of_turn(p_held, p_item),
    'sends', (SELECT jsonb_agg(_send_ref(s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, s.priority) ORDER BY s.ordinal)
      FROM send s WHERE s.tenant_id = p_held.tenant_id AND s.send_id = ANY (ARRAY(SELECT value ->> 'sendId' FROM jsonb_array_elements(p_item -> 'sends')))),
    'silenced', CASE WHEN (p_item -> 'handOff')::boolean THEN (SELECT jsonb_agg(a.activity_id) FROM activity a
      WHERE a.tenant_id = p_held.tenant_id AND a.conversation_id = p_held.conversation_id
      AND a.state = 'cancelled' AND a.settled_at_ms >= p_held.held_since_ms) END);
END $$;

-- What the turn started and its caller is to run. Index: activity_running.
CREATE FUNCTION _activities_of_turn(p_held conversation, p_item jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT p_item ? 'activities' THEN RETURN NULL; END IF;
  RETURN (SELECT jsonb_agg(jsonb_build_object('activityId', a.activity_id,
      'phoneNumberId', p_held.phone_number_id, 'contactId', p_held.contact_id, 'deadlineAtMs', a.deadline_at_ms, 'restarts', a.restarts))
    FROM activity a WHERE a.tenant_id = p_held.tenant_id AND a.conversation_id = p_held.conversation_id AND a.state = 'running'
    AND a.fence = (p_item ->> 'fence')::bigint
    AND a.owner_id IS NOT DISTINCT FROM CASE WHEN (p_item -> 'runHere')::boolean THEN p_item ->> 'ownerId' END);
END $$;

-- Under the newest fence every event of the batch is still open; one that is not was consumed twice by a bug.
CREATE FUNCTION _consume_events(p_tenant text, p_conversation text, p_fence bigint, p_item jsonb, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each jsonb;
  changed bigint;
BEGIN
  FOR each IN SELECT value FROM jsonb_array_elements(p_item -> 'consumed') LOOP
    UPDATE event e SET ending = each ->> 'end', fence = p_fence
      WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending IS NULL
      AND e.position = ANY (ARRAY(SELECT value::bigint FROM jsonb_array_elements(each -> 'positions')));
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> jsonb_array_length(each -> 'positions') THEN
      RAISE EXCEPTION 'A turn consumed events % of conversation %, and not all of them are open. Nothing was committed; this is a bug of the turn.',
        each -> 'positions', p_conversation;
    END IF;
  END LOOP;
  IF p_item ? 'deadLetters' THEN
    INSERT INTO dead_letter (tenant_id, dead_letter_id, conversation_id, position, fault, created_at_ms)
      SELECT p_tenant, d."deadLetterId", p_conversation, d.position, d.fault, p_now
      FROM jsonb_to_recordset(p_item -> 'deadLetters') AS d ("deadLetterId" text, position bigint, fault text);
  END IF;
END $$;

CREATE FUNCTION _write_timers(p_tenant text, p_conversation text, p_item jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_item ? 'cancelledTimers' THEN
    DELETE FROM timer t WHERE t.tenant_id = p_tenant AND t.conversation_id = p_conversation
      AND t.timer_id = ANY (ARRAY(SELECT jsonb_array_elements_text(p_item -> 'cancelledTimers')));
  END IF;
  IF p_item ? 'timers' THEN
    INSERT INTO timer (tenant_id, conversation_id, timer_id, token, due_at_ms)
      SELECT p_tenant, p_conversation, n."timerId", n.token, n."dueAtMs"
      FROM jsonb_to_recordset(p_item -> 'timers') AS n ("timerId" text, token text, "dueAtMs" bigint)
      ON CONFLICT (tenant_id, conversation_id, timer_id) DO UPDATE SET token = excluded.token, due_at_ms = excluded.due_at_ms;
  END IF;
END $$;

-- An end that names a flag of this turn names the open one, where that reason had one already. What the dialog had not seen by then
-- is none of its business. Index: event_awaiting.
CREATE FUNCTION _write_flags_and_ends(p_tenant text, p_conversation text, p_item jsonb, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each jsonb;
  raised jsonb := '{}';
BEGIN
  FOR each IN SELECT value FROM jsonb_array_elements(p_item -> 'flags') LOOP
    raised := raised || jsonb_build_object(each ->> 'flagId',
      _raise_flag(p_tenant, p_conversation, each ->> 'reason', each ->> 'detail', p_now, each ->> 'flagId'));
  END LOOP;
  FOR each IN SELECT value FROM jsonb_array_elements(p_item -> 'ends') LOOP
    UPDATE event e SET ending = each ->> 'end', end_ref = coalesce(raised ->> (each ->> 'endRef'), each ->> 'endRef')
      WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending = 'awaiting'
      AND e.position <= (each ->> 'through')::bigint
      AND e.position <> ALL (ARRAY(SELECT value::bigint FROM jsonb_array_elements(each -> 'unseen')));
  END LOOP;
END $$;
