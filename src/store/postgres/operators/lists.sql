-- What people look at: lists with a limit, newest or oldest first as their reader wants them. Reads only. Without `tenantId` they are of
-- all tenants, for whoever runs the installation.

-- Indexes: flag_open, flag_resolved.
CREATE FUNCTION list_flags(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id, 'flagId', r.flag_id,
      'reason', r.reason, 'detail', r.detail, 'count', r.count, 'createdAtMs', r.created_at_ms, 'lastAtMs', r.last_at_ms,
      'resolvedAtMs', r.resolved_at_ms, 'phoneNumberId', coalesce(c.phone_number_id, ''),
      'contact', coalesce(k.name, k.username, k.contact_id, ''), 'holder', coalesce(c.holder, 'bot')) ORDER BY r.last_at_ms DESC), '[]')
    FROM (SELECT f.* FROM (SELECT * FROM flag WHERE (input -> 'open')::boolean AND resolved_at_ms IS NULL
        UNION ALL SELECT * FROM flag WHERE NOT (input -> 'open')::boolean AND resolved_at_ms IS NOT NULL) f
      WHERE input ->> 'tenantId' IS NULL OR f.tenant_id = input ->> 'tenantId'
      ORDER BY f.last_at_ms DESC LIMIT (input ->> 'max')::bigint) r
    LEFT JOIN conversation c ON c.tenant_id = r.tenant_id AND c.conversation_id = r.conversation_id
    LEFT JOIN contact k ON k.tenant_id = c.tenant_id AND k.contact_id = c.contact_id
$$;

-- Indexes: dead_letter_open, dead_letter_redriven.
CREATE FUNCTION list_dead_letters(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id, 'deadLetterId', r.dead_letter_id,
      'position', r.position, 'kind', coalesce(e.kind, 'gone'), 'fault', r.fault, 'createdAtMs', r.created_at_ms,
      'redrivenAtMs', r.redriven_at_ms) ORDER BY r.created_at_ms DESC), '[]')
    FROM (SELECT d.* FROM (SELECT * FROM dead_letter WHERE (input -> 'open')::boolean AND redriven_at_ms IS NULL
        UNION ALL SELECT * FROM dead_letter WHERE NOT (input -> 'open')::boolean AND redriven_at_ms IS NOT NULL) d
      WHERE input ->> 'tenantId' IS NULL OR d.tenant_id = input ->> 'tenantId'
      ORDER BY d.created_at_ms DESC LIMIT (input ->> 'max')::bigint) r
    LEFT JOIN event e ON e.tenant_id = r.tenant_id AND e.conversation_id = r.conversation_id AND e.position = r.position
$$;

-- In the order of the states asked for, newest first within each. Indexes: send_for_person, send_open.
CREATE FUNCTION list_sends(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  most constant bigint := (input ->> 'max')::bigint;
  of_state text;
  listed jsonb := '[]';
BEGIN
  FOR of_state IN SELECT jsonb_array_elements_text(input -> 'states') LOOP
    -- With the state as it stands in the predicates of the indexes, which a variable would hide from the planner.
    listed := listed || _list_sends_in(of_state, input ->> 'tenantId', most - jsonb_array_length(listed));
    EXIT WHEN jsonb_array_length(listed) >= most;
  END LOOP;
  RETURN listed;
END $$;

CREATE FUNCTION _list_sends_in(p_state text, p_tenant text, p_max bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  listed jsonb;
BEGIN
  EXECUTE format($sql$
    SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id, 'sendId', r.send_id,
        'phoneNumberId', r.phone_number_id, 'state', r.state, 'delivery', r.delivery, 'wamid', r.wamid, 'attempts', r.attempts,
        'why', r.why, 'errorCode', r.error_code, 'createdAtMs', r.created_at_ms, 'updatedAtMs', r.updated_at_ms)
        ORDER BY r.updated_at_ms DESC), '[]')
      FROM (SELECT s.* FROM send s WHERE s.state = %L AND ($1 IS NULL OR s.tenant_id = $1)
        ORDER BY s.updated_at_ms DESC LIMIT $2) r $sql$, p_state) INTO listed USING p_tenant, p_max;
  RETURN listed;
END $$;

-- Of each number that is asked for, or all, oldest first. What was in quarantine when a backup was made is put in by a person only.
-- Indexes: quarantine_open, quarantine_redriven.
CREATE FUNCTION list_quarantine(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('quarantineId', r.quarantine_id, 'tenantId', r.tenant_id, 'reason', r.reason,
      'phoneNumberId', r.phone_number_id, 'item', r.item, 'bytes', translate(encode(r.bytes, 'base64'), E'\n', ''),
      'createdAtMs', r.created_at_ms, 'redrivenAtMs', r.redriven_at_ms) ORDER BY n.nth, r.created_at_ms), '[]')
    FROM jsonb_array_elements_text(coalesce(input -> 'phoneNumberIds', '[null]')) WITH ORDINALITY AS n (phone_number_id, nth)
    CROSS JOIN LATERAL (SELECT q.* FROM (SELECT * FROM quarantine WHERE (input -> 'open')::boolean AND redriven_at_ms IS NULL
        UNION ALL SELECT * FROM quarantine WHERE NOT (input -> 'open')::boolean AND redriven_at_ms IS NOT NULL) q
      WHERE (n.phone_number_id IS NULL OR (q.phone_number_id = n.phone_number_id AND q.reason <> 'restored'))
      ORDER BY q.created_at_ms LIMIT (input ->> 'max')::bigint) r
$$;

-- Index: conversation_held. Oldest first.
CREATE FUNCTION list_idle_holds(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id, 'sinceMs', r.since_ms,
      'isUnseen', r.is_unseen) ORDER BY r.since_ms), '[]')
    FROM (SELECT h.* FROM (SELECT c.tenant_id, c.conversation_id, greatest(c.held_since_ms, c.operator_last_at_ms) AS since_ms,
        c.held_by = _unseen_holder() AS is_unseen FROM conversation c WHERE c.holder = 'operator') h
      WHERE h.since_ms <= _now_of(input) - (input ->> 'idleMs')::bigint ORDER BY h.since_ms LIMIT (input ->> 'max')::bigint) r
$$;

-- By the primary key, so that a page costs the same however many came before it.
CREATE FUNCTION list_states(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', r.tenant_id, 'conversationId', r.conversation_id, 'phoneNumberId', r.phone_number_id,
      'stateLabel', r.state_label, 'state', r.dialog_state) ORDER BY r.tenant_id, r.conversation_id), '[]')
    FROM (SELECT c.* FROM conversation c
      WHERE (c.tenant_id, c.conversation_id) > (coalesce(input -> 'after' ->> 'tenantId', '')::id, coalesce(input -> 'after' ->> 'conversationId', '')::id)
      AND c.dialog_state IS NOT NULL AND c.merged_into IS NULL
      ORDER BY c.tenant_id, c.conversation_id LIMIT (input ->> 'max')::bigint) r
$$;

-- Index: contact_address_by_value.
CREATE FUNCTION find_conversation(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT jsonb_build_object('tenantId', c.tenant_id, 'conversationId', c.conversation_id) FROM contact_address a
    JOIN conversation c ON c.tenant_id = a.tenant_id AND c.contact_id = a.contact_id AND c.merged_into IS NULL
    WHERE a.tenant_id = input ->> 'tenantId' AND c.phone_number_id = input ->> 'phoneNumberId' AND a.value = input ->> 'address'
    LIMIT 1), 'null')
$$;
