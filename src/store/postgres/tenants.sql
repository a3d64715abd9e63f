-- Tenants and their numbers, as JSON text: they are read whole at start and after a change, never on the hot path.

CREATE FUNCTION read_tenants(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'tenants', (SELECT coalesce(jsonb_agg(config ORDER BY tenant_id), '[]') FROM tenant),
    'numbers', (SELECT coalesce(jsonb_agg(config ORDER BY tenant_id, phone_number_id), '[]') FROM phone_number))
$$;

-- The number of another tenant is refused, and with it everything. Whoever applies a change may have mended what a scope was paused
-- for; if not, the next answer pauses it again.
CREATE FUNCTION apply_tenants(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_ms constant bigint := _now_of(input);
  each jsonb;
  taken record;
BEGIN
  -- One at a time: two files that are applied at once must not mix.
  LOCK TABLE tenant IN SHARE ROW EXCLUSIVE MODE;
  SELECT p.phone_number_id, p.tenant_id, n.number ->> 'tenantId' AS wanted_by INTO taken
    FROM jsonb_array_elements(input -> 'numbers') AS n (number)
    JOIN phone_number p ON p.phone_number_id = n.number ->> 'phoneNumberId'
    WHERE p.tenant_id <> n.number ->> 'tenantId' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'ND409', MESSAGE = format(
      'Phone number %s belongs to tenant %s and cannot be given to %s. A number has one tenant; nothing was changed.',
      taken.phone_number_id, taken.tenant_id, taken.wanted_by);
  END IF;
  FOR each IN SELECT value FROM jsonb_array_elements(input -> 'tenants') LOOP
    INSERT INTO tenant (tenant_id, config, updated_at_ms) VALUES (each ->> 'tenantId', each ->> 'config', now_ms)
      ON CONFLICT (tenant_id) DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms;
    UPDATE pace SET paused_until_ms = 0, pause_reason = NULL WHERE tenant_id = each ->> 'tenantId' AND paused_until_ms > now_ms;
  END LOOP;
  INSERT INTO phone_number (tenant_id, phone_number_id, config, updated_at_ms)
    SELECT value ->> 'tenantId', value ->> 'phoneNumberId', value ->> 'config', now_ms FROM jsonb_array_elements(input -> 'numbers')
    ON CONFLICT (tenant_id, phone_number_id) DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms;
  RETURN 'null';
END $$;
