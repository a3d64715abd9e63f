-- All that belongs to one customer: the contact that an id or an address leads to, those that it took in by merges, their conversations
-- on every number of the tenant, and their addresses.

-- `addresses`: the one asked for as it was written, and as Meta writes it; the first that leads somewhere counts. Where the same address is
-- known to several wabas of the tenant it may lead to several contacts. Index: contact_address_by_value.
CREATE FUNCTION find_contacts(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  asked text := input ->> 'contact';
  found jsonb;
BEGIN
  IF EXISTS (SELECT FROM contact k WHERE k.tenant_id = of_tenant AND k.contact_id = asked) THEN
    RETURN jsonb_build_array(_surviving_contact(of_tenant, asked));
  END IF;
  FOR asked IN SELECT jsonb_array_elements_text(input -> 'addresses') LOOP
    SELECT jsonb_agg(led.contact_id ORDER BY led.contact_id) INTO found
      FROM (SELECT DISTINCT a.contact_id FROM contact_address a WHERE a.tenant_id = of_tenant AND a.value = asked) AS led;
    IF found IS NOT NULL THEN RETURN found; END IF;
  END LOOP;
  RETURN '[]';
END $$;

-- The contact that is left after merges, all that it took in, and the conversations of them all, each in key order. Indexes: contact_merged,
-- conversation_of_contact.
CREATE FUNCTION _contact_scope(p_tenant text, p_contact text, OUT contact_id text, OUT contact_ids text[], OUT conversation_ids text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  contact_id := _surviving_contact(p_tenant, p_contact);
  contact_ids := ARRAY(WITH RECURSIVE one (id) AS (
      SELECT contact_id COLLATE "C" UNION SELECT k.contact_id::text FROM one JOIN contact k ON k.tenant_id = p_tenant AND k.merged_into = one.id)
    SELECT one.id FROM one ORDER BY one.id);
  conversation_ids := ARRAY(SELECT c.conversation_id::text FROM conversation c
    WHERE c.tenant_id = p_tenant AND c.contact_id = ANY (contact_ids) ORDER BY c.conversation_id);
END $$;

-- Index: contact_address_by_contact.
CREATE FUNCTION _contact_addresses(p_tenant text, p_contacts text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(DISTINCT named.value COLLATE "C"), '{}') FROM (
    SELECT a.value::text FROM contact_address a WHERE a.tenant_id = p_tenant AND a.contact_id = ANY (p_contacts)
    UNION ALL SELECT each.value FROM contact k, unnest(ARRAY[k.phone, k.bsuid]) AS each (value)
      WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (p_contacts) AND each.value IS NOT NULL) AS named
$$;
