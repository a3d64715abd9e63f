import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const earlyStatusLost: Variant = {
  name: 'earlyStatusLost',
  breaks: ['statuses', 'I9'],
  what: 'Statuses that came before the answer are forgotten.',
  statement: replacing(
    'SELECT status, at_ms, error_code FROM status_unmatched WHERE',
    'SELECT status, at_ms, error_code FROM status_unmatched WHERE 0 AND',
  ),
};
