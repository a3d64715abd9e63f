/**
 * A customer wants to be forgotten: the content of everything that is stored of their contact goes, in one transaction, and
 * what proves that nothing is done twice stays without it. A row is emptied and not deleted where its key, its state or its
 * amounts are still needed: the dedupe key of an event while Meta may repeat it, the wamid of a send while its statuses
 * come, the ledger for ever. The conversations are closed: each becomes its own alias (`alias.ts`), so that no turn takes
 * from it, nothing is appended to it and nobody can write in it.
 *
 * A table that holds something a customer or a dialog said is emptied here, counted in `countContact` and exported in
 * `contact-export.ts`; `test/store/erasure.test.ts` looks through every column of every table.
 */
import { limits } from '#core/limits.ts';
import type { SendBody } from '#core/model/sends.ts';
import type { ContactContent, ContactStore, ErasedContact } from '#core/ports/store-contacts.ts';
import type { Context } from '../database/context.ts';
import type { Database } from '../database/database.ts';
import { cancelCharges } from '../money/ledger.ts';
import { letFilesGo } from './contact-files.ts';
import { noticesOf, quarantinedOf } from './contact-mentions.ts';
import { type ContactScope, scopeOf } from './contact-scope.ts';

type Input<K extends keyof ContactStore> = Parameters<ContactStore[K]>[0];

/** What is left of a body: a text that says nothing, which everything that shows bodies can show. */
const emptyBody = JSON.stringify({ type: 'text', text: { body: '' } } satisfies SendBody);

/** Index: event_open. Its answer will not come; where it was made and has not left, neither. */
const endEvents = `UPDATE event SET end = 'noAnswerNeeded', end_ref = 'erased', fence = coalesce(fence, (SELECT fence FROM conversation c
    WHERE c.tenant_id = event.tenant_id AND c.conversation_id = event.conversation_id))
  WHERE tenant_id = ?1 AND conversation_id = ?2 AND (end IS NULL OR end = 'awaiting' OR (end = 'answered' AND EXISTS (SELECT 1 FROM send s
    WHERE s.tenant_id = event.tenant_id AND s.send_id = event.end_ref AND s.state IN ('queued','sending','uncertain','held'))))`;
const eventsLeft = "(content <> '{}' OR raw IS NOT NULL)";
const emptyEvents = `UPDATE event SET content = '{}', raw = NULL, wamid = NULL WHERE tenant_id = ? AND conversation_id = ? AND ${eventsLeft}`;
const withdrawSends = `UPDATE send SET state = 'withdrawn', updated_at_ms = ? WHERE tenant_id = ? AND conversation_id = ? AND state IN ('queued','held')`;
/** What is on the wire may come back unsent; then there is nothing any more that could leave. */
const withdrawOnReturn = `UPDATE send SET withdraw_on_return = 1 WHERE tenant_id = ? AND conversation_id = ? AND state IN ('sending','uncertain')`;
const sendsLeft = `(body <> '${emptyBody}' OR if_window_closed IS NOT NULL)`;
const emptySends = `UPDATE send SET body = '${emptyBody}', if_window_closed = NULL, quote_wamid = NULL, why = 'the contact was erased'
  WHERE tenant_id = ? AND conversation_id = ? AND ${sendsLeft}`;
const selectRunning =
  "SELECT activity_id FROM activity WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";
const cancelRunning =
  "UPDATE activity SET state = 'cancelled', settled_at_ms = ? WHERE tenant_id = ? AND conversation_id = ? AND state = 'running'";
/** Index: activity_ended. */
const activitiesLeft =
  "settled_at_ms IS NOT NULL AND (input <> 'null' OR result IS NOT NULL OR fault IS NOT NULL)";
const emptyActivities = `UPDATE activity SET input = 'null', result = NULL, fault = NULL, reuse = NULL WHERE tenant_id = ? AND conversation_id = ? AND ${activitiesLeft}`;
/** Without its input a request cannot be asked about any more, so an entry that stays uncertain counts as spent at once. */
const stopLooking = `UPDATE ledger_entry INDEXED BY ledger_entry_by_contact SET tries = max(tries, ?) WHERE tenant_id = ? AND conversation_id = ? AND contact_id = ?
  AND state IN ('reserved','calling','uncertain','asking')`;
const dropTimers = 'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ?';
/** Of money that nobody knows about somebody must still be asked. */
const resolveFlags = `UPDATE flag INDEXED BY flag_by_conversation SET resolved_at_ms = ?, resolved_by = 'erased' WHERE tenant_id = ? AND conversation_id = ?
  AND resolved_at_ms IS NULL AND reason <> 'chargeUncertain'`;
const emptyFlags =
  'UPDATE flag INDEXED BY flag_by_conversation SET detail = NULL WHERE tenant_id = ? AND conversation_id = ? AND detail IS NOT NULL';
const emptyDeadLetters = `UPDATE dead_letter INDEXED BY dead_letter_by_conversation SET fault = 'erased', redriven_at_ms = coalesce(redriven_at_ms, ?)
  WHERE tenant_id = ? AND conversation_id = ? AND fault <> 'erased'`;
const closeConversation = `UPDATE conversation SET merged_into = conversation_id, fence = fence + (merged_into IS NULL), lease_owner = NULL, lease_until_ms = NULL,
    due_at_ms = NULL, first_open_at_ms = NULL, dialog_state = NULL, state_label = NULL, holder = 'bot', held_by = NULL, held_since_ms = NULL
  WHERE tenant_id = ? AND conversation_id = ? AND (merged_into IS NOT conversation_id OR dialog_state IS NOT NULL)`;
const emptyContact =
  'UPDATE contact SET name = NULL, username = NULL, phone = NULL, bsuid = NULL WHERE tenant_id = ? AND contact_id = ?';
const dropAddresses =
  'DELETE FROM contact_address INDEXED BY contact_address_by_contact WHERE tenant_id = ? AND contact_id = ?';
const emptyQuarantine =
  'UPDATE quarantine SET item = NULL, bytes = NULL, redriven_at_ms = coalesce(redriven_at_ms, ?) WHERE tenant_id = ? AND quarantine_id = ?';
const emptyNotice = "UPDATE notice SET raw = '{}' WHERE tenant_id = ? AND dedupe_key = ?";
const record =
  "INSERT INTO operator_action (tenant_id, at_ms, by, action, conversation_id, ref) VALUES (?, ?, ?, 'eraseContact', NULL, ?)";

const countsOfConversation = {
  events: `SELECT count(*) AS count FROM event WHERE tenant_id = ? AND conversation_id = ? AND (end IS NULL OR ${eventsLeft})`,
  sends: `SELECT count(*) AS count FROM send WHERE tenant_id = ? AND conversation_id = ? AND ${sendsLeft}`,
  states:
    'SELECT count(*) AS count FROM conversation WHERE tenant_id = ? AND conversation_id = ? AND dialog_state IS NOT NULL',
  timers: 'SELECT count(*) AS count FROM timer WHERE tenant_id = ? AND conversation_id = ?',
  flags:
    'SELECT count(*) AS count FROM flag INDEXED BY flag_by_conversation WHERE tenant_id = ? AND conversation_id = ? AND detail IS NOT NULL',
  deadLetters:
    "SELECT count(*) AS count FROM dead_letter INDEXED BY dead_letter_by_conversation WHERE tenant_id = ? AND conversation_id = ? AND fault <> 'erased'",
} as const;
const countActivities = `SELECT (SELECT count(*) FROM activity WHERE tenant_id = ?1 AND conversation_id = ?2 AND state = 'running')
  + (SELECT count(*) FROM activity WHERE tenant_id = ?1 AND conversation_id = ?2 AND ${activitiesLeft}) AS count`;
const countsOfContact = {
  addresses: 'SELECT count(*) AS count FROM contact_address WHERE tenant_id = ? AND contact_id = ?',
  profiles:
    'SELECT count(*) AS count FROM contact WHERE tenant_id = ? AND contact_id = ? AND coalesce(name, username, phone, bsuid) IS NOT NULL',
} as const;

type Counted = Omit<ContactContent, 'files'>;

export function countContact(context: Context, { tenantId, contactId }: Input<'countContact'>): Counted {
  return countOf(context, scopeOf(context, tenantId, contactId));
}

function countOf(context: Context, scope: ContactScope): Counted {
  const { tenantId, contactIds, conversationIds } = scope;
  const sum = (sql: string, ids: readonly string[]) =>
    ids.reduce((total, id) => total + (context.db.get<{ count: number }>(sql, tenantId, id)?.count ?? 0), 0);
  return {
    addresses: sum(countsOfContact.addresses, contactIds),
    profiles: sum(countsOfContact.profiles, contactIds),
    events: sum(countsOfConversation.events, conversationIds),
    sends: sum(countsOfConversation.sends, conversationIds),
    activities: sum(countActivities, conversationIds),
    states: sum(countsOfConversation.states, conversationIds),
    timers: sum(countsOfConversation.timers, conversationIds),
    flags: sum(countsOfConversation.flags, conversationIds),
    deadLetters: sum(countsOfConversation.deadLetters, conversationIds),
    quarantined: quarantinedOf(context, scope).length,
    notices: noticesOf(context, scope).length,
  };
}

export function eraseContact(
  context: Context,
  input: Input<'eraseContact'>,
): Omit<ErasedContact, 'isScrubbed'> {
  const { tenantId, nowMs } = input;
  const { db } = context;
  const scope = scopeOf(context, tenantId, input.contactId);
  const counted = countOf(context, scope);
  const erased = { eventsEnded: 0, sendsWithdrawn: 0, cancelled: [] as string[] };
  for (const each of quarantinedOf(context, scope))
    db.run(emptyQuarantine, nowMs, each.tenantId, each.quarantineId);
  for (const { dedupeKey } of noticesOf(context, scope)) db.run(emptyNotice, tenantId, dedupeKey);
  // Before any send is withdrawn: a merge may have moved the answer of an event into another conversation.
  for (const conversationId of scope.conversationIds)
    erased.eventsEnded += db.run(endEvents, tenantId, conversationId);
  for (const conversationId of scope.conversationIds) {
    endWork(context, scope, { conversationId, nowMs, erased });
    empty(context, tenantId, conversationId, nowMs);
  }
  for (const contactId of scope.contactIds) {
    db.run(emptyContact, tenantId, contactId);
    db.run(dropAddresses, tenantId, contactId);
  }
  const content = { ...counted, files: letFilesGo(context, input) };
  if (Object.values(content).some((count) => count > 0))
    db.run(record, tenantId, nowMs, input.by, scope.contactId);
  return { content, ...erased };
}

interface Work {
  conversationId: string;
  nowMs: number;
  erased: Omit<ErasedContact, 'isScrubbed' | 'content'>;
}

/** Everything else under way ends: sends, activities with their money, timers, flags; then the conversation is closed. */
function endWork(
  context: Context,
  { tenantId, contactIds }: ContactScope,
  { conversationId, nowMs, erased }: Work,
): void {
  const { db } = context;
  const of = [tenantId, conversationId] as const;
  erased.sendsWithdrawn += db.run(withdrawSends, nowMs, ...of);
  db.run(withdrawOnReturn, ...of);
  const running = db.all<{ activity_id: string }>(selectRunning, ...of);
  erased.cancelled.push(...running.map((each) => each.activity_id));
  db.run(cancelRunning, nowMs, ...of);
  for (const contactId of contactIds) db.run(stopLooking, limits.chargeTriesMax, ...of, contactId);
  cancelCharges(context, { tenantId, conversationId }, nowMs);
  db.run(dropTimers, ...of);
  db.run(resolveFlags, nowMs, ...of);
  db.run(closeConversation, ...of);
}

function empty(context: Context, tenantId: string, conversationId: string, nowMs: number): void {
  const { db } = context;
  const of = [tenantId, conversationId] as const;
  db.run(emptyEvents, ...of);
  db.run(emptySends, ...of);
  db.run(emptyActivities, ...of);
  db.run(emptyFlags, ...of);
  db.run(emptyDeadLetters, nowMs, ...of);
}

/**
 * Takes what was erased out of the log of commits: everything in it goes into the database, where `secure_delete` has written
 * zeros over what was erased, and the log becomes empty. Does not wait for whoever reads; false where somebody does.
 */
export function scrub({ raw }: Database): boolean {
  raw.exec('PRAGMA busy_timeout = 0');
  try {
    const done = raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
    return done.busy === 0;
  } catch {
    return false;
  } finally {
    raw.exec('PRAGMA busy_timeout = 2000');
  }
}
