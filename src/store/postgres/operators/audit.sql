-- The audit (I9): every acknowledged event ends in exactly one allowed end. An event is missing when it was consumed and nothing says
-- what became of it: it awaits an answer that nobody is making, or its answer did not reach the customer and nobody was asked to
-- help. The same numbers can be had with any SQL client; nothing here repairs anything. It is one statement, so that all its numbers
-- are of one moment.
--
-- What is open or awaits is read by event_open and event_awaiting, what is settled by event_settled, from `sinceMs` on.
CREATE FUNCTION audit(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE
  SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $$
DECLARE
  since constant bigint := (input ->> 'sinceMs')::bigint;
  by_end jsonb;
  missing jsonb;
  abandoned bigint;
  answering bigint;
BEGIN
  SELECT coalesce(jsonb_object_agg(n.ending, n.count), '{}') INTO by_end FROM (
    SELECT coalesce(e.ending, 'open') AS ending, count(*) AS count FROM _events_since(since) e WHERE e.class <> 'internal' GROUP BY 1) n;
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', m.tenant_id, 'conversationId', m.conversation_id, 'position', m.position,
      'kind', m.kind, 'why', m.why) ORDER BY m.nth), '[]'), count(*) FILTER (WHERE m.hole = 'abandoned')
    INTO missing, abandoned FROM (SELECT h.*, row_number() OVER () AS nth FROM _holes_since(since) h) m;
  SELECT count(*) INTO answering FROM event e JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref
    WHERE e.received_at_ms >= since AND e.ending IS NOT NULL AND e.ending <> 'awaiting' AND e.ending = 'answered'
    AND s.state IN ('queued','sending','uncertain');
  RETURN jsonb_build_object('sinceMs', since, 'byEnd', by_end,
    'events', (SELECT coalesce(sum(n.value::text::bigint), 0) FROM jsonb_each(by_end) n),
    'underWay', coalesce((by_end ->> 'open')::bigint, 0) + coalesce((by_end ->> 'awaiting')::bigint, 0) - abandoned + answering,
    'missing', jsonb_path_query_array(missing, '$[0 to 99]'),
    'missingCount', jsonb_array_length(missing),
    -- Index: send_doubled.
    'provenDuplicates', (SELECT count(*) FROM send s WHERE s.second_wamid IS NOT NULL AND s.created_at_ms >= since));
END $$;

CREATE FUNCTION _events_since(p_since bigint) RETURNS SETOF event LANGUAGE sql STABLE AS $$
  SELECT * FROM event WHERE received_at_ms >= p_since AND ending IS NOT NULL AND ending <> 'awaiting'
  UNION ALL SELECT * FROM event WHERE received_at_ms >= p_since AND ending = 'awaiting'
  UNION ALL SELECT * FROM event WHERE received_at_ms >= p_since AND ending IS NULL
$$;

-- A thousand of each kind at most. To look for another hole, add its statement here.
CREATE FUNCTION _holes_since(p_since bigint)
RETURNS TABLE (hole text, tenant_id text, conversation_id text, "position" bigint, kind text, why text) LANGUAGE sql STABLE AS $$
  -- Answered, but the answer ended badly and no flag of its conversation was raised since; it may have ended before it was made, by a clock
  -- that was set back. Those that ended badly are few, and flags are looked for only then. Index: flag_by_conversation.
  (WITH unreached AS MATERIALIZED (
      SELECT e.tenant_id, e.conversation_id, e.position, e.kind, s.state, s.conversation_id AS sent_in, least(s.created_at_ms, s.updated_at_ms) AS ended_ms
        FROM event e LEFT JOIN send s ON s.tenant_id = e.tenant_id AND s.send_id = e.end_ref
        WHERE e.received_at_ms >= p_since AND e.ending IS NOT NULL AND e.ending <> 'awaiting' AND e.ending = 'answered'
        AND coalesce(s.state, '') NOT IN ('accepted','queued','sending','uncertain'))
    SELECT 'unreached', u.tenant_id, u.conversation_id, u.position, u.kind, coalesce(u.state, 'no such send') FROM unreached u
      WHERE NOT EXISTS (SELECT FROM flag f WHERE f.tenant_id = u.tenant_id AND f.conversation_id = u.sent_in AND f.last_at_ms >= u.ended_ms)
      AND NOT EXISTS (SELECT FROM conversation c JOIN flag f ON f.tenant_id = c.tenant_id AND f.conversation_id = c.merged_into
        WHERE c.tenant_id = u.tenant_id AND c.conversation_id = u.sent_in AND f.last_at_ms >= u.ended_ms) LIMIT 1000)
  UNION ALL
  -- Awaits, and neither an activity runs for its conversation nor a timer nor an unconsumed event will move it.
  (SELECT 'abandoned', e.tenant_id, e.conversation_id, e.position, e.kind, 'awaits an answer that nobody is making' FROM event e
    WHERE e.ending = 'awaiting' AND e.received_at_ms >= p_since
    AND NOT EXISTS (SELECT 1 FROM activity a WHERE a.tenant_id = e.tenant_id AND a.conversation_id = e.conversation_id AND a.state = 'running')
    AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.tenant_id = e.tenant_id AND t.conversation_id = e.conversation_id)
    AND NOT EXISTS (SELECT 1 FROM event o WHERE o.tenant_id = e.tenant_id AND o.conversation_id = e.conversation_id AND o.ending IS NULL)
    LIMIT 1000)
  UNION ALL
  (SELECT 'flagged', e.tenant_id, e.conversation_id, e.position, e.kind, 'flagged, but there is no such flag' FROM event e
    WHERE e.received_at_ms >= p_since AND e.ending IS NOT NULL AND e.ending <> 'awaiting' AND e.ending = 'flagged'
    AND NOT EXISTS (SELECT 1 FROM flag f WHERE f.tenant_id = e.tenant_id AND f.flag_id = e.end_ref) LIMIT 1000)
  UNION ALL
  (SELECT 'dead', e.tenant_id, e.conversation_id, e.position, e.kind, 'a dead letter that nobody can find' FROM event e
    WHERE e.received_at_ms >= p_since AND e.ending IS NOT NULL AND e.ending <> 'awaiting' AND e.ending = 'deadLetter'
    AND NOT EXISTS (SELECT 1 FROM dead_letter d
      WHERE d.tenant_id = e.tenant_id AND d.conversation_id = e.conversation_id AND d.position = e.position) LIMIT 1000)
  UNION ALL
  -- A customer's message may go without an answer only by a rule that says so in its name.
  (SELECT 'undeclared', e.tenant_id, e.conversation_id, e.position, e.kind, 'wants an answer, and no rule says that it needs none' FROM event e
    WHERE e.received_at_ms >= p_since AND e.ending IS NOT NULL AND e.ending <> 'awaiting' AND e.ending = 'noAnswerNeeded'
    AND e.class = 'answer' AND e.end_ref IS NULL LIMIT 1000)
  UNION ALL
  -- Not consumed, in a mailbox that nobody takes from any more.
  (SELECT 'stranded', e.tenant_id, e.conversation_id, e.position, e.kind, 'waits in the mailbox of a conversation that was merged away' FROM event e
    JOIN conversation c ON c.tenant_id = e.tenant_id AND c.conversation_id = e.conversation_id
    WHERE e.received_at_ms >= p_since AND e.ending IS NULL AND c.merged_into IS NOT NULL LIMIT 1000)
$$;
