-- Repair: what a crash left behind is taken over, what no wake announced is found. None of it is on the hot path. Any number of processes
-- do this at once, so nothing here waits for a row: what somebody holds is being changed, and the next look finds what came of it. A
-- row that is taken is locked together with its conversation, and read anew under the lock, so it is given to one process only.

-- A lease that ran out is over, whoever's it was: the answer that gave it may have been lost on the way to a process that lives. With
-- `all` whoever asks knows that all others are dead. What is leased holds open events. Indexes: event_open, activity_running, ledger_entry_open, send_sending.
CREATE FUNCTION rescue(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  owner constant text := input ->> 'ownerId';
  is_all constant boolean := (input -> 'all')::boolean;
  conversations bigint;
  activities bigint;
  uncertain bigint;
BEGIN
  -- What was taken was due, and is again at once: no quiet time of a later message puts it off.
  WITH free AS (SELECT c.tenant_id, c.conversation_id
    FROM (SELECT DISTINCT e.tenant_id, e.conversation_id FROM event e WHERE e.ending IS NULL) o
    JOIN conversation c ON c.tenant_id = o.tenant_id AND c.conversation_id = o.conversation_id
    WHERE c.lease_owner IS NOT NULL AND (is_all OR c.lease_until_ms <= now_ms) FOR UPDATE OF c SKIP LOCKED)
  UPDATE conversation c SET lease_owner = NULL, lease_until_ms = NULL, fence = c.fence + 1, due_at_ms = least(c.due_at_ms, now_ms)
    FROM free f WHERE c.tenant_id = f.tenant_id AND c.conversation_id = f.conversation_id;
  GET DIAGNOSTICS conversations = ROW_COUNT;
  -- A crash grants one fresh deadline; an activity that was interrupted before keeps the one it has.
  WITH free AS (SELECT a.tenant_id, a.activity_id FROM activity a
    JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id
    WHERE a.state = 'running' AND a.owner_id IS NOT NULL AND (a.owner_id <> owner OR NOT is_all) AND (is_all OR a.lease_until_ms <= now_ms)
    FOR UPDATE SKIP LOCKED)
  UPDATE activity a SET owner_id = NULL, lease_until_ms = NULL, restarts = a.restarts + 1,
      deadline_at_ms = CASE a.restarts WHEN 0 THEN now_ms + a.deadline_ms ELSE a.deadline_at_ms END
    FROM free f WHERE a.tenant_id = f.tenant_id AND a.activity_id = f.activity_id;
  GET DIAGNOSTICS activities = ROW_COUNT;
  WITH lost AS (SELECT s.tenant_id, s.send_id FROM send s
    JOIN conversation c ON c.tenant_id = s.tenant_id AND c.conversation_id = s.conversation_id
    WHERE s.state = 'sending' AND (s.owner_id <> owner OR NOT is_all)
    AND (is_all OR s.sending_at_ms <= now_ms - (input ->> 'sendingMsMax')::bigint)
    FOR UPDATE SKIP LOCKED)
  UPDATE send s SET state = CASE WHEN s.wamid IS NULL THEN 'uncertain' ELSE 'accepted' END, uncertain_since_ms = now_ms,
      uncertain_window_ms = (input ->> 'uncertainWindowMs')::bigint, why = 'the process died while it was sent', updated_at_ms = now_ms
    FROM lost l WHERE s.tenant_id = l.tenant_id AND s.send_id = l.send_id;
  GET DIAGNOSTICS uncertain = ROW_COUNT;
  RETURN jsonb_build_object('conversations', conversations, 'activities', activities, 'uncertain', uncertain,
    'charges', _rescue_charges(owner, is_all, now_ms));
END $$;

-- Of what its owner knows, or of all. A row that is being changed is passed over: a lease outlives three renewals. Answers what the owner
-- knows and does not own any more; owned are a running activity, and the open entry of one that is over.
-- Indexes: activity_running, ledger_entry_open.
CREATE FUNCTION renew_leases(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  owner constant text := input ->> 'ownerId';
  until_ms constant bigint := _now_of(input) + (input ->> 'leaseTtlMs')::bigint;
  knows constant text[] := CASE WHEN input ? 'knows' THEN ARRAY(SELECT jsonb_array_elements_text(input -> 'knows')) END;
BEGIN
  WITH mine AS (SELECT a.tenant_id, a.activity_id FROM activity a
    WHERE a.state = 'running' AND a.owner_id = owner AND (knows IS NULL OR a.activity_id = ANY (knows)) FOR UPDATE SKIP LOCKED)
  UPDATE activity a SET lease_until_ms = until_ms FROM mine m WHERE a.tenant_id = m.tenant_id AND a.activity_id = m.activity_id;
  WITH mine AS (SELECT e.tenant_id, e.activity_id, e.request FROM ledger_entry e
    WHERE e.state IN ('reserved','calling','uncertain','asking') AND e.owner_id = owner AND (knows IS NULL OR e.activity_id = ANY (knows))
    FOR UPDATE SKIP LOCKED)
  UPDATE ledger_entry e SET lease_until_ms = until_ms
    FROM mine m WHERE e.tenant_id = m.tenant_id AND e.activity_id = m.activity_id AND e.request = m.request;
  RETURN jsonb_build_object('lost', (SELECT coalesce(jsonb_agg(k.id), '[]') FROM unnest(knows) AS k (id)
    WHERE k.id NOT IN (SELECT a.activity_id FROM activity a WHERE a.state = 'running' AND a.owner_id = owner
      UNION ALL SELECT e.activity_id FROM ledger_entry e
      WHERE e.state IN ('reserved','calling','uncertain','asking') AND e.owner_id = owner)));
END $$;

-- What is there to do, of the kinds that are wanted; activities and charges without an owner become the caller's. Conversations and sends
-- are only named: whoever is faster takes them.
CREATE FUNCTION find_work(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  most constant bigint := (input ->> 'max')::bigint;
  wanted constant jsonb := coalesce(input -> 'only', '["conversations","activities","sends"]');
BEGIN
  RETURN jsonb_build_object(
    'conversations', CASE WHEN wanted ? 'conversations' THEN _due_conversations(now_ms, most) ELSE '[]' END,
    'activities', CASE WHEN wanted ? 'activities' THEN _own_activities(input, now_ms) ELSE '[]' END,
    'charges', CASE WHEN wanted ? 'activities' THEN _own_charges(input, now_ms) ELSE '[]' END,
    'sends', CASE WHEN wanted ? 'sends' THEN _first_sends(most) ELSE '[]' END,
    'nextTimerAtMs', (SELECT min(t.due_at_ms) FROM timer t),
    'nextUncertainAtMs', (SELECT min(s.uncertain_since_ms + s.uncertain_window_ms) FROM send s WHERE s.state = 'uncertain'),
    'tenantsVersion', (SELECT count(*) || '/' || coalesce(sum(t.updated_at_ms), 0) FROM tenant t)
      || ' ' || (SELECT count(*) || '/' || coalesce(sum(p.updated_at_ms), 0) FROM phone_number p));
END $$;

-- Index: event_open; what is open is small. Round robin over tenants: a flood of one must not hide another's single message. What opened in
-- the future did so before the clock was set back: it waits for no quiet time of that clock.
CREATE FUNCTION _due_conversations(p_now bigint, p_max bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('dueAtMs', r.due_at_ms, 'ref',
      jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id)) ORDER BY r.nth, r.due_at_ms), '[]')
    FROM (SELECT w.*, row_number() OVER (PARTITION BY w.tenant_id ORDER BY w.due_at_ms) AS nth
      FROM (SELECT c.tenant_id, c.conversation_id,
          CASE WHEN c.lease_owner IS NULL AND coalesce(c.first_open_at_ms, 0) <= p_now THEN coalesce(c.due_at_ms, 0) ELSE 0 END AS due_at_ms
        FROM (SELECT DISTINCT e.tenant_id, e.conversation_id FROM event e WHERE e.ending IS NULL) o,
          LATERAL (SELECT * FROM conversation k WHERE k.tenant_id = o.tenant_id AND k.conversation_id = o.conversation_id LIMIT 1) c
        WHERE c.holder = 'bot' AND c.merged_into IS NULL AND (c.lease_owner IS NULL OR c.lease_until_ms <= p_now)) w
      ORDER BY nth, due_at_ms LIMIT p_max) r);
END $$;

-- Index: activity_running. Round robin over tenants, too. The limit stands behind the locks, so that two who look at once share what is there.
CREATE FUNCTION _own_activities(p_input jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  owner constant text := p_input ->> 'ownerId';
  until_ms constant bigint := p_now + (p_input ->> 'leaseTtlMs')::bigint;
  given jsonb;
BEGIN
  WITH free AS (
      SELECT a.tenant_id, a.activity_id, c.phone_number_id, c.contact_id, r.nth, r.created_at_ms
        FROM (SELECT u.tenant_id, u.activity_id, u.created_at_ms, row_number() OVER (PARTITION BY u.tenant_id ORDER BY u.created_at_ms) AS nth
          FROM activity u WHERE u.state = 'running' AND u.owner_id IS NULL) r
        JOIN activity a ON a.tenant_id = r.tenant_id AND a.activity_id = r.activity_id AND a.state = 'running' AND a.owner_id IS NULL
        JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id
        ORDER BY r.nth, r.created_at_ms LIMIT (p_input ->> 'max')::bigint FOR UPDATE OF c, a SKIP LOCKED),
    owned AS (UPDATE activity a SET owner_id = owner, lease_until_ms = until_ms FROM free f
      WHERE a.tenant_id = f.tenant_id AND a.activity_id = f.activity_id RETURNING a AS started, f.phone_number_id, f.contact_id, f.nth, f.created_at_ms),
    paid AS (UPDATE ledger_entry e SET owner_id = owner, lease_until_ms = until_ms FROM free f
      WHERE e.tenant_id = f.tenant_id AND e.activity_id = f.activity_id AND e.state IN ('reserved','calling','uncertain','asking')
      RETURNING e AS entry)
    SELECT coalesce(jsonb_agg(_runnable_of(o.started, o.phone_number_id, o.contact_id, (o.started).deadline_ms, (o.started).deadline_at_ms,
        CASE WHEN (p.entry).request IS NOT NULL THEN _open_charge_of(p.entry, false) END) ORDER BY o.nth, o.created_at_ms), '[]')
      INTO given FROM owned o
      LEFT JOIN paid p ON (p.entry).tenant_id = (o.started).tenant_id AND (p.entry).activity_id = (o.started).activity_id;
  RETURN given;
END $$;

-- Index: ledger_entry_open. Activities that are over, whose cost nobody knows yet.
CREATE FUNCTION _own_charges(p_input jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  try_ms constant bigint := (p_input ->> 'chargeTryTimeoutMs')::bigint;
  given jsonb;
BEGIN
  WITH free AS (
      SELECT e.tenant_id, e.activity_id, e.request, a AS started, c.phone_number_id, c.contact_id, r.nth, r.next_at_ms
        FROM (SELECT u.tenant_id, u.activity_id, u.request, u.next_at_ms, row_number() OVER (PARTITION BY u.tenant_id ORDER BY u.next_at_ms) AS nth
          FROM ledger_entry u WHERE u.state IN ('reserved','calling','uncertain','asking') AND u.state = 'uncertain'
          AND u.owner_id IS NULL AND u.next_at_ms <= p_now) r
        JOIN ledger_entry e ON e.tenant_id = r.tenant_id AND e.activity_id = r.activity_id AND e.request = r.request
          AND e.state = 'uncertain' AND e.owner_id IS NULL AND e.next_at_ms <= p_now
        JOIN activity a ON a.tenant_id = e.tenant_id AND a.activity_id = e.activity_id AND a.state <> 'running'
        JOIN conversation c ON c.tenant_id = a.tenant_id AND c.conversation_id = a.conversation_id
        ORDER BY r.nth, r.next_at_ms LIMIT (p_input ->> 'chargesMax')::bigint FOR UPDATE OF c, e SKIP LOCKED),
    paid AS (UPDATE ledger_entry e SET owner_id = p_input ->> 'ownerId', lease_until_ms = p_now + (p_input ->> 'leaseTtlMs')::bigint FROM free f
      WHERE e.tenant_id = f.tenant_id AND e.activity_id = f.activity_id AND e.request = f.request
      RETURNING e AS entry, f.started, f.phone_number_id, f.contact_id, f.nth, f.next_at_ms)
    SELECT coalesce(jsonb_agg(_runnable_of(p.started, p.phone_number_id, p.contact_id, try_ms, p_now + try_ms,
        _open_charge_of(p.entry, true)) ORDER BY p.nth, p.next_at_ms), '[]') INTO given FROM paid p;
  RETURN given;
END $$;

-- What somebody is given to run, with its open entry, if it has one.
CREATE FUNCTION _runnable_of(p_started activity, p_phone_number_id text, p_contact_id text, p_deadline_ms bigint, p_deadline_at_ms bigint,
  p_charge jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('ref', jsonb_build_object('tenantId', p_started.tenant_id, 'conversationId', p_started.conversation_id),
    'activityId', p_started.activity_id, 'name', p_started.name, 'input', p_started.input, 'phoneNumberId', p_phone_number_id, 'contactId', p_contact_id,
    'fence', p_started.fence, 'deadlineMs', p_deadline_ms, 'deadlineAtMs', p_deadline_at_ms, 'restarts', p_started.restarts, 'charge', p_charge)
$$;

-- Index: send_open. The head of each lane, if it may leave.
CREATE FUNCTION _first_sends(p_max bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(_send_ref(r.tenant_id, r.conversation_id, r.send_id, r.phone_number_id, r.priority)
      ORDER BY r.nth, r.created_at_ms), '[]')
    FROM (SELECT h.*, row_number() OVER (PARTITION BY h.tenant_id ORDER BY h.created_at_ms) AS nth
      FROM (SELECT DISTINCT ON (s.tenant_id, s.conversation_id) s.tenant_id, s.conversation_id, s.send_id, s.phone_number_id, s.priority,
          s.state, s.created_at_ms
        FROM send s WHERE s.state IN ('queued','sending','uncertain') ORDER BY s.tenant_id, s.conversation_id, s.ordinal) h
      WHERE h.state = 'queued' ORDER BY nth, created_at_ms LIMIT p_max) r);
END $$;
