/** Sending files from a phone: put on the simulator's shelf first, then said. */
import type { Place } from '../data/control.ts';
import { upload } from '../data/media.ts';
import { type Said, speak } from '../data/outbox.ts';

export interface FileToSend {
  readonly type: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  readonly file: Blob;
  readonly name: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Throws with what is wrong with the file, in the simulator's words. */
export async function sendFile(place: Place, { type, file, name, extra }: FileToSend): Promise<void> {
  const { mediaId, mimeType, sha256 } = await upload(place.phoneNumberId, file, name);
  const said: Said = {
    type,
    mediaId,
    mimeType,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(type === 'document' ? { filename: name } : {}),
    ...extra,
  };
  speak(place, said);
}

/** As WhatsApp would send what a person picked: everything that is no picture and no film goes as a document. */
export function typeOfFile(file: Blob): FileToSend['type'] {
  if (file.type === 'image/jpeg' || file.type === 'image/png') return 'image';
  if (file.type === 'video/mp4' || file.type === 'video/3gpp') return 'video';
  return file.type.startsWith('audio/') ? 'audio' : 'document';
}
