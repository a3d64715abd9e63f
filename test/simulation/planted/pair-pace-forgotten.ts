import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const pairPaceForgotten: Variant = {
  name: 'pairPaceForgotten',
  breaks: ['I6'],
  what: 'What was taken of the pace of a pair is not stored.',
  statement: replacing('SET pair_tat_ms = ? WHERE', 'SET pair_tat_ms = 0 * ? WHERE'),
};
