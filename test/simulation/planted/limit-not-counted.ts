import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const limitNotCounted: Variant = {
  name: 'limitNotCounted',
  breaks: ['limits'],
  what: 'A limit remembers that something was taken, and not how much.',
  statement: replacing('SET used = used + excluded.used', 'SET used = max(used, excluded.used)'),
};
