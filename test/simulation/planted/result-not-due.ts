import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const resultNotDue: Variant = {
  name: 'resultNotDue',
  breaks: ['liveness'],
  what: 'The end of an activity and a timer come into the mailbox without making it due.',
  statement: replacing(
    'position_next = position_next + 1, due_at_ms = min(coalesce(due_at_ms, ?), ?)',
    'position_next = position_next + 1, due_at_ms = iif(? = ?, due_at_ms, due_at_ms)',
  ),
};
