-- Everything that is stored of one contact, read a page at a time and in one order: part by part, in each by contact or conversation, in
-- each by key. A page costs what it holds, however much came before it: each part is read from a key on through an open cursor, which
-- is left where the page is full. Rows of other contacts are never read. To export another table, add a part; `contact-data.ts` reads what
-- follows the parts, and the texts that hold JSON.

-- The parts in their order: each statement reads the rows of tenant $1 and contact or conversation $2 behind key $3, which it gives as
-- `key`. Fields are named as they are exported. Activities that run come first: one that ends meanwhile is told twice rather than never.
CREATE FUNCTION _contact_part(p_nth int, OUT section text, OUT per text, OUT first jsonb, OUT statement text) LANGUAGE sql IMMUTABLE AS $$
  SELECT p.section, p.per, p.first::jsonb, p.statement FROM (VALUES
    (0, 'contacts', 'contact', '""', $q$ SELECT contact_id AS key, contact_id AS "contactId", name, username, phone, bsuid,
        merged_into AS "mergedInto", created_at_ms AS "createdAtMs"
      FROM contact WHERE tenant_id = $1 AND contact_id = $2 AND contact_id > $3 $q$),
    (1, 'addresses', 'contact', '""', $q$ SELECT waba_id || ' ' || kind || ' ' || value AS key, contact_id AS "contactId", waba_id AS "wabaId", kind, value,
        created_at_ms AS "createdAtMs"
      FROM contact_address WHERE tenant_id = $1 AND contact_id = $2 AND waba_id || ' ' || kind || ' ' || value > $3 ORDER BY 1 $q$),
    (2, 'conversations', 'conversation', '""', $q$ SELECT conversation_id AS key, conversation_id AS "conversationId", contact_id AS "contactId",
        phone_number_id AS "phoneNumberId", waba_id AS "wabaId", merged_into AS "mergedInto", holder, state_label AS "stateLabel",
        dialog_state AS "dialogState", customer_last_at_ms AS "customerLastAtMs", operator_last_at_ms AS "operatorLastAtMs", created_at_ms AS "createdAtMs"
      FROM conversation WHERE tenant_id = $1 AND conversation_id = $2 AND conversation_id > $3 $q$),
    (3, 'events', 'conversation', '-1', $q$ SELECT position AS key, conversation_id AS "conversationId", position, kind, wamid, dedupe_key AS "dedupeKey",
        sent_at_ms AS "sentAtMs", received_at_ms AS "receivedAtMs", ending AS end, end_ref AS "endRef", content, raw
      FROM event WHERE tenant_id = $1 AND conversation_id = $2 AND position > $3::bigint ORDER BY position $q$),
    (4, 'sends', 'conversation', '-1', $q$ SELECT ordinal AS key, conversation_id AS "conversationId", send_id AS "sendId", ordinal,
        phone_number_id AS "phoneNumberId", state, delivery, origin, body, if_window_closed AS "ifWindowClosed", quote_wamid AS "quoteWamid", wamid,
        second_wamid AS "secondWamid", attempts, error_code AS "errorCode", why, created_at_ms AS "createdAtMs", sending_at_ms AS "sendingAtMs",
        delivered_at_ms AS "deliveredAtMs", updated_at_ms AS "updatedAtMs"
      FROM send WHERE tenant_id = $1 AND conversation_id = $2 AND ordinal > $3::bigint ORDER BY ordinal $q$),
    (5, 'timers', 'conversation', '""', $q$ SELECT timer_id AS key, conversation_id AS "conversationId", timer_id AS "timerId", due_at_ms AS "dueAtMs"
      FROM timer WHERE tenant_id = $1 AND conversation_id = $2 AND timer_id > $3 ORDER BY timer_id $q$),
    (6, 'flags', 'conversation', '""', $q$ SELECT flag_id AS key, conversation_id AS "conversationId", flag_id AS "flagId", reason, detail, count,
        created_at_ms AS "createdAtMs", last_at_ms AS "lastAtMs", resolved_at_ms AS "resolvedAtMs"
      FROM flag WHERE tenant_id = $1 AND conversation_id = $2 AND flag_id > $3 ORDER BY flag_id $q$),
    (7, 'deadLetters', 'conversation', '""', $q$ SELECT dead_letter_id AS key, conversation_id AS "conversationId", dead_letter_id AS "deadLetterId",
        position, fault, created_at_ms AS "createdAtMs", redriven_at_ms AS "redrivenAtMs"
      FROM dead_letter WHERE tenant_id = $1 AND conversation_id = $2 AND dead_letter_id > $3 ORDER BY dead_letter_id $q$),
    (8, 'actions', 'conversation', '-1', $q$ SELECT nth AS key, conversation_id AS "conversationId", action, at_ms AS "atMs", ref
      FROM operator_action WHERE tenant_id = $1 AND conversation_id = $2 AND nth > $3::bigint ORDER BY nth $q$),
    (9, 'activities', 'conversation', '""', _activities_part('state = ''running''')),
    (10, 'activities', 'conversation', '""', _activities_part('settled_at_ms IS NOT NULL')),
    (11, 'ledger', 'contact', '""', $q$ SELECT activity_id || ' ' || request AS key, contact_id AS "contactId", conversation_id AS "conversationId",
        activity_id AS "activityId", request, activity, day, currency, reserved_micros AS "reservedMicros", spent_micros AS "spentMicros", state,
        presumed::int AS presumed, created_at_ms AS "createdAtMs", updated_at_ms AS "updatedAtMs",
        (SELECT jsonb_agg(jsonb_build_object('atMs', p.at_ms, 'from', p.from_place, 'to', p.to_place, 'amountMicros', p.amount_micros) ORDER BY p.nth)
          FROM ledger_posting p WHERE p.tenant_id = e.tenant_id AND p.activity_id = e.activity_id AND p.request = e.request) AS postings
      FROM ledger_entry e WHERE tenant_id = $1 AND contact_id = $2 AND activity_id || ' ' || request > $3 ORDER BY 1 $q$),
    (12, 'limits', 'both', '""', $q$ SELECT limit_name || ' ' || window_start_ms AS key, limit_name AS limit, scope, unit, window_start_ms AS "windowStartMs",
        window_end_ms AS "windowEndMs", used, refused, returned, max_last AS max
      FROM limit_counter WHERE tenant_id = $1 AND scope = $2 AND limit_name || ' ' || window_start_ms > $3 ORDER BY 1 $q$)
  ) AS p (nth, section, per, first, statement) WHERE p.nth = p_nth
$$;

-- Indexes: activity_running, activity_ended.
CREATE FUNCTION _activities_part(p_which text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format($q$ SELECT activity_id AS key, conversation_id AS "conversationId", activity_id AS "activityId", name, state, input, result, fault,
      created_at_ms AS "createdAtMs", settled_at_ms AS "settledAtMs", deadline_at_ms AS "deadlineAtMs"
    FROM activity WHERE tenant_id = $1 AND conversation_id = $2 AND %s AND activity_id > $3 ORDER BY activity_id $q$, p_which)
$$;

-- Answers `{ rows: [{ section, row }], bytes, next }`; `next` is a cursor, or null where all parts are read.
CREATE FUNCTION read_contact(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  bytes_max constant bigint := (input ->> 'bytesMax')::bigint;
  at_part int := coalesce((input #>> '{after,part}')::int, 0);
  at_scope int := coalesce((input #>> '{after,scope}')::int, 0);
  after_key jsonb := nullif(input #> '{after,after}', 'null');
  own record;
  part record;
  ids text[];
  found record;
  rows jsonb[] := '{}';
  bytes bigint := 0;
BEGIN
  own := _contact_scope(of_tenant, input ->> 'contactId');
  LOOP
    SELECT p.* INTO part FROM _contact_part(at_part) AS p;
    IF part.section IS NULL THEN
      RETURN jsonb_build_object('rows', to_jsonb(rows), 'bytes', bytes, 'next', NULL);
    END IF;
    ids := CASE part.per WHEN 'contact' THEN own.contact_ids WHEN 'conversation' THEN own.conversation_ids
      ELSE own.contact_ids || own.conversation_ids END;
    WHILE at_scope < cardinality(ids) LOOP
      FOR found IN EXECUTE format('SELECT to_jsonb(r.key) AS key, to_jsonb(r) - ''key'' AS fields FROM (%s) AS r', part.statement)
        USING of_tenant, ids[at_scope + 1], coalesce(after_key, part.first) #>> '{}'
      LOOP
        IF bytes >= bytes_max THEN
          RETURN jsonb_build_object('rows', to_jsonb(rows), 'bytes', bytes,
            'next', jsonb_build_object('part', at_part, 'scope', at_scope, 'after', after_key));
        END IF;
        rows := rows || jsonb_build_object('section', part.section, 'row', found.fields);
        bytes := bytes + octet_length(found.fields::text);
        after_key := found.key;
      END LOOP;
      at_scope := at_scope + 1;
      after_key := NULL;
    END LOOP;
    at_part := at_part + 1;
    at_scope := 0;
  END LOOP;
END $$;

CREATE FUNCTION read_contact_files(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('fileId', f.file_id, 'mimeType', f.mime_type, 'bytes', f.bytes, 'usedAtMs', f.used_at_ms)
    ORDER BY f.file_id), '[]') FROM _files_of_contact(input ->> 'tenantId', input ->> 'contactId') AS f
$$;
