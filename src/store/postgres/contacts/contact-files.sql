-- Which stored files something of a contact names, and whether something of another contact names them, too. A file is named by the 64
-- hex digits of its content, wherever an event, a send, an activity or a dialog's state holds them.

CREATE FUNCTION list_contact_files(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(f.file_id ORDER BY f.file_id), '[]') FROM _files_of_contact(input ->> 'tenantId', input ->> 'contactId') AS f
$$;

-- Indexes: the keys of event and of conversation, send_by_ordinal, activity_running, activity_ended, the key of file.
CREATE FUNCTION _files_of_contact(p_tenant text, p_contact text) RETURNS SETOF file LANGUAGE plpgsql STABLE AS $$
DECLARE
  own constant text[] := (_contact_scope(p_tenant, p_contact)).conversation_ids;
BEGIN
  RETURN QUERY SELECT f.* FROM file f WHERE f.tenant_id = p_tenant AND f.file_id IN (
    SELECT named.id[1] FROM (
        SELECT e.content AS said FROM event e WHERE e.tenant_id = p_tenant AND e.conversation_id = ANY (own)
        UNION ALL SELECT s.body || coalesce(s.if_window_closed, '') FROM send s WHERE s.tenant_id = p_tenant AND s.conversation_id = ANY (own)
        UNION ALL SELECT a.input || coalesce(a.result, '') FROM activity a
          WHERE a.tenant_id = p_tenant AND a.conversation_id = ANY (own) AND a.state = 'running'
        UNION ALL SELECT a.input || coalesce(a.result, '') FROM activity a
          WHERE a.tenant_id = p_tenant AND a.conversation_id = ANY (own) AND a.settled_at_ms IS NOT NULL
        UNION ALL SELECT c.dialog_state FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = ANY (own)
      ) AS texts, regexp_matches(texts.said, '(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])', 'g') AS named (id));
END $$;

-- Looks through a part of what other contacts of the tenant have, place by place, each in the order of its key.
CREATE FUNCTION find_file_uses(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  own constant text[] := (_contact_scope(of_tenant, input ->> 'contactId')).conversation_ids;
  files constant text[] := ARRAY(SELECT jsonb_array_elements_text(input -> 'fileIds'));
  part constant int := coalesce((input #>> '{after,part}')::int, 0);
  last_id text := coalesce(input #>> '{after,after,0}', '');
  last_nth bigint := coalesce((input #>> '{after,after,1}')::bigint, -1);
  used text[];
BEGIN
  IF part > 3 OR cardinality(files) = 0 THEN RETURN '{"used":[],"next":null}'; END IF;
  WITH looked AS MATERIALIZED (
    SELECT * FROM _file_places(of_tenant, part, last_id, last_nth, (input ->> 'maxRows')::bigint))
  SELECT (SELECT array_agg(DISTINCT f.id) FROM looked l JOIN unnest(files) AS f (id) ON position(f.id in l.said) > 0
      WHERE l.conversation_id <> ALL (own)),
    (SELECT l.id FROM looked l ORDER BY l.id DESC, l.nth DESC LIMIT 1), (SELECT l.nth FROM looked l ORDER BY l.id DESC, l.nth DESC LIMIT 1)
    INTO used, last_id, last_nth;
  RETURN jsonb_build_object('used', to_jsonb(coalesce(used, '{}')), 'next', CASE
    WHEN last_id IS NOT NULL THEN jsonb_build_object('part', part, 'after', jsonb_build_array(last_id, last_nth))
    WHEN part < 3 THEN jsonb_build_object('part', part + 1, 'after', jsonb_build_array('', -1)) END);
END $$;

-- What may name a file, after a key. Indexes: the key of each table, send_by_ordinal.
CREATE FUNCTION _file_places(p_tenant text, p_part int, p_id text, p_nth bigint, p_max bigint)
RETURNS TABLE (id id, nth bigint, conversation_id text, said text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_part = 0 THEN
    RETURN QUERY SELECT e.conversation_id, e.position, e.conversation_id::text, e.content FROM event e
      WHERE e.tenant_id = p_tenant AND (e.conversation_id, e.position) > (p_id, p_nth) ORDER BY e.conversation_id, e.position LIMIT p_max;
  ELSIF p_part = 1 THEN
    RETURN QUERY SELECT s.conversation_id, s.ordinal, s.conversation_id::text, s.body || coalesce(s.if_window_closed, '') FROM send s
      WHERE s.tenant_id = p_tenant AND (s.conversation_id, s.ordinal) > (p_id, p_nth) ORDER BY s.conversation_id, s.ordinal LIMIT p_max;
  ELSIF p_part = 2 THEN
    RETURN QUERY SELECT a.activity_id, 0::bigint, a.conversation_id::text, a.input || coalesce(a.result, '') FROM activity a
      WHERE a.tenant_id = p_tenant AND a.activity_id > p_id ORDER BY a.activity_id LIMIT p_max;
  ELSE
    RETURN QUERY SELECT c.conversation_id, 0::bigint, c.conversation_id::text, coalesce(c.dialog_state, '') FROM conversation c
      WHERE c.tenant_id = p_tenant AND c.conversation_id > p_id ORDER BY c.conversation_id LIMIT p_max;
  END IF;
END $$;
