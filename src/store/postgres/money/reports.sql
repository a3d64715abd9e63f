-- What the ledger and the limits add up to, for people: not on the hot path, read as one snapshot.

-- The entries say whose they are, the postings where the money stands. An entry whose postings do not add up to its state is counted; only
-- somebody who wrote into the database could make one. Contacts that were merged count for the one that they became.
-- Index: ledger_entry_by_day.
CREATE FUNCTION read_ledger(input jsonb) RETURNS jsonb LANGUAGE sql STABLE
  SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $$
  WITH entries AS (
    SELECT e.tenant_id, e.contact_id, e.activity, e.day, e.currency, e.request, e.state, e.presumed, e.reserved_micros, e.spent_micros,
        _held_in('reserved', array_agg(p)) AS reserved, _held_in('uncertain', array_agg(p)) AS uncertain,
        _held_in('spent', array_agg(p)) AS spent, _held_in('budget', array_agg(p)) AS budget
      FROM ledger_entry e JOIN ledger_posting p ON p.tenant_id = e.tenant_id AND p.activity_id = e.activity_id AND p.request = e.request
      WHERE (input ->> 'tenantId' IS NULL OR e.tenant_id = input ->> 'tenantId')
        AND (input ->> 'activity' IS NULL OR e.activity = input ->> 'activity')
        AND e.day BETWEEN coalesce(input ->> 'fromDay', '') AND coalesce(input ->> 'toDay', '9999')
      GROUP BY e.tenant_id, e.activity_id, e.request),
  sums AS (
    SELECT tenant_id, contact_id, activity, day, currency, count(*) FILTER (WHERE request = 1) AS starts, sum(reserved) AS reserved,
        sum(uncertain) AS uncertain, sum(spent) AS spent, coalesce(sum(spent) FILTER (WHERE presumed), 0) AS presumed,
        sum(reserved_micros + budget) AS returned,
        count(*) FILTER (WHERE reserved + uncertain + spent + budget <> 0 OR spent <> coalesce(spent_micros, 0)
          OR (state IN ('reserved','calling')) <> (reserved <> 0) OR (state IN ('uncertain','asking')) <> (uncertain <> 0)) AS unbalanced
      FROM entries GROUP BY tenant_id, contact_id, activity, day, currency)
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', s.tenant_id, 'contactId', _surviving_contact(s.tenant_id, s.contact_id),
      'activity', s.activity, 'day', s.day, 'currency', s.currency, 'starts', s.starts, 'reservedMicros', s.reserved,
      'uncertainMicros', s.uncertain, 'spentMicros', s.spent, 'presumedMicros', s.presumed, 'returnedMicros', s.returned,
      'unbalanced', s.unbalanced) ORDER BY s.tenant_id, s.day, s.activity COLLATE "C", s.contact_id, s.currency COLLATE "C"), '[]')
    FROM sums s
$$;

-- What a place holds by these postings.
CREATE FUNCTION _held_in(p_place text, p_postings ledger_posting[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum(CASE p_place WHEN p.to_place THEN p.amount_micros WHEN p.from_place THEN -p.amount_micros END), 0)::bigint
    FROM unnest(p_postings) AS p
$$;

-- What retention keeps of the counters. What was given back is not counted as asked for; a counter that was only locked counts nothing.
CREATE FUNCTION read_limits(input jsonb) RETURNS jsonb LANGUAGE sql STABLE
  SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $$
  WITH counters AS (
    SELECT k.tenant_id, k.limit_name, k.window_end_ms - k.window_start_ms AS window_ms, k.unit, k.scope, k.window_start_ms, k.window_end_ms,
        k.used, k.refused, k.used + k.refused_units AS amount, k.max_last
      FROM limit_counter k WHERE (input ->> 'tenantId' IS NULL OR k.tenant_id = input ->> 'tenantId')
        AND (input ->> 'limit' IS NULL OR k.limit_name = input ->> 'limit') AND k.used + k.refused + k.returned > 0),
  recent AS (SELECT * FROM counters WHERE window_end_ms > (input ->> 'sinceMs')::bigint),
  demands AS (
    SELECT tenant_id, limit_name, window_ms, unit, amount, count(*) AS windows, sum(used) AS used, sum(refused) AS refusals
      FROM recent GROUP BY 1, 2, 3, 4, 5)
  SELECT coalesce(jsonb_agg(r.line ORDER BY r.tenant_id, r.limit_name, r.window_ms), '[]') FROM (
    SELECT d.tenant_id, d.limit_name, d.window_ms, jsonb_build_object('tenantId', d.tenant_id, 'limit', d.limit_name, 'windowMs', d.window_ms,
        'unit', min(d.unit), 'windows', sum(d.windows), 'used', sum(d.used), 'refusals', sum(d.refusals),
        'demand', jsonb_agg(jsonb_build_object('amount', d.amount, 'windows', d.windows) ORDER BY d.amount),
        'scopes', (SELECT count(DISTINCT c.scope) FROM recent c
          WHERE c.tenant_id = d.tenant_id AND c.limit_name = d.limit_name AND c.window_ms = d.window_ms),
        'max', coalesce((SELECT c.max_last FROM counters c
          WHERE c.tenant_id = d.tenant_id AND c.limit_name = d.limit_name AND c.window_ms = d.window_ms
          ORDER BY c.window_start_ms DESC, c.max_last IS NULL LIMIT 1), 0)) AS line
      FROM demands d GROUP BY d.tenant_id, d.limit_name, d.window_ms) AS r
$$;
