-- What names a customer and stands in no mailbox: items and bodies in quarantine, and notices. They are found by the customer's addresses;
-- a number of ours says whose a quarantined item is. What is answered here only holds an address somewhere: `contact-mentions.ts` reads
-- it (what a customer wrote may be JSON that `jsonb` refuses) and says what is about them. Small tables, read whole as on SQLite.

-- Of the tenant, or of nobody: what came by the shared path has no tenant. Answers also the addresses that it looked for, so that an
-- erasure knows whether they are still the same.
CREATE FUNCTION find_mentions(input jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  of_tenant constant text := input ->> 'tenantId';
  addresses constant text[] := _contact_addresses(of_tenant, (_contact_scope(of_tenant, input ->> 'contactId')).contact_ids);
BEGIN
  RETURN jsonb_build_object('addresses', to_jsonb(addresses),
    'quarantined', (SELECT coalesce(jsonb_agg(jsonb_build_object('quarantineId', q.quarantine_id, 'tenantId', q.tenant_id, 'reason', q.reason,
        'phoneNumberId', q.phone_number_id, 'createdAtMs', q.created_at_ms, 'item', q.item,
        'bytes', translate(encode(q.bytes, 'base64'), E'\n', '')) ORDER BY q.tenant_id, q.quarantine_id), '[]')
      FROM quarantine q WHERE q.tenant_id IN (of_tenant, '') AND (q.item IS NOT NULL OR q.bytes IS NOT NULL)
        AND (q.phone_number_id IS NULL OR NOT EXISTS (SELECT FROM phone_number n
          WHERE n.phone_number_id = q.phone_number_id AND n.tenant_id <> of_tenant))
        AND EXISTS (SELECT FROM unnest(addresses) AS a (value)
          WHERE position(_in_json(a.value) in q.item) > 0 OR position(convert_to(a.value, 'UTF8') in q.bytes) > 0)),
    'notices', (SELECT coalesce(jsonb_agg(jsonb_build_object('dedupeKey', n.dedupe_key, 'field', n.field, 'phoneNumberId', n.phone_number_id,
        'atMs', n.at_ms, 'raw', n.raw) ORDER BY n.dedupe_key), '[]')
      FROM notice n WHERE n.tenant_id = of_tenant AND n.raw <> '{}'
        AND EXISTS (SELECT FROM unnest(addresses) AS a (value) WHERE position(a.value in n.raw) > 0)));
END $$;

-- As it stands between the quotes of a JSON text.
CREATE FUNCTION _in_json(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT substr(quoted.json, 2, length(quoted.json) - 2) FROM (SELECT to_json(p_text)::text AS json) AS quoted
$$;
