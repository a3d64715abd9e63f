-- Who is who: twins of `core/model/contacts.ts`, whose words say why. They are told what the addresses lead to now, and say what the
-- contact is and which addresses to re-point; a test compares them with the core's on many inputs. A contact that is known is
-- `{ contactId, bsuids }`, one that is not is null.

-- Decides for an ordinary message: `sender` with `phone`, `bsuid`, `parentBsuid` where it carries them, `known` by the same names.
CREATE FUNCTION _decide_contact(sender jsonb, known jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  main constant text := _main_contact(sender, known);
  phone_owner constant text := known #>> '{phone,contactId}';
  point jsonb := '[]';
  merge jsonb := '[]';
  lost jsonb := '[]';
BEGIN
  IF sender ->> 'bsuid' IS NOT NULL AND known #>> '{bsuid,contactId}' IS NULL THEN
    point := point || _address('bsuid', sender ->> 'bsuid');
  END IF;
  IF sender ->> 'parentBsuid' IS NOT NULL AND (main IS NULL OR known #>> '{parentBsuid,contactId}' IS DISTINCT FROM main) THEN
    point := point || _address('parentBsuid', sender ->> 'parentBsuid');
  END IF;
  IF sender ->> 'phone' IS NOT NULL AND (phone_owner IS NULL OR phone_owner IS DISTINCT FROM main) THEN
    point := point || _address('phone', sender ->> 'phone');
    IF phone_owner IS NULL THEN
      NULL;
    ELSIF main IS NOT NULL AND _has_no_bsuid(known -> 'phone') THEN
      merge := merge || to_jsonb(phone_owner);
    ELSE
      lost := lost || to_jsonb(phone_owner);
    END IF;
  END IF;
  RETURN jsonb_build_object('contactId', main, 'point', point, 'merge', merge, 'lostPhone', lost);
END $$;

CREATE FUNCTION _main_contact(sender jsonb, known jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN known #>> '{bsuid,contactId}' IS NOT NULL THEN known #>> '{bsuid,contactId}'
    WHEN sender ->> 'bsuid' IS NULL THEN coalesce(known #>> '{phone,contactId}', known #>> '{parentBsuid,contactId}')
    WHEN _has_no_bsuid(known -> 'phone') THEN known #>> '{phone,contactId}'
    WHEN _has_no_bsuid(known -> 'parentBsuid') THEN known #>> '{parentBsuid,contactId}'
  END
$$;

CREATE FUNCTION _address(p_kind text, p_value text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('kind', p_kind, 'value', p_value)
$$;

CREATE FUNCTION _has_no_bsuid(contact jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(contact ->> 'contactId' IS NOT NULL AND contact -> 'bsuids' = '[]', false)
$$;

-- Decides for an announced change of phone or id; `change` is the whole one (`wholeChange` of the core).
CREATE FUNCTION _decide_change(change jsonb, known jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  is_someone_else constant boolean := _is_someone_else(change, known -> 'oldPhone');
  new_phone constant jsonb := known -> 'newPhone';
  is_same constant boolean := _has_no_bsuid(new_phone) OR _is_named(change, new_phone);
  same constant text[] := array_remove(ARRAY[
    known #>> '{oldBsuid,contactId}',
    CASE WHEN NOT is_someone_else THEN known #>> '{oldPhone,contactId}' END,
    known #>> '{newBsuid,contactId}',
    CASE WHEN is_same THEN new_phone ->> 'contactId' END], NULL);
  main constant text := same[1];
  point jsonb := '[]';
  merge text[] := '{}';
  lost jsonb := '[]';
  each text;
BEGIN
  FOREACH each IN ARRAY same LOOP
    IF each <> main AND NOT each = ANY (merge) THEN merge := merge || each; END IF;
  END LOOP;
  IF NOT is_someone_else THEN point := point || _pointed('phone', change ->> 'oldPhone', known -> 'oldPhone', main); END IF;
  point := point || _pointed('phone', change ->> 'newPhone', new_phone, main);
  IF NOT is_same AND new_phone ->> 'contactId' <> coalesce(main, '') THEN lost := lost || (new_phone -> 'contactId'); END IF;
  point := point || _pointed('bsuid', change ->> 'oldBsuid', known -> 'oldBsuid', main);
  point := point || _pointed('bsuid', change ->> 'newBsuid', known -> 'newBsuid', main);
  point := point || _pointed('parentBsuid', change ->> 'newParentBsuid', NULL, main);
  RETURN jsonb_build_object('contactId', main, 'point', point, 'merge', to_jsonb(merge), 'lostPhone', lost);
END $$;

-- An array: the address, unless there is none or it leads to the contact already.
CREATE FUNCTION _pointed(p_kind text, p_value text, p_owner jsonb, p_contact text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_value IS NULL OR p_owner ->> 'contactId' = p_contact THEN '[]'::jsonb ELSE jsonb_build_array(_address(p_kind, p_value)) END
$$;

CREATE FUNCTION _is_someone_else(change jsonb, owner jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT owner ->> 'contactId' IS NOT NULL AND NOT _has_no_bsuid(owner)
    AND (change ->> 'oldBsuid' IS NOT NULL OR change ->> 'newBsuid' IS NOT NULL) AND NOT _is_named(change, owner)
$$;

CREATE FUNCTION _is_named(change jsonb, owner jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((owner -> 'bsuids') ? (change ->> 'oldBsuid') OR (owner -> 'bsuids') ? (change ->> 'newBsuid'), false)
$$;
