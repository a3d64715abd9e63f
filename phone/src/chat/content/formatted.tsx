/** WhatsApp's own marks in a text: *bold*, _italic_, ~struck~, `code`, and addresses that can be followed. */
import type { ComponentChildren } from 'preact';

const marks = {
  '*': (inside: ComponentChildren) => <b>{inside}</b>,
  _: (inside: ComponentChildren) => <i>{inside}</i>,
  '~': (inside: ComponentChildren) => <s>{inside}</s>,
} as const;

const code = '```([\\s\\S]+?)```|`([^`\\n]+)`';
const link = '(https?:\\/\\/[^\\s<>"]*[^\\s<>"\'.,;:!?)\\]}])';
/** A mark stands at the edge of a word, and what it encloses begins and ends with something that can be seen. */
const marked = '(?<![\\p{L}\\p{N}])([*_~])(?=\\S)([^\\n]*?\\S)\\4(?![\\p{L}\\p{N}])';
const depthMax = 3;

const pattern = new RegExp(`${code}|${link}|${marked}`, 'gu');

function partsOf(text: string, depth: number): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const [all, block, inline, address, mark, inside = ''] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    at = match.index + all.length;
    const written = block ?? inline;
    if (written !== undefined) parts.push(<code>{written}</code>);
    else if (address !== undefined) {
      parts.push(
        <a href={address} target="_blank" rel="noopener noreferrer">
          {address}
        </a>,
      );
    } else
      parts.push(marks[mark as keyof typeof marks](depth < depthMax ? partsOf(inside, depth + 1) : inside));
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

export function Formatted({ text }: { text: string }) {
  return <>{partsOf(text, 0)}</>;
}
