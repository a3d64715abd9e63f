import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const cancelledResultTaken: Variant = {
  name: 'cancelledResultTaken',
  breaks: ['I8'],
  what: 'The result of an activity that was cancelled is stored as if it still ran.',
  statement: replacing(
    'SELECT conversation_id, state, owner_id FROM activity',
    "SELECT conversation_id, 'running' AS state, owner_id FROM activity",
  ),
};
