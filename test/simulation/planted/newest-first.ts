import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const newestFirst: Variant = {
  name: 'newestFirst',
  breaks: ['I3'],
  what: 'A turn takes the newest event of its mailbox.',
  statement: replacing(
    'AND end IS NULL ORDER BY position LIMIT ?',
    'AND end IS NULL ORDER BY position DESC LIMIT min(?, 1)',
  ),
};
