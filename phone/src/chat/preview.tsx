import type { Message } from '../data/history.ts';
import { Tick } from './bubble.tsx';
import { wordsOf } from './wording.ts';

const shownMax = 99;

export function Badge({ count }: { count: number }) {
  return count === 0 ? null : (
    <span class="badge" role="img" aria-label={`${count} new`}>
      {Math.min(count, shownMax)}
    </span>
  );
}

/** The last message in one line. */
export function Preview({ last, instead }: { last: Message | null; instead: string }) {
  if (last === null) return <span class="preview">{instead}</span>;
  return (
    <span class="preview">
      {last.direction === 'in' && <Tick message={last} />}
      {wordsOf(last)}
    </span>
  );
}
