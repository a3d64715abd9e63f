-- The ledger: one entry for each request to a provider, moved by the table of `core/model/ledger.ts` (a test compares each cell with the
-- one here) and by nothing else, with the postings of each move beside it in the same commit. Postings are never changed nor deleted. An
-- activity that is over leaves either nothing open, or an uncertain entry that is looked into until it is known or was tried often
-- enough; then it counts as spent and a person is asked. Whoever calls these holds the lock of the conversation.

CREATE FUNCTION _ledger_next(p_state text, p_event text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_state || ' ' || p_event
    WHEN 'reserved begin' THEN 'calling' WHEN 'reserved release' THEN 'refunded'
    WHEN 'calling notCharged' THEN 'reserved' WHEN 'calling charged' THEN 'settled' WHEN 'calling lost' THEN 'uncertain'
    WHEN 'uncertain begin' THEN 'asking' WHEN 'uncertain disproved' THEN 'reserved' WHEN 'uncertain charged' THEN 'settled'
    WHEN 'uncertain presume' THEN 'settled'
    WHEN 'asking notCharged' THEN 'uncertain' WHEN 'asking charged' THEN 'settled' WHEN 'asking lost' THEN 'uncertain'
    ELSE 'never' END
$$;

-- The place that holds an entry's money in each state.
CREATE FUNCTION _place_of(p_state text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_state WHEN 'reserved' THEN 'reserved' WHEN 'calling' THEN 'reserved' WHEN 'uncertain' THEN 'uncertain'
    WHEN 'asking' THEN 'uncertain' WHEN 'settled' THEN 'spent' WHEN 'refunded' THEN 'budget' END
$$;

-- What moves when an entry goes from one state to another; `p_spent` counts where it is settled.
CREATE FUNCTION _postings_of(p_from text, p_to text, p_reserved bigint, p_spent bigint)
RETURNS TABLE (nth bigint, from_place text, to_place text, amount_micros bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT row_number() OVER (ORDER BY m.nth), m.from_place, m.to_place, m.amount_micros
    FROM (VALUES (1, _place_of(p_from), _place_of(p_to), CASE WHEN p_to = 'settled' THEN p_spent ELSE p_reserved END),
      (2, _place_of(p_from), 'budget', CASE WHEN p_to = 'settled' THEN p_reserved - p_spent ELSE 0 END)) AS m (nth, from_place, to_place, amount_micros)
    WHERE m.from_place <> m.to_place AND m.amount_micros > 0
$$;

-- Reserves what a start may cost: `p_start` has its `activityId`, `name`, `cost` and `claims` as they are taken.
CREATE FUNCTION _reserve(p_tenant text, p_conversation text, p_contact text, p_start jsonb, p_owner text, p_now bigint, p_lease_ttl bigint,
  p_request bigint DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  amount constant bigint := (p_start #>> '{cost,amountMicros}')::bigint;
BEGIN
  INSERT INTO ledger_entry (tenant_id, activity_id, request, conversation_id, contact_id, activity, day, currency, reserved_micros, state,
      on_uncertain, late, claims, postings, owner_id, lease_until_ms, created_at_ms, updated_at_ms)
    VALUES (p_tenant, p_start ->> 'activityId', p_request, p_conversation, p_contact, p_start ->> 'name',
      _day_of(p_now), p_start #>> '{cost,currency}', amount, 'reserved', p_start #>> '{cost,onUncertain}', p_start #>> '{cost,late}',
      (p_start -> 'claims')::text, 1, p_owner, CASE WHEN p_owner IS NOT NULL THEN p_now + p_lease_ttl END, p_now, p_now);
  INSERT INTO ledger_posting (tenant_id, activity_id, request, nth, at_ms, from_place, to_place, amount_micros)
    VALUES (p_tenant, p_start ->> 'activityId', p_request, 1, p_now, 'budget', 'reserved', amount);
END $$;

-- A day in UTC, `2026-01-31`.
CREATE FUNCTION _day_of(p_at bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN to_char(to_timestamp(p_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD');
END $$;

-- The open entry of an activity, locked; all its columns are NULL where there is none. Index: ledger_entry_open.
CREATE FUNCTION _open_entry(p_tenant text, p_activity text) RETURNS ledger_entry LANGUAGE plpgsql AS $$
DECLARE
  entry ledger_entry;
BEGIN
  SELECT * INTO entry FROM ledger_entry e WHERE e.tenant_id = p_tenant AND e.activity_id = p_activity
    AND e.state IN ('reserved','calling','uncertain','asking') FOR UPDATE;
  RETURN entry;
END $$;

CREATE FUNCTION _open_charge_of(p_entry ledger_entry, p_is_over boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('currency', p_entry.currency, 'amountMicros', p_entry.reserved_micros, 'onUncertain', p_entry.on_uncertain,
    'late', p_entry.late, 'isUncertain', p_entry.state <> 'reserved', 'isOver', p_is_over)
$$;

CREATE FUNCTION _write_entry(p_entry ledger_entry, p_now bigint) RETURNS ledger_entry LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ledger_entry e SET state = p_entry.state, spent_micros = p_entry.spent_micros, presumed = p_entry.presumed, tries = p_entry.tries,
      postings = p_entry.postings, owner_id = p_entry.owner_id, lease_until_ms = p_entry.lease_until_ms, next_at_ms = p_entry.next_at_ms,
      updated_at_ms = p_now
    WHERE e.tenant_id = p_entry.tenant_id AND e.activity_id = p_entry.activity_id AND e.request = p_entry.request;
  RETURN p_entry;
END $$;

-- The one way in which an entry changes its state.
CREATE FUNCTION _move(p_entry ledger_entry, p_event text, p_now bigint, p_spent bigint DEFAULT 0) RETURNS ledger_entry LANGUAGE plpgsql AS $$
DECLARE
  moved ledger_entry := p_entry;
  posted bigint;
BEGIN
  moved.state := _ledger_next(p_entry.state, p_event);
  IF moved.state = 'never' THEN
    RAISE EXCEPTION 'The ledger was told "%" of %, request %, which is %. Nothing was changed; this is a bug of the caller.',
      p_event, p_entry.activity_id, p_entry.request, p_entry.state;
  END IF;
  INSERT INTO ledger_posting (tenant_id, activity_id, request, nth, at_ms, from_place, to_place, amount_micros)
    SELECT p_entry.tenant_id, p_entry.activity_id, p_entry.request, p_entry.postings + m.nth, p_now, m.from_place, m.to_place, m.amount_micros
    FROM _postings_of(p_entry.state, moved.state, p_entry.reserved_micros, p_spent) AS m;
  GET DIAGNOSTICS posted = ROW_COUNT;
  moved.postings := p_entry.postings + posted;
  IF moved.state IN ('settled', 'refunded') THEN
    moved.owner_id := NULL;
    moved.lease_until_ms := NULL;
    moved.next_at_ms := NULL;
  END IF;
  IF moved.state = 'settled' THEN
    moved.spent_micros := p_spent;
    INSERT INTO ledger_day AS d (tenant_id, day, currency, spent_micros) VALUES (moved.tenant_id, moved.day, moved.currency, p_spent)
      ON CONFLICT (tenant_id, day, currency) DO UPDATE SET spent_micros = d.spent_micros + excluded.spent_micros;
  END IF;
  RETURN _write_entry(moved, p_now);
END $$;

-- What a request really cost; the rest goes back to the budget, and to limits of money.
CREATE FUNCTION _settle_charged(p_entry ledger_entry, p_amount bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  spent constant bigint := coalesce(p_amount, p_entry.reserved_micros);
BEGIN
  PERFORM _move(p_entry, 'charged', p_now, spent);
  PERFORM _give_back(p_entry.tenant_id, p_entry.claims::jsonb, spent);
END $$;

-- Counted as spent though nobody knows: the limits keep what it took.
CREATE FUNCTION _presume(p_entry ledger_entry, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  p_entry.presumed := true;
  PERFORM _move(p_entry, 'presume', p_now, p_entry.reserved_micros);
END $$;

CREATE FUNCTION _presume_and_flag(p_entry ledger_entry, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM _presume(p_entry, p_now);
  PERFORM _raise_flag(p_entry.tenant_id, p_entry.conversation_id, 'chargeUncertain', format('%s %s: up to %s millionths of %s',
    p_entry.activity, p_entry.activity_id, p_entry.reserved_micros, p_entry.currency), p_now);
END $$;

-- Nobody waits for a result any more. What was never asked goes back, to the budget and to the limits. A request that is being made says
-- itself what became of it.
CREATE FUNCTION _leave_over(p_entry ledger_entry, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_entry.state = 'reserved' THEN
    PERFORM _move(p_entry, 'release', p_now);
    PERFORM _give_back(p_entry.tenant_id, p_entry.claims::jsonb, NULL);
  ELSIF p_entry.state = 'uncertain' AND p_entry.on_uncertain IN ('retryWithKey', 'lookup') AND p_entry.tries < {limits.chargeTriesMax} THEN
    p_entry.owner_id := NULL;
    p_entry.lease_until_ms := NULL;
    p_entry.next_at_ms := p_now + least({limits.chargeBackoffMaxMs}, {limits.chargeBackoffBaseMs} * 2 ^ p_entry.tries);
    p_entry.tries := p_entry.tries + 1;
    PERFORM _write_entry(p_entry, p_now);
  ELSIF p_entry.state = 'uncertain' THEN
    PERFORM _presume_and_flag(p_entry, p_now);
  END IF;
END $$;

-- By its key: a condition on the state would let a plan go through all that runs for the tenant.
CREATE FUNCTION _is_running(p_entry ledger_entry) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce((SELECT a.state = 'running' FROM activity a
    WHERE a.tenant_id = p_entry.tenant_id AND a.activity_id = p_entry.activity_id), false);
END $$;

-- The claims of what is open in a conversation, as `_lock_counters` takes them. Index: ledger_entry_of_conversation.
CREATE FUNCTION _open_claims(p_tenant text, p_conversation text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(c || jsonb_build_object('tenantId', p_tenant, 'scope', _surviving_contact(p_tenant, c ->> 'scope'))), '[]')
    FROM ledger_entry e, jsonb_array_elements(e.claims::jsonb) AS t (c)
    WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.state IN ('reserved','calling','uncertain','asking'));
END $$;

-- The activities of a conversation were cancelled, or one of them. Index: ledger_entry_of_conversation.
CREATE FUNCTION _cancel_charges(p_tenant text, p_conversation text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  entry ledger_entry;
  claims constant jsonb := _open_claims(p_tenant, p_conversation);
BEGIN
  IF claims <> '[]' THEN PERFORM _lock_counters(claims); END IF;
  FOR entry IN SELECT e.* FROM ledger_entry e WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation
    AND e.state IN ('reserved','calling','uncertain','asking') ORDER BY e.activity_id FOR UPDATE
  LOOP
    IF NOT _is_running(entry) THEN PERFORM _leave_over(entry, p_now); END IF;
  END LOOP;
END $$;

-- After a restore: whatever was open may have been asked and charged for since the backup, also what had not begun in it. Nothing is asked
-- that could cost: a provider forgets keys after a time, so only where it is looked up it is still found out, once its activity is over.
-- Answers how many entries were open. Nobody else runs then.
CREATE FUNCTION _hold_charges(p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  entry ledger_entry;
  held bigint := 0;
BEGIN
  FOR entry IN SELECT e.* FROM ledger_entry e WHERE e.state IN ('reserved','calling','uncertain','asking')
    ORDER BY e.tenant_id, e.conversation_id, e.activity_id FOR UPDATE
  LOOP
    held := held + 1;
    entry.owner_id := NULL;
    entry.lease_until_ms := NULL;
    IF entry.state = 'reserved' THEN entry := _move(entry, 'begin', p_now); END IF;
    IF entry.state <> 'uncertain' THEN entry := _move(entry, 'lost', p_now); END IF;
    IF entry.on_uncertain <> 'lookup' THEN
      PERFORM _presume_and_flag(entry, p_now);
    ELSIF NOT _is_running(entry) THEN
      PERFORM _leave_over(entry, p_now);
    END IF;
  END LOOP;
  RETURN held;
END $$;

-- Requests that a dead process had under way are uncertain; the rest is free for others. Answers how many it was. A conversation that somebody
-- changes now is left to the next look. Index: ledger_entry_open; what is open is small.
CREATE FUNCTION _rescue_charges(p_owner text, p_all boolean, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  entry ledger_entry;
  rescued bigint := 0;
BEGIN
  FOR entry IN
    WITH held AS MATERIALIZED (
      SELECT c.tenant_id, c.conversation_id FROM conversation c WHERE (c.tenant_id, c.conversation_id) IN (
          SELECT e.tenant_id, e.conversation_id FROM ledger_entry e WHERE e.state IN ('reserved','calling','uncertain','asking')
          AND _is_abandoned(e, p_owner, p_all, p_now))
        ORDER BY c.tenant_id, c.conversation_id FOR UPDATE SKIP LOCKED)
    SELECT e.* FROM ledger_entry e JOIN held h ON h.tenant_id = e.tenant_id AND h.conversation_id = e.conversation_id
      WHERE e.state IN ('reserved','calling','uncertain','asking') AND _is_abandoned(e, p_owner, p_all, p_now)
      ORDER BY e.tenant_id, e.conversation_id, e.activity_id FOR UPDATE OF e
  LOOP
    rescued := rescued + 1;
    entry.owner_id := NULL;
    entry.lease_until_ms := NULL;
    IF entry.state IN ('calling', 'asking') THEN entry := _move(entry, 'lost', p_now);
    ELSE entry := _write_entry(entry, p_now); END IF;
    IF NOT _is_running(entry) THEN PERFORM _leave_over(entry, p_now); END IF;
  END LOOP;
  RETURN rescued;
END $$;

-- By its lease, the caller's own too: an answer that gave it more may have been lost. All at once: everybody else's.
CREATE FUNCTION _is_abandoned(p_entry ledger_entry, p_owner text, p_all boolean, p_now bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_all THEN p_entry.owner_id <> p_owner ELSE p_entry.lease_until_ms <= p_now END
$$;
