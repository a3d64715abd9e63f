/**
 * Image, video, audio, document and sticker: by the id of an uploaded file, or by a link that Meta fetches. A link is
 * taken as it is, because nothing is fetched here; a file behind it that fails is the fault `failAfterAccept`.
 */
import { type JsonObject, readString } from '../control/json-reading.ts';
import {
  type Check,
  checkOptionalText,
  checkUrl,
  type Findings,
  invalid,
  type MediaKind,
  missing,
  type Refusal,
} from './checks.ts';

const CAPTION_CHARS_MAX = 1_024;
const FILENAME_CHARS_MAX = 240;
const WITH_CAPTION: ReadonlySet<MediaKind> = new Set(['image', 'video', 'document']);

/** The `id` or `link` of a file, wherever it stands: a message, a header, a template's parameter. */
export function checkFile(file: JsonObject, kind: MediaKind, path: string, found: Findings): Refusal | null {
  const hasLink = file.link !== undefined;
  if (file.id === undefined)
    return hasLink ? checkUrl(file.link, `${path}['link']`) : missing(`${path}['id']`);
  if (hasLink) return invalid(`${path} takes an "id" or a "link", not both.`);
  const id = readString(file.id);
  if (!id) return invalid(`${path}['id'] must be a non-empty string.`);
  found.media.push({ path: `${path}['id']`, kind, id });
  return null;
}

export const mediaCheck =
  (kind: MediaKind): Check =>
  (content, found) => {
    if (content.caption !== undefined && !WITH_CAPTION.has(kind)) {
      return invalid(`${kind} does not take a caption.`);
    }
    if (content.filename !== undefined && kind !== 'document')
      return invalid(`${kind} does not take a filename.`);
    if (content.voice !== undefined && (kind !== 'audio' || typeof content.voice !== 'boolean')) {
      return invalid('voice is a boolean and belongs to audio.');
    }
    return (
      checkFile(content, kind, kind, found) ??
      checkOptionalText(content.caption, `${kind}['caption']`, CAPTION_CHARS_MAX) ??
      checkOptionalText(content.filename, `${kind}['filename']`, FILENAME_CHARS_MAX)
    );
  };
