/**
 * Which stored files something of a contact names, and whether something of another contact names them, too. A file is named
 * by the 64 hex digits of its content, wherever an event, a send, an activity or a dialog's state holds them.
 */
import type { ContactStore, FileUseCursor } from '#core/ports/store-contacts.ts';
import type { Context } from '../database/context.ts';
import { type ContactScope, scopeOf } from './contact-scope.ts';

type Input<K extends keyof ContactStore> = Parameters<ContactStore[K]>[0];

const selectFile = 'SELECT 1 AS one FROM file WHERE tenant_id = ? AND file_id = ?';
const forgetUse =
  'UPDATE file SET used_at_ms = 0 WHERE tenant_id = ? AND file_id = ? AND used_at_ms > 0 AND used_at_ms < ?';
const forgetUploads = 'DELETE FROM upload WHERE tenant_id = ? AND file_id = ?';

/** What may name a file, in the order of an index that begins with the tenant. */
const places: readonly { table: string; id: string; nth?: string; text: string }[] = [
  { table: 'event', id: 'conversation_id', nth: 'position', text: 'content' },
  { table: 'send', id: 'conversation_id', nth: 'ordinal', text: "body || coalesce(if_window_closed, '')" },
  { table: 'activity', id: 'activity_id', text: "input || coalesce(result, '')" },
  { table: 'conversation', id: 'conversation_id', text: "coalesce(dialog_state, '')" },
];

const ownTexts = places.map(
  ({ table, text }) => `SELECT ${text} AS text FROM ${table} WHERE tenant_id = ? AND conversation_id = ?`,
);
const otherTexts = places.map(
  ({
    table,
    id,
    nth,
    text,
  }) => `SELECT ${id} AS id, ${nth ?? 0} AS nth, CASE WHEN conversation_id IN (SELECT value FROM json_each(?5)) THEN '[]' ELSE
      (SELECT json_group_array(value) FROM json_each(?6) WHERE instr(${text}, value) > 0) END AS used
    FROM ${table} WHERE tenant_id = ?1 AND ${nth === undefined ? `${id} > ?2 AND ?3 IS NOT NULL ORDER BY ${id}` : `(${id}, ${nth}) > (?2, ?3) ORDER BY ${id}, ${nth}`} LIMIT ?4`,
);

export function filesOf(context: Context, scope: ContactScope): string[] {
  const { tenantId, conversationIds } = scope;
  const named = new Set<string>();
  for (const sql of ownTexts)
    for (const conversationId of conversationIds)
      for (const { text } of context.db.raw.prepare(sql).iterate(tenantId, conversationId))
        for (const [id] of String(text).matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)) named.add(id);
  return [...named].filter((id) => context.db.get(selectFile, tenantId, id) !== undefined).sort();
}

export function listContactFiles(
  context: Context,
  { tenantId, contactId }: Input<'listContactFiles'>,
): string[] {
  return filesOf(context, scopeOf(context, tenantId, contactId));
}

export function findFileUses(
  context: Context,
  { tenantId, contactId, fileIds, after, maxRows }: Input<'findFileUses'>,
): { used: string[]; next: FileUseCursor | null } {
  const { conversationIds } = scopeOf(context, tenantId, contactId);
  const { part, after: from } = after ?? { part: 0, after: ['', -1] as const };
  const sql = otherTexts[part];
  if (sql === undefined || fileIds.length === 0) return { used: [], next: null };
  const own = JSON.stringify(conversationIds);
  const rows = context.db.all<{ id: string; nth: number; used: string }>(
    ...[sql, tenantId, from[0], from[1], maxRows, own, JSON.stringify(fileIds)],
  );
  const used = [...new Set(rows.flatMap((row) => JSON.parse(row.used) as string[]))];
  const last = rows.at(-1);
  if (last !== undefined) return { used, next: { part, after: [last.id, last.nth] } };
  return { used, next: part + 1 < otherTexts.length ? { part: part + 1, after: ['', -1] } : null };
}

/** Lets retention have what nobody used since; returns how many files that are. */
export function letFilesGo(
  context: Context,
  { tenantId, fileIds, filesSeenAtMs }: Input<'eraseContact'>,
): number {
  let count = 0;
  for (const fileId of fileIds) {
    if (context.db.run(forgetUse, tenantId, fileId, filesSeenAtMs) === 0) continue;
    context.db.run(forgetUploads, tenantId, fileId);
    count += 1;
  }
  return count;
}
