-- Ends of activities, and timers. Both become events in the mailbox, once: an activity that is no longer running (cancelled, or taken by
-- another owner after a crash) settles nothing, its result comes too late.

CREATE FUNCTION settle_activities(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answers jsonb := '[]';
  each jsonb;
BEGIN
  PERFORM _lock_conversations_of_activities(input -> 'items');
  PERFORM _lock_money_of_activities(input -> 'items');
  FOR each IN SELECT value FROM jsonb_array_elements(input -> 'items') LOOP
    answers := answers || _settle_activity(each ->> 'tenantId', each ->> 'activityId', each, _now_of(each));
  END LOOP;
  -- Last, since all answers of a tenant's model count on one row.
  INSERT INTO usage_day AS u (tenant_id, day, model, calls, input_tokens, output_tokens)
    SELECT (i.item ->> 'tenantId') COLLATE "C", _day_of(_now_of(i.item)) COLLATE "C", i.item #>> '{usage,model}', count(*),
        sum((i.item #>> '{usage,inputTokens}')::bigint), sum((i.item #>> '{usage,outputTokens}')::bigint)
      FROM jsonb_array_elements(input -> 'items') AS i (item) WHERE i.item ? 'usage' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (tenant_id, day, model) DO UPDATE SET calls = u.calls + excluded.calls,
      input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens;
  RETURN answers;
END $$;

-- The counters and days that ends of paid work may change, in key order. Index: ledger_entry_open.
CREATE FUNCTION _lock_money_of_activities(p_items jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  open_ones ledger_entry[];
BEGIN
  SELECT array_agg(e) INTO open_ones FROM jsonb_array_elements(p_items) AS i (item)
    JOIN ledger_entry e ON e.tenant_id = i.item ->> 'tenantId' AND e.activity_id = i.item ->> 'activityId'
      AND e.state IN ('reserved','calling','uncertain','asking');
  IF open_ones IS NULL THEN RETURN; END IF;
  PERFORM 1 FROM limit_counter k JOIN (
      SELECT DISTINCT o.tenant_id, c ->> 'limit' AS limit_name, _surviving_contact(o.tenant_id, c ->> 'scope') AS scope,
        (c ->> 'windowStartMs')::bigint AS window_start_ms
      FROM unnest(open_ones) AS o, jsonb_array_elements(o.claims::jsonb) AS t (c)) AS w
    ON k.tenant_id = w.tenant_id AND k.limit_name = w.limit_name AND k.scope = w.scope AND k.window_start_ms = w.window_start_ms
    ORDER BY k.tenant_id, k.limit_name, k.scope, k.window_start_ms FOR UPDATE OF k;
  PERFORM 1 FROM ledger_day d JOIN (SELECT DISTINCT o.tenant_id, o.day, o.currency FROM unnest(open_ones) AS o) AS w
    ON d.tenant_id = w.tenant_id AND d.day = w.day AND d.currency = w.currency
    ORDER BY d.tenant_id, d.day, d.currency FOR UPDATE OF d;
END $$;

CREATE FUNCTION _settle_activity(p_tenant text, p_activity text, p_item jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  owner constant text := p_item ->> 'ownerId';
  ran record;
  answer jsonb := '{}';
  taken bigint;
BEGIN
  SELECT a.conversation_id, a.state = 'running' AND a.owner_id IS NOT DISTINCT FROM owner AS is_waited_for INTO ran
    FROM activity a WHERE a.tenant_id = p_tenant AND a.activity_id = p_activity FOR UPDATE;
  IF NOT FOUND THEN RETURN '{"outcome":"late"}'; END IF;
  answer := _settle_money(p_tenant, p_activity, p_item, ran.conversation_id, ran.is_waited_for, p_now);
  IF NOT ran.is_waited_for THEN RETURN answer || '{"outcome":"late"}'; END IF;
  UPDATE activity a SET state = CASE WHEN p_item ? 'fault' THEN 'failed' ELSE 'done' END, fault = p_item ->> 'fault',
      owner_id = NULL, lease_until_ms = NULL, settled_at_ms = p_now
    WHERE a.tenant_id = p_tenant AND a.activity_id = p_activity;
  taken := _append_internal(p_tenant, ran.conversation_id, CASE WHEN p_item ? 'fault' THEN 'activityFailed' ELSE 'activityDone' END,
    'activity:' || p_activity, p_item ->> 'content', p_now);
  IF taken IS NULL THEN RETURN answer || '{"outcome":"late"}'; END IF;
  RETURN answer || jsonb_build_object('outcome', 'stored', 'position', taken);
END $$;

-- The entry of paid work ends with it, whether somebody still waits for its result or not; the result is kept, unless its contact was
-- erased. Answers what the day had spent before and after, where a budget is asked for.
CREATE FUNCTION _settle_money(p_tenant text, p_activity text, p_item jsonb, p_conversation text, p_is_waited_for boolean, p_now bigint)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry constant ledger_entry := _open_entry(p_tenant, p_activity);
  spent_before bigint;
BEGIN
  IF entry.owner_id IS DISTINCT FROM p_item ->> 'ownerId' THEN RETURN '{}'; END IF;
  spent_before := _spent_of_day(p_tenant, entry.day, p_item ->> 'budgetCurrency');
  PERFORM _settle_charge(entry, p_item -> 'charge', p_now);
  IF p_item ? 'result' AND NOT EXISTS (SELECT FROM conversation c
      WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation AND c.merged_into = c.conversation_id) THEN
    UPDATE activity a SET result = p_item ->> 'result', reuse = CASE WHEN NOT p_is_waited_for AND entry.late = 'reuse' THEN 'waiting' END
      WHERE a.tenant_id = p_tenant AND a.activity_id = p_activity;
  END IF;
  RETURN jsonb_build_object('day', entry.day, 'beforeMicros', spent_before,
    'spentMicros', _spent_of_day(p_tenant, entry.day, p_item ->> 'budgetCurrency'));
END $$;

CREATE FUNCTION _spent_of_day(p_tenant text, p_day text, p_currency text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce((SELECT d.spent_micros FROM ledger_day d WHERE d.tenant_id = p_tenant AND d.day = p_day AND d.currency = p_currency), 0);
END $$;

-- Timers that are due, of all tenants, each fired by one process: they are looked at again behind the locks of their conversations, so what
-- a turn moved or cancelled meanwhile does not fire. A conversation that somebody holds is left for some milliseconds.
-- Index: timer_by_due.
CREATE FUNCTION fire_timers(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  most constant bigint := (input ->> 'max')::bigint;
  due jsonb;
  each record;
  token text;
  fired bigint := 0;
  wakes jsonb := '[]';
  next_at bigint;
BEGIN
  SELECT jsonb_agg(jsonb_build_array(d.tenant_id, d.conversation_id, d.timer_id)) INTO due
    FROM (SELECT t.tenant_id, t.conversation_id, t.timer_id FROM timer t WHERE t.due_at_ms <= now_ms ORDER BY t.due_at_ms LIMIT most) AS d;
  IF due IS NOT NULL THEN
    FOR each IN
      WITH held AS MATERIALIZED (
        SELECT c.tenant_id, c.conversation_id FROM conversation c WHERE (c.tenant_id, c.conversation_id) IN (
          SELECT d ->> 0, d ->> 1 FROM jsonb_array_elements(due) AS t (d))
        ORDER BY c.tenant_id, c.conversation_id FOR UPDATE SKIP LOCKED)
      SELECT d ->> 0 AS tenant_id, d ->> 1 AS conversation_id, d ->> 2 AS timer_id FROM jsonb_array_elements(due) WITH ORDINALITY AS t (d, nth)
        JOIN held h ON h.tenant_id = d ->> 0 AND h.conversation_id = d ->> 1 ORDER BY nth
    LOOP
      DELETE FROM timer t WHERE t.tenant_id = each.tenant_id AND t.conversation_id = each.conversation_id AND t.timer_id = each.timer_id
        AND t.due_at_ms <= now_ms RETURNING t.token INTO token;
      CONTINUE WHEN NOT FOUND;
      fired := fired + 1;
      -- Taken and appended in one commit, so it needs no dedupe key: one that repeats would stop every timer behind it.
      IF _append_internal(each.tenant_id, each.conversation_id, 'timer', NULL,
          format('{"timerId":%s,"timerToken":%s}', to_json(each.timer_id), to_json(token)), now_ms) IS NOT NULL THEN
        wakes := wakes || jsonb_build_object('tenantId', each.tenant_id, 'conversationId', each.conversation_id);
      END IF;
    END LOOP;
  END IF;
  SELECT min(t.due_at_ms) INTO next_at FROM timer t;
  -- What is due and was not fired is held by somebody, unless there were more than asked for.
  IF next_at <= now_ms AND fired < most THEN next_at := now_ms + (input ->> 'lockedAgainMs')::bigint; END IF;
  RETURN jsonb_build_object('wakes', wakes, 'nextTimerAtMs', next_at);
END $$;
