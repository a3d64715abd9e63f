-- Finds or makes the contact and the conversation of a message, re-points addresses and merges contacts that prove to be one. Whoever calls
-- these holds the locks of `_lock_senders`, so no other writer can stand between look-up and write.

CREATE FUNCTION _look_up(p_tenant text, p_waba text, p_kind text, p_value text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT a.contact_id FROM contact_address a
    WHERE a.tenant_id = p_tenant AND a.waba_id = p_waba AND a.kind = p_kind AND a.value = p_value);
END $$;

-- The contact that an address leads to, with all ids that lead to it, or null. Index: contact_address_by_contact.
CREATE FUNCTION _known_contact(p_tenant text, p_waba text, p_kind text, p_value text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  contact text;
BEGIN
  IF p_value IS NULL THEN RETURN NULL; END IF;
  contact := _look_up(p_tenant, p_waba, p_kind, p_value);
  IF contact IS NULL THEN RETURN NULL; END IF;
  RETURN jsonb_build_object('contactId', contact, 'bsuids', coalesce((SELECT jsonb_agg(b.value) FROM contact_address b
    WHERE b.tenant_id = p_tenant AND b.contact_id = contact AND b.kind = 'bsuid'), '[]'));
END $$;

-- What is to be done about the contact of a message (as `append.ts` encodes it), by what its addresses lead to now.
CREATE FUNCTION _decide_sender(message jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  tenant constant text := message ->> 'tenantId';
  waba constant text := message ->> 'wabaId';
  change constant jsonb := message -> 'change';
BEGIN
  IF change IS NULL THEN
    RETURN _decide_contact(message, jsonb_build_object(
      'phone', _known_contact(tenant, waba, 'phone', message ->> 'phone'),
      'bsuid', _known_contact(tenant, waba, 'bsuid', message ->> 'bsuid'),
      'parentBsuid', _known_contact(tenant, waba, 'parentBsuid', message ->> 'parentBsuid')));
  END IF;
  RETURN _decide_change(change, jsonb_build_object(
    'oldPhone', _known_contact(tenant, waba, 'phone', change ->> 'oldPhone'),
    'oldBsuid', _known_contact(tenant, waba, 'bsuid', change ->> 'oldBsuid'),
    'newPhone', _known_contact(tenant, waba, 'phone', change ->> 'newPhone'),
    'newBsuid', _known_contact(tenant, waba, 'bsuid', change ->> 'newBsuid')));
END $$;

-- Makes, re-points and merges as decided; answers the contact, the conversations that took in others by a merge, and the contacts that were
-- merged away or lost an address, to which other messages may have been led.
CREATE FUNCTION _contact_of(message jsonb, decision jsonb, p_now bigint, OUT contact text, OUT merged text[], OUT disturbed text[])
LANGUAGE plpgsql AS $$
DECLARE
  tenant constant text := message ->> 'tenantId';
  waba constant text := message ->> 'wabaId';
  other text;
  each jsonb;
BEGIN
  contact := decision ->> 'contactId';
  merged := '{}';
  disturbed := '{}';
  IF contact IS NULL THEN
    contact := _new_id('ctc', p_now);
    INSERT INTO contact (tenant_id, contact_id, name, username, phone, bsuid, created_at_ms)
      VALUES (tenant, contact, message ->> 'name', message ->> 'username', message ->> 'nowPhone', message ->> 'nowBsuid', p_now);
  ELSE
    PERFORM _refresh_contact(message, contact);
  END IF;
  FOR other IN SELECT jsonb_array_elements_text(decision -> 'lostPhone') LOOP
    UPDATE contact k SET phone = NULL WHERE k.tenant_id = tenant AND k.contact_id = other AND k.phone = message ->> 'nowPhone';
  END LOOP;
  FOR other IN SELECT jsonb_array_elements_text(decision -> 'merge') LOOP
    merged := merged || _merge_contacts(tenant, contact, other, p_now);
    disturbed := disturbed || other;
  END LOOP;
  FOR each IN SELECT jsonb_array_elements(decision -> 'point') LOOP
    other := _look_up(tenant, waba, each ->> 'kind', each ->> 'value');
    IF other <> contact THEN disturbed := disturbed || other; END IF;
    INSERT INTO contact_address (tenant_id, waba_id, kind, value, contact_id, created_at_ms)
      VALUES (tenant, waba, each ->> 'kind', each ->> 'value', contact, p_now)
      ON CONFLICT (tenant_id, waba_id, kind, value) DO UPDATE SET contact_id = excluded.contact_id;
  END LOOP;
END $$;

-- What the message tells anew of its contact; nothing is written where it tells nothing new.
CREATE FUNCTION _refresh_contact(message jsonb, p_contact text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE contact k SET name = coalesce(message ->> 'name', k.name), username = coalesce(message ->> 'username', k.username),
      phone = coalesce(message ->> 'nowPhone', k.phone), bsuid = coalesce(message ->> 'nowBsuid', k.bsuid)
    WHERE k.tenant_id = message ->> 'tenantId' AND k.contact_id = p_contact
    AND _tells_news(k, message ->> 'name', message ->> 'username', message ->> 'nowPhone', message ->> 'nowBsuid');
END $$;

CREATE FUNCTION _tells_news(known contact, p_name text, p_username text, p_phone text, p_bsuid text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT known.name IS DISTINCT FROM coalesce(p_name, known.name) OR known.username IS DISTINCT FROM coalesce(p_username, known.username)
    OR known.phone IS DISTINCT FROM coalesce(p_phone, known.phone) OR known.bsuid IS DISTINCT FROM coalesce(p_bsuid, known.bsuid)
$$;

-- The conversation of a contact on a number, made if there is none. Index: conversation_by_contact.
CREATE FUNCTION _conversation_of(p_tenant text, p_phone_number_id text, p_waba text, p_contact text, p_now bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  id text;
BEGIN
  SELECT c.conversation_id INTO id FROM conversation c
    WHERE c.tenant_id = p_tenant AND c.phone_number_id = p_phone_number_id AND c.contact_id = p_contact AND c.merged_into IS NULL;
  IF id IS NULL THEN
    id := _new_id('cnv', p_now);
    INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, created_at_ms)
      VALUES (p_tenant, id, p_phone_number_id, p_waba, p_contact, p_now);
  END IF;
  RETURN id;
END $$;

-- For addresses that Meta's answer to a send names: one that leads nowhere yet leads to this contact, or to the one that it was merged into;
-- true where it does so now. A contact that was erased meanwhile has no conversation any more, and nothing leads to it.
CREATE FUNCTION _learn_address(p_tenant text, p_waba text, p_kind text, p_value text, p_contact text, p_now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  contact text;
BEGIN
  PERFORM _lock_addresses(ARRAY[_address_key(p_tenant, p_waba, p_kind, p_value)]);
  LOOP
    contact := _surviving_contact(p_tenant, p_contact);
    PERFORM _lock_contacts(jsonb_build_array(jsonb_build_object('tenantId', p_tenant, 'contactId', contact)));
    EXIT WHEN _surviving_contact(p_tenant, contact) = contact;
  END LOOP;
  IF NOT EXISTS (SELECT FROM conversation c WHERE c.tenant_id = p_tenant AND c.contact_id = contact AND c.merged_into IS NULL) THEN
    RETURN false;
  END IF;
  INSERT INTO contact_address (tenant_id, waba_id, kind, value, contact_id, created_at_ms)
    VALUES (p_tenant, p_waba, p_kind, p_value, contact, p_now) ON CONFLICT (tenant_id, waba_id, kind, value) DO NOTHING;
  RETURN FOUND;
END $$;
