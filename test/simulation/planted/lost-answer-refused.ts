import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const lostAnswerRefused: Variant = {
  name: 'lostAnswerRefused',
  breaks: ['I11'],
  what: 'An answer that got lost is taken for a refusal.',
  statement: replacing(
    "SET state = 'uncertain', uncertain_since_ms = ?, uncertain_window_ms",
    "SET state = 'refused', uncertain_since_ms = ?, uncertain_window_ms",
  ),
};
