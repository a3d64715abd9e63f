import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const rescueNotDue: Variant = {
  name: 'rescueNotDue',
  breaks: ['liveness'],
  what: 'A lease that ran out is freed, and its conversation is not due again.',
  statement: replacing(
    'fence = fence + 1, due_at_ms = min(coalesce(due_at_ms, ?), ?)',
    'fence = fence + 1, due_at_ms = iif(? = ?, due_at_ms, due_at_ms)',
  ),
};
