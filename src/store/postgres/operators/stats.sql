-- The gauges, read on every scrape of every process: they cost what is open and not what was ever done. Each count is of a partial index:
-- event_open, event_awaiting, flag_open, dead_letter_open, quarantine_open, send_open, conversation_held.
--
-- Two could grow without end, and are bounded. Sends that failed are counted up to `rowsMax`; the gauge then stands still there. Conversations
-- per state are counted in `pagesMax` pages of the table at most: a table of more pages is estimated from so many of them, the same ones at each
-- scrape. To keep these counts exact every commit would have to count, and all commits would wait for the row of the commonest state.
CREATE FUNCTION read_stats(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  open_events record;
BEGIN
  SELECT count(*) AS depth, min(e.received_at_ms) AS oldest_ms INTO open_events FROM event e WHERE e.ending IS NULL;
  RETURN jsonb_build_object(
    'mailboxDepth', open_events.depth,
    'mailboxOldestMs', open_events.oldest_ms,
    'awaiting', (SELECT count(*) FROM event e WHERE e.ending = 'awaiting'),
    'flagsOpen', (SELECT count(*) FROM flag f WHERE f.resolved_at_ms IS NULL),
    'deadLettersOpen', (SELECT count(*) FROM dead_letter d WHERE d.redriven_at_ms IS NULL),
    'quarantineOpen', (SELECT count(*) FROM quarantine q WHERE q.redriven_at_ms IS NULL),
    'sendsByState', _count_sends((input ->> 'rowsMax')::bigint),
    'conversationsByState', _count_states((input ->> 'pagesMax')::bigint),
    'held', (SELECT count(*) FROM conversation c WHERE c.holder = 'operator'));
END $$;

-- Indexes: send_open; send_for_person, which begins with the state. States that no send is in are left out.
CREATE FUNCTION _count_sends(p_rows_max bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(n.state, n.count), '{}') FROM (
      SELECT s.state, count(*) AS count FROM send s WHERE s.state IN ('queued','sending','uncertain') GROUP BY s.state
      UNION ALL SELECT p.state, (SELECT count(*) FROM (SELECT 1 FROM send s
          WHERE s.state IN ('held','failed','refused') AND s.state = p.state LIMIT p_rows_max) counted)
        FROM (VALUES ('held'), ('failed'), ('refused')) AS p (state)) n
    WHERE n.count > 0);
END $$;

-- The hundred commonest. TABLESAMPLE SYSTEM reads whole pages, those of its seed and no others.
CREATE FUNCTION _count_states(p_pages_max bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  pages constant bigint := pg_relation_size('conversation') / current_setting('block_size')::bigint;
  share constant double precision := least(1, p_pages_max::double precision / greatest(pages, 1));
  counted jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_object('label', r.label, 'count', r.count) ORDER BY r.count DESC, r.label), '[]') INTO counted
    FROM (SELECT coalesce(c.state_label, 'new') AS label, round(count(*) / share)::bigint AS count
      FROM conversation c TABLESAMPLE SYSTEM (share * 100) REPEATABLE (1) WHERE c.merged_into IS NULL
      GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100) r;
  RETURN counted;
END $$;
