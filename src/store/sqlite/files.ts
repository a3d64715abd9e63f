/**
 * What the store knows of files: that they are there, what they are, when they were last used, and which of them Meta
 * has for which number. The bytes lie with the driver of files.
 */

import { storableText } from '#core/model/storable.ts';
import type { FileRef, FileRow, FileStore } from '#core/ports/files.ts';
import type { Context } from './database/context.ts';

type Input<K extends keyof FileStore> = Parameters<FileStore[K]>[0];

const keepFile = `INSERT INTO file (tenant_id, file_id, mime_type, bytes, used_at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET mime_type = excluded.mime_type, used_at_ms = max(used_at_ms, excluded.used_at_ms)`;
const selectFile =
  'SELECT mime_type AS mimeType, bytes, used_at_ms AS usedAtMs FROM file WHERE tenant_id = ? AND file_id = ?';
const useFile = 'UPDATE file SET used_at_ms = max(used_at_ms, ?) WHERE tenant_id = ? AND file_id = ?';
const keepUpload = `INSERT INTO upload (tenant_id, phone_number_id, file_id, media_id, until_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET media_id = excluded.media_id, until_ms = excluded.until_ms`;
const selectUpload =
  'SELECT media_id FROM upload WHERE tenant_id = ? AND phone_number_id = ? AND file_id = ? AND until_ms > ?';
/** Index: file_by_age. Of all tenants, as pruning is; each row says whose it is. */
const selectUnused =
  'SELECT tenant_id AS tenantId, file_id AS fileId FROM file WHERE used_at_ms < ? ORDER BY used_at_ms LIMIT ?';
const forget = 'DELETE FROM file WHERE tenant_id = ? AND file_id = ? AND used_at_ms < ?';

export function noteFile(context: Context, input: Input<'noteFile'>): void {
  const mimeType = storableText(input.mimeType, 'MIME type of a file');
  context.db.run(keepFile, input.tenantId, input.fileId, mimeType, input.bytes, input.nowMs);
}

export function findFile(context: Context, { tenantId, fileId }: FileRef): FileRow | null {
  const row = context.db.get<FileRow>(selectFile, tenantId, fileId);
  return row === undefined ? null : { ...row };
}

export function noteUpload(context: Context, input: Input<'noteUpload'>): void {
  const { tenantId, phoneNumberId, fileId, mediaId, untilMs, nowMs } = input;
  context.db.run(keepUpload, tenantId, phoneNumberId, fileId, storableText(mediaId, 'media id'), untilMs);
  context.db.run(useFile, nowMs, tenantId, fileId);
}

export function findUpload(context: Context, input: Input<'findUpload'>): string | null {
  const { tenantId, phoneNumberId, fileId, nowMs } = input;
  return (
    context.db.get<{ media_id: string }>(selectUpload, tenantId, phoneNumberId, fileId, nowMs)?.media_id ??
    null
  );
}

export function listUnusedFiles(
  context: Context,
  { unusedSinceMs, max }: Input<'listUnusedFiles'>,
): FileRef[] {
  return context.db.all<FileRef>(selectUnused, unusedSinceMs, max).map((row) => ({ ...row }));
}

export function forgetFile(context: Context, input: Input<'forgetFile'>): boolean {
  return context.db.run(forget, input.tenantId, input.fileId, input.unusedSinceMs) > 0;
}
