-- What people do: take over, answer, hand back, resolve flags and sends, redrive. Each change is one transaction and is written down with
-- who made it. What they point at may have been merged away meanwhile: they act on its survivor.

-- Takes the lock of a conversation, or of the one that it was merged into, also where that happens while this waits. Answers its id.
CREATE FUNCTION _lock_survivor(p_tenant text, p_conversation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  survivor text;
BEGIN
  FOR attempt IN 1..10 LOOP
    survivor := _surviving_conversation(p_tenant, p_conversation);
    PERFORM 1 FROM conversation c
      WHERE c.tenant_id = p_tenant AND c.conversation_id = survivor AND c.merged_into IS NULL FOR UPDATE;
    IF FOUND THEN RETURN survivor; END IF;
    EXIT WHEN _surviving_conversation(p_tenant, p_conversation) = survivor;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'ND404', MESSAGE = format(
    'There is no conversation %s of tenant %s. List the open flags for the ids of conversations that want a person.',
    survivor, p_tenant);
END $$;

CREATE FUNCTION _record_action(p_tenant text, p_by text, p_action text, p_conversation text, p_ref text, p_now bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id, ref)
    VALUES (p_tenant, p_now, p_by, p_action, p_conversation, p_ref)
$$;

-- Answers how many were open. Indexes: the primary key of flag, flag_by_conversation.
CREATE FUNCTION resolve_flags(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms constant bigint := _now_of(input);
  flag_ids constant text[] := ARRAY(SELECT jsonb_array_elements_text(input -> 'flagIds')
    UNION SELECT f.flag_id FROM flag f WHERE f.tenant_id = of_tenant AND f.conversation_id = input ->> 'conversationId');
  resolved bigint;
BEGIN
  PERFORM _lock_conversations((SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', of_tenant, 'conversationId', f.conversation_id)), '[]')
    FROM flag f WHERE f.tenant_id = of_tenant AND f.flag_id = ANY (flag_ids)));
  UPDATE flag f SET resolved_at_ms = now_ms, resolved_by = input ->> 'by'
    WHERE f.tenant_id = of_tenant AND f.flag_id = ANY (flag_ids) AND f.resolved_at_ms IS NULL;
  GET DIAGNOSTICS resolved = ROW_COUNT;
  IF resolved > 0 THEN
    PERFORM _record_action(of_tenant, input ->> 'by', 'resolveFlags', input ->> 'conversationId',
      (SELECT string_agg(f.id, ' ') FROM jsonb_array_elements_text(input -> 'flagIds') AS f (id)), now_ms);
  END IF;
  RETURN to_jsonb(resolved);
END $$;

CREATE FUNCTION take_over(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms constant bigint := _now_of(input);
  of_conversation constant text := _lock_survivor(of_tenant, input ->> 'conversationId');
  taken constant jsonb := _take_over(of_tenant, of_conversation, input ->> 'by', now_ms);
BEGIN
  PERFORM _record_action(of_tenant, input ->> 'by', 'takeOver', of_conversation, NULL, now_ms);
  RETURN coalesce(taken, jsonb_build_object('withdrawn', 0, 'cancelled', '[]'::jsonb));
END $$;

-- Takes over first where the bot holds the conversation; the words take their place in its lane, behind what is on the wire.
CREATE FUNCTION reply_as_operator(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms constant bigint := _now_of(input);
  of_conversation constant text := _lock_survivor(of_tenant, input ->> 'conversationId');
  taken constant jsonb := take_over(input);
  lane conversation;
  refs jsonb;
BEGIN
  SELECT c.* INTO lane FROM conversation c WHERE c.tenant_id = of_tenant AND c.conversation_id = of_conversation;
  refs := _insert_sends(of_tenant, of_conversation, lane.phone_number_id, lane.fence, lane.ordinal_next, input -> 'sends', now_ms);
  UPDATE conversation c SET ordinal_next = c.ordinal_next + jsonb_array_length(input -> 'sends')
    WHERE c.tenant_id = of_tenant AND c.conversation_id = of_conversation;
  PERFORM _note_owners_word(of_tenant, of_conversation, now_ms);
  PERFORM _record_action(of_tenant, input ->> 'by', 'reply', of_conversation,
    (SELECT string_agg(s.value ->> 'sendId', ' ') FROM jsonb_array_elements(input -> 'sends') s), now_ms);
  RETURN jsonb_build_object('sends', refs, 'cancelled', taken -> 'cancelled');
END $$;

-- `content` holds the transcript as it was read at `positionNext` and `ordinalNext`. Where something was said since, nothing is changed
-- and the answer is null: it is to be read anew, so that the dialog is told all of it; `anyway` does without.
CREATE FUNCTION hand_back(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms constant bigint := _now_of(input);
  of_conversation constant text := _lock_survivor(of_tenant, input ->> 'conversationId');
  reopened bigint;
BEGIN
  PERFORM 1 FROM conversation c WHERE c.tenant_id = of_tenant AND c.conversation_id = of_conversation AND c.holder = 'operator'
    AND NOT coalesce((input -> 'anyway')::boolean, false)
    AND (c.position_next, c.ordinal_next) IS DISTINCT FROM ((input ->> 'positionNext')::bigint, (input ->> 'ordinalNext')::bigint);
  IF FOUND THEN RETURN 'null'; END IF;
  reopened := _hand_back(of_tenant, of_conversation, input ->> 'content', now_ms);
  IF reopened IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format(
      'Conversation %s is not held by an operator, so there is nothing to hand back.', of_conversation);
  END IF;
  PERFORM _record_action(of_tenant, input ->> 'by', 'handBack', of_conversation, NULL, now_ms);
  RETURN jsonb_build_object('reopened', reopened);
END $$;

-- Appends a copy of the dead event at the end of its mailbox; the dead letter stays as a record. Of two at once the second waits for the
-- row of the conversation and finds it redriven.
CREATE FUNCTION redrive_dead_letter(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  letter_id constant text := input ->> 'deadLetterId';
  now_ms constant bigint := _now_of(input);
  survivor text;
  dead record;
  appended bigint;
BEGIN
  SELECT d.conversation_id INTO survivor FROM dead_letter d WHERE d.tenant_id = of_tenant AND d.dead_letter_id = letter_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'ND404', MESSAGE = format('There is no dead letter %s of tenant %s.', letter_id, of_tenant);
  END IF;
  survivor := _lock_survivor(of_tenant, survivor);
  SELECT d.redriven_at_ms, e.kind, e.content, e.class, e.wamid, e.sent_at_ms INTO dead FROM dead_letter d
    LEFT JOIN event e ON e.tenant_id = d.tenant_id AND e.conversation_id = d.conversation_id AND e.position = d.position
    WHERE d.tenant_id = of_tenant AND d.dead_letter_id = letter_id;
  IF dead.redriven_at_ms IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format('Dead letter %s was redriven already.', letter_id);
  END IF;
  IF dead.kind IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format(
      'The event of dead letter %s is past its retention and was deleted.', letter_id);
  END IF;
  appended := _append_internal(of_tenant, survivor, dead.kind, 'redrive:' || letter_id, dead.content, now_ms);
  UPDATE event e SET class = dead.class, wamid = dead.wamid, sent_at_ms = dead.sent_at_ms
    WHERE e.tenant_id = of_tenant AND e.conversation_id = survivor AND e.position = appended;
  UPDATE dead_letter d SET redriven_at_ms = now_ms WHERE d.tenant_id = of_tenant AND d.dead_letter_id = letter_id;
  PERFORM _record_action(of_tenant, input ->> 'by', 'redriveDeadLetter', survivor, letter_id, now_ms);
  RETURN jsonb_build_object('tenantId', of_tenant, 'conversationId', survivor);
END $$;

-- The row of a send under the lock of its conversation, which a merge may have changed while this waited.
CREATE FUNCTION _lock_send(p_tenant text, p_send text) RETURNS send LANGUAGE plpgsql AS $$
DECLARE
  found_in text;
  held send;
BEGIN
  FOR attempt IN 1..10 LOOP
    SELECT s.conversation_id INTO found_in FROM send s WHERE s.tenant_id = p_tenant AND s.send_id = p_send;
    EXIT WHEN NOT FOUND;
    PERFORM 1 FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = found_in FOR UPDATE;
    SELECT s.* INTO held FROM send s WHERE s.tenant_id = p_tenant AND s.send_id = p_send;
    IF held.conversation_id = found_in THEN RETURN held; END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'ND404', MESSAGE = format('There is no send %s of tenant %s.', p_send, p_tenant);
END $$;

-- A person decides what became of an uncertain or held send. Answers what may leave next.
CREATE FUNCTION resolve_send(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  now_ms constant bigint := _now_of(input);
  verdict constant text := input ->> 'verdict';
  held constant send := _lock_send(of_tenant, input ->> 'sendId');
  next_send jsonb;
BEGIN
  IF held.state NOT IN ('uncertain','held') THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format(
      'Send %s is %s; only an uncertain or held send waits for a person''s verdict.', held.send_id, held.state);
  END IF;
  IF verdict = 'withdraw' THEN PERFORM _see_instead_of_answered(of_tenant, held.conversation_id, held.send_id); END IF;
  UPDATE send s SET state = CASE verdict WHEN 'accepted' THEN 'accepted' WHEN 'resend' THEN 'queued' WHEN 'withdraw' THEN 'withdrawn' END,
      why = format('%s by %s', verdict, input ->> 'by'), not_before_ms = 0, withdraw_on_return = false, updated_at_ms = now_ms
    WHERE s.tenant_id = of_tenant AND s.send_id = held.send_id;
  PERFORM _record_action(of_tenant, input ->> 'by', 'resolveSend ' || verdict, held.conversation_id, held.send_id, now_ms);
  next_send := _next_of_lane(of_tenant, held.conversation_id);
  RETURN CASE WHEN next_send IS NULL THEN '[]' ELSE jsonb_build_array(next_send) END;
END $$;

-- Index: quarantine_open. Of all tenants: what is put in again may be nobody's yet. Locked in key order, since several may do so at once.
CREATE FUNCTION mark_redriven(input jsonb) RETURNS jsonb LANGUAGE sql AS $$
  WITH put_in AS (SELECT q.tenant_id, q.quarantine_id FROM quarantine q WHERE q.redriven_at_ms IS NULL
    AND q.quarantine_id IN (SELECT jsonb_array_elements_text(input -> 'quarantineIds'))
    ORDER BY q.tenant_id, q.quarantine_id FOR UPDATE)
  UPDATE quarantine q SET redriven_at_ms = _now_of(input) FROM put_in p
    WHERE q.tenant_id = p.tenant_id AND q.quarantine_id = p.quarantine_id;
  SELECT 'null'::jsonb
$$;
