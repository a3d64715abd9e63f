-- Turns: take a conversation under a lease with a new fence, and commit what the turn made of its events, all or nothing, only under the
-- newest fence. Many conversations share a call. Each member is judged by itself, its fence and its limits, before anything of it is
-- written, so a refused one takes nothing, keeps its lease and leaves its neighbours untouched.

-- A row that another transaction holds is not waited for: where its lease is to be seen, it is leased, else it is `locked` for some
-- milliseconds. Two that take the same conversations at once so take each of them once. Indexes: the primary key, event_open.
CREATE FUNCTION take_conversations(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  lease_ttl constant bigint := (input ->> 'leaseTtlMs')::bigint;
  events_max constant bigint := (input ->> 'turnEventsMax')::bigint;
  answers jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(input -> 'items')]);
  each record;
BEGIN
  FOR each IN
    SELECT i.item, i.nth, c AS held FROM jsonb_array_elements(input -> 'items') WITH ORDINALITY AS i (item, nth)
      JOIN conversation c ON c.tenant_id = i.item ->> 'tenantId' AND c.conversation_id = i.item ->> 'conversationId'
      ORDER BY c.tenant_id, c.conversation_id, i.nth FOR UPDATE OF c SKIP LOCKED
  LOOP
    answers[each.nth] := _take_conversation(each.item, each.held, lease_ttl, events_max);
  END LOOP;
  FOR each IN
    SELECT i.item, i.nth, c AS held FROM jsonb_array_elements(input -> 'items') WITH ORDINALITY AS i (item, nth)
      LEFT JOIN conversation c ON c.tenant_id = i.item ->> 'tenantId' AND c.conversation_id = i.item ->> 'conversationId'
      WHERE answers[i.nth] IS NULL
  LOOP
    answers[each.nth] := jsonb_build_object('outcome', coalesce(_why_not_taken(each.held, _now_of(each.item)), 'locked'));
  END LOOP;
  RETURN to_jsonb(answers);
END $$;

-- NULL where it may be taken, as far as its row tells.
CREATE FUNCTION _why_not_taken(p_held conversation, p_now bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_held.fence IS NULL OR p_held.merged_into IS NOT NULL THEN 'gone' WHEN p_held.holder = 'operator' THEN 'held'
    WHEN p_held.lease_owner IS NOT NULL AND p_held.lease_until_ms > p_now THEN 'leased' END
$$;

-- The caller holds the lock of the row.
CREATE FUNCTION _take_conversation(p_item jsonb, p_held conversation, p_lease_ttl bigint, p_events_max bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(p_item);
  why_not constant text := _why_not_taken(p_held, now_ms);
  events jsonb;
  has_more boolean;
BEGIN
  IF why_not IS NOT NULL THEN RETURN jsonb_build_object('outcome', why_not); END IF;
  -- A lease that ran out holds events that were due; a later one's quiet time does not put them off. What opened in the future did so
  -- before the clock was set back: it has been quiet for long enough.
  IF p_held.lease_owner IS NULL AND p_held.due_at_ms > now_ms AND coalesce(p_held.first_open_at_ms, 0) <= now_ms THEN
    RETURN jsonb_build_object('outcome', 'notDue', 'dueAtMs', p_held.due_at_ms);
  END IF;
  SELECT jsonb_agg(jsonb_build_object('position', o.position, 'kind', o.kind, 'wamid', o.wamid, 'sentAtMs', o.sent_at_ms,
      'receivedAtMs', o.received_at_ms, 'content', o.content) ORDER BY o.position) INTO events
    FROM (SELECT e.position, e.kind, e.wamid, e.sent_at_ms, e.received_at_ms, e.content FROM event e
      WHERE e.tenant_id = p_held.tenant_id AND e.conversation_id = p_held.conversation_id AND e.ending IS NULL
      ORDER BY e.position LIMIT p_events_max + 1) AS o;
  IF events IS NULL THEN RETURN '{"outcome":"empty"}'; END IF;
  has_more := jsonb_array_length(events) > p_events_max;
  -- The same conversation twice in one group: the second finds the first one's lease.
  UPDATE conversation c SET fence = c.fence + 1, lease_owner = p_item ->> 'ownerId', lease_until_ms = now_ms + p_lease_ttl, due_at_ms = NULL,
      first_open_at_ms = CASE WHEN has_more THEN c.first_open_at_ms END
    WHERE c.tenant_id = p_held.tenant_id AND c.conversation_id = p_held.conversation_id AND c.fence = p_held.fence;
  IF NOT FOUND THEN RETURN '{"outcome":"leased"}'; END IF;
  RETURN jsonb_build_object('outcome', 'taken', 'fence', p_held.fence + 1, 'phoneNumberId', p_held.phone_number_id,
    'contactId', p_held.contact_id, 'dialogState', p_held.dialog_state, 'lastFallbackAtMs', p_held.fallback_last_at_ms,
    'events', CASE WHEN has_more THEN events - p_events_max::int ELSE events END, 'more', has_more,
    'running', CASE WHEN events @> '[{"kind":"handedBack"}]' THEN _running_of(p_held.tenant_id, p_held.conversation_id) END);
END $$;

-- A hand-back is read with what runs by then: earlier turns than this one may have started it since. Index: activity_running.
CREATE FUNCTION _running_of(p_tenant text, p_conversation text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(a.activity_id ORDER BY a.activity_id), '[]') FROM activity a
    WHERE a.tenant_id = p_tenant AND a.conversation_id = p_conversation AND a.state = 'running'
$$;

-- What was taken was due: a message that came since may have a quiet time, the others do not wait for it.
CREATE FUNCTION release_leases(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM _lock_conversations(input -> 'items');
  UPDATE conversation c SET lease_owner = NULL, lease_until_ms = NULL, due_at_ms = least(c.due_at_ms, r."dueAtMs")
    FROM jsonb_to_recordset(input -> 'items')
      AS r ("tenantId" text, "conversationId" text, "ownerId" text, fence bigint, "dueAtMs" bigint)
    WHERE c.tenant_id = r."tenantId" AND c.conversation_id = r."conversationId" AND c.fence = r.fence AND c.lease_owner = r."ownerId";
  RETURN (SELECT jsonb_agg(NULL::int) FROM jsonb_array_elements(input -> 'items'));
END $$;
