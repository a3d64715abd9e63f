import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const answersTheUnseen: Variant = {
  name: 'answersTheUnseen',
  breaks: ['I9'],
  what: 'What is said ends all that stands before it in the mailbox, also what its dialog sees only afterwards.',
  statement: replacing('AND position NOT IN (SELECT value FROM json_each(?))', 'AND ? IS NOT NULL'),
};
