import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const laneNotKept: Variant = {
  name: 'laneNotKept',
  breaks: ['I3'],
  what: 'A send does not wait for the one before it in its conversation.',
  statement: replacing(
    "state IN ('queued','sending','uncertain') AND ordinal < ? LIMIT 1",
    "state IN ('queued','sending','uncertain') AND ordinal < ? - 1000 LIMIT 1",
  ),
};
