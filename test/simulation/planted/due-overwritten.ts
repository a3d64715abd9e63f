import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const dueOverwritten: Variant = {
  name: 'dueOverwritten',
  breaks: ['liveness'],
  what: 'A turn clears the due time of its conversation, also where a message came while it ran.',
  statement: replacing(
    'state_label = ?, due_at_ms = ?,',
    'state_label = ?, due_at_ms = nullif(?, NULL) + NULL,',
  ),
};
