-- A store that was restored from a backup. What was open in it may have been answered, sent or charged since, and that is not known here, so
-- it is a person's to decide. All of it is one commit. Nobody else works with the store meanwhile; whoever tries waits for it.

CREATE FUNCTION hold_after_restore(input jsonb) RETURNS jsonb LANGUAGE plpgsql
  SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  -- Positions that the lost time may have used: no visit, and so no button of those days, is met again.
  leap constant bigint := 1000000;
  under_way jsonb;
  open_sends jsonb;
  charges bigint;
  quarantined bigint;
  each jsonb;
BEGIN
  LOCK TABLE conversation IN EXCLUSIVE MODE;
  under_way := _under_way(now_ms);
  open_sends := _open_sends();
  -- Before the activities are cancelled, which would give back what was only reserved.
  charges := _hold_charges(now_ms);
  UPDATE send s SET state = CASE WHEN s.wamid IS NULL THEN 'held' ELSE 'accepted' END, why = 'open when the backup was made',
      owner_id = NULL, updated_at_ms = now_ms
    WHERE s.state IN ('queued','sending','uncertain');
  FOR each IN SELECT value FROM jsonb_array_elements(under_way) LOOP
    PERFORM _hold_one_unseen(each, leap, now_ms);
  END LOOP;
  PERFORM _raise_flag(t.tenant_id, t.conversation_id, 'restored', 'under way when the backup was made: ' || t.words, now_ms)
    FROM _told_of(under_way, open_sends) t;
  UPDATE conversation c SET position_next = c.position_next + leap;
  -- What waited for a number may have been put in and answered since.
  UPDATE quarantine q SET reason = 'restored' WHERE q.redriven_at_ms IS NULL;
  GET DIAGNOSTICS quarantined = ROW_COUNT;
  RETURN jsonb_build_object('takenAtMs', NULL, 'conversations', jsonb_array_length(under_way), 'messages', _sum_of(under_way, 'messages'),
    'sends', _sum_of(open_sends, 'sends'), 'activities', _sum_of(under_way, 'activities'), 'charges', charges,
    'timers', _sum_of(under_way, 'timers'), 'quarantined', quarantined);
END $$;

CREATE FUNCTION _sum_of(p_rows jsonb, p_name text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum((r.value ->> p_name)::bigint), 0)::bigint FROM jsonb_array_elements(p_rows) r
$$;

-- Indexes: event_open, event_awaiting, activity_running, timer_by_due. What an operator holds waits for them already.
CREATE FUNCTION _under_way(p_now bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r."tenantId", r."conversationId"), '[]') FROM (
    SELECT c.tenant_id AS "tenantId", c.conversation_id AS "conversationId",
        count(*) FILTER (WHERE w.what = 'message') AS messages, count(*) FILTER (WHERE w.what = 'other') AS others,
        count(*) FILTER (WHERE w.what = 'activity') AS activities, count(*) FILTER (WHERE w.what = 'timer') AS timers,
        min(w.open) AS "firstOpen", min(w.awaiting) AS "firstAwaiting", min(w.at_ms) AS "awaitingSinceMs", c.position_next AS next
      FROM (SELECT e.tenant_id, e.conversation_id, CASE e.class WHEN 'answer' THEN 'message' ELSE 'other' END AS what,
            CASE e.class WHEN 'answer' THEN e.position END AS open, NULL::bigint AS awaiting, NULL::bigint AS at_ms
          FROM event e WHERE e.ending IS NULL
        UNION ALL SELECT e.tenant_id, e.conversation_id, 'message', NULL, e.position, e.received_at_ms FROM event e WHERE e.ending = 'awaiting'
        UNION ALL SELECT a.tenant_id, a.conversation_id, 'activity', NULL, NULL, NULL FROM activity a WHERE a.state = 'running'
        UNION ALL SELECT t.tenant_id, t.conversation_id, 'timer', NULL, NULL, NULL FROM timer t WHERE t.due_at_ms <= p_now) w
      JOIN conversation c ON c.tenant_id = w.tenant_id AND c.conversation_id = w.conversation_id
      WHERE c.holder = 'bot' AND c.merged_into IS NULL
      GROUP BY c.tenant_id, c.conversation_id) r
$$;

-- Index: send_open.
CREATE FUNCTION _open_sends() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM (
    SELECT s.tenant_id AS "tenantId", s.conversation_id AS "conversationId", count(*) AS sends FROM send s
      WHERE s.state IN ('queued','sending','uncertain') AND s.wamid IS NULL GROUP BY s.tenant_id, s.conversation_id) r
$$;

-- Moves what had no answer behind all that the dialog has seen: what a turn has taken would be no news to it where it stood.
CREATE FUNCTION _hold_one_unseen(p_each jsonb, p_leap bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := p_each ->> 'tenantId';
  of_conversation constant text := p_each ->> 'conversationId';
BEGIN
  UPDATE event e SET position = e.position + p_leap
    WHERE e.tenant_id = of_tenant AND e.conversation_id = of_conversation AND (e.ending IS NULL OR e.ending = 'awaiting');
  PERFORM _hold_unseen(of_tenant, of_conversation, coalesce(_first_unanswered(p_each), (p_each ->> 'next')::bigint) + p_leap, p_now);
END $$;

-- The first message that a hand-back leaves to the bot, if any. What paid work may have been begun for is not begun once more.
-- Index: ledger_entry_by_day.
CREATE FUNCTION _first_unanswered(p_each jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM ledger_entry l WHERE l.tenant_id = p_each ->> 'tenantId'
        AND l.day >= _day_of((p_each ->> 'awaitingSinceMs')::bigint) AND l.conversation_id = p_each ->> 'conversationId')
    THEN (p_each ->> 'firstOpen')::bigint ELSE least((p_each ->> 'firstAwaiting')::bigint, (p_each ->> 'firstOpen')::bigint) END
$$;

-- What a person is told of each conversation; a send may be of one that was merged away, whose survivor they look at.
CREATE FUNCTION _told_of(p_under_way jsonb, p_open_sends jsonb)
RETURNS TABLE (tenant_id text, conversation_id text, words text) LANGUAGE sql STABLE AS $$
  SELECT r.value ->> 'tenantId', _surviving_conversation(r.value ->> 'tenantId', r.value ->> 'conversationId'),
      string_agg(_counted_words(r.value), ', ' ORDER BY r.nth)
    FROM jsonb_array_elements(p_under_way || p_open_sends) WITH ORDINALITY AS r (value, nth) GROUP BY 1, 2
$$;

CREATE FUNCTION _counted_words(p_row jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT string_agg(CASE n.count WHEN 1 THEN '1 ' || w.word ELSE n.count || ' ' || regexp_replace(w.word, 'y$', 'ie') || 's' END, ', ' ORDER BY w.nth)
    FROM (VALUES (1, 'messages', 'message'), (2, 'others', 'other event'), (3, 'activities', 'activity'), (4, 'timers', 'due timer'),
      (5, 'sends', 'send')) AS w (nth, name, word), LATERAL (SELECT (p_row ->> w.name)::bigint AS count) n
    WHERE n.count > 0
$$;
