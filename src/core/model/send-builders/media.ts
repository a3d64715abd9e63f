/**
 * Files: each by the id that an upload of the same number returned, or by a link that Meta fetches. An id is the safer
 * one: a link that cannot be fetched fails after the message was accepted.
 */
import type { SendBody, SendFile } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, file, words } from './fields.ts';

function captioned(kind: string, given: SendFile, caption: string | undefined) {
  const own = file(kind, given);
  return caption === undefined
    ? own
    : { ...own, caption: words(`${kind}.caption`, caption, sendLimits.captionCharsMax) };
}

/** A jpeg or png of at most 5 MB. @throws BadSend */
export function image(given: SendFile, options: { caption?: string } = {}): SendBody {
  return { type: 'image', image: captioned('image', given, options.caption) };
}

/** An mp4 or 3gp of at most 16 MB, with one track of sound or none. @throws BadSend */
export function video(given: SendFile, options: { caption?: string } = {}): SendBody {
  return { type: 'video', video: captioned('video', given, options.caption) };
}

/** A recording of at most 16 MB; as `voice` it must be ogg with opus, mono. @throws BadSend */
export function audio(given: SendFile, options: { voice?: boolean } = {}): SendBody {
  const own = file('audio', given);
  return { type: 'audio', audio: options.voice === undefined ? own : { ...own, voice: options.voice } };
}

/** A file of at most 100 MB; the name is what the phone shows. @throws BadSend */
export function document(given: SendFile, options: { caption?: string; filename?: string } = {}): SendBody {
  const { filename } = options;
  const own = captioned('document', given, options.caption);
  const named = filename === undefined ? {} : { filename: fileName('document.filename', filename) };
  return { type: 'document', document: { ...own, ...named } };
}

/** A webp of 512 by 512, of at most 100 kB, or 500 kB where it moves. @throws BadSend */
export function sticker(given: SendFile): SendBody {
  return { type: 'sticker', sticker: file('sticker', given) };
}

/** A name is shown and may be written to the customer's disk: no folders in it. @throws BadSend */
export function fileName(field: string, written: string): string {
  const name = words(field, written, sendLimits.filenameCharsMax);
  if (!/[/\\]|\p{Cc}/u.test(name)) return name;
  throw new BadSend({ field, what: 'holds a slash or a control character', hint: 'Give the bare name.' });
}
