/**
 * The tables of the SQLite driver, as numbered migrations. A migration that was released is never edited; to change
 * a table, append a migration and raise nothing else. Every key begins with `tenant_id`.
 *
 * Open rows (unconsumed events, unsettled sends, running activities) are found by partial indexes that hold nothing
 * else, so the hot path stays as small as the work at hand whatever the history. Dedupe keys are a unique index on
 * the events themselves: an event lives at least as long as its key must.
 */
export interface Migration {
  version: number;
  name: string;
  sql: string;
}

const tenants = `
CREATE TABLE tenant (
  tenant_id TEXT PRIMARY KEY, config TEXT NOT NULL, updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE phone_number (
  tenant_id TEXT NOT NULL, phone_number_id TEXT NOT NULL UNIQUE, config TEXT NOT NULL, updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id)
) STRICT, WITHOUT ROWID;`;

const conversations = `
CREATE TABLE contact (
  tenant_id TEXT NOT NULL, contact_id TEXT NOT NULL, name TEXT, username TEXT, phone TEXT, bsuid TEXT,
  created_at_ms INTEGER NOT NULL, merged_into TEXT,
  PRIMARY KEY (tenant_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE contact_address (
  tenant_id TEXT NOT NULL, waba_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('phone','bsuid','parentBsuid')),
  value TEXT NOT NULL, contact_id TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, waba_id, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_address_by_contact ON contact_address (tenant_id, contact_id);
CREATE TABLE conversation (
  tenant_id TEXT NOT NULL, conversation_id TEXT NOT NULL, phone_number_id TEXT NOT NULL, waba_id TEXT NOT NULL,
  contact_id TEXT NOT NULL, position_next INTEGER NOT NULL DEFAULT 1, ordinal_next INTEGER NOT NULL DEFAULT 1,
  fence INTEGER NOT NULL DEFAULT 0, lease_owner TEXT, lease_until_ms INTEGER,
  due_at_ms INTEGER, first_open_at_ms INTEGER, dialog_state TEXT, state_label TEXT,
  holder TEXT NOT NULL DEFAULT 'bot' CHECK (holder IN ('bot','operator')), held_by TEXT, held_since_ms INTEGER,
  operator_last_at_ms INTEGER, seen_through INTEGER NOT NULL DEFAULT 0, customer_last_at_ms INTEGER, fallback_last_at_ms INTEGER,
  standby INTEGER NOT NULL DEFAULT 0,
  pair_tat_ms REAL NOT NULL DEFAULT 0, pair_failures INTEGER NOT NULL DEFAULT 0, pair_until_ms INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL, merged_into TEXT,
  PRIMARY KEY (tenant_id, conversation_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX conversation_by_contact ON conversation (tenant_id, phone_number_id, contact_id) WHERE merged_into IS NULL;
CREATE INDEX conversation_held ON conversation (tenant_id, conversation_id) WHERE holder = 'operator';
CREATE INDEX conversation_merged ON conversation (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX conversation_leased ON conversation (lease_until_ms) WHERE lease_owner IS NOT NULL;`;

const mailbox = `
CREATE TABLE event (
  tenant_id TEXT NOT NULL, conversation_id TEXT NOT NULL, position INTEGER NOT NULL, dedupe_key TEXT,
  kind TEXT NOT NULL, class TEXT NOT NULL CHECK (class IN ('answer','context','internal','never')),
  wamid TEXT, sent_at_ms INTEGER NOT NULL, received_at_ms INTEGER NOT NULL, content TEXT NOT NULL, raw TEXT,
  end TEXT CHECK (end IN ('awaiting','answered','flagged','deadLetter','seenByOperator','noAnswerNeeded')),
  end_ref TEXT, fence INTEGER
) STRICT;
CREATE UNIQUE INDEX event_by_position ON event (tenant_id, conversation_id, position);
CREATE UNIQUE INDEX event_by_dedupe_key ON event (tenant_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX event_open ON event (tenant_id, conversation_id, position) WHERE end IS NULL;
CREATE INDEX event_awaiting ON event (tenant_id, conversation_id, position) WHERE end = 'awaiting';
CREATE TABLE timer (
  tenant_id TEXT NOT NULL, conversation_id TEXT NOT NULL, timer_id TEXT NOT NULL, token TEXT NOT NULL, due_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, conversation_id, timer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_by_due ON timer (due_at_ms);
CREATE TABLE activity (
  tenant_id TEXT NOT NULL, activity_id TEXT NOT NULL, conversation_id TEXT NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running','done','failed','cancelled')), owner_id TEXT, lease_until_ms INTEGER,
  deadline_ms INTEGER NOT NULL, deadline_at_ms INTEGER NOT NULL, restarts INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL,
  fault TEXT, created_at_ms INTEGER NOT NULL, settled_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX activity_by_id ON activity (tenant_id, activity_id);
CREATE INDEX activity_running ON activity (tenant_id, conversation_id) WHERE state = 'running';
CREATE TABLE limit_counter (
  tenant_id TEXT NOT NULL, limit_name TEXT NOT NULL, scope TEXT NOT NULL, window_start_ms INTEGER NOT NULL, window_end_ms INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, limit_name, scope, window_start_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_day (
  tenant_id TEXT NOT NULL, day TEXT NOT NULL, model TEXT NOT NULL, calls INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day, model)
) STRICT, WITHOUT ROWID;`;

const outbox = `
CREATE TABLE send (
  tenant_id TEXT NOT NULL, send_id TEXT NOT NULL, conversation_id TEXT NOT NULL, phone_number_id TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued','sending','uncertain','accepted','refused','failed','held','withdrawn')),
  delivery TEXT NOT NULL DEFAULT 'none' CHECK (delivery IN ('none','sent','delivered','read','played')),
  priority TEXT NOT NULL, origin TEXT NOT NULL, body TEXT NOT NULL, quote_wamid TEXT, uncertain_policy TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER NOT NULL DEFAULT 0, owner_id TEXT, sending_at_ms INTEGER,
  uncertain_since_ms INTEGER, uncertain_window_ms INTEGER, first_status_at_ms INTEGER, delivered_at_ms INTEGER,
  withdraw_on_return INTEGER NOT NULL DEFAULT 0,
  wamid TEXT, second_wamid TEXT, error_code INTEGER, why TEXT, fence INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX send_by_id ON send (tenant_id, send_id);
CREATE UNIQUE INDEX send_by_ordinal ON send (tenant_id, conversation_id, ordinal);
CREATE INDEX send_by_wamid ON send (tenant_id, wamid) WHERE wamid IS NOT NULL;
CREATE INDEX send_open ON send (tenant_id, conversation_id, ordinal) WHERE state IN ('queued','sending','uncertain');
CREATE INDEX send_uncertain ON send (uncertain_since_ms) WHERE state = 'uncertain';
CREATE INDEX send_for_person ON send (tenant_id, state) WHERE state IN ('held','failed','refused');
CREATE TABLE status_unmatched (
  tenant_id TEXT NOT NULL, phone_number_id TEXT NOT NULL, wamid TEXT NOT NULL, status TEXT NOT NULL, at_ms INTEGER NOT NULL,
  error_code INTEGER, received_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id, wamid, status)
) STRICT, WITHOUT ROWID;
CREATE TABLE pace (
  tenant_id TEXT NOT NULL, scope TEXT NOT NULL CHECK (scope IN ('number','waba','tenant')), key TEXT NOT NULL,
  tat_ms REAL NOT NULL DEFAULT 0, inbound_tat_ms REAL NOT NULL DEFAULT 0, speed TEXT,
  paused_until_ms INTEGER NOT NULL DEFAULT 0, pause_reason TEXT, status_at_ms INTEGER,
  PRIMARY KEY (tenant_id, scope, key)
) STRICT, WITHOUT ROWID;`;

const people = `
CREATE TABLE flag (
  tenant_id TEXT NOT NULL, flag_id TEXT NOT NULL, conversation_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT,
  count INTEGER NOT NULL DEFAULT 1, created_at_ms INTEGER NOT NULL, last_at_ms INTEGER NOT NULL,
  resolved_at_ms INTEGER, resolved_by TEXT,
  PRIMARY KEY (tenant_id, flag_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX flag_open ON flag (tenant_id, conversation_id, reason) WHERE resolved_at_ms IS NULL;
CREATE TABLE dead_letter (
  tenant_id TEXT NOT NULL, dead_letter_id TEXT NOT NULL, conversation_id TEXT NOT NULL, position INTEGER NOT NULL,
  fault TEXT NOT NULL, created_at_ms INTEGER NOT NULL, redriven_at_ms INTEGER,
  PRIMARY KEY (tenant_id, dead_letter_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
  tenant_id TEXT NOT NULL, quarantine_id TEXT NOT NULL, reason TEXT NOT NULL, phone_number_id TEXT, item TEXT, bytes BLOB,
  dedupe_key TEXT NOT NULL, count INTEGER NOT NULL DEFAULT 1, created_at_ms INTEGER NOT NULL, redriven_at_ms INTEGER,
  PRIMARY KEY (tenant_id, quarantine_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX quarantine_by_dedupe_key ON quarantine (tenant_id, dedupe_key);
CREATE INDEX quarantine_open ON quarantine (phone_number_id) WHERE redriven_at_ms IS NULL;
CREATE TABLE notice (
  tenant_id TEXT NOT NULL, dedupe_key TEXT NOT NULL, field TEXT NOT NULL, phone_number_id TEXT, alert INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, received_at_ms INTEGER NOT NULL, raw TEXT NOT NULL,
  PRIMARY KEY (tenant_id, dedupe_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_by_age ON notice (received_at_ms);
CREATE TABLE operator_action (
  tenant_id TEXT NOT NULL, at_ms INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, conversation_id TEXT, ref TEXT
) STRICT;
CREATE INDEX operator_action_by_conversation ON operator_action (tenant_id, conversation_id, at_ms);`;

const money = `
ALTER TABLE activity ADD COLUMN result TEXT;
ALTER TABLE activity ADD COLUMN reuse TEXT CHECK (reuse IN ('waiting','used'));
CREATE INDEX activity_reusable ON activity (tenant_id, name) WHERE reuse = 'waiting';
ALTER TABLE limit_counter ADD COLUMN refused_units INTEGER NOT NULL DEFAULT 0;
ALTER TABLE limit_counter ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE limit_counter ADD COLUMN max_last INTEGER;
ALTER TABLE limit_counter ADD COLUMN unit TEXT NOT NULL DEFAULT 'starts' CHECK (unit IN ('starts','micros'));
CREATE TABLE ledger_entry (
  tenant_id TEXT NOT NULL, activity_id TEXT NOT NULL, request INTEGER NOT NULL,
  conversation_id TEXT NOT NULL, contact_id TEXT NOT NULL, activity TEXT NOT NULL, day TEXT NOT NULL,
  currency TEXT NOT NULL, reserved_micros INTEGER NOT NULL CHECK (reserved_micros > 0),
  spent_micros INTEGER CHECK (spent_micros BETWEEN 0 AND reserved_micros),
  state TEXT NOT NULL CHECK (state IN ('reserved','calling','uncertain','asking','settled','refunded')),
  presumed INTEGER NOT NULL DEFAULT 0 CHECK (presumed = 0 OR state = 'settled'),
  on_uncertain TEXT NOT NULL CHECK (on_uncertain IN ('retryWithKey','lookup','settleAndFlag','retryMayPayTwice')),
  late TEXT NOT NULL CHECK (late IN ('discard','reuse')), claims TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, postings INTEGER NOT NULL DEFAULT 0,
  owner_id TEXT, lease_until_ms INTEGER, next_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL,
  CHECK ((state = 'settled') = (spent_micros IS NOT NULL)),
  CHECK (owner_id IS NULL OR state IN ('reserved','calling','uncertain','asking')),
  PRIMARY KEY (tenant_id, activity_id, request)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_entry_open ON ledger_entry (tenant_id, activity_id)
  WHERE state IN ('reserved','calling','uncertain','asking');
CREATE INDEX ledger_entry_by_day ON ledger_entry (tenant_id, day);
CREATE TABLE ledger_posting (
  tenant_id TEXT NOT NULL, activity_id TEXT NOT NULL, request INTEGER NOT NULL, nth INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  from_place TEXT NOT NULL CHECK (from_place IN ('budget','reserved','uncertain','spent')),
  to_place TEXT NOT NULL CHECK (to_place IN ('budget','reserved','uncertain','spent') AND to_place <> from_place),
  amount_micros INTEGER NOT NULL CHECK (amount_micros > 0),
  PRIMARY KEY (tenant_id, activity_id, request, nth)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ledger_posting_is_final BEFORE UPDATE ON ledger_posting
  BEGIN SELECT RAISE(ABORT, 'a posting of the ledger is never changed'); END;
CREATE TRIGGER ledger_posting_is_kept BEFORE DELETE ON ledger_posting
  BEGIN SELECT RAISE(ABORT, 'a posting of the ledger is never deleted'); END;
CREATE TABLE ledger_day (
  tenant_id TEXT NOT NULL, day TEXT NOT NULL, currency TEXT NOT NULL, spent_micros INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day, currency)
) STRICT, WITHOUT ROWID;`;

/** Keys of the business' own systems, by digest. */
const doors = `
CREATE TABLE api_key (
  tenant_id TEXT NOT NULL, key_id TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, label TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, last_used_at_ms INTEGER, revoked_at_ms INTEGER,
  PRIMARY KEY (tenant_id, key_id)
) STRICT, WITHOUT ROWID;`;

/** Files that are kept, and which of them Meta has; what leaves in the place of a send when the service window is closed. */
const files = `
CREATE TABLE file (
  tenant_id TEXT NOT NULL, file_id TEXT NOT NULL, mime_type TEXT NOT NULL, bytes INTEGER NOT NULL, used_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, file_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_by_age ON file (used_at_ms);
CREATE TABLE upload (
  tenant_id TEXT NOT NULL, phone_number_id TEXT NOT NULL, file_id TEXT NOT NULL, media_id TEXT NOT NULL, until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, phone_number_id, file_id)
) STRICT, WITHOUT ROWID;
ALTER TABLE send ADD COLUMN if_window_closed TEXT;`;

/** What is stored of one contact, found without looking through everybody's: for requests under data protection law. */
const requests = `
CREATE INDEX contact_merged ON contact (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX conversation_of_contact ON conversation (tenant_id, contact_id);
CREATE INDEX activity_ended ON activity (tenant_id, conversation_id, activity_id) WHERE settled_at_ms IS NOT NULL;
CREATE INDEX flag_by_conversation ON flag (tenant_id, conversation_id);
CREATE INDEX dead_letter_by_conversation ON dead_letter (tenant_id, conversation_id);
CREATE INDEX ledger_entry_by_contact ON ledger_entry (tenant_id, contact_id);`;

/** The order in which sends of a number left: times do not tell it where the clock is set back. */
const order = `
ALTER TABLE pace ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE send ADD COLUMN granted_nth INTEGER;`;

/** Whose turn was committed last: the answer of a commit may be lost, and is asked for again. */
const committed = `
ALTER TABLE conversation ADD COLUMN committed_fence INTEGER;
ALTER TABLE conversation ADD COLUMN committed_by TEXT;`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'the spine', sql: [tenants, conversations, mailbox, outbox, people].join('\n') },
  { version: 2, name: 'paid work, doors and files', sql: [money, doors, files].join('\n') },
  { version: 3, name: 'requests of contacts', sql: requests },
  { version: 4, name: 'the order of sends', sql: order },
  { version: 5, name: 'the last committed turn', sql: committed },
];
