-- Retention: settled rows past their age are deleted in small steps, each its own transaction. What is unfinished is never deleted,
-- however old, and what cannot be deleted does not hide what can: each index holds finished rows only, by their age. An event carries its
-- dedupe key, so events live at least as long as Meta may repeat them. To prune another table, add it to the list.

-- In the order in which steps follow one another. `age` tells how long it is kept, `finished` what may go.
CREATE FUNCTION _prunable() RETURNS TABLE (nth bigint, table_name text, age text, old_at text, finished text) LANGUAGE sql IMMUTABLE AS $list$
  SELECT row_number() OVER (), t.* FROM (VALUES
    ('event', 'dedupe', 'received_at_ms', $$ending IS NOT NULL AND ending <> 'awaiting'$$),
    -- A status that comes late makes a send younger; its index is by when it was made, which statuses do not change.
    ('send', 'retention', 'created_at_ms', $$updated_at_ms < $1 AND state IN ('accepted','refused','failed','withdrawn')$$),
    -- What an open entry of the ledger needs to be looked into is kept.
    ('activity', 'retention', 'settled_at_ms', $$state <> 'running' AND NOT EXISTS (SELECT FROM ledger_entry e
      WHERE e.tenant_id = activity.tenant_id AND e.activity_id = activity.activity_id AND e.state IN ('reserved','calling','uncertain','asking'))$$),
    ('operator_action', 'retention', 'at_ms', 'true'),
    ('notice', 'dedupe', 'received_at_ms', 'true'),
    ('status_unmatched', 'dedupe', 'received_at_ms', 'true'),
    -- A counter is of no use once its window is over.
    ('limit_counter', 'retention', 'window_end_ms', 'true'),
    ('flag', 'retention', 'resolved_at_ms', 'true'),
    ('dead_letter', 'retention', 'redriven_at_ms', 'true'),
    ('quarantine', 'dedupe', 'redriven_at_ms', 'true'),
    ('upload', 'retention', 'until_ms', 'true'),
    ('api_key', 'retention', 'revoked_at_ms', 'true')) AS t
$list$;

-- Goes through the tables from the one behind `after` on, until it has removed as much as it may, so a step that removes less has found all.
-- One process prunes at a time; another one that comes meanwhile removes nothing. The claim ends with the transaction, so it is kept
-- by a pooler, too, and dies with a process.
CREATE FUNCTION prune(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  most constant bigint := (input ->> 'maxRows')::bigint;
  after constant bigint := (input ->> 'after')::bigint;
  removed bigint := 0;
  last bigint := after;
  each record;
  rows bigint;
BEGIN
  -- Several stores may share a database: the claim is on the table of this one.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('nightdesk prune', 'event'::regclass::oid::bigint)) THEN
    RETURN jsonb_build_object('removed', 0, 'after', after);
  END IF;
  PERFORM _analyze_young_tables();
  FOR each IN SELECT p.* FROM _prunable() p ORDER BY p.nth <= after, p.nth LOOP
    -- What somebody holds is left to the next time.
    EXECUTE format('DELETE FROM %1$I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$I WHERE %2$s < $1 AND %3$s ORDER BY %2$s LIMIT $2
      FOR UPDATE SKIP LOCKED))', each.table_name, each.old_at, each.finished)
      USING now_ms - (input ->> (each.age || 'Ms'))::bigint, most - removed;
    GET DIAGNOSTICS rows = ROW_COUNT;
    removed := removed + rows;
    last := each.nth;
    EXIT WHEN removed >= most;
  END LOOP;
  RETURN jsonb_build_object('removed', removed, 'after', last);
END $$;

-- Of a table that nobody has analyzed the planner believes that any index leads to one row, so it may take one that goes through all rows of a
-- tenant. Autovacuum analyzes within a minute, if it is on; a new store that is busy from its first second cannot wait for that. Of fewer
-- than eight pages it does not matter. What was analyzed once is autovacuum's.
CREATE FUNCTION _analyze_young_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  FOR each IN SELECT c.oid::regclass AS name FROM pg_class c
    WHERE c.relnamespace = (SELECT e.relnamespace FROM pg_class e WHERE e.oid = 'event'::regclass)
    AND c.relkind = 'r' AND c.reltuples < 0 AND pg_relation_size(c.oid) >= 8 * current_setting('block_size')::bigint
  LOOP
    EXECUTE format('ANALYZE %s', each.name);
  END LOOP;
END $$;
