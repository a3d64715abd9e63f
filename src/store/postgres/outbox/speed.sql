-- How much of its pace a scope may use after the provider said "too fast": twin of `core/pacing/speed.ts`, whose words say why. A speed is
-- JSON text `{factor, slowedAtMs, pauseMs}`; NULL is full speed.

CREATE FUNCTION _is_speed_of_future(p_speed jsonb, p_now double precision) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT (p_speed ->> 'slowedAtMs')::double precision - p_now > 5000
$$;

-- When the pause ends that the speed holds, or `p_now` where there is none.
CREATE FUNCTION _speed_paused_until(p_speed text, p_now double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  speed constant jsonb := p_speed::jsonb;
BEGIN
  IF speed IS NULL OR _is_speed_of_future(speed, p_now) THEN RETURN p_now; END IF;
  RETURN greatest(p_now, (speed ->> 'slowedAtMs')::double precision + (speed ->> 'pauseMs')::double precision);
END $$;

-- Share of the pace, a pause left aside: from 1/16 to 1.
CREATE FUNCTION _speed_recovered_to(p_speed text, p_now double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  speed constant jsonb := p_speed::jsonb;
  quiet_ms double precision;
BEGIN
  IF speed IS NULL OR _is_speed_of_future(speed, p_now) THEN RETURN 1; END IF;
  quiet_ms := greatest(0::double precision, p_now - (speed ->> 'slowedAtMs')::double precision - (speed ->> 'pauseMs')::double precision);
  RETURN least(1::double precision, (speed ->> 'factor')::double precision + floor(quiet_ms / 1000) * 0.125::double precision);
END $$;

-- Share of the pace that may be used now: 0 in a pause.
CREATE FUNCTION _speed_factor(p_speed text, p_now double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN _speed_paused_until(p_speed, p_now) > p_now THEN 0 ELSE _speed_recovered_to(p_speed, p_now) END
$$;

-- After a throttle: half the speed, and a pause if the answer names one (NULL where not).
CREATE FUNCTION _slow_down(p_speed text, p_now double precision, p_retry_after_ms double precision) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  speed constant jsonb := coalesce(p_speed::jsonb, '{"factor":1,"slowedAtMs":0,"pauseMs":0}');
  factor constant double precision := (speed ->> 'factor')::double precision;
  pause_ms constant double precision := least(86400000::double precision, greatest(0::double precision, coalesce(p_retry_after_ms, 0)));
  elapsed_ms constant double precision := p_now - (speed ->> 'slowedAtMs')::double precision;
BEGIN
  IF factor < 1 AND elapsed_ms < 500 AND elapsed_ms > -5000 THEN
    RETURN jsonb_build_object('factor', factor, 'slowedAtMs', speed -> 'slowedAtMs',
      'pauseMs', greatest((speed ->> 'pauseMs')::double precision, pause_ms + elapsed_ms))::text;
  END IF;
  RETURN jsonb_build_object('factor', greatest(0.0625::double precision, _speed_recovered_to(p_speed, p_now) / 2), 'slowedAtMs', p_now,
    'pauseMs', greatest(pause_ms, _speed_paused_until(p_speed, p_now) - p_now))::text;
END $$;

-- The pace of `p_per_second` at a speed; in a pause a slow one, for the time after it.
CREATE FUNCTION _pace_at_speed(p_per_second double precision, p_speed text, p_now double precision, OUT every_ms double precision,
  OUT burst double precision, OUT debt_ms double precision) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  factor constant double precision := CASE WHEN p_speed IS NULL THEN 1 ELSE _speed_factor(p_speed, p_now) END;
  paced record;
BEGIN
  paced := _pace_of_per_second(p_per_second * greatest(factor, 1::double precision / 64));
  every_ms := paced.every_ms; burst := paced.burst; debt_ms := paced.debt_ms;
END $$;

-- After error 131056, for the pair only: 1, 4, 16, 64, 256, 1,024 s.
CREATE FUNCTION _pair_backoff_ms(p_earlier_failures bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(1024000, 1000 * (1::bigint << (2 * greatest(0, least(p_earlier_failures, 20))::int)))
$$;
