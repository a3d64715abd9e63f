/** Header, body and footer, which most interactive messages share and each kind allows differently. */
import { type JsonObject, readObject, readString } from '../../control/json-reading.ts';
import {
  checkOneOf,
  checkText,
  type Findings,
  invalid,
  type MediaKind,
  missing,
  type Refusal,
} from '../checks.ts';
import { checkFile } from '../media.ts';

export const FOOTER_CHARS_MAX = 60;
export const HEADER_CHARS_MAX = 60;
export const BODY_CHARS_MAX = 1_024;
const MEDIA_HEADERS: ReadonlySet<string> = new Set<MediaKind>(['image', 'video', 'document']);

export interface Frame {
  readonly header: 'none' | 'text' | 'requiredText' | 'media' | 'any';
  readonly body: 'required' | 'optional';
  readonly bodyCharsMax?: number;
}

export function checkHeader(
  value: unknown,
  allowed: Frame['header'],
  path: string,
  found: Findings,
): Refusal | null {
  if (value === undefined) return allowed === 'requiredText' ? missing(path) : null;
  const header = readObject(value);
  if (!header) return invalid(`${path} must be an object.`);
  if (allowed === 'none') return invalid(`${path} is not allowed for this interactive type.`);
  const types = [
    ...(allowed === 'media' ? [] : ['text']),
    ...(allowed === 'any' || allowed === 'media' ? MEDIA_HEADERS : []),
  ];
  const wrongType = checkOneOf(header.type, `${path}['type']`, types);
  if (wrongType) return wrongType;
  if (header.type === 'text') return checkText(header.text, `${path}['text']`, HEADER_CHARS_MAX);
  const kind = readString(header.type) as MediaKind;
  const file = readObject(header[kind]);
  return file ? checkFile(file, kind, `${path}['${kind}']`, found) : missing(`${path}['${kind}']`);
}

export function checkFrame(content: JsonObject, frame: Frame, found: Findings): Refusal | null {
  const body = readObject(content.body);
  const charsMax = frame.bodyCharsMax ?? BODY_CHARS_MAX;
  if (content.body !== undefined || frame.body === 'required') {
    const wrong = checkText(body?.text, "interactive['body']['text']", charsMax);
    if (wrong) return wrong;
  }
  if (content.footer !== undefined) {
    const footer = readObject(content.footer);
    const wrong = checkText(footer?.text, "interactive['footer']['text']", FOOTER_CHARS_MAX);
    if (wrong) return wrong;
  }
  return checkHeader(content.header, frame.header, "interactive['header']", found);
}
