import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const postingForgotten: Variant = {
  name: 'postingForgotten',
  breaks: ['I7'],
  what: 'What a settled cost leaves of its reservation is not posted back.',
  statement: (sql) => notPosted(sql),
};

const notPosted = replacing(
  'from_place, to_place, amount_micros)\n  VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  "from_place, to_place, amount_micros)\n  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT (?6 = 'reserved' AND ?7 = 'budget')",
);
