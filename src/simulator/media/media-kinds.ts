/**
 * Which files Meta takes, and how large they may be. The type that counts is the one the file's own part states, not the
 * form's `type` field, which surprises everyone once.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media.
 */
import type { MediaKind } from '../sending/checks.ts';

const MEGABYTE = 1_024 * 1_024;
export const DOCUMENT_BYTES_MAX = 100 * MEGABYTE;
const STICKER_BYTES_MAX = 100 * 1_024;
const ANIMATED_STICKER_BYTES_MAX = 500 * 1_024;

const TYPES: Readonly<Record<Exclude<MediaKind, 'document'>, readonly string[]>> = {
  audio: ['audio/aac', 'audio/mp4', 'audio/mpeg', 'audio/amr', 'audio/ogg', 'audio/opus'],
  image: ['image/jpeg', 'image/png'],
  sticker: ['image/webp'],
  video: ['video/mp4', 'video/3gpp'],
};

const DOCUMENT_TYPES = [
  'application/vnd.ms-powerpoint',
  'application/msword',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/pdf',
  'text/plain',
  'application/vnd.ms-excel',
];

const BYTES_MAX: Readonly<Record<MediaKind, number>> = {
  audio: 16 * MEGABYTE,
  image: 5 * MEGABYTE,
  sticker: ANIMATED_STICKER_BYTES_MAX,
  video: 16 * MEGABYTE,
  document: DOCUMENT_BYTES_MAX,
};

export const UPLOADABLE_TYPES: readonly string[] = [
  ...TYPES.audio,
  ...DOCUMENT_TYPES,
  ...TYPES.image,
  ...TYPES.sticker,
  ...TYPES.video,
];

/** Without parameters, as in `audio/ogg; codecs=opus`. */
export const bareType = (mimeType: string): string => (mimeType.split(';')[0] ?? '').trim().toLowerCase();

export function kindOfType(mimeType: string): MediaKind | null {
  const bare = bareType(mimeType);
  for (const kind of ['audio', 'image', 'sticker', 'video'] as const) {
    if (TYPES[kind].includes(bare)) return kind;
  }
  return DOCUMENT_TYPES.includes(bare) ? 'document' : null;
}

export const bytesMaxOf = (kind: MediaKind): number => BYTES_MAX[kind];

/** A WebP file with the animation flag in its extended header. */
export function isAnimatedWebp(bytes: Uint8Array): boolean {
  const isExtended = Buffer.from(bytes.subarray(12, 16)).toString('latin1') === 'VP8X';
  return isExtended && ((bytes[20] ?? 0) & 0x02) !== 0;
}

/** Why a file cannot be sent as this kind, in the words of a failed status, or null. */
export function wrongFor(kind: MediaKind, file: { mimeType: string; bytes: Uint8Array }): string | null {
  const bare = bareType(file.mimeType);
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  if (kind !== 'document' && !TYPES[kind].includes(bare)) {
    return `Unsupported ${name} mime type ${bare}. Please use one of ${TYPES[kind].join(', ')}.`;
  }
  const bytesMax = kind === 'sticker' && !isAnimatedWebp(file.bytes) ? STICKER_BYTES_MAX : BYTES_MAX[kind];
  return file.bytes.length > bytesMax
    ? `${name} file size ${file.bytes.length} is over the limit of ${bytesMax} bytes.`
    : null;
}
