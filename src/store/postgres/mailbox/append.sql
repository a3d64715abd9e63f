-- The one way in, for all webhook bodies of a group at once. Messages of known customers cost three statements on tables, whatever the
-- size of the group: one looks all of them up, one locks their conversations in key order, one writes all events and
-- advances their conversations; and two for each number, whose pace they debit. Only a message that tells something new of its sender, or that the
-- owner wrote, is looked at alone, in its place among the others.
--
-- A dedupe key is claimed by the event's unique index: of two groups that hold one message, the second waits for the first at
-- the conversation or at the index, and finds a duplicate.

-- Each item: `{ messages, notices, quarantine }` of one body as `append.ts` encodes them. Its answer: `{ messages, notices }`, an answer for
-- each message and whether each notice is new. What was written is joined with what was asked by hash, since a group may hold hundreds; tables
-- are never joined so.
CREATE FUNCTION append(input jsonb) RETURNS jsonb LANGUAGE plpgsql SET enable_hashjoin = on AS $$
DECLARE
  messages jsonb;
  nows bigint[];
  answers jsonb;
  notices jsonb;
BEGIN
  SELECT jsonb_agg(m.value ORDER BY i.nth, m.nth), array_agg(i.now_ms ORDER BY i.nth, m.nth) INTO messages, nows
    FROM (SELECT value, ordinality AS nth, _now_of(value) AS now_ms FROM jsonb_array_elements(input -> 'items') WITH ORDINALITY OFFSET 0) AS i,
      jsonb_array_elements(i.value -> 'messages') WITH ORDINALITY AS m (value, nth);
  IF messages IS NOT NULL THEN answers := _append_messages(messages, nows); END IF;
  IF input @? '$.items[*].notices[*]' THEN notices := _append_notices(input); END IF;
  IF input @? '$.items[*].quarantine[*]' THEN PERFORM _quarantine(input); END IF;
  RETURN (SELECT jsonb_agg(jsonb_build_object(
      'messages', (SELECT coalesce(jsonb_agg(answers -> (g.before + n)), '[]') FROM generate_series(0, g.count - 1) AS n),
      'notices', coalesce(notices -> (g.nth - 1), '[]')) ORDER BY g.nth)
    FROM (SELECT ordinality::int AS nth, jsonb_array_length(value -> 'messages') AS count,
        (sum(jsonb_array_length(value -> 'messages')) OVER (ORDER BY ordinality))::int - jsonb_array_length(value -> 'messages') AS before
      FROM jsonb_array_elements(input -> 'items') WITH ORDINALITY) AS g);
END $$;

-- Answers for each message `{ outcome, conversationId }` with `dueInMs` where the conversation has something to do, and for the rare ones
-- `merged`, `tookOver` and `cancelled`. All locks are taken at the start: whatever contacts turn out to be one, they are held.
CREATE FUNCTION _append_messages(p_messages jsonb, p_nows bigint[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  total constant int := jsonb_array_length(p_messages);
  is_known boolean[];
  is_echo boolean[];
  contacts text[];
  places text[];
  -- Contacts that were merged away, or lost an address to another one: messages that led to them are looked at again.
  disturbed text[] := '{}';
  first_pending int := 1;
  placed record;
  message jsonb;
  decision jsonb;
  answers jsonb[] := array_fill(NULL::jsonb, ARRAY[total]);
  notes jsonb[] := array_fill(NULL::jsonb, ARRAY[total]);
BEGIN
  SELECT f.is_known, f.is_echo, f.contacts, f.places INTO is_known, is_echo, contacts, places FROM _find_places(p_messages) AS f;
  FOR i IN 1..total LOOP
    CONTINUE WHEN is_known[i];
    IF places[i] IS NULL OR contacts[i] = ANY (disturbed) THEN
      message := p_messages -> (i - 1);
      decision := _decide_sender(message);
      IF decision -> 'merge' <> '[]' THEN
        answers := _store_messages(p_messages, p_nows, places, first_pending, i - 1, answers);
        first_pending := i;
      END IF;
      SELECT * INTO placed FROM _contact_of(message, decision, p_nows[i]);
      disturbed := disturbed || placed.disturbed;
      places[i] := _conversation_of(message ->> 'tenantId', message ->> 'phoneNumberId', message ->> 'wabaId', placed.contact, p_nows[i]);
      IF placed.merged <> '{}' THEN notes[i] := jsonb_build_object('merged', placed.merged); END IF;
    END IF;
    IF is_echo[i] THEN
      answers := _store_messages(p_messages, p_nows, places, first_pending, i, answers);
      first_pending := i + 1;
      IF answers[i] IS NOT NULL THEN
        notes[i] := coalesce(notes[i], '{}') || _hear_owner(p_messages -> (i - 1) ->> 'tenantId', places[i], p_nows[i]);
      END IF;
    END IF;
  END LOOP;
  answers := _store_messages(p_messages, p_nows, places, first_pending, total, answers);
  PERFORM _debit_numbers(p_messages, p_nows, answers);
  RETURN (SELECT jsonb_agg(coalesce(a.answer, _duplicate_of(p_messages -> (a.nth::int - 1), p_nows[a.nth]), '{"outcome": "duplicate"}')
      || coalesce(a.note, '{}') ORDER BY a.nth)
    FROM unnest(answers, notes) WITH ORDINALITY AS a (answer, note, nth));
END $$;

-- Looks all messages up by key and by address, locks what they need, and tells for each: whether it is stored already; whether the owner
-- wrote it; its contact and its conversation, where it is new and all its addresses lead to one contact that has one here. The sender of
-- any other new one is to be found or made.
-- Indexes: event_by_dedupe_key, contact_address (key), contact (key), conversation_by_contact.
CREATE FUNCTION _find_places(p_messages jsonb, OUT is_known boolean[], OUT is_echo boolean[], OUT contacts text[], OUT places text[])
LANGUAGE plpgsql AS $$
DECLARE
  tenants text[];
  is_news boolean[];
  senders jsonb;
BEGIN
  WITH asked AS MATERIALIZED (
    SELECT m.*, row_number() OVER (PARTITION BY m."tenantId", m.key ORDER BY m.nth) AS copy,
      (SELECT e.position FROM event e WHERE e.tenant_id = m."tenantId" AND e.dedupe_key = m.key) AS stored_at,
      (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'phone' AND d.value = m.phone) AS by_phone,
      (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'bsuid' AND d.value = m.bsuid) AS by_bsuid,
      (SELECT d.contact_id::text FROM contact_address d
        WHERE d.tenant_id = m."tenantId" AND d.waba_id = m."wabaId" AND d.kind = 'parentBsuid' AND d.value = m."parentBsuid") AS by_parent
    FROM ROWS FROM (jsonb_to_recordset(p_messages) AS ("tenantId" text, "phoneNumberId" text, "wabaId" text, key text, "isEcho" boolean,
      phone text, bsuid text, "parentBsuid" text, name text, username text, "nowPhone" text, "nowBsuid" text, change jsonb)) WITH ORDINALITY
      AS m ("tenantId", "phoneNumberId", "wabaId", key, "isEcho", phone, bsuid, "parentBsuid", name, username, "nowPhone", "nowBsuid", change, nth)
  ), led AS MATERIALIZED (
    SELECT a.*, a.stored_at IS NOT NULL OR a.copy > 1 AS is_known,
      CASE WHEN a.stored_at IS NULL AND a.copy = 1 AND a.change IS NULL AND (a.phone IS NULL OR a.by_phone = o.owner) AND (a.bsuid IS NULL OR a.by_bsuid = o.owner)
      AND (a."parentBsuid" IS NULL OR a.by_parent = o.owner) THEN o.owner END AS contact
    FROM asked a, LATERAL (SELECT coalesce(a.by_bsuid, a.by_phone, a.by_parent) AS owner) AS o
  )
  SELECT array_agg(l.is_known ORDER BY l.nth), array_agg(coalesce(l."isEcho", false) ORDER BY l.nth),
      array_agg(l."tenantId" ORDER BY l.nth), array_agg(l.contact ORDER BY l.nth),
      array_agg((SELECT c.conversation_id::text FROM conversation c WHERE c.tenant_id = l."tenantId"
        AND c.phone_number_id = l."phoneNumberId" AND c.contact_id = l.contact AND c.merged_into IS NULL) ORDER BY l.nth),
      array_agg(coalesce((SELECT _tells_news(k, l.name, l.username, l."nowPhone", l."nowBsuid") FROM contact k
        WHERE k.tenant_id = l."tenantId" AND k.contact_id = l.contact), false) ORDER BY l.nth)
    INTO is_known, is_echo, tenants, contacts, places, is_news FROM led l;
  SELECT coalesce(jsonb_agg(p_messages -> (nth::int - 1)), '[]') INTO senders FROM unnest(places, is_known) WITH ORDINALITY AS f (place, known, nth)
    WHERE f.place IS NULL AND NOT f.known;
  IF senders <> '[]' THEN senders := _lock_senders(senders); END IF;
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
    PERFORM _refresh_contact(each.message, each.contact);
  END LOOP;
END $$;

-- Locks the conversations of all new messages in key order, and with them those of contacts that may be merged. Where one was merged away
-- or became another contact's since it was looked up, everything is done again from the start: locks taken one after another would
-- block those that others take in order.
CREATE FUNCTION _lock_places(p_tenants text[], p_places text[], p_contacts text[], p_senders jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  is_stale boolean;
BEGIN
  WITH wanted AS MATERIALIZED (
    SELECT f.tenant_id, f.place, f.contact FROM unnest(p_tenants, p_places, p_contacts) AS f (tenant_id, place, contact)
      WHERE f.place IS NOT NULL
    UNION SELECT c.tenant_id, c.conversation_id, c.contact_id FROM jsonb_to_recordset(p_senders) AS s ("tenantId" text, "contactId" text)
      JOIN conversation c ON c.tenant_id = s."tenantId" AND c.contact_id = s."contactId" AND c.merged_into IS NULL
  ), locked AS (
    SELECT c.contact_id, c.merged_into, w.contact
      FROM (SELECT * FROM wanted ORDER BY tenant_id COLLATE "C", place COLLATE "C") w, LATERAL (SELECT k.contact_id, k.merged_into
        FROM conversation k WHERE k.tenant_id = w.tenant_id AND k.conversation_id = w.place FOR UPDATE) c
  )
  SELECT bool_or(l.contact_id <> l.contact OR l.merged_into IS NOT NULL) INTO is_stale FROM locked l;
  IF is_stale THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'contacts were merged while their messages were looked up';
  END IF;
END $$;

-- Writes the events of the messages from `p_first` to `p_last` that have a place and advances their conversations, which are locked;
-- puts the answers of those that were new into `p_answers`. What an operator holds is seen by them and wakes nobody.
-- Index: event_by_dedupe_key.
CREATE FUNCTION _store_messages(p_messages jsonb, p_nows bigint[], p_places text[], p_first int, p_last int, p_answers jsonb[]) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  IF p_first > p_last THEN RETURN p_answers; END IF;
  FOR each IN
    WITH pending AS MATERIALIZED (
      SELECT m.*, c.position_next, c.holder, c.fence FROM ROWS FROM (jsonb_to_recordset(p_messages) AS ("tenantId" text, key text, kind text,
          class text, wamid text, "sentAtMs" bigint, content text, raw text, "opensWindow" boolean, standby boolean, "quietMs" bigint,
          "quietMaxMs" bigint), unnest(p_nows), unnest(p_places)) WITH ORDINALITY
          AS m (tenant_id, key, kind, class, wamid, sent_at_ms, content, raw, opens_window, standby, quiet_ms, quiet_max_ms, now_ms, place, nth)
        CROSS JOIN LATERAL (SELECT k.position_next, k.holder, k.fence FROM conversation k
          WHERE k.tenant_id = m.tenant_id AND k.conversation_id = m.place LIMIT 1) AS c
        WHERE m.nth BETWEEN p_first AND p_last
    ), written AS (
      INSERT INTO event (tenant_id, conversation_id, position, dedupe_key, kind, class, wamid, sent_at_ms, received_at_ms, content, raw, ending, fence)
        SELECT p.tenant_id, p.place, p.position_next - 1 + row_number() OVER (PARTITION BY p.tenant_id, p.place ORDER BY p.nth), p.key, p.kind,
          p.class, p.wamid, p.sent_at_ms, p.now_ms, p.content, p.raw,
          CASE WHEN p.holder = 'operator' THEN CASE p.class WHEN 'answer' THEN 'seenByOperator' ELSE 'noAnswerNeeded' END END,
          CASE WHEN p.holder = 'operator' THEN p.fence END
        FROM pending p
        ON CONFLICT (tenant_id, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING RETURNING tenant_id, dedupe_key, position
    ), stored AS MATERIALIZED (
      SELECT p.*, w.position FROM written w JOIN pending p ON p.tenant_id = w.tenant_id AND p.key = w.dedupe_key
    ), advanced AS (
      UPDATE conversation c SET position_next = s.position + 1, due_at_ms = CASE WHEN c.holder = 'operator' THEN c.due_at_ms
            -- A due time in the past is work that is due already, such as an activity's result; it is not put off.
            WHEN s.quiet_ms > 0 AND c.due_at_ms <= s.now_ms THEN c.due_at_ms
            WHEN s.quiet_ms > 0 THEN least(s.now_ms + s.quiet_ms, coalesce(c.first_open_at_ms, s.first_ms) + s.quiet_max_ms)
            ELSE s.now_ms END,
          first_open_at_ms = CASE WHEN c.holder = 'operator' THEN c.first_open_at_ms ELSE coalesce(c.first_open_at_ms, s.first_ms) END,
          customer_last_at_ms = greatest(coalesce(c.customer_last_at_ms, 0), s.customer_last_at_ms),
          standby = coalesce(s.standby, c.standby)
        FROM (SELECT o.tenant_id, o.place, max(o.position) AS position, max(o.now_ms) AS now_ms, min(o.now_ms) AS first_ms,
            max(o.quiet_ms) AS quiet_ms, max(o.quiet_max_ms) AS quiet_max_ms, max(o.sent_at_ms) FILTER (WHERE o.opens_window) AS customer_last_at_ms,
            (array_agg(o.standby ORDER BY o.nth DESC) FILTER (WHERE o.standby IS NOT NULL))[1] AS standby
          FROM stored o GROUP BY o.tenant_id, o.place) AS s
        WHERE c.tenant_id = s.tenant_id AND c.conversation_id = s.place
        RETURNING c.tenant_id, c.conversation_id, CASE WHEN c.holder = 'bot' THEN c.due_at_ms END AS due_at_ms
    )
    SELECT s.nth, s.place, a.due_at_ms - s.now_ms AS due_in_ms FROM stored s
      JOIN advanced a ON a.tenant_id = s.tenant_id AND a.conversation_id = s.place
  LOOP
    p_answers[each.nth] := jsonb_build_object('outcome', 'stored', 'conversationId', each.place, 'dueInMs', each.due_in_ms);
  END LOOP;
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
CREATE FUNCTION _duplicate_of(message jsonb, p_now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT jsonb_build_object('outcome', 'duplicate', 'conversationId', e.conversation_id,
      'dueInMs', CASE WHEN e.ending IS NULL THEN coalesce(c.due_at_ms - p_now, 0) END)
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
  before record;
  before_ms bigint;
  now_ms bigint;
BEGIN
  FOR each IN SELECT m."tenantId" AS tenant_id, m."phoneNumberId" AS phone_number_id, max(m."perSecond") AS per_second, array_agg(m.now_ms ORDER BY m.nth) AS nows
      FROM ROWS FROM (jsonb_to_recordset(p_messages) AS ("tenantId" text, "phoneNumberId" text, "perSecond" double precision), unnest(p_nows),
        unnest(p_answers)) WITH ORDINALITY AS m ("tenantId", "phoneNumberId", "perSecond", now_ms, answer, nth)
      WHERE m.answer IS NOT NULL GROUP BY 1, 2 ORDER BY m."tenantId" COLLATE "C", m."phoneNumberId" COLLATE "C"
  LOOP
    SELECT p.tat_ms, p.inbound_tat_ms INTO row_of_pace FROM pace p
      WHERE p.tenant_id = each.tenant_id AND p.scope = 'number' AND p.key = each.phone_number_id FOR UPDATE;
    IF NOT FOUND THEN
      INSERT INTO pace (tenant_id, scope, key) VALUES (each.tenant_id, 'number', each.phone_number_id) ON CONFLICT DO NOTHING;
      SELECT p.tat_ms, p.inbound_tat_ms INTO row_of_pace FROM pace p
        WHERE p.tenant_id = each.tenant_id AND p.scope = 'number' AND p.key = each.phone_number_id FOR UPDATE;
    END IF;
    debited := row_of_pace;
    before := NULL;
    FOREACH now_ms IN ARRAY each.nows LOOP
      -- What was not counted changed nothing, and so does the next of the same time.
      CONTINUE WHEN before = debited AND now_ms = before_ms;
      before := debited;
      before_ms := now_ms;
      SELECT * INTO debited FROM _debit_inbound(each.per_second, debited.tat_ms, debited.inbound_tat_ms, now_ms);
    END LOOP;
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
