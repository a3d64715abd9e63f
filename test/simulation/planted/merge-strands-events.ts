import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const mergeStrandsEvents: Variant = {
  name: 'mergeStrandsEvents',
  breaks: ['liveness'],
  what: 'A merge leaves events in the mailbox of the lost conversation, from which no turn takes any more.',
  statement: replacing(
    'UPDATE event SET conversation_id = ?, position = ? WHERE',
    'UPDATE event SET conversation_id = conversation_id WHERE ? IS NULL AND ? IS NULL AND',
  ),
};
