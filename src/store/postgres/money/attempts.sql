-- Attempts of paid work: committed before a byte of a request leaves, so that a process that dies leaves none which nobody knows of.

CREATE FUNCTION begin_attempts(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  lease_ttl constant bigint := (input ->> 'leaseTtlMs')::bigint;
  answers jsonb := '[]';
  claims jsonb;
  each jsonb;
BEGIN
  PERFORM _lock_conversations_of_activities(input -> 'items');
  -- What a second request would claim, of all members: counters are locked in key order.
  SELECT jsonb_agg(c) INTO claims FROM jsonb_array_elements(input -> 'items') AS i (item)
    JOIN ledger_entry e ON e.tenant_id = i.item ->> 'tenantId' AND e.activity_id = i.item ->> 'activityId'
      AND e.state IN ('reserved','calling','uncertain','asking') AND e.state <> 'reserved' AND e.on_uncertain = 'retryMayPayTwice',
    jsonb_array_elements(_of_tenant(e.tenant_id, _claims_on_money(e, _now_of(i.item)))) AS t (c);
  IF claims IS NOT NULL THEN PERFORM _lock_counters(claims); END IF;
  FOR each IN SELECT value FROM jsonb_array_elements(input -> 'items') LOOP
    answers := answers || _begin_attempt(each, _now_of(each), lease_ttl);
  END LOOP;
  RETURN answers;
END $$;

-- The rows of conversations are the locks of what stands in them, as everywhere.
CREATE FUNCTION _lock_conversations_of_activities(p_items jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM _lock_conversations((SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', a.tenant_id, 'conversationId', a.conversation_id)), '[]')
    FROM jsonb_array_elements(p_items) AS i (item)
    JOIN activity a ON a.tenant_id = i.item ->> 'tenantId' AND a.activity_id = i.item ->> 'activityId'));
END $$;

CREATE FUNCTION _begin_attempt(p_item jsonb, p_now bigint, p_lease_ttl bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry ledger_entry := _open_entry(p_item ->> 'tenantId', p_item ->> 'activityId');
BEGIN
  IF entry.owner_id IS DISTINCT FROM p_item ->> 'ownerId' THEN RETURN '{"outcome":"gone"}'; END IF;
  -- An attempt before this one ended without a word of how.
  IF entry.state IN ('calling', 'asking') THEN entry := _move(entry, 'lost', p_now); END IF;
  IF (entry.state = 'reserved' OR entry.on_uncertain = 'retryMayPayTwice') AND NOT _is_running(entry) THEN
    PERFORM _leave_over(entry, p_now);
    RETURN '{"outcome":"gone"}';
  END IF;
  IF entry.state = 'reserved' OR entry.on_uncertain = 'retryWithKey' THEN
    PERFORM _move(entry, 'begin', p_now);
    RETURN jsonb_build_object('outcome', 'begun', 'idempotencyKey', _idempotency_key_of(entry.activity_id, entry.request));
  END IF;
  IF entry.on_uncertain = 'retryMayPayTwice' THEN RETURN _pay_again(entry, p_now, p_lease_ttl); END IF;
  RETURN jsonb_build_object('outcome', 'uncertain', 'idempotencyKey', _idempotency_key_of(entry.activity_id, entry.request));
END $$;

-- The provider's name for a request: the same for whatever it shall take for the same.
CREATE FUNCTION _idempotency_key_of(p_activity text, p_request bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_request WHEN 1 THEN p_activity ELSE p_activity || '-' || p_request END
$$;

CREATE FUNCTION _claims_on_money(p_entry ledger_entry, p_now bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN _present_claims(p_entry.tenant_id, jsonb_path_query_array(p_entry.claims::jsonb, '$[*] ? (@.unit == "micros")'), p_now);
END $$;

-- Another request, another cost: it is reserved anew, and limits of money judge it anew.
CREATE FUNCTION _pay_again(p_entry ledger_entry, p_now bigint, p_lease_ttl bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  start constant jsonb := jsonb_build_object('activityId', p_entry.activity_id, 'name', p_entry.activity,
    'claims', _claims_on_money(p_entry, p_now), 'cost', _open_charge_of(p_entry, false));
  refusals jsonb;
BEGIN
  -- Locked with those of the group, unless a window ended since.
  PERFORM _lock_counters(_of_tenant(p_entry.tenant_id, start -> 'claims'));
  refusals := _judge_claims(p_entry.tenant_id, jsonb_build_array(start));
  IF refusals <> '[]' THEN RETURN jsonb_build_object('outcome', 'refused', 'limit', refusals #>> '{0,limit}'); END IF;
  PERFORM _presume(p_entry, p_now);
  PERFORM _reserve(p_entry.tenant_id, p_entry.conversation_id, p_entry.contact_id, start, p_entry.owner_id, p_now, p_lease_ttl,
    p_entry.request + 1);
  PERFORM _move(_open_entry(p_entry.tenant_id, p_entry.activity_id), 'begin', p_now);
  RETURN jsonb_build_object('outcome', 'begun', 'idempotencyKey', _idempotency_key_of(p_entry.activity_id, p_entry.request + 1));
END $$;

CREATE FUNCTION end_attempts(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  each jsonb;
  entry ledger_entry;
BEGIN
  PERFORM _lock_conversations_of_activities(input -> 'items');
  FOR each IN SELECT value FROM jsonb_array_elements(input -> 'items') LOOP
    entry := _open_entry(each ->> 'tenantId', each ->> 'activityId');
    CONTINUE WHEN entry.owner_id IS DISTINCT FROM each ->> 'ownerId';
    entry := _note(entry, each ->> 'charged', _now_of(each));
    IF NOT _is_running(entry) THEN PERFORM _leave_over(entry, _now_of(each)); END IF;
  END LOOP;
  RETURN (SELECT jsonb_agg(NULL::int) FROM jsonb_array_elements(input -> 'items'));
END $$;

-- What a failed attempt tells of the money: `no`, `disproved` or `maybe`; what was lost before it stays so.
CREATE FUNCTION _note(p_entry ledger_entry, p_charged text, p_now bigint) RETURNS ledger_entry LANGUAGE plpgsql AS $$
BEGIN
  IF p_charged = 'disproved' AND p_entry.state = 'uncertain' THEN RETURN _move(p_entry, 'disproved', p_now); END IF;
  IF p_entry.state IN ('calling', 'asking') THEN
    RETURN _move(p_entry, CASE p_charged WHEN 'no' THEN 'notCharged' ELSE 'lost' END, p_now);
  END IF;
  RETURN p_entry;
END $$;

-- The money of an activity that ends now, as far as whoever ran it knows. Where nothing is known it follows from the state: what had not
-- begun cost nothing, what had is uncertain.
CREATE FUNCTION _settle_charge(p_entry ledger_entry, p_charge jsonb, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_charge ->> 'kind' = 'charged' THEN
    PERFORM _settle_charged(p_entry, (p_charge ->> 'amountMicros')::bigint, p_now);
  ELSE
    PERFORM _leave_over(_note(p_entry,
      CASE p_charge ->> 'kind' WHEN 'notCharged' THEN 'no' WHEN 'disproved' THEN 'disproved' ELSE 'maybe' END, p_now), p_now);
  END IF;
END $$;
