import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const windowNotKept: Variant = {
  name: 'windowNotKept',
  breaks: ['I11'],
  what: 'The window of an uncertain send is not stored, so that it is over at once.',
  statement: replacing(
    "SET state = 'uncertain', uncertain_since_ms = ?, uncertain_window_ms = ?",
    "SET state = 'uncertain', uncertain_since_ms = ?, uncertain_window_ms = 0 * ?",
  ),
};
