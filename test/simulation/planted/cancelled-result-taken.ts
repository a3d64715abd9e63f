import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const cancelledResultTaken: Variant = {
  name: 'cancelledResultTaken',
  breaks: ['I8'],
  what: 'The result of an activity that was cancelled is stored as if it still ran.',
  statement: replacing(
    'SELECT a.conversation_id, a.state, a.owner_id, coalesce(',
    "SELECT a.conversation_id, 'running' AS state, a.owner_id, coalesce(",
  ),
};
