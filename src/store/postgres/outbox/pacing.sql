-- The arithmetic of paces, twin of `core/pacing` (its words say why); a test compares both on many inputs. Doubles as in the core, with
-- its operations in its order, so both come to the same number.

-- One grant at `p_now`: `at_ms` is the new TAT where it is granted, else the earliest time at which it would be.
CREATE FUNCTION _gcra(p_every_ms double precision, p_burst double precision, p_debt_ms double precision, p_tat_ms double precision,
  p_now double precision, OUT granted boolean, OUT at_ms double precision) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  tolerance_ms constant double precision := (p_burst - 1) * p_every_ms;
BEGIN
  IF NOT (p_every_ms > 0) OR NOT (p_burst >= 1) THEN
    RAISE EXCEPTION 'a pace needs an interval over 0 ms and a burst of at least 1, not % and %', p_every_ms, p_burst;
  END IF;
  IF _is_strange_tat(p_every_ms, p_burst, p_debt_ms, p_tat_ms, p_now) THEN
    granted := true; at_ms := p_now + tolerance_ms + p_every_ms;
  ELSIF p_tat_ms - tolerance_ms > p_now THEN
    granted := false; at_ms := p_tat_ms - tolerance_ms;
  ELSE
    granted := true; at_ms := greatest(p_tat_ms, p_now) + p_every_ms;
  END IF;
END $$;

-- Further ahead than any grant or debit leaves it: the clock stepped back, or the pace was quickened.
CREATE FUNCTION _is_strange_tat(p_every_ms double precision, p_burst double precision, p_debt_ms double precision,
  p_tat_ms double precision, p_now double precision) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_tat_ms - p_now > (p_burst + 1) * p_every_ms + coalesce(p_debt_ms, 0)
$$;

CREATE FUNCTION _burst_of(p_per_second double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT 1 + greatest(1::double precision, p_per_second / 10) / 2
$$;

CREATE FUNCTION _pace_of_per_second(p_per_second double precision, OUT every_ms double precision, OUT burst double precision,
  OUT debt_ms double precision) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF NOT (p_per_second > 0) OR p_per_second = 'infinity' THEN
    RAISE EXCEPTION 'a pace must be over 0 per second and finite, not %', p_per_second;
  END IF;
  every_ms := 1000 / p_per_second;
  burst := _burst_of(p_per_second);
  debt_ms := _burst_of(p_per_second / 2) * every_ms;
END $$;

-- Counts messages that came in, by their times, against the pace of their number; what comes in quicker than half the pace is not counted. One
-- loop over all of them, since a function called for each costs more than what it works out.
CREATE FUNCTION _debit_inbound(p_per_second double precision, p_tat_ms double precision, p_inbound_tat_ms double precision,
  p_nows bigint[], OUT tat_ms double precision, OUT inbound_tat_ms double precision) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  pace constant record := _pace_of_per_second(p_per_second);
  tolerance_ms constant double precision := (pace.burst - 1) * pace.every_ms;
  strange_ms constant double precision := (pace.burst + 1) * pace.every_ms + pace.debt_ms;
  inbound_every_ms constant double precision := pace.every_ms * 2;
  inbound_burst constant double precision := _burst_of(p_per_second / 2);
  inbound_tolerance_ms constant double precision := (inbound_burst - 1) * inbound_every_ms;
  inbound_strange_ms constant double precision := (inbound_burst + 1) * inbound_every_ms;
  now_ms double precision;
BEGIN
  tat_ms := p_tat_ms;
  inbound_tat_ms := p_inbound_tat_ms;
  FOREACH now_ms IN ARRAY p_nows LOOP
    IF inbound_tat_ms - now_ms > inbound_strange_ms THEN
      inbound_tat_ms := now_ms + inbound_tolerance_ms + inbound_every_ms;
    ELSIF inbound_tat_ms - inbound_tolerance_ms > now_ms THEN
      CONTINUE;
    ELSE
      inbound_tat_ms := greatest(inbound_tat_ms, now_ms) + inbound_every_ms;
    END IF;
    tat_ms := greatest(CASE WHEN tat_ms - now_ms > strange_ms THEN now_ms + tolerance_ms ELSE tat_ms END, now_ms) + pace.every_ms;
  END LOOP;
END $$;
