/**
 * Cuts a text that is too long for one message into parts that read well: before a paragraph, else after a line or a
 * sentence, else between words, else between graphemes. A fenced code block (```) stays whole where it fits into one
 * part, and is fenced again on both sides of a cut where it does not.
 *
 * Invariants: no part is longer than `max` code points or blank; no character but space is lost; a cut is made in
 * the second half of a part (or before a block that would be cut), so the number of parts is bounded by the length.
 */
import { limits } from '../limits.ts';

const graphemeSegmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Length as Meta's limits count it (see `send-limits.ts`). */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Length as a person counts it. */
export function graphemes(text: string): number {
  let count = 0;
  for (const _ of graphemeSegmenter.segment(text)) count++;
  return count;
}

/** Parts of at most `max` code points, in order; none for a blank text. */
export function splitText(text: string, max: number = limits.textCharsMax): string[] {
  if (!Number.isInteger(max) || max < 1)
    throw new RangeError(`splitText needs a whole max of at least 1, not ${max}.`);
  const parts: string[] = [];
  let rest = text;
  while (rest.trim() !== '') {
    const window = indexAfter(rest, max);
    if (window === rest.length) {
      parts.push(rest);
      break;
    }
    const cut = chooseCut(rest, window, max);
    if (cut.part.trim() !== '') parts.push(cut.part);
    rest = cut.rest;
  }
  return parts;
}

interface Cut {
  part: string;
  rest: string;
}

/** A fenced block: `start` is its opening line, `end` is after its closing line (or the text, if it has none). */
interface Block {
  start: number;
  end: number;
  opening: string;
}

function chooseCut(text: string, window: number, max: number): Cut {
  const half = indexAfter(text, Math.floor(max / 2));
  const blocks = blocksBefore(text, window, max);
  const straddling = blocks.find((block) => block.start < window && window < block.end);
  if (straddling === undefined) return cutAt(text, plainCut(text, { from: half, to: window, blocks }));
  if (straddling.start > 0) {
    const blank = text.slice(0, straddling.start).trim() === '';
    const fits = indexAfter(text.slice(straddling.start), max) >= straddling.end - straddling.start;
    if (blank || fits || straddling.start >= half) return cutAt(text, straddling.start);
  }
  return cutInBlock(text, straddling, max);
}

function cutAt(text: string, index: number): Cut {
  return { part: text.slice(0, index).trimEnd(), rest: text.slice(index).trimStart() };
}

/** The part gets a closing fence and the rest an opening one, so that both show as code. */
function cutInBlock(text: string, block: Block, max: number): Cut {
  const closing = '\n```';
  const window = indexAfter(text, max - closing.length);
  const codeStart = block.start + block.opening.length + 1;
  const from = Math.max(codeStart, indexAfter(text, Math.floor(max / 2)));
  const index =
    lastOf(text, { from, to: window, marks: [/\n/gu, /\s/gu] }) ?? graphemeCut(text, window, codeStart);
  const part = text.slice(0, index).trimEnd() + closing;
  const onlyClosing = /^\s*```[^\S\n]*(?:\n|$)/u.exec(text.slice(index, block.end));
  if (onlyClosing !== null) return { part, rest: text.slice(index + onlyClosing[0].length).trimStart() };
  return { part, rest: `${block.opening}\n${text.slice(index)}` };
}

/**
 * Blocks that start before `window`. One whose fences would eat a part (a tiny `max`, an endless opening line) counts as
 * plain text, so that every cut takes more than it adds. WhatsApp also closes a block at the end of a line of code.
 */
function blocksBefore(text: string, window: number, max: number): Block[] {
  const blocks: Block[] = [];
  let open: { start: number; opening: string } | undefined;
  for (const match of text.matchAll(/^.*```.*$/gmu)) {
    const [line] = match;
    if (open !== undefined) {
      if (!line.trimEnd().endsWith('```')) continue;
      blocks.push({ ...open, end: match.index + line.length });
      open = undefined;
    } else if (match.index >= window) {
      break;
    } else if (/^ {0,3}```[^`]*$/u.test(line)) {
      open = { start: match.index, opening: line };
    }
  }
  if (open !== undefined) blocks.push({ ...open, end: text.length });
  return blocks.filter((block) => codePoints(block.opening) + 5 <= max / 4);
}

const paragraphMarks = [/\n[^\S\n]*\n\s*/gu];
/** A sentence ends with its closing quotes and brackets; Chinese and Japanese put no space after it. */
const sentenceMarks = [/\n|[.!?…؟।]["'”’»)\]]*\s+|[。！？][”’」』）]*\s*/gu];
const wordMarks = [/\s+/gu];

function plainCut(text: string, { from, to, blocks }: { from: number; to: number; blocks: Block[] }): number {
  const open = (index: number) => !blocks.some((block) => block.start < index && index < block.end);
  const edges = blocks.flatMap((block) => [block.start, block.end]);
  const paragraph = lastOf(text, { from, to, marks: paragraphMarks, open }) ?? 0;
  const best = Math.max(paragraph, ...edges.filter((edge) => edge > 0 && edge >= from && edge <= to));
  if (best > 0) return best;
  return (
    lastOf(text, { from, to, marks: sentenceMarks, open }) ??
    lastOf(text, { from, to, marks: wordMarks, open }) ??
    graphemeCut(text, to, 0)
  );
}

interface Search {
  from: number;
  to: number;
  /** In order of preference. */
  marks: RegExp[];
  open?: (index: number) => boolean;
}

/**
 * The last place after a mark between `from` and `to` that is allowed and cuts no grapheme. The space that follows `to`
 * counts as inside, because it is dropped at a cut.
 */
function lastOf(text: string, { from, to, marks, open = () => true }: Search): number | undefined {
  const spaceAfter = /^\s*/u.exec(text.slice(to))?.[0].length ?? 0;
  const stretch = text.slice(0, to + spaceAfter);
  const segments = graphemeSegmenter.segment(text.slice(0, stretch.length + 2));
  for (const mark of marks) {
    mark.lastIndex = from;
    const ends = [...stretch.matchAll(mark)].map((match) => match.index + match[0].length);
    const found = ends.findLast((end) => open(end) && (segments.containing(end)?.index ?? end) === end);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Before the grapheme that crosses `to`, or through it where it alone is longer than a part. */
function graphemeCut(text: string, to: number, after: number): number {
  const stretch = text.slice(after, to + 2 * (to - after));
  const crossing = graphemeSegmenter.segment(stretch).containing(to - after);
  if (crossing === undefined || crossing.index === 0) return to;
  return crossing.segment.length <= to - after ? after + crossing.index : to;
}

/** Code unit index after `count` code points, or the end. Never between the halves of a surrogate pair. */
function indexAfter(text: string, count: number): number {
  let index = 0;
  for (let passed = 0; passed < count && index < text.length; passed++) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}
