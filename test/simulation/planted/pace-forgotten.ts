import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const paceForgotten: Variant = {
  name: 'paceForgotten',
  breaks: ['I6'],
  what: 'What was taken of a pace is not stored.',
  statement: replacing('SET tat_ms = excluded.tat_ms, speed', 'SET tat_ms = 0, speed'),
};
