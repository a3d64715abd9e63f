/** Header, body and footer, which interactive messages share and each allows differently. */
import type { InteractiveHeader, SendFile } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, file, words } from './fields.ts';
import { fileName } from './media.ts';

/** A line of text, or one file above the body. */
export type Header =
  | string
  | { image: SendFile }
  | { video: SendFile }
  | { document: SendFile; filename?: string };

export interface FrameInput {
  header?: Header;
  body: string;
  footer?: string;
}

export function headerOf(given: Header, at = 'interactive.header'): InteractiveHeader {
  if (typeof given === 'string')
    return { type: 'text', text: words(`${at}.text`, given, sendLimits.headerCharsMax) };
  if ('image' in given) return { type: 'image', image: file(`${at}.image`, given.image) };
  if ('video' in given) return { type: 'video', video: file(`${at}.video`, given.video) };
  const named =
    given.filename === undefined ? {} : { filename: fileName(`${at}.document.filename`, given.filename) };
  return { type: 'document', document: { ...file(`${at}.document`, given.document), ...named } };
}

/** @throws BadSend */
export function frameOf(
  { header, body, footer }: FrameInput,
  bodyCharsMax: number = sendLimits.bodyCharsMax,
): { header?: InteractiveHeader; body: { text: string }; footer?: { text: string } } {
  return {
    ...(header === undefined ? {} : { header: headerOf(header) }),
    body: { text: words('interactive.body.text', body, bodyCharsMax) },
    ...(footer === undefined ? {} : { footer: footerOf(footer) }),
  };
}

/** @throws BadSend */
export function footerOf(footer: string): { text: string } {
  return { text: words('interactive.footer.text', footer, sendLimits.footerCharsMax) };
}

/** @throws BadSend where the header is a file: this type takes a text. */
export function textHeaderOf(header: Header): InteractiveHeader {
  if (typeof header === 'string') return headerOf(header);
  throw new BadSend({
    field: 'interactive.header',
    what: 'is a file, and this type takes only a text there',
    hint: 'Send the file as a message of its own.',
  });
}
