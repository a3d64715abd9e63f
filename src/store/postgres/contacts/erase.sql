-- A customer wants to be forgotten: the content of everything that is stored of their contact goes, in one transaction, and what proves
-- that nothing is done twice stays without it. A row is emptied and not deleted where its key, its state or its amounts are still
-- needed: the dedupe key of an event while Meta may repeat it, the wamid of a send while its statuses come, the ledger for ever. The
-- conversations are closed: each becomes its own alias (`alias.sql`), so that no turn takes from it, nothing is appended to it and nobody
-- can write in it.
--
-- A table that holds something a customer or a dialog said is emptied here, counted in `_count_content` and exported in
-- `contact-export.sql`; a test looks through every column of every table.

-- Locks the contacts and then their conversations, and answers them. A merge that was under way may have made the contact larger meanwhile:
-- then `contact_id` is null. What is missing must not be locked behind the rest, since others lock in the order of keys, too.
CREATE FUNCTION _lock_contact(p_tenant text, p_contact text, OUT contact_id text, OUT contact_ids text[], OUT conversation_ids text[])
LANGUAGE plpgsql AS $$
DECLARE
  seen record;
  own record;
BEGIN
  seen := _contact_scope(p_tenant, p_contact);
  PERFORM _lock_contacts((SELECT jsonb_agg(jsonb_build_object('tenantId', p_tenant, 'contactId', k.id)) FROM unnest(seen.contact_ids) AS k (id)));
  PERFORM _lock_conversations((SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', p_tenant, 'conversationId', c.id)), '[]')
    FROM unnest(seen.conversation_ids) AS c (id)));
  own := _contact_scope(p_tenant, p_contact);
  IF own IS DISTINCT FROM seen THEN RETURN; END IF;
  contact_id := own.contact_id;
  contact_ids := own.contact_ids;
  conversation_ids := own.conversation_ids;
END $$;

CREATE FUNCTION count_contact(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  own record;
BEGIN
  own := _contact_scope(input ->> 'tenantId', input ->> 'contactId');
  RETURN _count_content(input ->> 'tenantId', own.contact_ids, own.conversation_ids, input ->> 'emptyBody');
END $$;

-- Rows that still hold something, of each kind. Indexes: keys, send_by_ordinal, activity_running, activity_ended, flag_by_conversation,
-- dead_letter_by_conversation, contact_address_by_contact.
CREATE FUNCTION _count_content(p_tenant text, p_contacts text[], p_conversations text[], p_empty_body text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'addresses', (SELECT count(*) FROM contact_address a WHERE a.tenant_id = p_tenant AND a.contact_id = ANY (p_contacts)),
    'profiles', (SELECT count(*) FROM contact k WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (p_contacts)
      AND coalesce(k.name, k.username, k.phone, k.bsuid) IS NOT NULL),
    'events', (SELECT count(*) FROM event e WHERE e.tenant_id = p_tenant AND e.conversation_id = ANY (p_conversations)
      AND (e.ending IS NULL OR e.content <> '{}' OR e.raw IS NOT NULL)),
    'sends', (SELECT count(*) FROM send s WHERE s.tenant_id = p_tenant AND s.conversation_id = ANY (p_conversations)
      AND (s.body <> p_empty_body OR s.if_window_closed IS NOT NULL)),
    'activities', (SELECT count(*) FROM activity a WHERE a.tenant_id = p_tenant AND a.conversation_id = ANY (p_conversations) AND a.state = 'running')
      + (SELECT count(*) FROM activity a WHERE a.tenant_id = p_tenant AND a.conversation_id = ANY (p_conversations) AND a.settled_at_ms IS NOT NULL
        AND (a.input <> 'null' OR a.result IS NOT NULL OR a.fault IS NOT NULL)),
    'states', (SELECT count(*) FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = ANY (p_conversations) AND c.dialog_state IS NOT NULL),
    'timers', (SELECT count(*) FROM timer t WHERE t.tenant_id = p_tenant AND t.conversation_id = ANY (p_conversations)),
    'flags', (SELECT count(*) FROM flag f WHERE f.tenant_id = p_tenant AND f.conversation_id = ANY (p_conversations) AND f.detail IS NOT NULL),
    'deadLetters', (SELECT count(*) FROM dead_letter d WHERE d.tenant_id = p_tenant AND d.conversation_id = ANY (p_conversations) AND d.fault <> 'erased'))
$$;

-- `quarantined` and `notices` are the keys of what names the contact, by the `addresses` that were looked for; answers null where those are
-- no longer all, or the contact became larger, and nothing is changed.
CREATE FUNCTION erase_contact(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms bigint;
  own record;
  content jsonb;
  work jsonb;
BEGIN
  own := _lock_contact(of_tenant, input ->> 'contactId');
  now_ms := _now_of(input);
  IF own.contact_id IS NULL OR to_jsonb(_contact_addresses(of_tenant, own.contact_ids)) IS DISTINCT FROM input -> 'addresses' THEN
    RETURN 'null';
  END IF;
  content := _count_content(of_tenant, own.contact_ids, own.conversation_ids, input ->> 'emptyBody')
    || _empty_mentions(of_tenant, input -> 'quarantined', input -> 'notices', now_ms);
  work := _end_work(of_tenant, own.contact_ids, own.conversation_ids, now_ms);
  PERFORM _empty_conversations(of_tenant, own.conversation_ids, input ->> 'emptyBody', now_ms);
  UPDATE contact k SET name = NULL, username = NULL, phone = NULL, bsuid = NULL WHERE k.tenant_id = of_tenant AND k.contact_id = ANY (own.contact_ids);
  DELETE FROM contact_address a WHERE a.tenant_id = of_tenant AND a.contact_id = ANY (own.contact_ids);
  content := content || jsonb_build_object('files', _let_files_go(of_tenant, input -> 'fileIds', (input ->> 'filesSeenAtMs')::bigint));
  IF EXISTS (SELECT FROM jsonb_each_text(content) AS c WHERE c.value <> '0') THEN
    INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id, ref)
      VALUES (of_tenant, now_ms, input ->> 'by', 'eraseContact', NULL, own.contact_id);
  END IF;
  RETURN work || jsonb_build_object('content', content);
END $$;

CREATE FUNCTION _empty_mentions(p_tenant text, p_quarantined jsonb, p_notices jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  quarantined bigint;
  notices bigint;
BEGIN
  UPDATE quarantine q SET item = NULL, bytes = NULL, redriven_at_ms = coalesce(q.redriven_at_ms, p_now)
    FROM jsonb_array_elements(p_quarantined) AS each
    WHERE q.tenant_id = each ->> 'tenantId' AND q.quarantine_id = each ->> 'quarantineId' AND (q.item IS NOT NULL OR q.bytes IS NOT NULL);
  GET DIAGNOSTICS quarantined = ROW_COUNT;
  UPDATE notice n SET raw = '{}' WHERE n.tenant_id = p_tenant AND n.dedupe_key IN (SELECT jsonb_array_elements_text(p_notices)) AND n.raw <> '{}';
  GET DIAGNOSTICS notices = ROW_COUNT;
  RETURN jsonb_build_object('quarantined', quarantined, 'notices', notices);
END $$;

-- Everything under way ends: events, sends, activities with their money, timers, flags; then the conversations are closed.
CREATE FUNCTION _end_work(p_tenant text, p_contacts text[], p_conversations text[], p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  events_ended bigint;
  sends_withdrawn bigint;
  cancelled text[];
  conversation_of text;
  claims jsonb;
BEGIN
  -- Its answer will not come; where it was made and has not left, neither. Before any send is withdrawn: a merge may have moved the answer
  -- of an event into another conversation.
  UPDATE event e SET ending = 'noAnswerNeeded', end_ref = 'erased', fence = coalesce(e.fence, (SELECT c.fence FROM conversation c
      WHERE c.tenant_id = e.tenant_id AND c.conversation_id = e.conversation_id))
    WHERE e.tenant_id = p_tenant AND e.conversation_id = ANY (p_conversations) AND (e.ending IS NULL OR e.ending = 'awaiting'
      OR (e.ending = 'answered' AND EXISTS (SELECT FROM send s
        WHERE s.tenant_id = e.tenant_id AND s.send_id = e.end_ref AND s.state IN ('queued','sending','uncertain','held'))));
  GET DIAGNOSTICS events_ended = ROW_COUNT;
  UPDATE send s SET state = 'withdrawn', updated_at_ms = p_now
    WHERE s.tenant_id = p_tenant AND s.conversation_id = ANY (p_conversations) AND s.state IN ('queued','held');
  GET DIAGNOSTICS sends_withdrawn = ROW_COUNT;
  -- What is on the wire may come back unsent; then there is nothing any more that could leave.
  UPDATE send s SET withdraw_on_return = true
    WHERE s.tenant_id = p_tenant AND s.conversation_id = ANY (p_conversations) AND s.state IN ('sending','uncertain');
  WITH ended AS (UPDATE activity a SET state = 'cancelled', settled_at_ms = p_now
    WHERE a.tenant_id = p_tenant AND a.conversation_id = ANY (p_conversations) AND a.state = 'running' RETURNING a.activity_id::text AS id)
  SELECT array_agg(ended.id ORDER BY ended.id) INTO cancelled FROM ended;
  -- Without its input a request cannot be asked about any more, so an entry that stays uncertain counts as spent at once.
  UPDATE ledger_entry l SET tries = greatest(l.tries, {limits.chargeTriesMax}) WHERE l.tenant_id = p_tenant
    AND l.conversation_id = ANY (p_conversations) AND l.contact_id = ANY (p_contacts) AND l.state IN ('reserved','calling','uncertain','asking');
  -- Those of all conversations together, in the order of their keys.
  SELECT jsonb_agg(claim) INTO claims FROM unnest(p_conversations) AS c (id), jsonb_array_elements(_open_claims(p_tenant, c.id)) AS claim;
  IF claims IS NOT NULL THEN PERFORM _lock_counters(claims); END IF;
  FOREACH conversation_of IN ARRAY p_conversations LOOP
    PERFORM _cancel_charges(p_tenant, conversation_of, p_now);
  END LOOP;
  DELETE FROM timer t WHERE t.tenant_id = p_tenant AND t.conversation_id = ANY (p_conversations);
  -- Of money that nobody knows about somebody must still be asked.
  UPDATE flag f SET resolved_at_ms = p_now, resolved_by = 'erased' WHERE f.tenant_id = p_tenant AND f.conversation_id = ANY (p_conversations)
    AND f.resolved_at_ms IS NULL AND f.reason <> 'chargeUncertain';
  UPDATE conversation c SET merged_into = c.conversation_id, fence = c.fence + (c.merged_into IS NULL)::int, lease_owner = NULL, lease_until_ms = NULL,
      due_at_ms = NULL, first_open_at_ms = NULL, dialog_state = NULL, state_label = NULL, holder = 'bot', held_by = NULL, held_since_ms = NULL
    WHERE c.tenant_id = p_tenant AND c.conversation_id = ANY (p_conversations)
      AND (c.merged_into IS DISTINCT FROM c.conversation_id OR c.dialog_state IS NOT NULL);
  RETURN jsonb_build_object('eventsEnded', events_ended, 'sendsWithdrawn', sends_withdrawn, 'cancelled', to_jsonb(coalesce(cancelled, '{}')));
END $$;

CREATE FUNCTION _empty_conversations(p_tenant text, p_conversations text[], p_empty_body text, p_now bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE event e SET content = '{}', raw = NULL, wamid = NULL WHERE e.tenant_id = p_tenant AND e.conversation_id = ANY (p_conversations)
    AND (e.content <> '{}' OR e.raw IS NOT NULL);
  UPDATE send s SET body = p_empty_body, if_window_closed = NULL, quote_wamid = NULL, why = 'the contact was erased'
    WHERE s.tenant_id = p_tenant AND s.conversation_id = ANY (p_conversations) AND (s.body <> p_empty_body OR s.if_window_closed IS NOT NULL);
  UPDATE activity a SET input = 'null', result = NULL, fault = NULL, reuse = NULL WHERE a.tenant_id = p_tenant
    AND a.conversation_id = ANY (p_conversations) AND a.settled_at_ms IS NOT NULL AND (a.input <> 'null' OR a.result IS NOT NULL OR a.fault IS NOT NULL);
  UPDATE flag f SET detail = NULL WHERE f.tenant_id = p_tenant AND f.conversation_id = ANY (p_conversations) AND f.detail IS NOT NULL;
  UPDATE dead_letter d SET fault = 'erased', redriven_at_ms = coalesce(d.redriven_at_ms, p_now)
    WHERE d.tenant_id = p_tenant AND d.conversation_id = ANY (p_conversations) AND d.fault <> 'erased'
$$;

-- Lets retention have what nobody used since it was seen; answers how many files that are.
CREATE FUNCTION _let_files_go(p_tenant text, p_files jsonb, p_seen_at bigint) RETURNS bigint LANGUAGE sql AS $$
  WITH let_go AS (UPDATE file f SET used_at_ms = 0 WHERE f.tenant_id = p_tenant AND f.file_id IN (SELECT jsonb_array_elements_text(p_files))
      AND f.used_at_ms > 0 AND f.used_at_ms < p_seen_at RETURNING f.file_id),
    uploads AS (DELETE FROM upload u USING let_go WHERE u.tenant_id = p_tenant AND u.file_id = let_go.file_id)
  SELECT count(*) FROM let_go
$$;
