-- Events of the business' own systems, and the keys with which they come. An event takes its place in the mailbox as an activity's
-- result does; the unique index of dedupe keys makes it one, however often and however many at once it is sent. What was asked
-- for stands beside it, so that a key that is used for something else is told from a repetition.

CREATE FUNCTION append_business(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  tenant constant text := input ->> 'tenantId';
  told jsonb;
  addressee jsonb;
  id text;
  stored_at bigint;
BEGIN
  IF input ->> 'keyId' IS NOT NULL THEN PERFORM _note_use(tenant, input ->> 'keyId', (input ->> 'useNotedEveryMs')::bigint, now_ms); END IF;
  -- The same event, told at the same time, perhaps of another conversation, waits here.
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\n', 'event of', tenant, input ->> 'dedupeKey'), 0));
  told := _told_before(tenant, input ->> 'dedupeKey', input ->> 'request');
  IF told IS NOT NULL THEN RETURN told; END IF;
  -- The conversation may be merged away between the look and the lock: then its survivor is found.
  LOOP
    addressee := _find_addressee(tenant, input -> 'to');
    IF addressee ->> 'what' IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'unknown', 'what', addressee ->> 'what'); END IF;
    id := addressee ->> 'conversationId';
    PERFORM 1 FROM conversation c WHERE c.tenant_id = tenant AND c.conversation_id = id AND c.merged_into IS NULL FOR UPDATE;
    EXIT WHEN FOUND;
    IF _surviving_conversation(tenant, id) = id THEN RETURN jsonb_build_object('outcome', 'unknown', 'what', 'conversation'); END IF;
  END LOOP;
  stored_at := _append_internal(tenant, id, 'business', input ->> 'dedupeKey', input ->> 'content', now_ms);
  UPDATE event e SET raw = input ->> 'request' WHERE e.tenant_id = tenant AND e.conversation_id = id AND e.position = stored_at;
  RETURN jsonb_build_object('outcome', 'stored', 'conversationId', id, 'position', stored_at);
END $$;

-- What was stored under this key, or NULL. Of a contact that was erased nobody knows any more what was asked for; that it was told is
-- known. Index: event_by_dedupe_key.
CREATE FUNCTION _told_before(p_tenant text, p_dedupe_key text, p_request text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT CASE WHEN e.raw <> p_request THEN jsonb_build_object('outcome', 'otherRequest')
      ELSE jsonb_build_object('outcome', 'duplicate', 'conversationId', e.conversation_id, 'position', e.position, 'isOpen', e.ending IS NULL) END
    FROM event e WHERE e.tenant_id = p_tenant AND e.dedupe_key = p_dedupe_key);
END $$;

-- Answers `{ conversationId }`, the one that is left after merges, or `{ what }` is unknown. Nothing is made.
CREATE FUNCTION _find_addressee(p_tenant text, p_to jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  contact text;
  id text;
BEGIN
  IF p_to ->> 'kind' = 'conversation' THEN
    SELECT c.conversation_id INTO id FROM conversation c WHERE c.tenant_id = p_tenant
      AND c.conversation_id = _surviving_conversation(p_tenant, p_to ->> 'conversationId')
      AND c.phone_number_id = coalesce(p_to ->> 'phoneNumberId', c.phone_number_id);
  ELSE
    IF p_to ->> 'kind' = 'contact' THEN
      SELECT k.contact_id INTO contact FROM contact k
        WHERE k.tenant_id = p_tenant AND k.contact_id = _surviving_contact(p_tenant, p_to ->> 'contactId');
    ELSE
      contact := _look_up(p_tenant, p_to ->> 'wabaId', p_to ->> 'kind', p_to ->> 'value');
    END IF;
    IF contact IS NULL THEN RETURN jsonb_build_object('what', 'contact'); END IF;
    -- Index: conversation_by_contact.
    SELECT c.conversation_id INTO id FROM conversation c WHERE c.tenant_id = p_tenant AND c.phone_number_id = p_to ->> 'phoneNumberId'
      AND c.contact_id = contact AND c.merged_into IS NULL;
  END IF;
  RETURN CASE WHEN id IS NULL THEN jsonb_build_object('what', 'conversation') ELSE jsonb_build_object('conversationId', id) END;
END $$;

-- One write a minute is enough to see whether a key is still in use; who comes while it is written goes on.
CREATE FUNCTION _note_use(p_tenant text, p_key text, p_every_ms bigint, p_now bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE api_key k SET last_used_at_ms = p_now WHERE k.tenant_id = p_tenant AND k.key_id = (SELECT a.key_id FROM api_key a
    WHERE a.tenant_id = p_tenant AND a.key_id = p_key AND coalesce(a.last_used_at_ms, 0) < p_now - p_every_ms FOR UPDATE SKIP LOCKED)
$$;

-- Two that are made at once must not be one too many: the live keys of the tenant are counted one maker at a time.
CREATE FUNCTION create_api_key(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  tenant constant text := input ->> 'tenantId';
  live bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('api keys of ' || tenant, 0));
  SELECT count(*) INTO live FROM api_key k WHERE k.tenant_id = tenant AND k.revoked_at_ms IS NULL;
  IF live >= (input ->> 'liveMax')::bigint THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format('Tenant %s has %s live keys, and no more than %s are needed to change one for another. '
      'Revoke one that nobody uses: nightdesk keys list shows when each was last used.', tenant, live, input ->> 'liveMax');
  END IF;
  INSERT INTO api_key (tenant_id, key_id, digest, label, created_by, created_at_ms)
    VALUES (tenant, input ->> 'keyId', input ->> 'digest', input ->> 'label', input ->> 'by', now_ms);
  INSERT INTO operator_action (tenant_id, at_ms, by, action, ref) VALUES (tenant, now_ms, input ->> 'by', 'createApiKey', input ->> 'keyId');
  RETURN 'null';
END $$;

CREATE FUNCTION revoke_api_key(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  tenant constant text := input ->> 'tenantId';
  key constant text := input ->> 'keyId';
  known record;
BEGIN
  SELECT k.revoked_at_ms INTO known FROM api_key k WHERE k.tenant_id = tenant AND k.key_id = key FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'ND404', MESSAGE = format('There is no key %s of tenant %s.', key, tenant);
  END IF;
  IF known.revoked_at_ms IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format('Key %s was revoked already.', key);
  END IF;
  UPDATE api_key k SET revoked_at_ms = now_ms WHERE k.tenant_id = tenant AND k.key_id = key;
  INSERT INTO operator_action (tenant_id, at_ms, by, action, ref) VALUES (tenant, now_ms, input ->> 'by', 'revokeApiKey', key);
  RETURN 'null';
END $$;

CREATE FUNCTION list_api_keys(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(k) ORDER BY k."tenantId" COLLATE "C", k."createdAtMs", k."keyId" COLLATE "C"), '[]') FROM (
    SELECT a.tenant_id AS "tenantId", a.key_id AS "keyId", a.label, a.created_by AS "createdBy", a.created_at_ms AS "createdAtMs",
      a.last_used_at_ms AS "lastUsedAtMs", a.revoked_at_ms AS "revokedAtMs"
    FROM api_key a WHERE input ->> 'tenantId' IS NULL OR a.tenant_id = input ->> 'tenantId'
    ORDER BY a.tenant_id, a.created_at_ms, a.key_id LIMIT (input ->> 'max')::int) AS k
$$;

-- A key says itself whose it is, as a phone number id does. Index: the unique one of digests.
CREATE FUNCTION find_api_key(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT jsonb_build_object('tenantId', k.tenant_id, 'keyId', k.key_id) FROM api_key k
    WHERE k.digest = input ->> 'digest' AND k.revoked_at_ms IS NULL), 'null')
$$;
