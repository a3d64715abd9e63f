/**
 * A store that was restored from a backup. The copy carries a mark that says when it was made, and a database with the mark
 * is opened only by whoever holds what was open in it: what became of that since the backup is not known here, so it is a
 * person's to decide. All of it is one commit, which takes the mark off.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ConversationRef } from '#core/model/ids.ts';
import type { HeldAfterRestore } from '#core/ports/store-operators.ts';
import { survivorOf } from '../contacts/alias.ts';
import type { Context } from '../database/context.ts';
import { holdCharges } from '../money/ledger.ts';
import { raiseFlag } from '../operators/flags.ts';
import { holdUnseen } from '../operators/holder.ts';
import { forgetMove } from './moved.ts';

/** Positions that the lost time may have used: no visit, and so no button of those days, is met again. */
const positionsLeap = 1_000_000;

const makeMark = 'CREATE TABLE IF NOT EXISTS backup_taken (at_ms INTEGER NOT NULL) STRICT';
/** A copy of a copy is as old as the first. */
const setMark = 'INSERT INTO backup_taken (at_ms) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM backup_taken)';
const hasMark = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'backup_taken'";
const selectMark = 'SELECT at_ms FROM backup_taken';
const dropMark = 'DROP TABLE backup_taken';

/** Index: send_open. */
const selectOpenSends = `SELECT tenant_id AS tenantId, conversation_id AS conversationId, count(*) AS sends
  FROM send WHERE state IN ('queued','sending','uncertain') AND wamid IS NULL GROUP BY 1, 2`;
const holdSends = `UPDATE send SET state = iif(wamid IS NULL, 'held', 'accepted'), why = 'open when the backup was made', owner_id = NULL, updated_at_ms = ?
  WHERE state IN ('queued','sending','uncertain')`;
/** Indexes: event_open, event_awaiting, activity_running, timer_by_due. What an operator holds waits for them already. */
const selectUnderWay = `SELECT c.tenant_id AS tenantId, c.conversation_id AS conversationId,
    sum(w.what = 'message') AS messages, sum(w.what = 'other') AS others, sum(w.what = 'activity') AS activities, sum(w.what = 'timer') AS timers,
    min(w.open) AS firstOpen, min(w.awaiting) AS firstAwaiting, min(w.at_ms) AS awaitingSinceMs, c.position_next AS next
  FROM (SELECT tenant_id, conversation_id, iif(class = 'answer', 'message', 'other') AS what, iif(class = 'answer', position, NULL) AS open, NULL AS awaiting, NULL AS at_ms FROM event WHERE end IS NULL
    UNION ALL SELECT tenant_id, conversation_id, 'message', NULL, position, received_at_ms FROM event WHERE end = 'awaiting'
    UNION ALL SELECT tenant_id, conversation_id, 'activity', NULL, NULL, NULL FROM activity WHERE state = 'running'
    UNION ALL SELECT tenant_id, conversation_id, 'timer', NULL, NULL, NULL FROM timer WHERE due_at_ms <= ?) w
  JOIN conversation c ON c.tenant_id = w.tenant_id AND c.conversation_id = w.conversation_id
  WHERE c.holder = 'bot' AND c.merged_into IS NULL GROUP BY 1, 2 ORDER BY 1, 2`;
/** Index: ledger_entry_by_day. */
const hasPaidSince =
  'SELECT 1 FROM ledger_entry WHERE tenant_id = ? AND day >= ? AND conversation_id = ? LIMIT 1';
/** Behind all that the dialog has seen: what a turn has taken would be no news to it where it stood. */
const moveUnanswered = `UPDATE event SET position = position + ? WHERE tenant_id = ? AND conversation_id = ? AND (end IS NULL OR end = 'awaiting')`;
const leapPositions = 'UPDATE conversation SET position_next = position_next + ?';
/** What waited for a number may have been put in and answered since. */
const holdQuarantined = "UPDATE quarantine SET reason = 'restored' WHERE redriven_at_ms IS NULL";

interface UnderWay extends ConversationRef {
  messages: number;
  others: number;
  activities: number;
  timers: number;
  firstOpen: number | null;
  firstAwaiting: number | null;
  awaitingSinceMs: number | null;
  next: number;
}

/** Marks a copy, which nobody else has open. */
export function markAsBackup(db: DatabaseSync, takenAtMs: number): void {
  db.exec(makeMark);
  db.prepare(setMark).run(takenAtMs);
}

/** When the backup was made that a database is; null where it is none. */
export function backupTakenAtMs(db: DatabaseSync): number | null {
  if (db.prepare(hasMark).get() === undefined) return null;
  return Number((db.prepare(selectMark).get() as { at_ms: number } | undefined)?.at_ms ?? 0);
}

export function holdAfterRestore(context: Context, { nowMs }: { nowMs: number }): HeldAfterRestore {
  const { db } = context;
  const takenAtMs = backupTakenAtMs(db.raw);
  const underWay = db.all<UnderWay>(selectUnderWay, nowMs);
  const open = db.all<ConversationRef & { sends: number }>(selectOpenSends);
  // Before the activities are cancelled, which would give back what was only reserved.
  const charges = holdCharges(context, nowMs);
  db.run(holdSends, nowMs);
  for (const each of underWay) {
    const firstUnanswered = (firstUnansweredOf(context, each) ?? each.next) + positionsLeap;
    db.run(moveUnanswered, positionsLeap, each.tenantId, each.conversationId);
    holdUnseen(context, refOf(each), { firstUnanswered, nowMs });
  }
  for (const { ref, words } of told(context, underWay, open))
    raiseFlag(context, ref, 'restored', `under way when the backup was made: ${words.join(', ')}`, nowMs);
  db.run(leapPositions, positionsLeap);
  const quarantined = db.run(holdQuarantined);
  if (takenAtMs !== null) db.raw.exec(dropMark);
  forgetMove(db.raw);
  return {
    takenAtMs,
    conversations: underWay.length,
    messages: sumOf(underWay.map((each) => each.messages)),
    sends: sumOf(open.map((each) => each.sends)),
    activities: sumOf(underWay.map((each) => each.activities)),
    timers: sumOf(underWay.map((each) => each.timers)),
    ...{ charges, quarantined },
  };
}

/** The first message that a hand-back leaves to the bot, if any. What paid work may have been begun for is not begun once more. */
function firstUnansweredOf({ db }: Context, each: UnderWay): number | null {
  const { tenantId, conversationId, firstOpen, firstAwaiting, awaitingSinceMs } = each;
  if (firstAwaiting === null || awaitingSinceMs === null) return firstOpen;
  const day = new Date(awaitingSinceMs).toISOString().slice(0, 10);
  if (db.get(hasPaidSince, tenantId, day, conversationId) !== undefined) return firstOpen;
  return Math.min(firstAwaiting, firstOpen ?? firstAwaiting);
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);

const refOf = ({ tenantId, conversationId }: ConversationRef): ConversationRef => ({
  tenantId,
  conversationId,
});

/** What a person is told of each conversation; a send may be of one that was merged away, whose survivor they look at. */
function told(
  context: Context,
  underWay: readonly UnderWay[],
  open: readonly (ConversationRef & { sends: number })[],
): { ref: ConversationRef; words: string[] }[] {
  const byRef = new Map<string, { ref: ConversationRef; words: string[] }>();
  const add = (of: ConversationRef, words: string[]) => {
    const ref = survivorOf(context, refOf(of));
    const key = JSON.stringify([ref.tenantId, ref.conversationId]);
    byRef.set(key, { ref, words: [...(byRef.get(key)?.words ?? []), ...words] });
  };
  for (const each of underWay)
    add(
      each,
      [
        counted(each.messages, 'message'),
        counted(each.others, 'other event'),
        counted(each.activities, 'activity'),
        counted(each.timers, 'due timer'),
      ].flat(),
    );
  for (const each of open) add(each, counted(each.sends, 'send'));
  return [...byRef.values()];
}

function counted(count: number, of: string): string[] {
  if (count === 0) return [];
  return [count === 1 ? `1 ${of}` : `${count} ${of.replace(/y$/, 'ie')}s`];
}
