import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const answersNotRemembered: Variant = {
  name: 'answersNotRemembered',
  breaks: ['I9'],
  what: 'The model is not shown what was answered before, so it answers it again.',
  statement: replacing(
    "AND state NOT IN ('withdrawn','refused') AND fence <= ?",
    "AND state NOT IN ('withdrawn','refused') AND fence <= ? - 1000000",
  ),
};
