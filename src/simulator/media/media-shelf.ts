/**
 * The files: what contacts sent (fetchable for 7 days) and what businesses uploaded (30 days, only by the number that did).
 * Nothing is fetched by id directly: an id gives an address that lives five minutes, and the address wants the token.
 * The address tells its own end and is signed, as Meta's is, so that no list of addresses is kept.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Settings } from '../settings.ts';
import type { IdMaker } from '../wamid.ts';

export interface MediaFile {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

export interface KeptFile extends MediaFile {
  /** The number it came to or was uploaded by; null: any. */
  readonly phoneNumberId: string | null;
  readonly isUpload: boolean;
  /** Null: it does not age, because whoever put it here had no time to tell. */
  readonly atMs: number | null;
  sha256: string | null;
}

export interface MediaShelf {
  /** Puts a file that a contact sent under an id that is already known. */
  put(mediaId: string, file: MediaFile, from?: { phoneNumberId: string; nowMs: number }): void;
  upload(file: MediaFile, from: { phoneNumberId: string; nowMs: number }): string;
  /** Null when there is none, or its days are over. */
  find(mediaId: string, nowMs: number): KeptFile | null;
  remove(mediaId: string): void;
  urlOf(mediaId: string, nowMs: number): string;
  /** The file behind an address, from the address's query; null when the address is wrong or over. */
  open(query: Readonly<Record<string, string>>, nowMs: number): MediaFile | null;
  /** By id, whatever the time. */
  download(mediaId: string): MediaFile | null;
  clear(): void;
}

const FILES_MAX = 10_000;
const BYTES_MAX = 512 * 1_024 * 1_024;
const DAY_MS = 24 * 3_600_000;
export const INBOUND_LIFE_MS = 7 * DAY_MS;
export const UPLOAD_LIFE_MS = 30 * DAY_MS;
export const MEDIA_URL_LIFE_MS = 5 * 60_000;

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

export function sha256Of(file: KeptFile): string {
  file.sha256 ??= createHash('sha256').update(file.bytes).digest('hex');
  return file.sha256;
}

const lifeOf = (file: KeptFile): number => (file.isUpload ? UPLOAD_LIFE_MS : INBOUND_LIFE_MS);

class Shelf implements MediaShelf {
  readonly #files = new Map<string, KeptFile>();
  readonly #settings: Settings;
  readonly #ids: IdMaker;
  #bytes = 0;

  constructor(settings: Settings, ids: IdMaker) {
    this.#settings = settings;
    this.#ids = ids;
  }

  put(mediaId: string, file: MediaFile, from?: { phoneNumberId: string; nowMs: number }): void {
    const { phoneNumberId = null, nowMs: atMs = null } = from ?? {};
    this.#keep(mediaId, { ...file, phoneNumberId, isUpload: false, atMs, sha256: null });
  }

  upload(file: MediaFile, from: { phoneNumberId: string; nowMs: number }): string {
    const mediaId = this.#ids.mediaId();
    const { phoneNumberId, nowMs: atMs } = from;
    this.#keep(mediaId, { ...file, phoneNumberId, isUpload: true, atMs, sha256: null });
    return mediaId;
  }

  find(mediaId: string, nowMs: number): KeptFile | null {
    const file = this.#files.get(mediaId);
    if (!file) return null;
    if (file.atMs === null || nowMs - file.atMs < lifeOf(file)) return file;
    this.remove(mediaId);
    return null;
  }

  remove(mediaId: string): void {
    this.#bytes -= this.#files.get(mediaId)?.bytes.length ?? 0;
    this.#files.delete(mediaId);
  }

  urlOf(mediaId: string, nowMs: number): string {
    const ext = String(Math.ceil((nowMs + MEDIA_URL_LIFE_MS) / 1_000));
    const query = new URLSearchParams({
      mid: mediaId,
      source: 'getMedia',
      ext,
      hash: this.#sign(mediaId, ext),
    });
    return `${this.#settings.publicUrl}/whatsapp_business/attachments/?${query}`;
  }

  open(query: Readonly<Record<string, string>>, nowMs: number): MediaFile | null {
    const { mid = '', ext, hash } = query;
    const file = this.find(mid, nowMs);
    if (!file) return null;
    // The address in a webhook has no end of its own: it is as old as its message.
    const endsAtMs = ext === undefined ? (file.atMs ?? nowMs) + MEDIA_URL_LIFE_MS : Number(ext) * 1_000;
    const isGenuine = ext === undefined || hash === this.#sign(mid, ext);
    return isGenuine && nowMs < endsAtMs ? file : null;
  }

  download(mediaId: string): MediaFile | null {
    return this.#files.get(mediaId) ?? null;
  }

  clear(): void {
    this.#files.clear();
    this.#bytes = 0;
  }

  #sign(mediaId: string, ext: string): string {
    const { appSecret } = this.#settings;
    return `AT${createHmac('sha256', appSecret).update(`${mediaId} ${ext}`).digest('base64url').slice(0, 40)}`;
  }

  /** The oldest give way, as if their days were over. */
  #keep(mediaId: string, file: KeptFile): void {
    this.remove(mediaId);
    this.#files.set(mediaId, file);
    this.#bytes += file.bytes.length;
    while (this.#files.size > FILES_MAX || this.#bytes > BYTES_MAX) {
      const oldest = this.#files.keys().next().value;
      if (oldest === undefined || oldest === mediaId) return;
      this.remove(oldest);
    }
  }
}

export function createMediaShelf(settings: Settings, ids: IdMaker): MediaShelf {
  return new Shelf(settings, ids);
}
