/**
 * What people look at: lists with a limit, newest or oldest first as their reader wants them. Reads only.
 */

import type { InboundMessage, InboundStatus } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import type { SendState } from '#core/model/sends.ts';
import type { StoreStats } from '#core/ports/store.ts';
import type {
  DeadLetterRow,
  FlagRow,
  IdleHold,
  OperatorStore,
  QuarantineRow,
  SendRow,
  StateRow,
} from '#core/ports/store-operators.ts';
import type { Context } from '../database/context.ts';
import { unseenHolder } from './holder.ts';

type Input<K extends keyof OperatorStore> = Parameters<OperatorStore[K]>[0];

const selectFlags = `SELECT f.tenant_id AS tenantId, f.conversation_id AS conversationId, f.flag_id AS flagId, f.reason, f.detail, f.count,
    f.created_at_ms AS createdAtMs, f.last_at_ms AS lastAtMs, f.resolved_at_ms AS resolvedAtMs, coalesce(c.phone_number_id, '') AS phoneNumberId,
    coalesce(k.name, k.username, k.contact_id, '') AS contact, coalesce(c.holder, 'bot') AS holder
  FROM flag f LEFT JOIN conversation c ON c.tenant_id = f.tenant_id AND c.conversation_id = f.conversation_id
  LEFT JOIN contact k ON k.tenant_id = c.tenant_id AND k.contact_id = c.contact_id
  WHERE (?1 = '' OR f.tenant_id = ?1) AND (f.resolved_at_ms IS NULL) = ?2 ORDER BY f.last_at_ms DESC LIMIT ?3`;
const selectDeadLetters = `SELECT d.tenant_id AS tenantId, d.conversation_id AS conversationId, d.dead_letter_id AS deadLetterId, d.position, coalesce(e.kind, 'gone') AS kind,
    d.fault, d.created_at_ms AS createdAtMs, d.redriven_at_ms AS redrivenAtMs
  FROM dead_letter d LEFT JOIN event e ON e.tenant_id = d.tenant_id AND e.conversation_id = d.conversation_id AND e.position = d.position
  WHERE (?1 = '' OR d.tenant_id = ?1) AND (d.redriven_at_ms IS NULL) = ?2 ORDER BY d.created_at_ms DESC LIMIT ?3`;
const selectSends = `SELECT tenant_id AS tenantId, conversation_id AS conversationId, send_id AS sendId, phone_number_id AS phoneNumberId, state, delivery, wamid, attempts,
    why, error_code AS errorCode, created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs
  FROM send WHERE state = ?2 AND (?1 = '' OR tenant_id = ?1) ORDER BY updated_at_ms DESC LIMIT ?3`;
const selectQuarantine = `SELECT quarantine_id AS quarantineId, tenant_id AS tenantId, reason, phone_number_id AS phoneNumberId, item, bytes,
    created_at_ms AS createdAtMs, redriven_at_ms AS redrivenAtMs
  FROM quarantine WHERE (redriven_at_ms IS NULL) = ?1 AND (?2 = '' OR (phone_number_id = ?2 AND reason <> 'restored')) ORDER BY created_at_ms LIMIT ?3`;
const markRedrivenSql =
  'UPDATE quarantine SET redriven_at_ms = ? WHERE quarantine_id = ? AND redriven_at_ms IS NULL';
const selectIdleHolds = `SELECT tenant_id AS tenantId, conversation_id AS conversationId, max(held_since_ms, coalesce(operator_last_at_ms, 0)) AS sinceMs, held_by = '${unseenHolder}' AS isUnseen FROM conversation
  WHERE holder = 'operator' AND max(held_since_ms, coalesce(operator_last_at_ms, 0)) <= ? ORDER BY 3 LIMIT ?`;
const selectConversation = `SELECT c.tenant_id AS tenantId, c.conversation_id AS conversationId FROM contact_address a
  JOIN conversation c ON c.tenant_id = a.tenant_id AND c.contact_id = a.contact_id AND c.merged_into IS NULL
  WHERE a.tenant_id = ? AND c.phone_number_id = ? AND a.value = ? LIMIT 1`;

/** Rows without SQLite's own, empty prototype: they leave the driver. */
function plain<T extends object>(rows: T[]): T[] {
  return rows.map((row) => ({ ...row }));
}

/** By the primary key, so that a page costs the same however many came before it. */
const selectStates = `SELECT tenant_id AS tenantId, conversation_id AS conversationId, phone_number_id AS phoneNumberId,
    state_label AS stateLabel, dialog_state AS state
  FROM conversation WHERE (tenant_id, conversation_id) > (?, ?) AND dialog_state IS NOT NULL AND merged_into IS NULL
  ORDER BY tenant_id, conversation_id LIMIT ?`;

export function listStates(context: Context, { after, max }: Input<'listStates'>): StateRow[] {
  const from = after ?? { tenantId: '', conversationId: '' };
  return plain(context.db.all<StateRow>(selectStates, from.tenantId, from.conversationId, max));
}

export function listFlags(context: Context, input: Input<'listFlags'>): FlagRow[] {
  return plain(context.db.all<FlagRow>(selectFlags, input.tenantId ?? '', input.open ? 1 : 0, input.max));
}

export function listDeadLetters(context: Context, input: Input<'listDeadLetters'>): DeadLetterRow[] {
  return plain(
    context.db.all<DeadLetterRow>(selectDeadLetters, input.tenantId ?? '', input.open ? 1 : 0, input.max),
  );
}

export function listSends(context: Context, input: Input<'listSends'>): SendRow[] {
  return input.states
    .flatMap((state) => plain(context.db.all<SendRow>(selectSends, input.tenantId ?? '', state, input.max)))
    .slice(0, input.max);
}

export function listQuarantine(context: Context, input: Input<'listQuarantine'>): QuarantineRow[] {
  const numbers = input.phoneNumberIds ?? [''];
  return numbers
    .flatMap((number) =>
      context.db.all<Omit<QuarantineRow, 'item'> & { item: string | null }>(
        selectQuarantine,
        input.open ? 1 : 0,
        number,
        input.max,
      ),
    )
    .map((row) => ({
      ...row,
      item: row.item === null ? null : (JSON.parse(row.item) as InboundMessage | InboundStatus),
    }));
}

export function markRedriven(context: Context, input: Input<'markRedriven'>): void {
  for (const id of input.quarantineIds) context.db.run(markRedrivenSql, input.nowMs, id);
}

export function listIdleHolds(context: Context, input: Input<'listIdleHolds'>): IdleHold[] {
  type Hold = Omit<IdleHold, 'isUnseen'> & { isUnseen: number };
  return context.db
    .all<Hold>(selectIdleHolds, input.nowMs - input.idleMs, input.max)
    .map((hold) => ({ ...hold, isUnseen: hold.isUnseen === 1 }));
}

export function findConversation(context: Context, input: Input<'findConversation'>): ConversationRef | null {
  const { tenantId, phoneNumberId, address } = input;
  const ref = context.db.get<ConversationRef>(selectConversation, tenantId, phoneNumberId, address);
  return ref === undefined ? null : { ...ref };
}

const countOpen = 'SELECT count(*) AS count, min(received_at_ms) AS oldest FROM event WHERE end IS NULL';
const countAwaiting = "SELECT count(*) AS count FROM event WHERE end = 'awaiting'";
const countFlags = 'SELECT count(*) AS count FROM flag WHERE resolved_at_ms IS NULL';
const countDeadLetters = 'SELECT count(*) AS count FROM dead_letter WHERE redriven_at_ms IS NULL';
const countQuarantine = 'SELECT count(*) AS count FROM quarantine WHERE redriven_at_ms IS NULL';
const countOpenSends =
  "SELECT state, count(*) AS count FROM send WHERE state IN ('queued','sending','uncertain') GROUP BY state";
const countPersonSends =
  "SELECT state, count(*) AS count FROM send WHERE state IN ('held','failed','refused') GROUP BY state";
const countStates =
  "SELECT coalesce(state_label, 'new') AS label, count(*) AS count FROM conversation WHERE merged_into IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 100";
const countHeld = "SELECT count(*) AS count FROM conversation WHERE holder = 'operator'";

export function stats(context: Context): StoreStats {
  const { db } = context;
  const count = (sql: string) => db.get<{ count: number }>(sql)?.count ?? 0;
  const open = db.get<{ count: number; oldest: number | null }>(countOpen);
  const sends = [
    ...db.all<{ state: SendState; count: number }>(countOpenSends),
    ...db.all<{ state: SendState; count: number }>(countPersonSends),
  ];
  return {
    mailboxDepth: open?.count ?? 0,
    mailboxOldestMs: open?.oldest ?? null,
    awaiting: count(countAwaiting),
    flagsOpen: count(countFlags),
    deadLettersOpen: count(countDeadLetters),
    quarantineOpen: count(countQuarantine),
    sendsByState: Object.fromEntries(sends.map((row) => [row.state, row.count])),
    conversationsByState: plain(db.all<{ label: string; count: number }>(countStates)),
    held: count(countHeld),
  };
}
