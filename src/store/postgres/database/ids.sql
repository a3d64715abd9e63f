-- Ids as `core/model/ids.ts` makes them: a prefix, 48 bits of time and 80 bits of chance in Crockford's base 32.
CREATE FUNCTION _new_id(prefix text, now_ms bigint) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  alphabet constant text := '0123456789abcdefghjkmnpqrstvwxyz';
  made text := '';
  rest bigint := greatest(now_ms, 0);
  -- A random UUID has fixed bits in its bytes 6 and 8; the last six bytes and the first four have none.
  chance constant bytea := uuid_send(gen_random_uuid()) ;
  more constant bytea := uuid_send(gen_random_uuid());
BEGIN
  FOR i IN 1..10 LOOP
    made := substr(alphabet, (rest % 32)::int + 1, 1) || made;
    rest := rest / 32;
  END LOOP;
  FOR i IN 0..15 LOOP
    made := made || substr(alphabet, (get_byte(CASE WHEN i < 8 THEN chance ELSE more END, CASE WHEN i % 8 < 4 THEN i % 8 ELSE i % 8 + 8 END) & 31) + 1, 1);
  END LOOP;
  RETURN prefix || '_' || made;
END $$;
