-- The locks of contacts. A customer who writes for the first time has no row that could be locked, so what is locked is each address that a
-- message names; then the rows of the contacts they lead to; then conversations. A message of a known customer takes none of
-- them but its conversation's. Advisory locks end with their transaction. A call takes three for each newcomer of its group at
-- most; all callers share the server's table of locks (`max_locks_per_transaction` times `max_connections`, 6,400 by default).

CREATE FUNCTION _lock_addresses(p_keys bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(key) FROM (SELECT DISTINCT key FROM unnest(p_keys) AS asked (key) ORDER BY key) AS ordered;
END $$;

-- Two addresses of one key only wait for each other.
CREATE FUNCTION _address_key(p_tenant text, p_waba text, p_kind text, p_value text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(concat_ws(E'\n', p_tenant, p_waba, p_kind, p_value), 0)
$$;

-- All addresses that a message names. An old parent id leads nowhere any more.
CREATE FUNCTION _addresses_of(message jsonb) RETURNS TABLE (kind text, value text) LANGUAGE sql IMMUTABLE AS $$
  SELECT named.kind, named.value FROM (VALUES ('phone', message ->> 'phone'), ('bsuid', message ->> 'bsuid'), ('parentBsuid', message ->> 'parentBsuid'),
    ('phone', message #>> '{change,oldPhone}'), ('phone', message #>> '{change,newPhone}'), ('bsuid', message #>> '{change,oldBsuid}'),
    ('bsuid', message #>> '{change,newBsuid}'), ('parentBsuid', message #>> '{change,newParentBsuid}')) AS named (kind, value)
  WHERE named.value IS NOT NULL
$$;

-- Locks everything that decides who sent these messages (an array), and their contacts; answers those contacts as
-- `{ tenantId, contactId }`. What an address leads to may change until its contact is locked, so it is looked at until nothing changes.
CREATE FUNCTION _lock_senders(p_messages jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  senders jsonb;
  locked jsonb := '[]';
BEGIN
  PERFORM _lock_addresses(ARRAY(SELECT _address_key(m ->> 'tenantId', m ->> 'wabaId', a.kind, a.value)
    FROM jsonb_array_elements(p_messages) AS m, _addresses_of(m) AS a));
  LOOP
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('tenantId', led.tenant_id, 'contactId', led.contact_id)), '[]') INTO senders
      FROM (SELECT m ->> 'tenantId' AS tenant_id, _look_up(m ->> 'tenantId', m ->> 'wabaId', a.kind, a.value) AS contact_id
        FROM jsonb_array_elements(p_messages) AS m, _addresses_of(m) AS a) AS led
      WHERE led.contact_id IS NOT NULL;
    IF senders <@ locked THEN RETURN senders; END IF;
    PERFORM _lock_contacts(senders);
    locked := locked || senders;
  END LOOP;
END $$;

-- `p_contacts` is an array of `{ tenantId, contactId }`.
CREATE FUNCTION _lock_contacts(p_contacts jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM contact k JOIN (SELECT DISTINCT c ->> 'tenantId' AS tenant_id, c ->> 'contactId' AS contact_id
      FROM jsonb_array_elements(p_contacts) AS c) AS asked ON k.tenant_id = asked.tenant_id AND k.contact_id = asked.contact_id
    ORDER BY k.tenant_id, k.contact_id FOR UPDATE OF k;
END $$;
