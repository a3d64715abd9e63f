-- Limits: units are claimed in the commit that starts what they limit, judged there and nowhere else, with the counters locked in key
-- order before. A claim that is refused takes nothing. What an activity certainly did not cost is given back to the window it was
-- taken from. The counters keep what was asked for beside what was granted, so that a person can see what another limit would have
-- refused.

-- Claims as they are taken: for the contact that theirs has become since the turn was taken, and from which window, so that they can be
-- given back there.
CREATE FUNCTION _present_claims(p_tenant text, p_claims jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(c.claim || jsonb_build_object('scope', _surviving_contact(p_tenant, c.claim ->> 'scope'),
      'windowStartMs', p_now / (c.claim ->> 'windowMs')::bigint * (c.claim ->> 'windowMs')::bigint) ORDER BY c.nth), '[]')
    FROM jsonb_array_elements(p_claims) WITH ORDINALITY AS c (claim, nth));
END $$;

-- Locks counters in key order: an array of claims as they are taken, each with its `tenantId`. One that is not there yet is made, with
-- nothing counted: a lock needs a row. The condition that is never true locks what is there and writes nothing.
CREATE FUNCTION _lock_counters(p_claims jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO limit_counter AS k (tenant_id, limit_name, scope, window_start_ms, window_end_ms)
    SELECT DISTINCT ON (1, 2, 3, 4) (c ->> 'tenantId') COLLATE "C", (c ->> 'limit') COLLATE "C", (c ->> 'scope') COLLATE "C",
        (c ->> 'windowStartMs')::bigint, (c ->> 'windowStartMs')::bigint + (c ->> 'windowMs')::bigint
      FROM jsonb_array_elements(p_claims) AS t (c) ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, limit_name, scope, window_start_ms) DO UPDATE SET used = k.used WHERE false;
END $$;

-- The members of a group of turns with their claims as they are taken; all counters that any of them may change are locked: those of
-- what it starts, and those that what it cancels may be given back to. The caller holds the conversations.
CREATE FUNCTION _lock_limits_of_turns(p_items jsonb) RETURNS jsonb[] LANGUAGE plpgsql AS $$
DECLARE
  members jsonb[];
  item jsonb;
  wanted jsonb := '[]';
BEGIN
  FOR item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
    IF item ? 'activities' THEN
      item := jsonb_set(item, '{activities}', (SELECT jsonb_agg(
          a.activity || jsonb_build_object('claims', _present_claims(item ->> 'tenantId', a.activity -> 'claims', _now_of(item))) ORDER BY a.nth)
        FROM jsonb_array_elements(item -> 'activities') WITH ORDINALITY AS a (activity, nth)));
      wanted := wanted || _of_tenant(item ->> 'tenantId', jsonb_path_query_array(item, '$.activities[*].claims[*]'));
    END IF;
    IF item ? 'cancelled' OR (item -> 'handOff')::boolean THEN
      wanted := wanted || _open_claims(item ->> 'tenantId', item ->> 'conversationId');
    END IF;
    members := members || item;
  END LOOP;
  IF wanted <> '[]' THEN PERFORM _lock_counters(wanted); END IF;
  RETURN members;
END $$;

CREATE FUNCTION _of_tenant(p_tenant text, p_claims jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(c || jsonb_build_object('tenantId', p_tenant)), '[]') FROM jsonb_array_elements(p_claims) AS t (c));
END $$;

-- Judges the claims of each activity together and before any is taken; takes all, or counts the refusals and answers them. The caller
-- has locked the counters.
CREATE FUNCTION _judge_claims(p_tenant text, p_started jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  activity jsonb;
  claim jsonb;
  key text;
  used_then bigint;
  -- A refused activity takes nothing, so its other claims must not count against its neighbours.
  taken jsonb := '{}';
  tentative jsonb;
  refusals jsonb := '[]';
  refused jsonb;
BEGIN
  FOR activity IN SELECT value FROM jsonb_array_elements(p_started) LOOP
    tentative := taken;
    refused := '[]';
    FOR claim IN SELECT value FROM jsonb_array_elements(activity -> 'claims') LOOP
      key := jsonb_build_array(claim -> 'limit', claim -> 'scope', claim -> 'windowStartMs')::text;
      used_then := coalesce((tentative ->> key)::bigint, (SELECT k.used FROM limit_counter k
        WHERE k.tenant_id = p_tenant AND k.limit_name = claim ->> 'limit' AND k.scope = claim ->> 'scope'
        AND k.window_start_ms = (claim ->> 'windowStartMs')::bigint), 0) + (claim ->> 'amount')::bigint;
      -- Without a number there is no end to it.
      IF used_then > (claim ->> 'max')::numeric THEN
        refused := refused || claim;
      ELSE
        tentative := tentative || jsonb_build_object(key, used_then);
      END IF;
    END LOOP;
    IF refused = '[]' THEN taken := tentative; END IF;
    FOR claim IN SELECT value FROM jsonb_array_elements(refused) LOOP
      refusals := refusals || jsonb_build_object('activityId', activity -> 'activityId', 'limit', claim -> 'limit');
      PERFORM _count_claim(p_tenant, claim, false);
    END LOOP;
  END LOOP;
  IF refusals = '[]' THEN
    PERFORM _count_claim(p_tenant, c, true) FROM jsonb_path_query(p_started, '$[*].claims[*]') AS t (c);
  END IF;
  RETURN refusals;
END $$;

-- The counter changes only where it stays within its limit: it is locked and was judged, so it does.
CREATE FUNCTION _count_claim(p_tenant text, p_claim jsonb, p_is_taken boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  amount constant bigint := (p_claim ->> 'amount')::bigint;
  maximum constant numeric := (p_claim ->> 'max')::numeric;
BEGIN
  UPDATE limit_counter k SET used = k.used + CASE WHEN p_is_taken THEN amount ELSE 0 END,
      refused = k.refused + CASE WHEN p_is_taken THEN 0 ELSE 1 END,
      refused_units = k.refused_units + CASE WHEN p_is_taken THEN 0 ELSE amount END,
      max_last = CASE WHEN maximum = trunc(maximum) AND abs(maximum) < 2::numeric ^ 53 THEN maximum::bigint END,
      unit = coalesce(p_claim ->> 'unit', 'starts')
    WHERE k.tenant_id = p_tenant AND k.limit_name = p_claim ->> 'limit' AND k.scope = p_claim ->> 'scope'
    AND k.window_start_ms = (p_claim ->> 'windowStartMs')::bigint
    AND (NOT p_is_taken OR maximum IS NULL OR k.used + amount <= maximum);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The counter of limit % was not locked before it was counted on. Nothing was committed; this is a bug of the caller.',
      p_claim ->> 'limit';
  END IF;
END $$;

-- Gives claims back to the windows that they came from: what was not spent of those on money, or all of each where `p_spent` is NULL.
-- Where a window is gone, nothing is left to give.
CREATE FUNCTION _give_back(p_tenant text, p_claims jsonb, p_spent bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  claim jsonb;
  amount bigint;
BEGIN
  FOR claim IN SELECT value FROM jsonb_array_elements(p_claims) LOOP
    amount := (claim ->> 'amount')::bigint - CASE WHEN p_spent IS NULL THEN 0 ELSE p_spent END;
    CONTINUE WHEN amount <= 0 OR (p_spent IS NOT NULL AND claim ->> 'unit' IS DISTINCT FROM 'micros');
    UPDATE limit_counter k SET used = k.used - amount, returned = k.returned + amount
      WHERE k.tenant_id = p_tenant AND k.limit_name = claim ->> 'limit' AND k.scope = _surviving_contact(p_tenant, claim ->> 'scope')
      AND k.window_start_ms = (claim ->> 'windowStartMs')::bigint AND k.used >= amount;
  END LOOP;
END $$;
