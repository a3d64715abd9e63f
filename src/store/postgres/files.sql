-- What the store knows of files: that they are there, what they are, when they were last used, and which of them Meta has for which
-- number. The bytes lie with the driver of files.

CREATE FUNCTION note_file(input jsonb) RETURNS jsonb LANGUAGE sql AS $$
  INSERT INTO file (tenant_id, file_id, mime_type, bytes, used_at_ms)
    VALUES (input ->> 'tenantId', input ->> 'fileId', input ->> 'mimeType', (input ->> 'bytes')::bigint, _now_of(input))
    ON CONFLICT (tenant_id, file_id) DO UPDATE SET mime_type = excluded.mime_type, used_at_ms = greatest(file.used_at_ms, excluded.used_at_ms);
  SELECT 'null'::jsonb
$$;

CREATE FUNCTION find_file(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT jsonb_build_object('mimeType', mime_type, 'bytes', bytes, 'usedAtMs', used_at_ms)
    FROM file WHERE tenant_id = input ->> 'tenantId' AND file_id = input ->> 'fileId'), 'null')
$$;

CREATE FUNCTION note_upload(input jsonb) RETURNS jsonb LANGUAGE sql AS $$
  INSERT INTO upload (tenant_id, phone_number_id, file_id, media_id, until_ms)
    VALUES (input ->> 'tenantId', input ->> 'phoneNumberId', input ->> 'fileId', input ->> 'mediaId', (input ->> 'untilMs')::bigint)
    ON CONFLICT (tenant_id, phone_number_id, file_id) DO UPDATE SET media_id = excluded.media_id, until_ms = excluded.until_ms;
  UPDATE file SET used_at_ms = greatest(used_at_ms, _now_of(input)) WHERE tenant_id = input ->> 'tenantId' AND file_id = input ->> 'fileId';
  SELECT 'null'::jsonb
$$;

CREATE FUNCTION find_upload(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT to_jsonb(media_id::text) FROM upload WHERE tenant_id = input ->> 'tenantId'
    AND phone_number_id = input ->> 'phoneNumberId' AND file_id = input ->> 'fileId' AND until_ms > _now_of(input)), 'null')
$$;

-- Index: file_by_age. Of all tenants, as pruning is; each row says whose it is.
CREATE FUNCTION list_unused_files(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', tenant_id, 'fileId', file_id) ORDER BY used_at_ms), '[]') FROM (
    SELECT tenant_id, file_id, used_at_ms FROM file WHERE used_at_ms < (input ->> 'unusedSinceMs')::bigint
    ORDER BY used_at_ms LIMIT (input ->> 'max')::int) AS unused
$$;

CREATE FUNCTION forget_file(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM file WHERE tenant_id = input ->> 'tenantId' AND file_id = input ->> 'fileId'
    AND used_at_ms < (input ->> 'unusedSinceMs')::bigint;
  RETURN to_jsonb(FOUND);
END $$;
