/**
 * What Meta takes in one message. These are not ours to set: a send beyond them is refused, often minutes later and in
 * a webhook, so the builders refuse it at once. Lengths are in code points: Meta does not say what it counts, and a code
 * point is never less than a letter on the screen. Where Meta's pages differ, the smaller number stands here.
 *
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */
export const sendLimits = {
  captionCharsMax: 1_024,
  filenameCharsMax: 240,
  linkCharsMax: 2_000,
  /** Of a place's name and address, and of a card's written name. */
  lineCharsMax: 1_000,
  contactCardsMax: 257,
  /** Of an interactive message, except a list's. */
  bodyCharsMax: 1_024,
  listBodyCharsMax: 4_096,
  headerCharsMax: 60,
  footerCharsMax: 60,
  buttonsMax: 3,
  buttonIdCharsMax: 256,
  buttonTitleCharsMax: 20,
  sectionsMax: 10,
  sectionTitleCharsMax: 24,
  /** Over all sections. */
  rowsMax: 10,
  rowIdCharsMax: 200,
  rowTitleCharsMax: 24,
  rowDescriptionCharsMax: 72,
  /** Meta's pages say 20 here and 30 there. */
  waFlowButtonCharsMax: 20,
  waFlowTokenCharsMax: 4_096,
  /** Of a catalog, a product, a screen or a waFlow. */
  nameCharsMax: 200,
  /** Over all sections. */
  productsMax: 30,
  cardsMin: 2,
  cardsMax: 10,
  cardBodyCharsMax: 160,
  /** On each card; all cards have as many. */
  cardButtonsMax: 3,
  templateNameCharsMax: 512,
  templateLanguageCharsMax: 15,
  templateButtonsMax: 10,
  /** Of these ten. */
  templateUrlButtonsMax: 2,
  templateCouponButtonsMax: 1,
  templateParameterCharsMax: 1_024,
  couponCodeCharsMax: 20,
} as const;

/** What Meta takes as a file of each kind; a file beyond it fails after it was accepted. */
export const fileLimits = {
  image: { bytesMax: 5 * 1024 * 1024, mimeTypes: ['image/jpeg', 'image/png'] },
  video: { bytesMax: 16 * 1024 * 1024, mimeTypes: ['video/mp4', 'video/3gpp'] },
  audio: {
    bytesMax: 16 * 1024 * 1024,
    mimeTypes: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/opus'],
  },
  /** One that moves; for one that does not see `stillStickerBytesMax`. */
  sticker: { bytesMax: 500 * 1024, mimeTypes: ['image/webp'] },
  document: {
    bytesMax: 100 * 1024 * 1024,
    mimeTypes: [
      'text/plain',
      'application/pdf',
      'application/msword',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.ms-excel',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.ms-powerpoint',
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    ],
  },
} as const satisfies Record<string, { bytesMax: number; mimeTypes: readonly string[] }>;

export const stillStickerBytesMax = 100 * 1024;

export type FileKind = keyof typeof fileLimits;

/** What a file can be sent as, by its MIME type; null where Meta does not take it. */
export function fileKindOf(mimeType: string): FileKind | null {
  const bare = (mimeType.split(';')[0] ?? '').trim().toLowerCase();
  for (const [kind, { mimeTypes }] of Object.entries(fileLimits))
    if ((mimeTypes as readonly string[]).includes(bare)) return kind as FileKind;
  return null;
}

/** The most that a file of this kind may have. A sticker says in its header whether it moves. */
export function fileBytesMaxOf(kind: FileKind, bytes: Uint8Array): number {
  return kind === 'sticker' && !isMovingWebp(bytes) ? stillStickerBytesMax : fileLimits[kind].bytesMax;
}

const flagsAt = 20;
const animationFlag = 0b10;

/** By the flags of its extended header: RIFF, its size, WEBP, VP8X, the chunk's size, flags. */
function isMovingWebp(bytes: Uint8Array): boolean {
  const word = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  return (
    word(0) === 'RIFF' &&
    word(8) === 'WEBP' &&
    word(12) === 'VP8X' &&
    ((bytes[flagsAt] ?? 0) & animationFlag) !== 0
  );
}
