CREATE FUNCTION durability_settings(input jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('fsync', current_setting('fsync'), 'synchronous_commit', current_setting('synchronous_commit'),
    'full_page_writes', current_setting('full_page_writes'))
$$;
