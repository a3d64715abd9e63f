/**
 * Media, as far as a bot needs them: every media id answers with a URL, and the URL answers with a few bytes of a real
 * file of that kind. Uploads keep their type, not their content.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media.
 */
import { createHash } from 'node:crypto';
import { type HttpAnswer, jsonAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-surface.ts';
import type { Settings } from './settings.ts';
import type { IdMaker } from './wamid.ts';

export interface MediaFile {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

export interface MediaShelf {
  /** Remembers what kind of file an id stands for. */
  put(mediaId: string, file: MediaFile): void;
  upload(request: GraphRequest): { id: string };
  /** Info or deletion by id; null when no such file is here. */
  handle(method: string, mediaId: string): HttpAnswer | null;
  download(mediaId: string): MediaFile | null;
  clear(): void;
}

const FILES_MAX = 10_000;

/** A 1x1 PNG, and the shortest headers by which other formats are known. */
const SAMPLES: Readonly<Record<string, Uint8Array>> = {
  'image/png': Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
  'image/jpeg': Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex'),
  'image/webp': Buffer.from('52494646120000005745425056503820', 'hex'),
  'audio/ogg': Buffer.from('4f67675300020000000000000000', 'hex'),
  'video/mp4': Buffer.from('0000001866747970697336d0000000', 'hex'),
  'application/pdf': Buffer.from('%PDF-1.4\n%%EOF\n', 'latin1'),
};

export function sampleFile(mimeType: string): MediaFile {
  const kind = mimeType.split(';')[0]?.trim() ?? mimeType;
  return { mimeType, bytes: SAMPLES[kind] ?? Buffer.from('sample', 'latin1') };
}

function uploadedType(request: GraphRequest): string {
  const text = Buffer.from(request.body as Uint8Array).toString('latin1');
  const field = /name="type"\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]+)/.exec(text);
  const part = /filename="[^"]*"\r?\nContent-Type: ([^\r\n]+)/i.exec(text);
  return field?.[1] ?? part?.[1] ?? 'application/octet-stream';
}

export function createMediaShelf(settings: Settings, ids: IdMaker): MediaShelf {
  const files = new Map<string, MediaFile>();
  const put = (mediaId: string, file: MediaFile): void => {
    files.set(mediaId, file);
    if (files.size <= FILES_MAX) return;
    const oldest = files.keys().next().value;
    if (oldest !== undefined) files.delete(oldest);
  };
  return {
    put,
    upload(request) {
      const id = ids.mediaId();
      put(id, sampleFile(uploadedType(request)));
      return { id };
    },
    handle(method, mediaId) {
      const file = files.get(mediaId);
      if (!file || (method !== 'GET' && method !== 'DELETE')) return null;
      if (method === 'DELETE') {
        files.delete(mediaId);
        return jsonAnswer(200, { success: true });
      }
      return jsonAnswer(200, {
        messaging_product: 'whatsapp',
        url: `${settings.publicUrl}/whatsapp_business/attachments/?mid=${mediaId}`,
        mime_type: file.mimeType,
        sha256: createHash('sha256').update(file.bytes).digest('hex'),
        file_size: file.bytes.length,
        id: mediaId,
      });
    },
    download: (mediaId) => files.get(mediaId) ?? null,
    clear: () => files.clear(),
  };
}
