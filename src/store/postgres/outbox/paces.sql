-- Pace rows: what all processes know together of the pace of a number, a waba and a tenant. One call locks the rows it needs once, in the
-- order of their keys and after the conversations, judges all its sends against them in memory and writes each back once: so a row is
-- locked for each batch, not for each send (`docs/adr/0013-paces-over-all-processes.md`).

-- The rows of `p_wanted`, objects with `t` (tenant), `s` (scope), `k` (key) and `p` (whether it has a pace). Those with a pace are
-- made where they are missing and are locked, as are those that Meta slowed. A row of the others only tells of a pause, which
-- binds whoever asks after it was committed, so it is read without a lock: numbers of one tenant do not wait for each other.
CREATE FUNCTION _open_paces(p_wanted jsonb) RETURNS pace[] LANGUAGE plpgsql AS $$
DECLARE
  book pace[];
  others pace[];
BEGIN
  INSERT INTO pace (tenant_id, scope, key)
    SELECT w.t, w.s, w.k FROM _wanted_paces(p_wanted) w
      WHERE w.is_paced AND NOT EXISTS (SELECT FROM pace p WHERE p.tenant_id = w.t AND p.scope = w.s AND p.key = w.k)
      ORDER BY w.t, w.s, w.k
    ON CONFLICT DO NOTHING;
  SELECT array_agg(locked.p) INTO book FROM (
    SELECT p FROM _wanted_paces(p_wanted) w JOIN pace p ON p.tenant_id = w.t AND p.scope = w.s AND p.key = w.k
      WHERE w.is_paced OR p.speed IS NOT NULL ORDER BY p.tenant_id, p.scope, p.key FOR UPDATE OF p) locked;
  SELECT array_agg(jsonb_populate_record(p, '{"speed":null}')) INTO others
    FROM _wanted_paces(p_wanted) w JOIN pace p ON p.tenant_id = w.t AND p.scope = w.s AND p.key = w.k
    WHERE NOT w.is_paced AND NOT EXISTS (SELECT FROM unnest(book) b WHERE b.tenant_id = w.t AND b.scope = w.s AND b.key = w.k);
  RETURN coalesce(book, '{}') || coalesce(others, '{}');
END $$;

-- Each row once.
CREATE FUNCTION _wanted_paces(p_wanted jsonb) RETURNS TABLE (t id, s id, k id, is_paced boolean) LANGUAGE sql IMMUTABLE AS $$
  SELECT (w ->> 't')::id, (w ->> 's')::id, (w ->> 'k')::id, bool_or((w ->> 'p')::boolean)
    FROM jsonb_array_elements(p_wanted) w GROUP BY 1, 2, 3
$$;

CREATE FUNCTION _pace_key(p_tenant text, p_scope text, p_key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT p_tenant || chr(10) || p_scope || chr(10) || p_key
$$;

-- What a number with these rules is bound by, as `_open_paces` takes it.
CREATE FUNCTION _paces_of_number(p_tenant text, p_phone_number_id text, p_rules jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_array(
    jsonb_build_object('t', p_tenant, 's', 'number', 'k', p_phone_number_id, 'p', true),
    jsonb_build_object('t', p_tenant, 's', 'waba', 'k', p_rules ->> 'wabaId', 'p', p_rules ->> 'wabaPerSecond' IS NOT NULL),
    jsonb_build_object('t', p_tenant, 's', 'tenant', 'k', p_tenant, 'p', p_rules ->> 'tenantPerSecond' IS NOT NULL))
$$;

-- Writes back what moved. A speed that has recovered is none any more, so its row is not locked for it again.
CREATE FUNCTION _write_paces(p_moved pace[], p_now double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE pace p SET tat_ms = m.tat_ms, granted = m.granted,
      speed = CASE WHEN _speed_factor(m.speed, p_now) >= 1 THEN NULL ELSE m.speed END
    FROM unnest(p_moved) m WHERE p.tenant_id = m.tenant_id AND p.scope = m.scope AND p.key = m.key;
END $$;

-- One slot of all paces that bind a send, or of none. `p_scopes` are the rows of number, waba and tenant (NULL where there is none),
-- `p_pair_tat_ms` is NULL for what goes to no pair. Granted: the new TATs, NULL where a scope has no pace, that of the pair
-- last. Refused: until when and by which scope. `p_to_spare` grants only where half of the burst and one more slot stay free.
CREATE FUNCTION _take_slot(p_scopes pace[], p_rules jsonb, p_pair_tat_ms double precision, p_now double precision, p_to_spare boolean,
  OUT tats double precision[], OUT refused_until_ms double precision, OUT refused_by text, OUT is_paused boolean) LANGUAGE plpgsql AS $$
DECLARE
  names constant text[] := '{number,waba,tenant}';
  number_per_second constant double precision := p_rules ->> 'numberPerSecond';
  per_second double precision;
  scope pace;
  paced record;
  slot record;
BEGIN
  is_paused := false;
  FOR i IN 1..3 LOOP
    scope := p_scopes[i];
    refused_until_ms := greatest(p_now, scope.paused_until_ms, _speed_paused_until(scope.speed, p_now));
    IF refused_until_ms > p_now THEN
      refused_by := names[i]; is_paused := true;
      RETURN;
    END IF;
  END LOOP;
  refused_until_ms := NULL;
  FOR i IN 1..3 LOOP
    scope := p_scopes[i];
    per_second := CASE i WHEN 1 THEN number_per_second WHEN 2 THEN (p_rules ->> 'wabaPerSecond')::double precision
      ELSE (p_rules ->> 'tenantPerSecond')::double precision END;
    IF per_second IS NULL AND scope.speed IS NOT NULL AND _speed_factor(scope.speed, p_now) < 1 THEN
      per_second := number_per_second;
    END IF;
    CONTINUE WHEN per_second IS NULL;
    paced := _pace_at_speed(per_second, scope.speed, p_now);
    slot := _gcra(paced.every_ms, paced.burst, paced.debt_ms, scope.tat_ms, p_now);
    IF p_to_spare AND greatest(scope.tat_ms, p_now) + paced.every_ms > p_now + least(paced.burst / 2, paced.burst - 1) * paced.every_ms THEN
      slot.granted := false; slot.at_ms := greatest(slot.at_ms, p_now + paced.every_ms);
    END IF;
    IF slot.granted THEN tats[i] := slot.at_ms;
    ELSIF refused_until_ms IS NULL OR slot.at_ms > refused_until_ms THEN refused_until_ms := slot.at_ms; refused_by := names[i];
    END IF;
  END LOOP;
  IF p_pair_tat_ms IS NOT NULL THEN
    slot := _gcra((p_rules ->> 'pairEveryMs')::double precision, (p_rules ->> 'pairBurst')::double precision, NULL, p_pair_tat_ms, p_now);
    IF slot.granted THEN tats[4] := slot.at_ms;
    ELSIF refused_until_ms IS NULL OR slot.at_ms > refused_until_ms THEN refused_until_ms := slot.at_ms; refused_by := 'pair';
    END IF;
  END IF;
END $$;

-- A slot of the number for something that is no send: it must never delay an answer.
CREATE FUNCTION grant_receipt(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  tenant constant text := input ->> 'tenantId';
  book constant pace[] := _open_paces(_paces_of_number(tenant, input ->> 'phoneNumberId', input -> 'rules'));
  now_ms constant bigint := _now_of(input);
  scopes pace[];
  moved pace[] := '{}';
  slot record;
BEGIN
  scopes := _scopes_of_number(book, tenant, input ->> 'phoneNumberId', input -> 'rules' ->> 'wabaId');
  slot := _take_slot(scopes, input -> 'rules', NULL, now_ms, true);
  IF slot.refused_by IS NOT NULL THEN RETURN 'false'; END IF;
  FOR i IN 1..3 LOOP
    CONTINUE WHEN slot.tats[i] IS NULL;
    scopes[i].tat_ms := slot.tats[i];
    moved := moved || scopes[i];
  END LOOP;
  PERFORM _write_paces(moved, now_ms);
  RETURN 'true';
END $$;

-- Number, waba, tenant.
CREATE FUNCTION _scopes_of_number(p_book pace[], p_tenant text, p_phone_number_id text, p_waba text) RETURNS pace[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  scopes pace[] := ARRAY[NULL, NULL, NULL]::pace[];
BEGIN
  FOR i IN 1..cardinality(p_book) LOOP
    CONTINUE WHEN p_book[i].tenant_id <> p_tenant;
    IF p_book[i].scope = 'number' AND p_book[i].key = p_phone_number_id THEN scopes[1] := p_book[i];
    ELSIF p_book[i].scope = 'waba' AND p_book[i].key = p_waba THEN scopes[2] := p_book[i];
    ELSIF p_book[i].scope = 'tenant' THEN scopes[3] := p_book[i];
    END IF;
  END LOOP;
  RETURN scopes;
END $$;
