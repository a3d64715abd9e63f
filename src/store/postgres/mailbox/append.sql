-- The one way in, for all webhook bodies of a group at once. Messages of known customers cost three statements on tables, whatever the
-- size of the group: one looks all of them up, one locks their conversations in key order, one writes all events and
-- advances their conversations; and two for each number, whose pace they debit. Only a message that tells something new of its sender, or that the
-- owner wrote, is looked at alone, in its place among the others.
--
-- A dedupe key is claimed by the event's unique index: of two groups that hold one message, the second waits for the first at
-- the conversation or at the index, and finds a duplicate.

-- `messages` are those of all bodies in their order, as `append.ts` encodes them, each with the `body` it came in, counted from 1; `items` are the
-- bodies, `{ notices, quarantine }`. Answers `{ messages, notices }`: one answer for each message, and for each body whether each of its notices
-- is new. What was written is joined with what was asked by hash, since a group may hold hundreds; tables are never joined so.
CREATE FUNCTION append(input jsonb) RETURNS jsonb LANGUAGE plpgsql SET enable_hashjoin = on AS $$
DECLARE
  messages constant jsonb := input -> 'messages';
  answers jsonb := '[]';
  notices jsonb;
BEGIN
  IF messages <> '[]' THEN
    answers := _append_messages(messages, ARRAY(SELECT _now_of(value) FROM jsonb_array_elements(input -> 'items')));
  END IF;
  IF input @? '$.items[*].notices[*]' THEN notices := _append_notices(input); END IF;
  IF input @? '$.items[*].quarantine[*]' THEN PERFORM _quarantine(input); END IF;
  RETURN jsonb_build_object('messages', answers, 'notices', notices);
END $$;

-- Answers for each message `{ outcome, conversationId }` with `dueInMs` where the conversation has something to do, and for the rare ones
-- `merged`, `tookOver` and `cancelled`; `p_nows` has the time of each body. All locks are taken at the start: whatever contacts turn out to be
-- one, they are held.
CREATE FUNCTION _append_messages(p_messages jsonb, p_nows bigint[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  total constant int := jsonb_array_length(p_messages);
  is_special boolean[];
  contacts text[];
  places text[];
  -- Contacts that were merged away, or lost an address to another one: messages that led to them are looked at again.
  disturbed text[] := '{}';
  first_pending int := 1;
  placed record;
  message jsonb;
  now_ms bigint;
  decision jsonb;
  answers jsonb[] := array_fill(NULL::jsonb, ARRAY[total]);
  notes jsonb[];
BEGIN
  SELECT f.is_special, f.contacts, f.places INTO is_special, contacts, places FROM _find_places(p_messages) AS f;
  -- From the first on that is looked at alone.
  FOR i IN coalesce(array_position(is_special, true), total + 1)..total LOOP
    CONTINUE WHEN NOT is_special[i] AND NOT coalesce(contacts[i] = ANY (disturbed), false);
    message := p_messages -> (i - 1);
    now_ms := p_nows[(message -> 'body')::int];
    IF places[i] IS NULL OR contacts[i] = ANY (disturbed) THEN
      CONTINUE WHEN _is_stored(message);
      decision := _decide_sender(message);
      IF decision -> 'merge' <> '[]' THEN
        answers := _store_messages(p_messages, p_nows, places, first_pending, i - 1, answers);
        first_pending := i;
      END IF;
      SELECT * INTO placed FROM _contact_of(message, decision, now_ms);
      disturbed := disturbed || placed.disturbed;
      places[i] := _conversation_of(message ->> 'tenantId', message ->> 'phoneNumberId', message ->> 'wabaId', placed.contact, now_ms);
      IF placed.merged <> '{}' THEN notes[i] := jsonb_build_object('merged', placed.merged); END IF;
    END IF;
    IF (message ->> 'isEcho')::boolean THEN
      answers := _store_messages(p_messages, p_nows, places, first_pending, i, answers);
      first_pending := i + 1;
      IF answers[i] IS NOT NULL THEN
        notes[i] := coalesce(notes[i], '{}') || _hear_owner(message ->> 'tenantId', places[i], now_ms);
      END IF;
    END IF;
  END LOOP;
  answers := _store_messages(p_messages, p_nows, places, first_pending, total, answers);
  PERFORM _debit_numbers(p_messages, p_nows, answers);
  IF array_position(answers, NULL) IS NULL AND notes IS NULL THEN RETURN to_jsonb(answers); END IF;
  RETURN (SELECT jsonb_agg(coalesce(a.answer, _duplicate_of(p_messages -> (a.nth::int - 1), p_nows), '{"outcome": "duplicate"}')
      || coalesce(notes[a.nth], '{}') ORDER BY a.nth)
    FROM unnest(answers) WITH ORDINALITY AS a (answer, nth));
END $$;

CREATE FUNCTION _is_stored(message jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM event e WHERE e.tenant_id = message ->> 'tenantId' AND e.dedupe_key = message ->> 'key');
END $$;

-- Looks all messages up by address, locks what they need, and tells for each its contact and its conversation, where all its addresses lead to
-- one contact that has one here; and whether it is special: the owner wrote it, or its sender is to be found or made.
-- Indexes: contact_address (key), contact (key), conversation_by_contact.
CREATE FUNCTION _find_places(p_messages jsonb, OUT is_special boolean[], OUT contacts text[], OUT places text[])
LANGUAGE plpgsql AS $$
DECLARE
  tenants text[];
  is_news boolean[];
  unplaced jsonb;
  senders jsonb := '[]';
BEGIN
  WITH asked AS MATERIALIZED (
    SELECT m.*,
      (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'phone' AND d.value = m.phone) AS by_phone,
      (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'bsuid' AND d.value = m.bsuid) AS by_bsuid,
      CASE WHEN m."parentBsuid" IS NOT NULL THEN (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'parentBsuid' AND d.value = m."parentBsuid") END AS by_parent
    FROM ROWS FROM (jsonb_to_recordset(p_messages) AS ("tenantId" text, "phoneNumberId" text, "wabaId" text, "isEcho" boolean,
      phone text, bsuid text, "parentBsuid" text, name text, username text, "nowPhone" text, "nowBsuid" text, change jsonb)) WITH ORDINALITY
      AS m ("tenantId", "phoneNumberId", "wabaId", "isEcho", phone, bsuid, "parentBsuid", name, username, "nowPhone", "nowBsuid", change, nth)
  ), led AS MATERIALIZED (
    SELECT a.*, CASE WHEN a.change IS NULL AND (a.phone IS NULL OR a.by_phone = o.owner) AND (a.bsuid IS NULL OR a.by_bsuid = o.owner)
      AND (a."parentBsuid" IS NULL OR a.by_parent = o.owner) THEN o.owner END AS contact
    FROM asked a, LATERAL (SELECT coalesce(a.by_bsuid, a.by_phone, a.by_parent) AS owner) AS o
  ), placed AS MATERIALIZED (
    SELECT l.nth, l."tenantId", l."isEcho", l.contact, (SELECT c.conversation_id::text FROM conversation c WHERE c.tenant_id = l."tenantId"
        AND c.phone_number_id = l."phoneNumberId" AND c.contact_id = l.contact AND c.merged_into IS NULL) AS place,
      coalesce((SELECT _tells_news(k, l.name, l.username, l."nowPhone", l."nowBsuid") FROM contact k
        WHERE k.tenant_id = l."tenantId" AND k.contact_id = l.contact), false) AS is_news
    FROM led l
  )
  SELECT array_agg(p.place IS NULL OR coalesce(p."isEcho", false) ORDER BY p.nth), array_agg(p."tenantId" ORDER BY p.nth),
      array_agg(p.contact ORDER BY p.nth), array_agg(p.place ORDER BY p.nth), array_agg(p.is_news ORDER BY p.nth)
    INTO is_special, tenants, contacts, places, is_news FROM placed p;
  IF array_position(places, NULL) IS NOT NULL THEN
    SELECT coalesce(jsonb_agg(m.message), '[]') INTO unplaced FROM unnest(places) WITH ORDINALITY AS f (place, nth),
      LATERAL (SELECT p_messages -> (f.nth::int - 1) AS message OFFSET 0) AS m WHERE f.place IS NULL AND NOT _is_stored(m.message);
    IF unplaced <> '[]' THEN senders := _lock_senders(unplaced); END IF;
  END IF;
  IF true = ANY (is_news) THEN PERFORM _refresh_contacts(p_messages, contacts, is_news); END IF;
  PERFORM _lock_places(tenants, places, contacts, senders);
END $$;

-- Profiles change seldom: one by one, in key order, before any conversation is locked.
CREATE FUNCTION _refresh_contacts(p_messages jsonb, p_contacts text[], p_is_news boolean[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  FOR each IN SELECT p_messages -> (n.nth::int - 1) AS message, n.contact FROM unnest(p_contacts, p_is_news) WITH ORDINALITY
      AS n (contact, is_news, nth) WHERE n.is_news
      ORDER BY p_messages -> (n.nth::int - 1) ->> 'tenantId' COLLATE "C", n.contact COLLATE "C", n.nth
  LOOP
    CONTINUE WHEN _is_stored(each.message);
    PERFORM _refresh_contact(each.message, each.contact);
  END LOOP;
END $$;

-- Locks the conversations of all new messages in key order, and with them those of contacts that may be merged. Where one was merged away
-- or became another contact's since it was looked up, everything is done again from the start: locks taken one after another would
-- block those that others take in order.
CREATE FUNCTION _lock_places(p_tenants text[], p_places text[], p_contacts text[], p_senders jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  tenants text[] := p_tenants;
  places text[] := p_places;
  contacts text[] := p_contacts;
  is_stale boolean;
BEGIN
  IF p_senders <> '[]' THEN
    SELECT tenants || array_agg(c.tenant_id), places || array_agg(c.conversation_id), contacts || array_agg(c.contact_id)
      INTO tenants, places, contacts FROM jsonb_to_recordset(p_senders) AS s ("tenantId" text, "contactId" text),
        LATERAL (SELECT k.tenant_id::text, k.conversation_id::text, k.contact_id::text FROM conversation k
          WHERE k.tenant_id = s."tenantId" AND k.contact_id = s."contactId" AND k.merged_into IS NULL OFFSET 0) AS c;
  END IF;
  SELECT bool_or(c.contact_id <> w.contact OR c.merged_into IS NOT NULL) INTO is_stale
    FROM (SELECT f.tenant_id, f.place, f.contact FROM unnest(tenants, places, contacts) AS f (tenant_id, place, contact)
        WHERE f.place IS NOT NULL ORDER BY f.tenant_id COLLATE "C", f.place COLLATE "C") AS w,
      LATERAL (SELECT k.contact_id, k.merged_into FROM conversation k
        WHERE k.tenant_id = w.tenant_id AND k.conversation_id = w.place FOR UPDATE) AS c;
  IF is_stale THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'contacts were merged while their messages were looked up';
  END IF;
END $$;

-- Writes the events of the messages from `p_first` to `p_last` that have a place and advances their conversations, which are locked;
-- puts the answers of those that were new into `p_answers`. What an operator holds is seen by them and wakes nobody. What is stored already is
-- known by now, since whoever stored it held the lock; should the index know better, everything is done again from the start.
-- Index: event_by_dedupe_key.
CREATE FUNCTION _store_messages(p_messages jsonb, p_nows bigint[], p_places text[], p_first int, p_last int, p_answers jsonb[]) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  stored jsonb[];
  pending_count int;
  written_count int;
BEGIN
  IF p_first > p_last THEN RETURN p_answers; END IF;
  WITH asked AS MATERIALIZED (
    SELECT m.*, p_nows[m.body] AS now_ms, row_number() OVER (PARTITION BY m.tenant_id, m.key ORDER BY m.nth) AS copy
      FROM ROWS FROM (jsonb_to_recordset(p_messages) AS (body int, "tenantId" text, key text, kind text,
          class text, wamid text, "sentAtMs" bigint, content text, raw text, "opensWindow" boolean, standby boolean, "quietMs" bigint,
          "quietMaxMs" bigint), unnest(p_places)) WITH ORDINALITY
          AS m (body, tenant_id, key, kind, class, wamid, sent_at_ms, content, raw, opens_window, standby, quiet_ms, quiet_max_ms, place, nth)
      WHERE m.nth BETWEEN p_first AND p_last
  ), pending AS MATERIALIZED (
    SELECT m.*, row_number() OVER (PARTITION BY m.tenant_id, m.place ORDER BY m.nth) AS of_place FROM asked m
      WHERE m.copy = 1 AND m.place IS NOT NULL
      AND NOT EXISTS (SELECT FROM event e WHERE e.tenant_id = m.tenant_id AND e.dedupe_key = m.key OFFSET 0)
  ), advanced AS (
    UPDATE conversation c SET position_next = c.position_next + s.count, due_at_ms = CASE WHEN c.holder = 'operator' THEN c.due_at_ms
          -- A due time in the past is work that is due already, such as an activity's result; it is not put off.
          WHEN s.quiet_ms > 0 AND c.due_at_ms <= s.now_ms THEN c.due_at_ms
          WHEN s.quiet_ms > 0 THEN least(s.now_ms + s.quiet_ms, coalesce(c.first_open_at_ms, s.first_ms) + s.quiet_max_ms)
          ELSE s.now_ms END,
        first_open_at_ms = CASE WHEN c.holder = 'operator' THEN c.first_open_at_ms ELSE coalesce(c.first_open_at_ms, s.first_ms) END,
        customer_last_at_ms = greatest(coalesce(c.customer_last_at_ms, 0), s.customer_last_at_ms),
        standby = coalesce(s.standby, c.standby)
      FROM (SELECT o.tenant_id, o.place, count(*) AS count, max(o.now_ms) AS now_ms, min(o.now_ms) AS first_ms,
          max(o.quiet_ms) AS quiet_ms, max(o.quiet_max_ms) AS quiet_max_ms, max(o.sent_at_ms) FILTER (WHERE o.opens_window) AS customer_last_at_ms,
          (array_agg(o.standby ORDER BY o.nth DESC) FILTER (WHERE o.standby IS NOT NULL))[1] AS standby
        FROM pending o GROUP BY o.tenant_id, o.place) AS s
      WHERE c.tenant_id = s.tenant_id AND c.conversation_id = s.place
      RETURNING s.tenant_id, s.place, c.position_next - 1 - s.count AS position, c.holder = 'operator' AS is_held, c.fence,
        CASE WHEN c.holder = 'bot' THEN c.due_at_ms END AS due_at_ms
  ), placed AS MATERIALIZED (
    SELECT p.*, a.position + p.of_place AS position, a.is_held, a.fence, a.due_at_ms - p.now_ms AS due_in_ms
      FROM pending p JOIN advanced a ON a.tenant_id = p.tenant_id AND a.place = p.place
  ), written AS (
    INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, wamid, sent_at_ms, received_at_ms, content, raw, ending, fence)
      SELECT p.tenant_id, p.place, p.position, p.key, p.kind, p.class, p.wamid, p.sent_at_ms, p.now_ms, p.content, p.raw,
        CASE WHEN p.is_held THEN CASE p.class WHEN 'answer' THEN 'seenByOperator' ELSE 'noAnswerNeeded' END END,
        CASE WHEN p.is_held THEN p.fence END
      FROM placed p ON CONFLICT (tenant_id, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING RETURNING 1
  )
  SELECT array_agg(CASE WHEN p.nth IS NOT NULL THEN jsonb_build_object('outcome', 'stored', 'conversationId', p.place, 'dueInMs', p.due_in_ms) END
      ORDER BY a.nth), count(p.nth), (SELECT count(*) FROM written)
    INTO stored, pending_count, written_count FROM asked a LEFT JOIN placed p ON p.nth = a.nth;
  IF written_count < pending_count THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'a message was stored by another meanwhile';
  END IF;
  p_answers[p_first:p_last] := stored;
  RETURN p_answers;
END $$;

-- The owner wrote to the customer on their own phone: the conversation is theirs, and what came before they have seen.
CREATE FUNCTION _hear_owner(p_tenant text, p_conversation text, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  taken constant jsonb := _take_over(p_tenant, p_conversation, 'the owner, on their phone', p_now);
BEGIN
  PERFORM _note_owners_word(p_tenant, p_conversation, p_now);
  RETURN jsonb_build_object('dueInMs', NULL, 'tookOver', taken IS NOT NULL, 'cancelled', coalesce(taken -> 'cancelled', '[]'));
END $$;

-- What comes again wakes again while nobody has taken it. Index: event_by_dedupe_key.
CREATE FUNCTION _duplicate_of(message jsonb, p_nows bigint[]) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT jsonb_build_object('outcome', 'duplicate', 'conversationId', e.conversation_id,
      'dueInMs', CASE WHEN e.ending IS NULL THEN coalesce(c.due_at_ms - p_nows[(message -> 'body')::int], 0) END)
    FROM event e LEFT JOIN conversation c ON c.tenant_id = e.tenant_id AND c.conversation_id = e.conversation_id
    WHERE e.tenant_id = message ->> 'tenantId' AND e.dedupe_key = message ->> 'key');
END $$;

-- A message in takes a part of its number's throughput, at most half of it. Last of all, since the row of a number's pace is what all
-- processes share: it is locked from here to the commit only. In key order.
CREATE FUNCTION _debit_numbers(p_messages jsonb, p_nows bigint[], p_answers jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
  row_of_pace record;
  debited record;
BEGIN
  FOR each IN SELECT m.tenant_id, m.phone_number_id, max(m.per_second) AS per_second, array_agg(p_nows[m.body] ORDER BY m.nth) AS nows
      FROM ROWS FROM (jsonb_to_recordset(p_messages) AS (body int, "tenantId" text, "phoneNumberId" text, "perSecond" double precision),
        unnest(p_answers)) WITH ORDINALITY AS m (body, tenant_id, phone_number_id, per_second, answer, nth)
      WHERE m.answer IS NOT NULL GROUP BY 1, 2 ORDER BY m.tenant_id COLLATE "C", m.phone_number_id COLLATE "C"
  LOOP
    SELECT p.tat_ms, p.inbound_tat_ms INTO row_of_pace FROM pace p
      WHERE p.tenant_id = each.tenant_id AND p.scope = 'number' AND p.key = each.phone_number_id FOR UPDATE;
    IF NOT FOUND THEN
      INSERT INTO pace (tenant_id, scope, key) VALUES (each.tenant_id, 'number', each.phone_number_id) ON CONFLICT DO NOTHING;
      SELECT p.tat_ms, p.inbound_tat_ms INTO row_of_pace FROM pace p
        WHERE p.tenant_id = each.tenant_id AND p.scope = 'number' AND p.key = each.phone_number_id FOR UPDATE;
    END IF;
    debited := _debit_inbound(each.per_second, row_of_pace.tat_ms, row_of_pace.inbound_tat_ms, each.nows);
    CONTINUE WHEN debited = row_of_pace;
    UPDATE pace p SET tat_ms = debited.tat_ms, inbound_tat_ms = debited.inbound_tat_ms
      WHERE p.tenant_id = each.tenant_id AND p.scope = 'number' AND p.key = each.phone_number_id;
  END LOOP;
END $$;

-- Answers for each item whether each of its notices is new.
CREATE FUNCTION _append_notices(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  item jsonb;
  each jsonb;
  answers jsonb := '[]';
  answer jsonb;
BEGIN
  FOR item IN SELECT jsonb_array_elements(input -> 'items') LOOP
    answer := '[]';
    FOR each IN SELECT jsonb_array_elements(item -> 'notices') LOOP
      INSERT INTO notice (tenant_id, dedupe_key, field, phone_number_id, alert, at_ms, received_at_ms, raw)
        VALUES (each ->> 'tenantId', each ->> 'dedupeKey', each ->> 'field', each ->> 'phoneNumberId', (each ->> 'alert')::boolean,
          (each ->> 'atMs')::bigint, _now_of(item), each ->> 'raw')
        ON CONFLICT (tenant_id, dedupe_key) DO NOTHING;
      answer := answer || to_jsonb(FOUND);
    END LOOP;
    answers := answers || jsonb_build_array(answer);
  END LOOP;
  RETURN answers;
END $$;

-- In key order, since what comes twice counts on one row.
CREATE FUNCTION _quarantine(input jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  FOR each IN SELECT q.value AS kept, _now_of(i.value) AS now_ms FROM jsonb_array_elements(input -> 'items') AS i,
      jsonb_array_elements(i.value -> 'quarantine') AS q
      ORDER BY q.value ->> 'tenantId' COLLATE "C", q.value ->> 'dedupeKey' COLLATE "C"
  LOOP
    INSERT INTO quarantine AS q (tenant_id, quarantine_id, reason, phone_number_id, item, bytes, dedupe_key, created_at_ms)
      VALUES (each.kept ->> 'tenantId', _new_id('qrt', each.now_ms), each.kept ->> 'reason', each.kept ->> 'phoneNumberId', each.kept ->> 'item',
        decode(each.kept ->> 'bytes', 'base64'), each.kept ->> 'dedupeKey', each.now_ms)
      ON CONFLICT (tenant_id, dedupe_key) DO UPDATE SET count = q.count + 1;
  END LOOP;
END $$;
