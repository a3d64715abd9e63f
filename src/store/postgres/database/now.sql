-- The time of a transaction: the caller's where it gives one (tests do), else the clock of the database, which is the same for every
-- process whatever its own clock says.
CREATE FUNCTION _now_of(input jsonb) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT coalesce((input ->> 'nowMs')::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

CREATE FUNCTION clock_ms(input jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT to_jsonb(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;
