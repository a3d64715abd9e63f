-- Conversations that were merged away stay as rows that name their survivor, so an old reference (on a screen, in a flag, in a dead
-- letter) still leads somewhere. A merge re-points earlier aliases too: one step is always enough. A conversation whose contact was
-- erased names itself: it leads nowhere, and like any other alias it has no mailbox that somebody takes from or appends to.

-- The conversation itself, or the one that it was merged into. What it answers may be merged away a moment later: whoever changes
-- something locks the row and looks again.
CREATE FUNCTION _surviving_conversation(p_tenant text, p_conversation text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT c.merged_into::text FROM conversation c WHERE c.tenant_id = p_tenant AND c.conversation_id = p_conversation),
    p_conversation)
$$;

-- The contact itself, or the one that it became by one merge or several; what is no contact stays what it is.
CREATE FUNCTION _surviving_contact(p_tenant text, p_contact text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  id text := p_contact;
  next_id text;
BEGIN
  LOOP
    SELECT k.merged_into INTO next_id FROM contact k WHERE k.tenant_id = p_tenant AND k.contact_id = id;
    IF next_id IS NULL THEN RETURN id; END IF;
    id := next_id;
  END LOOP;
END $$;
