import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const cursorConsumption: Variant = {
  name: 'cursorConsumption',
  breaks: ['I3', 'I9'],
  what: 'An answer ends everything in the mailbox, as a cursor would, also what no turn has seen.',
  statement: replacing(
    "AND end = 'awaiting' AND position <= ?",
    "AND (end = 'awaiting' OR end IS NULL) AND position <= ? + 1000",
  ),
};
