-- What was said, as rows, newest first; `core/history.ts` makes words of them and puts them in order. A model never sees a message that
-- is still in the mailbox, nor a send that was taken back.

-- On the way of every answer, those of many conversations by one call: of each two index ranges read backwards (the primary key of event,
-- send_by_ordinal), which end at the limit, and event_awaiting, of which nothing is left out. PL/pgSQL, since it keeps its plans; without
-- bitmaps, which would read all that was ever said. Answers `json`: nothing looks into it here, and `jsonb` takes twice the time to make.
CREATE FUNCTION read_histories(input jsonb) RETURNS json LANGUAGE plpgsql STABLE SET enable_bitmapscan = off AS $$
BEGIN
  RETURN (SELECT json_agg(json_build_object('max', m.most, 'events', v.said, 'sends', w.said) ORDER BY i.nth)
    FROM ROWS FROM (jsonb_to_recordset(input -> 'items') AS ("tenantId" text, "conversationId" text, "throughFence" bigint, max bigint))
        WITH ORDINALITY AS i (tenant_id, conversation_id, through, max, nth),
      LATERAL (SELECT i.max + count(*) AS most FROM event e
        WHERE e.tenant_id = i.tenant_id AND e.conversation_id = i.conversation_id AND e.ending = 'awaiting') AS m,
      LATERAL (SELECT coalesce(json_agg(json_build_object('position', r.position, 'fence', r.fence, 'kind', r.kind,
          'receivedAtMs', r.received_at_ms, 'content', r.content, 'ending', r.ending)), '[]') AS said
        FROM (SELECT e.position, e.fence, e.kind, e.received_at_ms, e.content, e.ending FROM event e
          WHERE e.tenant_id = i.tenant_id AND e.conversation_id = i.conversation_id AND (e.class = 'answer' OR e.kind = 'echo')
          AND e.ending IS NOT NULL AND e.fence <= i.through ORDER BY e.position DESC LIMIT m.most) r) AS v,
      LATERAL (SELECT coalesce(json_agg(json_build_object('fence', r.fence, 'origin', r.origin, 'createdAtMs', r.created_at_ms,
          'body', r.body)), '[]') AS said
        FROM (SELECT s.fence, s.origin, s.created_at_ms, s.body FROM send s
          WHERE s.tenant_id = i.tenant_id AND s.conversation_id = i.conversation_id AND s.state NOT IN ('withdrawn','refused')
          AND s.fence <= i.through ORDER BY s.ordinal DESC LIMIT m.most) r) AS w);
END $$;

-- For people, who read what was said before a merge, too. Indexes: conversation_merged, then the primary key of event and
-- send_by_ordinal: all of one contact's rows are read. `positionNext` and `ordinalNext` tell whether something came since.
CREATE FUNCTION read_transcript(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  survivor constant text := _surviving_conversation(of_tenant, input ->> 'conversationId');
  most constant bigint := (input ->> 'max')::bigint;
  whole_life constant text[] := ARRAY(SELECT c.conversation_id::text FROM conversation c
    WHERE c.tenant_id = of_tenant AND (c.conversation_id = survivor OR c.merged_into = survivor));
BEGIN
  RETURN jsonb_build_object('conversationId', survivor,
    'positionNext', (SELECT c.position_next FROM conversation c WHERE c.tenant_id = of_tenant AND c.conversation_id = survivor),
    'ordinalNext', (SELECT c.ordinal_next FROM conversation c WHERE c.tenant_id = of_tenant AND c.conversation_id = survivor),
    'events', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', r.kind, 'receivedAtMs', r.received_at_ms, 'content', r.content)
        ORDER BY r.received_at_ms DESC, r.position DESC), '[]')
      FROM (SELECT e.position, e.kind, e.received_at_ms, e.content FROM event e
        WHERE e.tenant_id = of_tenant AND e.conversation_id = ANY (whole_life) AND (e.class = 'answer' OR e.kind = 'echo')
        ORDER BY e.received_at_ms DESC, e.position DESC LIMIT most) r),
    'sends', (SELECT coalesce(jsonb_agg(jsonb_build_object('origin', r.origin, 'state', r.state, 'delivery', r.delivery,
        'createdAtMs', r.created_at_ms, 'body', r.body) ORDER BY r.created_at_ms DESC, r.ordinal DESC), '[]')
      FROM (SELECT s.ordinal, s.origin, s.state, s.delivery, s.created_at_ms, s.body FROM send s
        WHERE s.tenant_id = of_tenant AND s.conversation_id = ANY (whole_life)
        ORDER BY s.created_at_ms DESC, s.ordinal DESC LIMIT most) r));
END $$;
