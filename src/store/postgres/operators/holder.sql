-- Who holds a conversation: the bot or an operator. Taking over raises the fence, so a turn under way commits nothing; it withdraws what
-- the bot has not yet sent and cancels what it has running. Handing back gives the dialog one event and leaves the messages after the
-- operator's last word to the bot. "After" is told by positions and not by clocks: a message of the same millisecond, or after a clock
-- stepped back, must be neither lost nor answered twice.
--
-- Each of them takes the row of the conversation first: whatever a turn, a settlement or a webhook changes in it waits for that lock and
-- is judged by what is true behind it.

-- In the place of an operator, where a restore found something open and nobody has looked at it.
CREATE FUNCTION _unseen_holder() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'nobody yet: the store was restored from a backup' $$;

-- Takes the lock of a conversation that nobody merged away; all its columns are NULL where there is none.
CREATE FUNCTION _hold_row(p_tenant text, p_conversation text) RETURNS conversation LANGUAGE sql AS $$
  SELECT c FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation AND c.merged_into IS NULL FOR UPDATE
$$;

-- Makes an operator the holder; NULL where one holds it already or there is no such conversation. Whoever takes what nobody had seen has
-- seen it from then on.
CREATE FUNCTION _take_over(p_tenant text, p_conversation text, p_by text, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  held constant conversation := _hold_row(p_tenant, p_conversation);
  withdrawn bigint;
  cancelled text[];
BEGIN
  IF held.holder = 'operator' THEN
    UPDATE conversation c SET held_by = p_by,
        seen_through = CASE WHEN c.held_by = _unseen_holder() THEN c.position_next - 1 ELSE c.seen_through END
      WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation;
  END IF;
  IF held.holder IS DISTINCT FROM 'bot' THEN RETURN NULL; END IF;
  withdrawn := _withdraw_bot_sends(p_tenant, p_conversation, p_now);
  cancelled := _fall_silent(p_tenant, p_conversation, held.fence, p_now);
  PERFORM _make_operators(p_tenant, p_conversation, p_by, p_now);
  RETURN jsonb_build_object('withdrawn', withdrawn, 'cancelled', to_jsonb(cancelled));
END $$;

-- The dialog itself asks for a person: what it just said still leaves, nothing else of it goes on. Answers the cancelled activities.
CREATE FUNCTION _hand_off(p_tenant text, p_conversation text, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  held constant conversation := _hold_row(p_tenant, p_conversation);
  cancelled text[];
BEGIN
  IF held.holder IS NULL THEN RETURN '{}'; END IF;
  cancelled := _fall_silent(p_tenant, p_conversation, held.fence, p_now);
  PERFORM _make_operators(p_tenant, p_conversation, 'nobody yet: the dialog handed off', p_now);
  RETURN cancelled;
END $$;

-- Makes nobody in particular the holder of what the bot holds, after a restore; its sends stay what they are. A hand-back leaves messages
-- from `p_first_unanswered` on to the bot, unless somebody takes the conversation or writes in it before.
CREATE FUNCTION _hold_unseen(p_tenant text, p_conversation text, p_first_unanswered bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  held constant conversation := _hold_row(p_tenant, p_conversation);
BEGIN
  IF held.holder IS DISTINCT FROM 'bot' THEN RETURN; END IF;
  PERFORM _fall_silent(p_tenant, p_conversation, held.fence, p_now);
  PERFORM _make_operators(p_tenant, p_conversation, _unseen_holder(), p_now);
  UPDATE conversation c SET seen_through = greatest(held.seen_through, p_first_unanswered - 1)
    WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation;
END $$;

CREATE FUNCTION _make_operators(p_tenant text, p_conversation text, p_by text, p_now bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE conversation SET holder = 'operator', held_by = p_by, held_since_ms = p_now, seen_through = position_next - 1, fence = fence + 1,
      lease_owner = NULL, lease_until_ms = NULL, due_at_ms = NULL, first_open_at_ms = NULL
    WHERE tenant_id = p_tenant AND conversation_id = p_conversation
$$;

-- Takes back what the bot has not sent; what those sends answered is the operator's. What is on the wire may come back unsent; then it
-- must not leave behind the operator's back. Answers how many were withdrawn. Index: send_open.
CREATE FUNCTION _withdraw_bot_sends(p_tenant text, p_conversation text, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken_back text;
  withdrawn bigint := 0;
BEGIN
  UPDATE send s SET withdraw_on_return = true WHERE s.tenant_id = p_tenant AND s.conversation_id = p_conversation
    AND s.state IN ('queued','sending','uncertain') AND s.state <> 'queued' AND s.origin <> 'operator';
  FOR taken_back IN
    UPDATE send s SET state = 'withdrawn', why = 'an operator took over', updated_at_ms = p_now
      WHERE s.tenant_id = p_tenant AND s.conversation_id = p_conversation
      AND s.state IN ('queued','sending','uncertain') AND s.state = 'queued' AND s.origin <> 'operator' RETURNING s.send_id
  LOOP
    PERFORM _see_instead_of_answered(p_tenant, p_conversation, taken_back);
    withdrawn := withdrawn + 1;
  END LOOP;
  RETURN withdrawn;
END $$;

-- Ends everything of the bot that is under way; what waited for it is the operator's. Answers the cancelled activities.
-- Indexes: activity_running, event_open, event_awaiting.
CREATE FUNCTION _fall_silent(p_tenant text, p_conversation text, p_fence bigint, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  cancelled text[];
BEGIN
  WITH ended AS (
    UPDATE activity a SET state = 'cancelled', settled_at_ms = p_now
      WHERE a.tenant_id = p_tenant AND a.conversation_id = p_conversation AND a.state = 'running' RETURNING a.activity_id)
  SELECT coalesce(array_agg(activity_id::text ORDER BY activity_id), '{}') INTO cancelled FROM ended;
  PERFORM _cancel_charges(p_tenant, p_conversation, p_now);
  -- A paid result that no turn has taken is kept, where its activity wants that.
  UPDATE activity a SET reuse = 'waiting' WHERE a.tenant_id = p_tenant AND a.reuse IS NULL AND a.result IS NOT NULL
    AND a.activity_id IN (SELECT substr(e.dedupe_key, length('activity:') + 1) FROM event e
      WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending IS NULL AND e.kind = 'activityDone')
    AND EXISTS (SELECT 1 FROM ledger_entry l WHERE l.tenant_id = p_tenant AND l.activity_id = a.activity_id AND l.late = 'reuse');
  DELETE FROM timer t WHERE t.tenant_id = p_tenant AND t.conversation_id = p_conversation;
  -- What the bot had not answered is the operator's from now on.
  UPDATE event e SET ending = 'seenByOperator'
    WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending = 'awaiting';
  -- A result that no turn has taken comes too late, like that of an activity that still runs: it must not be said after a hand-back.
  UPDATE event e SET ending = CASE e.class WHEN 'answer' THEN 'seenByOperator' ELSE 'noAnswerNeeded' END, fence = p_fence
    WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation AND e.ending IS NULL
    AND (e.class <> 'internal' OR e.kind IN ('activityDone','activityFailed'));
  RETURN cancelled;
END $$;

-- Somebody of the business spoke: what came before has been seen by them.
CREATE FUNCTION _note_owners_word(p_tenant text, p_conversation text, p_now bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE conversation SET operator_last_at_ms = p_now, seen_through = position_next - 1
    WHERE tenant_id = p_tenant AND conversation_id = p_conversation
$$;

-- Gives the conversation back to the bot; answers how many messages are its again, or NULL where the bot holds it already.
CREATE FUNCTION _hand_back(p_tenant text, p_conversation text, p_content text, p_now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  held constant conversation := _hold_row(p_tenant, p_conversation);
  reopened bigint;
BEGIN
  IF held.holder IS DISTINCT FROM 'operator' THEN RETURN NULL; END IF;
  -- By the primary key, from the operator's last word on.
  UPDATE event e SET ending = NULL, fence = NULL WHERE e.tenant_id = p_tenant AND e.conversation_id = p_conversation
    AND e.ending = 'seenByOperator' AND e.position > held.seen_through;
  GET DIAGNOSTICS reopened = ROW_COUNT;
  INSERT INTO event (tenant_id, conversation_id, position, kind, class, sent_at_ms, received_at_ms, content)
    VALUES (p_tenant, p_conversation, held.position_next, 'handedBack', 'internal', p_now, p_now, p_content);
  UPDATE conversation c SET holder = 'bot', held_by = NULL, held_since_ms = NULL, fence = c.fence + 1,
      position_next = held.position_next + 1, due_at_ms = p_now, first_open_at_ms = p_now
    WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation;
  RETURN reopened;
END $$;
