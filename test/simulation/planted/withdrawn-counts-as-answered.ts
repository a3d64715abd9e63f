import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const withdrawnCountsAsAnswered: Variant = {
  name: 'withdrawnCountsAsAnswered',
  breaks: ['I9'],
  what: 'What an answer was for that was taken back unsent still counts as answered.',
  statement: replacing(
    "SET end = 'seenByOperator' WHERE tenant_id = ?1 AND end = 'answered'",
    "SET end = 'seenByOperator' WHERE 0 AND tenant_id = ?1 AND end = 'answered'",
  ),
};
