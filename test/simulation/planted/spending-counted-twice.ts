import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const spendingCountedTwice: Variant = {
  name: 'spendingCountedTwice',
  breaks: ['I7'],
  what: 'The second cost that is settled on a day is counted for it twice.',
  statement: replacing(
    'spent_micros = spent_micros + excluded.spent_micros',
    'spent_micros = spent_micros + 2 * excluded.spent_micros',
  ),
};
