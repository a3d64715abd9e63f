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

-- Counts one message that came in against the pace of its number; what comes in quicker than half the pace is not counted.
CREATE FUNCTION _debit_inbound(p_per_second double precision, p_tat_ms double precision, p_inbound_tat_ms double precision,
  p_now double precision, OUT tat_ms double precision, OUT inbound_tat_ms double precision) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  pace record;
  inbound record;
BEGIN
  SELECT * INTO pace FROM _pace_of_per_second(p_per_second);
  SELECT * INTO inbound FROM _gcra(pace.every_ms * 2, _burst_of(p_per_second / 2), NULL, p_inbound_tat_ms, p_now);
  IF NOT inbound.granted THEN
    tat_ms := p_tat_ms; inbound_tat_ms := p_inbound_tat_ms;
    RETURN;
  END IF;
  tat_ms := greatest(CASE WHEN _is_strange_tat(pace.every_ms, pace.burst, pace.debt_ms, p_tat_ms, p_now)
    THEN p_now + (pace.burst - 1) * pace.every_ms ELSE p_tat_ms END, p_now) + pace.every_ms;
  inbound_tat_ms := inbound.at_ms;
END $$;
