import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const resentWithoutEvidence: Variant = {
  name: 'resentWithoutEvidence',
  breaks: ['I11'],
  what: 'Silence about an uncertain send is taken for evidence, whatever was heard of later ones.',
  statement: replacing('SELECT count(*) AS heard', 'SELECT count(*) + 3 AS heard'),
};
