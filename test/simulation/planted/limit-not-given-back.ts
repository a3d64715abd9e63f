import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const limitNotGivenBack: Variant = {
  name: 'limitNotGivenBack',
  breaks: ['I7'],
  what: 'What an activity certainly did not cost still counts for its limits.',
  statement: replacing('SET used = used - ?1, returned', 'SET used = used - 0 * ?1, returned'),
};
