-- The tables of the Postgres driver. They say what those of the SQLite driver say, word for word where the dialects allow; `end` is a
-- word of Postgres' own, so the column of an event is `ending`. Every key begins with `tenant_id`, so that tenants can be spread
-- over several servers as they are. A migration that was released is never edited: append one.
--
-- What is compared as a key is compared by its bytes, whatever the language of the server: the order in which rows are locked must
-- be the same everywhere.
CREATE DOMAIN id AS text COLLATE "C";

-- The schemas that hold functions, each of one version of the code.
CREATE TABLE functions_of_version (
  functions_schema id PRIMARY KEY, installed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenant (
  tenant_id id PRIMARY KEY, config text NOT NULL, updated_at_ms bigint NOT NULL
);
CREATE TABLE phone_number (
  tenant_id id NOT NULL, phone_number_id id NOT NULL UNIQUE, config text NOT NULL, updated_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id)
);

CREATE TABLE contact (
  tenant_id id NOT NULL, contact_id id NOT NULL, name text, username text, phone text, bsuid text,
  created_at_ms bigint NOT NULL, merged_into id,
  PRIMARY KEY (tenant_id, contact_id)
);
CREATE TABLE contact_address (
  tenant_id id NOT NULL, waba_id id NOT NULL, kind text NOT NULL CHECK (kind IN ('phone','bsuid','parentBsuid')),
  value id NOT NULL, contact_id id NOT NULL, created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, waba_id, kind, value)
);
CREATE INDEX contact_address_by_contact ON contact_address (tenant_id, contact_id);
CREATE TABLE conversation (
  tenant_id id NOT NULL, conversation_id id NOT NULL, phone_number_id id NOT NULL, waba_id id NOT NULL,
  contact_id id NOT NULL, position_next bigint NOT NULL DEFAULT 1, ordinal_next bigint NOT NULL DEFAULT 1,
  fence bigint NOT NULL DEFAULT 0, committed_fence bigint, committed_by id, lease_owner id, lease_until_ms bigint,
  due_at_ms bigint, first_open_at_ms bigint, dialog_state text, state_label text,
  holder text NOT NULL DEFAULT 'bot' CHECK (holder IN ('bot','operator')), held_by text, held_since_ms bigint,
  operator_last_at_ms bigint, seen_through bigint NOT NULL DEFAULT 0, customer_last_at_ms bigint, fallback_last_at_ms bigint,
  standby boolean NOT NULL DEFAULT false,
  pair_tat_ms double precision NOT NULL DEFAULT 0, pair_failures bigint NOT NULL DEFAULT 0, pair_until_ms bigint NOT NULL DEFAULT 0,
  created_at_ms bigint NOT NULL, merged_into id,
  PRIMARY KEY (tenant_id, conversation_id)
);
-- No index names what a take, a commit or an append writes (lease, fence, due time, positions): such an update then writes no index at all
-- (HOT). Leases that ran out are found by the open events that they hold.
CREATE UNIQUE INDEX conversation_by_contact ON conversation (tenant_id, phone_number_id, contact_id) WHERE merged_into IS NULL;
CREATE INDEX conversation_held ON conversation (tenant_id, conversation_id) WHERE holder = 'operator';
CREATE INDEX conversation_merged ON conversation (tenant_id, merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE event (
  tenant_id id NOT NULL, conversation_id id NOT NULL, position bigint NOT NULL, dedupe_key id,
  kind text NOT NULL, class text NOT NULL CHECK (class IN ('answer','context','internal','never')),
  wamid id, sent_at_ms bigint NOT NULL, received_at_ms bigint NOT NULL, content text NOT NULL, raw text,
  ending text CHECK (ending IN ('awaiting','answered','flagged','deadLetter','seenByOperator','noAnswerNeeded')),
  end_ref text, fence bigint,
  PRIMARY KEY (tenant_id, conversation_id, position)
);
CREATE UNIQUE INDEX event_by_dedupe_key ON event (tenant_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX event_open ON event (tenant_id, conversation_id, position) WHERE ending IS NULL;
CREATE INDEX event_awaiting ON event (tenant_id, conversation_id, position) WHERE ending = 'awaiting';
CREATE TABLE timer (
  tenant_id id NOT NULL, conversation_id id NOT NULL, timer_id id NOT NULL, token text NOT NULL, due_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, conversation_id, timer_id)
);
CREATE INDEX timer_by_due ON timer (due_at_ms);
CREATE TABLE activity (
  tenant_id id NOT NULL, activity_id id NOT NULL, conversation_id id NOT NULL, name text NOT NULL, input text NOT NULL,
  state text NOT NULL CHECK (state IN ('running','done','failed','cancelled')), owner_id id, lease_until_ms bigint,
  deadline_ms bigint NOT NULL, deadline_at_ms bigint NOT NULL, restarts bigint NOT NULL DEFAULT 0, fence bigint NOT NULL,
  fault text, result text, reuse text CHECK (reuse IN ('waiting','used')), created_at_ms bigint NOT NULL, settled_at_ms bigint,
  PRIMARY KEY (tenant_id, activity_id)
);
CREATE INDEX activity_running ON activity (tenant_id, conversation_id) WHERE state = 'running';
CREATE TABLE limit_counter (
  tenant_id id NOT NULL, limit_name id NOT NULL, scope id NOT NULL, window_start_ms bigint NOT NULL, window_end_ms bigint NOT NULL,
  used bigint NOT NULL DEFAULT 0, refused bigint NOT NULL DEFAULT 0,
  refused_units bigint NOT NULL DEFAULT 0, returned bigint NOT NULL DEFAULT 0, max_last bigint,
  unit text NOT NULL DEFAULT 'starts' CHECK (unit IN ('starts','micros')),
  PRIMARY KEY (tenant_id, limit_name, scope, window_start_ms)
);
CREATE TABLE usage_day (
  tenant_id id NOT NULL, day id NOT NULL, model text NOT NULL, calls bigint NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0, output_tokens bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day, model)
);

CREATE TABLE send (
  tenant_id id NOT NULL, send_id id NOT NULL, conversation_id id NOT NULL, phone_number_id id NOT NULL,
  ordinal bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('queued','sending','uncertain','accepted','refused','failed','held','withdrawn')),
  delivery text NOT NULL DEFAULT 'none' CHECK (delivery IN ('none','sent','delivered','read','played')),
  priority text NOT NULL, origin text NOT NULL, body text NOT NULL, quote_wamid text, uncertain_policy text NOT NULL,
  attempts bigint NOT NULL DEFAULT 0, not_before_ms bigint NOT NULL DEFAULT 0, owner_id id, sending_at_ms bigint,
  uncertain_since_ms bigint, uncertain_window_ms bigint, first_status_at_ms bigint, delivered_at_ms bigint,
  withdraw_on_return boolean NOT NULL DEFAULT false, granted_nth bigint, if_window_closed text,
  wamid id, second_wamid id, error_code bigint, why text, fence bigint NOT NULL,
  created_at_ms bigint NOT NULL, updated_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, send_id)
);
CREATE UNIQUE INDEX send_by_ordinal ON send (tenant_id, conversation_id, ordinal);
CREATE INDEX send_by_wamid ON send (tenant_id, wamid) WHERE wamid IS NOT NULL;
CREATE INDEX send_open ON send (tenant_id, conversation_id, ordinal) WHERE state IN ('queued','sending','uncertain');
CREATE INDEX send_uncertain ON send (uncertain_since_ms) WHERE state = 'uncertain';
-- Begins with the state, since lists and gauges of all tenants read it, too.
CREATE INDEX send_for_person ON send (state, tenant_id) WHERE state IN ('held','failed','refused');
-- Silence about a send is evidence where later ones of its number were heard of: read from its place on, in the order in which they left.
CREATE INDEX send_heard_of ON send (tenant_id, phone_number_id, granted_nth) WHERE first_status_at_ms IS NOT NULL;
CREATE TABLE status_unmatched (
  tenant_id id NOT NULL, phone_number_id id NOT NULL, wamid id NOT NULL, status text NOT NULL, at_ms bigint NOT NULL,
  error_code bigint, received_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id, wamid, status)
);
CREATE TABLE pace (
  tenant_id id NOT NULL, scope id NOT NULL CHECK (scope IN ('number','waba','tenant')), key id NOT NULL,
  tat_ms double precision NOT NULL DEFAULT 0, inbound_tat_ms double precision NOT NULL DEFAULT 0, speed text,
  paused_until_ms bigint NOT NULL DEFAULT 0, pause_reason text, status_at_ms bigint, granted bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, scope, key)
);

CREATE TABLE flag (
  tenant_id id NOT NULL, flag_id id NOT NULL, conversation_id id NOT NULL, reason text NOT NULL, detail text,
  count bigint NOT NULL DEFAULT 1, created_at_ms bigint NOT NULL, last_at_ms bigint NOT NULL,
  resolved_at_ms bigint, resolved_by text,
  PRIMARY KEY (tenant_id, flag_id)
);
CREATE UNIQUE INDEX flag_open ON flag (tenant_id, conversation_id, reason) WHERE resolved_at_ms IS NULL;
CREATE TABLE dead_letter (
  tenant_id id NOT NULL, dead_letter_id id NOT NULL, conversation_id id NOT NULL, position bigint NOT NULL,
  fault text NOT NULL, created_at_ms bigint NOT NULL, redriven_at_ms bigint,
  PRIMARY KEY (tenant_id, dead_letter_id)
);
CREATE TABLE quarantine (
  tenant_id id NOT NULL, quarantine_id id NOT NULL, reason text NOT NULL, phone_number_id id, item text, bytes bytea,
  dedupe_key id NOT NULL, count bigint NOT NULL DEFAULT 1, created_at_ms bigint NOT NULL, redriven_at_ms bigint,
  PRIMARY KEY (tenant_id, quarantine_id)
);
CREATE UNIQUE INDEX quarantine_by_dedupe_key ON quarantine (tenant_id, dedupe_key);
CREATE INDEX quarantine_open ON quarantine (phone_number_id) WHERE redriven_at_ms IS NULL;
CREATE TABLE notice (
  tenant_id id NOT NULL, dedupe_key id NOT NULL, field text NOT NULL, phone_number_id id, alert boolean NOT NULL,
  at_ms bigint NOT NULL, received_at_ms bigint NOT NULL, raw text NOT NULL,
  PRIMARY KEY (tenant_id, dedupe_key)
);
CREATE INDEX notice_by_age ON notice (received_at_ms);
CREATE TABLE operator_action (
  tenant_id id NOT NULL, nth bigint GENERATED BY DEFAULT AS IDENTITY, at_ms bigint NOT NULL, by text NOT NULL, action text NOT NULL,
  conversation_id id, ref text,
  PRIMARY KEY (tenant_id, nth)
);
CREATE INDEX operator_action_by_conversation ON operator_action (tenant_id, conversation_id, nth);

CREATE INDEX activity_reusable ON activity (tenant_id, name) WHERE reuse = 'waiting';
CREATE TABLE ledger_entry (
  tenant_id id NOT NULL, activity_id id NOT NULL, request bigint NOT NULL,
  conversation_id id NOT NULL, contact_id id NOT NULL, activity text NOT NULL, day id NOT NULL,
  currency text NOT NULL, reserved_micros bigint NOT NULL CHECK (reserved_micros > 0),
  spent_micros bigint CHECK (spent_micros BETWEEN 0 AND reserved_micros),
  state text NOT NULL CHECK (state IN ('reserved','calling','uncertain','asking','settled','refunded')),
  presumed boolean NOT NULL DEFAULT false CHECK (NOT presumed OR state = 'settled'),
  on_uncertain text NOT NULL CHECK (on_uncertain IN ('retryWithKey','lookup','settleAndFlag','retryMayPayTwice')),
  late text NOT NULL CHECK (late IN ('discard','reuse')), claims text NOT NULL,
  tries bigint NOT NULL DEFAULT 0, postings bigint NOT NULL DEFAULT 0,
  owner_id id, lease_until_ms bigint, next_at_ms bigint,
  created_at_ms bigint NOT NULL, updated_at_ms bigint NOT NULL,
  CHECK ((state = 'settled') = (spent_micros IS NOT NULL)),
  CHECK (owner_id IS NULL OR state IN ('reserved','calling','uncertain','asking')),
  PRIMARY KEY (tenant_id, activity_id, request)
);
CREATE UNIQUE INDEX ledger_entry_open ON ledger_entry (tenant_id, activity_id)
  WHERE state IN ('reserved','calling','uncertain','asking');
-- What a cancel, a take-over or a merge has to settle of one conversation; what is open is small.
CREATE INDEX ledger_entry_of_conversation ON ledger_entry (tenant_id, conversation_id)
  WHERE state IN ('reserved','calling','uncertain','asking');
CREATE INDEX ledger_entry_by_day ON ledger_entry (tenant_id, day);
CREATE TABLE ledger_posting (
  tenant_id id NOT NULL, activity_id id NOT NULL, request bigint NOT NULL, nth bigint NOT NULL, at_ms bigint NOT NULL,
  from_place text NOT NULL CHECK (from_place IN ('budget','reserved','uncertain','spent')),
  to_place text NOT NULL CHECK (to_place IN ('budget','reserved','uncertain','spent') AND to_place <> from_place),
  amount_micros bigint NOT NULL CHECK (amount_micros > 0),
  PRIMARY KEY (tenant_id, activity_id, request, nth)
);
CREATE FUNCTION refuse_change_of_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a posting of the ledger is never changed or deleted';
END $$;
CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE OR DELETE ON ledger_posting
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_posting();
CREATE TABLE ledger_day (
  tenant_id id NOT NULL, day id NOT NULL, currency text NOT NULL, spent_micros bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day, currency)
);

CREATE TABLE api_key (
  tenant_id id NOT NULL, key_id id NOT NULL, digest id NOT NULL UNIQUE, label text NOT NULL, created_by text NOT NULL,
  created_at_ms bigint NOT NULL, last_used_at_ms bigint, revoked_at_ms bigint,
  PRIMARY KEY (tenant_id, key_id)
);

CREATE TABLE file (
  tenant_id id NOT NULL, file_id id NOT NULL, mime_type text NOT NULL, bytes bigint NOT NULL, used_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, file_id)
);
CREATE INDEX file_by_age ON file (used_at_ms);
CREATE TABLE upload (
  tenant_id id NOT NULL, phone_number_id id NOT NULL, file_id id NOT NULL, media_id id NOT NULL, until_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id, file_id)
);

CREATE INDEX contact_merged ON contact (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX conversation_of_contact ON conversation (tenant_id, contact_id);
CREATE INDEX activity_ended ON activity (tenant_id, conversation_id, activity_id) WHERE settled_at_ms IS NOT NULL;
CREATE INDEX flag_by_conversation ON flag (tenant_id, conversation_id);
CREATE INDEX dead_letter_by_conversation ON dead_letter (tenant_id, conversation_id);
CREATE INDEX ledger_entry_by_contact ON ledger_entry (tenant_id, contact_id);

-- For upkeep, the audit and the gauges. What is settled is indexed by its age, once in its life, when it is settled, and by a column that does
-- not change from then on: pruning and the audit read the part they want, and what is unfinished is not in their way.
CREATE INDEX event_settled ON event (received_at_ms) WHERE ending IS NOT NULL AND ending <> 'awaiting';
CREATE INDEX send_settled ON send (created_at_ms) WHERE state IN ('accepted','refused','failed','withdrawn');
CREATE INDEX send_doubled ON send (created_at_ms) WHERE second_wamid IS NOT NULL;
CREATE INDEX activity_settled ON activity (settled_at_ms) WHERE settled_at_ms IS NOT NULL;
CREATE INDEX operator_action_by_age ON operator_action (at_ms);
CREATE INDEX status_unmatched_by_age ON status_unmatched (received_at_ms);
CREATE INDEX limit_counter_by_end ON limit_counter (window_end_ms);
CREATE INDEX flag_resolved ON flag (resolved_at_ms) WHERE resolved_at_ms IS NOT NULL;
CREATE INDEX dead_letter_open ON dead_letter (created_at_ms) WHERE redriven_at_ms IS NULL;
CREATE INDEX dead_letter_redriven ON dead_letter (redriven_at_ms) WHERE redriven_at_ms IS NOT NULL;
CREATE INDEX quarantine_redriven ON quarantine (redriven_at_ms) WHERE redriven_at_ms IS NOT NULL;
-- What is on the wire is looked at every few seconds, and a campaign may have a hundred thousand sends queued behind it.
CREATE INDEX send_sending ON send (sending_at_ms) WHERE state = 'sending';
-- People know an address, and not the WABA that it was learned by.
CREATE INDEX contact_address_by_value ON contact_address (tenant_id, value);

-- Rows that are updated several times in their life keep room on their page, so that an update writes no index (HOT) where it touches
-- no indexed column; tables that work like queues are vacuumed early, since every dead row lies in the way of the next look.
-- Taken, committed, answered and paced again and again: the room of several versions.
ALTER TABLE conversation SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
-- Ends once or twice, and each end moves it in or out of a partial index, so no update is HOT: room for the new version on the same page.
ALTER TABLE event SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
-- Granted and settled (indexed), then up to three statuses that only change delivery.
ALTER TABLE send SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
-- Its lease is renewed every few seconds while it runs, which is HOT; its end is not.
ALTER TABLE activity SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
-- Comes and goes with nearly every turn, and the earliest is looked for all the time.
ALTER TABLE timer SET (autovacuum_vacuum_scale_factor = 0.02);
-- One row of a number, written by every group: its versions must stay on one page.
ALTER TABLE pace SET (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.02);
-- Counts up in place.
ALTER TABLE limit_counter SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ledger_day SET (fillfactor = 50);
ALTER TABLE usage_day SET (fillfactor = 50);

-- A second wall behind the tenant_id of every statement: a role that is not the owner sees the rows of one tenant, the one that it names by
-- `SET nightdesk.tenant`, and none before. The owner, which the server works as, is not bound. A migration that adds a table adds its policy.
DO $do$
DECLARE
  each text;
BEGIN
  FOR each IN SELECT a.attrelid::regclass::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant_id'
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', each);
    EXECUTE format('CREATE POLICY of_one_tenant ON %s USING (tenant_id = current_setting(''nightdesk.tenant'', true))', each);
  END LOOP;
END $do$;
