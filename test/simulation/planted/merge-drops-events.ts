import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const mergeDropsEvents: Variant = {
  name: 'mergeDropsEvents',
  breaks: ['I3', 'I9'],
  what: 'A merge deletes what it should take over from the mailbox of the lost conversation.',
  statement: replacing(
    'UPDATE event SET conversation_id = ?, position = ? WHERE',
    'DELETE FROM event WHERE ? IS NOT NULL AND ? IS NOT NULL AND',
  ),
};
