/** What later messages say about earlier ones: reactions, edits and deletions are messages too, but have no bubble. */
import type { Message } from '../data/history.ts';
import { readObject, readText } from './reading.ts';

export interface Marks {
  /** The customer's reaction. */
  readonly mine?: string;
  readonly theirs?: string;
  readonly editedText?: string;
  readonly isRevoked?: boolean;
}

export const isMark = ({ type }: Message): boolean =>
  type === 'reaction' || type === 'edit' || type === 'revoke';

function markOf(message: Message): { wamid: string; marks: Marks } | null {
  const body = readObject(message.body);
  if (message.type === 'reaction') {
    const wamid = readText(body.message_id);
    const emoji = readText(body.emoji) ?? '';
    if (wamid === undefined || message.status === 'failed') return null;
    return { wamid, marks: message.direction === 'in' ? { mine: emoji } : { theirs: emoji } };
  }
  const wamid = readText(body.original_message_id) ?? readText(body.originalMessageId);
  if (wamid === undefined) return null;
  if (message.type === 'revoke') return { wamid, marks: { isRevoked: true } };
  return { wamid, marks: { editedText: message.text ?? '' } };
}

/** By the wamid of what is marked. The same marks are the same object as before, so nothing is drawn for them. */
export function marksOf(
  messages: readonly Message[],
  before: ReadonlyMap<string, Marks>,
): ReadonlyMap<string, Marks> {
  const found = new Map<string, Marks>();
  for (const message of messages) {
    const mark = isMark(message) ? markOf(message) : null;
    if (mark) found.set(mark.wamid, { ...found.get(mark.wamid), ...mark.marks });
  }
  for (const [wamid, marks] of found) {
    const known = before.get(wamid);
    if (known && JSON.stringify(known) === JSON.stringify(marks)) found.set(wamid, known);
  }
  return found;
}
